"""The recordings of the open project: choose one, see what it holds and its state."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem

from napari_neuroembed.data.palette import animal_mark
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import NeuroembedError
from napari_neuroembed.widgets.state import ProjectState
from napari_neuroembed.widgets.workers import Worker

READY, STALE, RAW = "pre-processed", "out of date", "not pre-processed"


class RecordingList(QTreeWidget):
    """One line per recording, followed by what its files hold when it is chosen.

    Attributes
    ----------
    described
        Emitted with a few lines about the recording looked at.
    """

    described = Signal(str)

    def __init__(self, state: ProjectState) -> None:
        super().__init__()
        self.shared = state
        self._worker: Worker | None = None
        self.setHeaderLabels(["Recording", "Animal", "State"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setMinimumHeight(150)
        self.currentItemChanged.connect(self._on_choice)
        state.project_changed.connect(self.refresh)
        state.data_changed.connect(self.refresh)
        state.recording_changed.connect(self._on_recording)
        self.refresh()

    def refresh(self) -> None:
        """Read the project again."""
        self.blockSignals(True)
        self.clear()
        project = self.shared.project
        if project is not None:
            animals = project.animals()
            for name in project.recording_ids():
                animal = project.recording(name).animal
                item = QTreeWidgetItem([name, animal, ""])
                color = animal_mark(animals.index(animal), "dark").color
                item.setForeground(1, QColor(color))
                self.addTopLevelItem(item)
            self._look(project)
        for column in range(3):
            self.resizeColumnToContents(column)
        self.blockSignals(False)
        self._on_recording(self.shared.recording)

    def stop(self) -> None:
        """End what is being looked at."""
        if self._worker is not None:
            self._worker.cancel()

    def _look(self, project: Project) -> None:
        self.stop()
        self._worker = Worker(_states(project), self)
        self._worker.yielded.connect(self._on_state)
        self._worker.start()

    def _on_state(self, found: tuple[str, str, str]) -> None:
        name, state, why = found
        for item in self.findItems(name, Qt.MatchFlag.MatchExactly, 0):
            item.setText(2, state)
            item.setToolTip(2, why)

    def _on_choice(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.shared.recording = item.text(0)

    def _on_recording(self, name: str) -> None:
        found = self.findItems(name, Qt.MatchFlag.MatchExactly, 0) if name else []
        self.blockSignals(True)
        if found:
            self.setCurrentItem(found[0])
        else:
            self.clearSelection()
        self.blockSignals(False)
        self.described.emit(describe(self.shared))


def describe(state: ProjectState) -> str:
    """Return what project.yaml says of the recording looked at, a line per stream."""
    if state.project is None or not state.recording:
        return ""
    spec = state.project.recording(state.recording)
    lines = []
    for name, stream in spec.streams.items():
        rate = "" if stream.rate_hz is None else f", {stream.rate_hz:g} Hz"
        source = stream.source if isinstance(stream.source, str) else stream.source[0]
        lines.append(f"{name}: {source}{rate}")
    facts = ", ".join(f"{key} {value}" for key, value in spec.covariates.items())
    return "\n".join([*lines, facts] if facts else lines)


def _states(project: Project) -> Any:
    def work() -> Generator[tuple[str, str, str], None, None]:
        from napari_neuroembed.data.project.derived_state import derived_problems

        for name in project.recording_ids():
            if not project.derived_folder(name).is_dir():
                yield name, RAW, "Run “Pre-process”."
                continue
            try:
                found = derived_problems(project, name)
            except NeuroembedError as error:
                yield name, STALE, str(error)
                continue
            yield name, STALE if found else READY, "; ".join(p.text for p in found)

    return work
