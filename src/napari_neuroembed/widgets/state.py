"""What all widgets of one viewer share: the open project and where one looks in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from psygnal import Signal

from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.recording import Recording


class ProjectState:
    """The open project, the recording, run and moment looked at; knows no window.

    Every setter emits its signal only when something changes, so that two views of the
    same value may follow each other without an endless loop.

    Attributes
    ----------
    project_changed, recording_changed, run_changed, time_changed
        Emitted with the new project (or None), the name of the recording or run ("" is
        none) and the time in seconds on the recording's clock.
    data_changed
        Something on the disk is new: a recording, derived data, a run. Look again.
    labels_changed
        Bouts or actions were changed by a widget of this viewer.
    """

    project_changed = Signal(object)
    recording_changed = Signal(str)
    run_changed = Signal(str)
    time_changed = Signal(float)
    data_changed = Signal()
    labels_changed = Signal()

    def __init__(self) -> None:
        self._project: Project | None = None
        self._recording = ""
        self._run = ""
        self._time_s = 0.0
        self._rater = ""
        self._raw: tuple[str, Recording] | None = None

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self._project

    @property
    def folder(self) -> Path:
        """Folder of the open project.

        Raises
        ------
        DataError
            When no project is open.
        """
        return self.need_project().path

    def need_project(self) -> Project:
        """Return the open project.

        Raises
        ------
        DataError
            When there is none, saying where to open one.
        """
        if self._project is None:
            raise DataError("No project is open. Open one in “Project & data”.")
        return self._project

    def open(self, folder: str | Path) -> Project:
        """Open a project folder and look at its first recording.

        Raises
        ------
        DataError, ConfigError
            As :meth:`napari_neuroembed.data.project.Project.open`; then the project
            that was open before still is.
        """
        self.set_project(Project.open(folder))
        return self.need_project()

    def set_project(self, project: Project | None) -> None:
        """Make a project the open one; None closes it."""
        self._project = project
        self._raw = None
        self._run = ""
        names = () if project is None else project.recording_ids()
        self._recording = names[0] if names else ""
        self._time_s = 0.0
        self.project_changed.emit(project)
        self.recording_changed.emit(self._recording)
        self.run_changed.emit("")
        self.time_changed.emit(0.0)

    def reload(self) -> None:
        """Read project.yaml again, as after an import; keeps the recording."""
        if self._project is None:
            return
        self._project = Project.open(self._project.path)
        self._raw = None
        names = self._project.recording_ids()
        if self._recording not in names:
            self.recording = names[0] if names else ""
        self.data_changed.emit()

    @property
    def recording(self) -> str:
        """Name of the recording looked at, or ""."""
        return self._recording

    @recording.setter
    def recording(self, name: str) -> None:
        if name == self._recording:
            return
        if name:
            self.need_project().recording(name)
        self._recording = name
        self._raw = None
        self.recording_changed.emit(name)
        self.time_s = 0.0

    @property
    def run(self) -> str:
        """Name of the run looked at, or ""."""
        return self._run

    @run.setter
    def run(self, name: str) -> None:
        if name != self._run:
            self._run = name
            self.run_changed.emit(name)

    @property
    def time_s(self) -> float:
        """Moment looked at, seconds on the recording's clock."""
        return self._time_s

    @time_s.setter
    def time_s(self, value: float) -> None:
        if not math.isfinite(value):
            raise DataError(f"The time is {value}; a number of seconds is needed.")
        if value != self._time_s:
            self._time_s = float(value)
            self.time_changed.emit(self._time_s)

    def raw(self) -> Recording:
        """Return the lazily opened streams of the recording looked at, without bouts.

        Raises
        ------
        DataError
            When no recording is chosen, or its files cannot be read.
        """
        project = self.need_project()
        if not self._recording:
            raise DataError("The project has no recording yet. Add one first.")
        if self._raw is None or self._raw[0] != self._recording:
            self._raw = (self._recording, project.raw_streams(self._recording))
        return self._raw[1]


_STATES: WeakKeyDictionary[Any, ProjectState] = WeakKeyDictionary()


def state_of(viewer: Any) -> ProjectState:
    """Return the one state of a viewer (or of a `ViewerModel`, in tests)."""
    # Plugins get the viewer behind a proxy that hides its private parts.
    key = getattr(viewer, "__wrapped__", viewer)
    if key not in _STATES:
        _STATES[key] = ProjectState()
    return _STATES[key]
