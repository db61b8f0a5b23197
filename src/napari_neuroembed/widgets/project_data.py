"""Dock “Project & data”: open or make a project, add recordings, look at one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QTabWidget, QWidget

from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import NeuroembedError
from napari_neuroembed.widgets.add_recordings import AddRecordings
from napari_neuroembed.widgets.job_bar import JobBar
from napari_neuroembed.widgets.look import Dock, Note, button, muted
from napari_neuroembed.widgets.recording_list import RecordingList
from napari_neuroembed.widgets.recording_view import RecordingView
from napari_neuroembed.widgets.state import state_of
from napari_neuroembed.widgets.use_layers import UseLayers

DEMO = ("--animals", "3")


class ProjectData(Dock):
    """Open, fill and look through a project.

    Parameters
    ----------
    napari_viewer
        Where recordings are shown.
    ask_folder
        Asks for a folder; replaced in tests.
    """

    def __init__(
        self,
        napari_viewer: Any,
        ask_folder: Callable[[QWidget, str], str] | None = None,
    ) -> None:
        super().__init__("Open a project folder, or start one from your files.")
        self.viewer = napari_viewer
        self.state = state_of(napari_viewer)
        self._ask_folder = ask_folder or _ask_folder
        self._demo_folder = ""
        self.view = RecordingView(napari_viewer, self.state)
        self._build()
        self.state.project_changed.connect(self._on_project)
        self.state.recording_changed.connect(self._on_recording)
        self._on_project(self.state.project)

    def open(self, folder: str) -> None:
        """Open a project folder and show its first recording."""
        self._try(lambda: self.state.open(folder))

    def start(self, folder: str) -> None:
        """Make a project in an empty folder and open it."""

        def make() -> None:
            Project.create(folder)
            self.state.open(folder)

        self._try(make)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End what follows the viewer; jobs go on."""
        self.view.close()
        self.layers.close_links()
        self.add.stop()
        self.recordings.stop()
        self.state.project_changed.disconnect(self._on_project)
        self.state.recording_changed.disconnect(self._on_recording)
        super().closeEvent(event)

    def _build(self) -> None:
        what = self.group("Project")
        self.where = QLabel("No project is open")
        self.where.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(button("Open…", self._on_open, "Open a project folder."))
        buttons.addWidget(button("New…", self._on_new, "Start an empty project."))
        what.addRow(self.where)
        what.addRow(buttons)
        self.demo = JobBar("demo", "Make a demo project…", self._demo_command)
        self.demo.button.setStyleSheet("")
        self.demo.button.setToolTip(
            "Three synthetic flies with video, poses and labels, trained and judged."
        )
        self.demo.ended.connect(self._on_demo)
        what.addRow(self.demo)
        self.note = Note()
        what.addRow(self.note)
        look = self.group("Recordings")
        self.recordings = RecordingList(self.state)
        self.facts = muted("")
        self.recordings.described.connect(self._on_facts)
        look.addRow(self.recordings)
        look.addRow(self.facts)
        more = self.group("Add recordings")
        self.add = AddRecordings(self.state)
        self.layers = UseLayers(
            self.viewer,
            self.state,
            ask_folder=lambda parent: self._ask_folder(
                parent, "Folder for the project"
            ),
        )
        tabs = QTabWidget()
        tabs.addTab(self.add, "From files")
        tabs.addTab(self.layers, "Use open layers")
        more.addRow(tabs)
        self.fill()

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (NeuroembedError, OSError) as error:
            self.note.complain(error)
        else:
            self.note.say("")

    def _on_open(self) -> None:
        folder = self._ask_folder(self, "Open a project folder")
        if folder:
            self.open(folder)

    def _on_new(self) -> None:
        folder = self._ask_folder(self, "An empty folder for the project")
        if folder:
            self.start(folder)

    def _demo_command(self) -> tuple[Path, Sequence[str]]:
        folder = self._ask_folder(self, "An empty folder for the demo")
        if not folder:
            raise NeuroembedError("A folder is needed; none was chosen.")
        self._demo_folder = folder
        return Path(folder), ["demo", folder]

    def _on_demo(self, job: Any, status: str) -> None:
        del job
        if status == "finished":
            self.open(self._demo_folder)

    def _on_project(self, project: Project | None) -> None:
        folder = None if project is None else project.path
        self.where.setText("No project is open" if folder is None else str(folder))
        self.add.bar.take_up(folder)
        if project is None:
            self.view.remove_layers()

    def _on_facts(self, text: str) -> None:
        self.facts.setText(text)

    def _on_recording(self, name: str) -> None:
        if name:
            self.view.show()


def _ask_folder(parent: QWidget, title: str) -> str:
    return str(QFileDialog.getExistingDirectory(parent, title))
