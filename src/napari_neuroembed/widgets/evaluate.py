"""Dock “Embed & evaluate”: what a run can tell, and what it should not."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QCheckBox, QComboBox

from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.store.main_scores import warning_text, warnings_of
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.store.schema import RUN
from napari_neuroembed.widgets.cloud_view import CloudView
from napari_neuroembed.widgets.job_bar import JobBar
from napari_neuroembed.widgets.look import Dock, Note, muted
from napari_neuroembed.widgets.score_dots import ScoreDots
from napari_neuroembed.widgets.score_rows import finding, score_rows
from napari_neuroembed.widgets.state import state_of
from napari_neuroembed.widgets.workers import Worker

STREAMS = {"neural": "neural embedding", "pose": "pose embedding"}


class Evaluate(Dock):
    """Judge a run, and see its windows beside the movie.

    Parameters
    ----------
    napari_viewer
        Whose project, recording and slider.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            "Can the embedding tell the action, also in another animal? Does it tell "
            "which animal it is?"
        )
        self.state = state_of(napari_viewer)
        self._worker: Worker | None = None
        self._build()
        self.state.project_changed.connect(self._on_project)
        self.state.data_changed.connect(self._list)
        self.state.run_changed.connect(self._on_run)
        self.state.time_changed.connect(self._on_time)
        self.state.recording_changed.connect(self._on_time)
        self._on_project(self.state.project)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop following the viewer; jobs go on."""
        if self._worker is not None:
            self._worker.cancel()
        self.state.project_changed.disconnect(self._on_project)
        self.state.data_changed.disconnect(self._list)
        self.state.run_changed.disconnect(self._on_run)
        self.state.time_changed.disconnect(self._on_time)
        self.state.recording_changed.disconnect(self._on_time)
        super().closeEvent(event)

    def _build(self) -> None:
        what = self.group("What")
        self.run, self.facts = QComboBox(), muted("")
        what.addRow("Run", self.run)
        what.addRow(self.facts)
        how = self.group("How")
        self.profile, self.maps = QComboBox(), QCheckBox("Maps of where in the image")
        self.profile.addItem("quick: a look", "quick")
        self.profile.addItem("full: for a paper", "full")
        self.maps.setToolTip("Hide patches of the image and see what is lost.")
        how.addRow("Profile", self.profile)
        how.addRow(self.maps)
        do = self.group("Do")
        self.bar = JobBar("evaluate", "Evaluate", self._command)
        self.bar.ended.connect(lambda *_: self._on_run(self.state.run))
        do.addRow(self.bar)
        result = self.group("Scores")
        self.finding, self.dots, self.note = Note(), ScoreDots(), Note()
        for widget in (self.finding, self.dots, self.note):
            result.addRow(widget)
        map_ = self.group("Embedding")
        self.stream, self.color = QComboBox(), QComboBox()
        for value, text in STREAMS.items():
            self.stream.addItem(text, value)
        self.color.addItem("action", "action")
        self.color.addItem("animal", "animal")
        self.cloud = CloudView()
        map_.addRow("Show", self.stream)
        map_.addRow("Colour by", self.color)
        map_.addRow(self.cloud)
        self.fill()
        self.run.currentIndexChanged.connect(lambda _: self._on_choice())
        self.stream.currentIndexChanged.connect(lambda _: self._on_run(self.state.run))
        self.color.currentIndexChanged.connect(lambda _: self._recolor())
        self.cloud.chosen.connect(self._on_point)

    def _command(self) -> tuple[Path, Sequence[str]]:
        words = ["evaluate", str(self.state.folder), self.state.run]
        words += ["--profile", self.profile.currentData()]
        return self.state.folder, [*words, "--maps"] if self.maps.isChecked() else words

    def _on_project(self, project: Project | None) -> None:
        self.bar.take_up(None if project is None else project.path)
        self._list()

    def _list(self) -> None:
        project, kept = self.state.project, self.state.run
        self.run.blockSignals(True)
        self.run.clear()
        folder = None if project is None else project.runs_folder
        found = sorted(folder.glob(f"[!.]*/{RUN}")) if folder else []
        for path in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True):
            self.run.addItem(path.parent.name)
        names = [self.run.itemText(i) for i in range(self.run.count())]
        chosen = kept if kept in names else (names or [""])[0]
        self.run.setCurrentText(chosen)
        self.run.blockSignals(False)
        if chosen == self.state.run:
            self._on_run(chosen)
        self.state.run = chosen

    def _on_choice(self) -> None:
        self.state.run = self.run.currentText()

    def _on_run(self, name: str) -> None:
        self.run.blockSignals(True)
        self.run.setCurrentText(name)
        self.run.blockSignals(False)
        self.bar.set_ready(
            bool(name), "" if name else "Train a run in “Train encoders” first."
        )
        self.facts.setText("")
        if self._worker is not None:
            self._worker.cancel()
        if not name:
            self._show((None, None, ""))
            return
        path = self.state.need_project().runs_folder / name
        self._worker = Worker(_reading(path, self.stream.currentData()), self)
        self._worker.yielded.connect(self._on_facts)
        self._worker.returned.connect(self._show)
        self._worker.failed.connect(self.note.complain)
        self._worker.start()

    def _on_facts(self, facts: dict[str, Any]) -> None:
        held = ", ".join(facts.get("held_out", ())) or "nobody"
        self.facts.setText(
            f"{facts.get('method')}, {facts.get('status')}, seed {facts.get('seed')}, "
            f"{facts.get('step', 0):,} steps, held out: {held}"
        )

    def _show(self, found: tuple[Any, Any, str]) -> None:
        scores, cloud, why = found
        rows = [] if scores is None else score_rows(scores, self.stream.currentData())
        self.dots.set_rows(rows)
        self.finding.say(finding(rows) if rows else why)
        bad = (
            [] if scores is None else [warning_text(row) for row in warnings_of(scores)]
        )
        self.note.warn("\n".join(bad))
        self.cloud.set_cloud(cloud, self.color.currentData())
        self._on_time()

    def _recolor(self) -> None:
        self.cloud.set_cloud(self.cloud.cloud, self.color.currentData())
        self._on_time()

    def _on_point(self, window: int) -> None:
        cloud = self.cloud.cloud
        if cloud is None:
            return
        try:
            self.state.recording = str(cloud.recording[window])
        except DataError as error:
            self.note.complain(error)
            return
        self.state.time_s = float(cloud.center_s[window])

    def _on_time(self, value: object = None) -> None:
        del value
        cloud = self.cloud.cloud
        if cloud is not None:
            self.cloud.mark(cloud.at(self.state.recording, self.state.time_s))


def _reading(path: Path, stream: str) -> Any:
    """Return work that reads scores and embedding of a run, as far as there are any."""

    def work() -> Generator[Any, None, Any]:
        from napari_neuroembed.widgets.point_cloud import principal_plane

        run = RunFolder.open(path)
        yield run.info()
        scores, cloud, why = None, None, ""
        try:
            scores = run.scores()
        except NeuroembedError:
            why = "Not evaluated yet. Press Evaluate."
        yield run.info()
        if stream in run.embedding_streams() if run.embedding_sets() else False:
            cloud = principal_plane(*run.read_embedding(stream))
        return scores, cloud, why

    return work
