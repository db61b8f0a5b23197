"""Turn an open layer into a recording of a project, in one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QFileDialog, QFormLayout, QLineEdit, QWidget

from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.names import name_problem
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.widgets.job_bar import JobBar
from napari_neuroembed.widgets.layer_stacks import (
    check_answers,
    layer_source,
    saving,
)
from napari_neuroembed.widgets.look import SPACE, Note, muted
from napari_neuroembed.widgets.state import ProjectState
from napari_neuroembed.widgets.workers import Worker


class UseLayers(QWidget):
    """Ask animal and rate of an open stack, and make it a recording.

    A layer opened from a TIFF is used where it lies; anything else is written into the
    project first, frame by frame. Where no project is open, one is made.

    Parameters
    ----------
    viewer, state
        Whose layers, and which project.
    ask_folder
        Asks where a new project goes; replaced in tests.
    """

    def __init__(
        self,
        viewer: Any,
        state: ProjectState,
        *,
        ask_folder: Callable[[QWidget], str] | None = None,
    ) -> None:
        super().__init__()
        self.viewer, self.state = viewer, state
        self._ask_folder = ask_folder or _ask_folder
        self._worker: Worker | None = None
        self._source = ""
        self.layer, self.animal = QComboBox(), QLineEdit()
        self.rate, self.note = QLineEdit(), Note()
        self.animal.setPlaceholderText("e.g. fly1")
        self.rate.setPlaceholderText("frames per second, e.g. 16")
        self.bar = JobBar("import", "Use this layer", self._command)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(SPACE)
        form.addRow(
            muted("A stack that is open here becomes a recording, without any table.")
        )
        form.addRow("Layer", self.layer)
        form.addRow("Animal", self.animal)
        form.addRow("Rate (Hz)", self.rate)
        form.addRow(self.note)
        form.addRow(self.bar)
        self.bar.button.clicked.disconnect()
        self.bar.button.clicked.connect(lambda _=False: self.use())
        self.bar.ended.connect(self._on_end)
        for field in (self.animal, self.rate):
            field.textEdited.connect(lambda _: self._judge())
        self.layer.currentIndexChanged.connect(lambda _: self._judge())
        viewer.layers.events.inserted.connect(self._list)
        viewer.layers.events.removed.connect(self._list)
        self._list()

    def close_links(self) -> None:
        """Stop following the viewer's layers."""
        self.viewer.layers.events.inserted.disconnect(self._list)
        self.viewer.layers.events.removed.disconnect(self._list)
        if self._worker is not None:
            self._worker.cancel()

    def use(self) -> None:
        """Make the chosen layer a recording; a second click cancels."""
        if self.bar.job is not None:
            self.bar.cancel()
            return
        try:
            project = self._project()
            source = layer_source(self.viewer.layers[self.layer.currentText()])
            if source.path:
                self._import(source.path)
                return
            folder = project.path / "source" / self._free_name(project)
        except (NeuroembedError, KeyError, OSError) as error:
            self.note.complain(error)
            return
        self._worker = Worker(saving(source, folder), self)
        self._worker.yielded.connect(
            lambda how: self.note.say(f"Writing frame {how[0]:,} of {how[1]:,}")
        )
        self._worker.returned.connect(lambda path: self._import(str(path)))
        self._worker.failed.connect(self.note.complain)
        self._worker.start()

    def _import(self, path: str) -> None:
        self._source = path
        self.note.say("")
        self.bar.run()

    def _command(self) -> tuple[Path, Sequence[str]]:
        folder = self.state.folder
        words = ["import", str(folder), self._source]
        words += ["--animal", self.animal.text().strip()]
        return folder, [*words, "--rate", self.rate.text().strip()]

    def _project(self) -> Project:
        if self.state.project is None:
            folder = self._ask_folder(self)
            if not folder:
                raise DataError("A folder for the project is needed; none was chosen.")
            Project.create(folder)
            self.state.open(folder)
        return self.state.need_project()

    def _free_name(self, project: Project) -> str:
        animal = self.animal.text().strip()
        taken = {*project.recording_ids()}
        numbers = (f"{animal}_{n:03d}" for n in range(1, 1000))
        folder = project.path / "source"
        return next(n for n in numbers if n not in taken and not (folder / n).exists())

    def _judge(self) -> None:
        animal, rate = self.animal.text().strip(), self.rate.text().strip()
        if not self.layer.count():
            self.bar.set_ready(False, "Open a stack first: drop a file into napari.")
            return
        if not animal or not rate:
            self.bar.set_ready(False, "Say whose recording it is, and its rate.")
            return
        try:
            wrong = check_answers(animal, float(rate))
        except ValueError:
            wrong = f"Rate (Hz) must be a number; found {rate}."
        self.bar.set_ready(not wrong, wrong)

    def _list(self, event: Any = None) -> None:
        del event
        chosen = self.layer.currentText()
        self.layer.blockSignals(True)
        self.layer.clear()
        for layer in self.viewer.layers:
            is_ours = "neuroembed" in layer.metadata
            if type(layer).__name__ == "Image" and not is_ours:
                self.layer.addItem(layer.name)
                if not self.animal.text() and not name_problem(layer.name):
                    self.animal.setPlaceholderText(f"e.g. {layer.name}")
        self.layer.setCurrentText(chosen)
        self.layer.blockSignals(False)
        self._judge()

    def _on_end(self, job: Any, status: str) -> None:
        del job
        self.state.reload()
        if status == "finished":
            self.state.recording = self.state.need_project().recording_ids()[-1]


def _ask_folder(parent: QWidget) -> str:
    return str(QFileDialog.getExistingDirectory(parent, "Folder for the new project"))
