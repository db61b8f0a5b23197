"""Dock “Train encoders”: method, time, animals; live loss; cancel and resume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QComboBox, QLineEdit

from napari_neuroembed.config import RunConfig, preset_config
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import ConfigError, DataError, NeuroembedError
from napari_neuroembed.jobs import Job, list_jobs
from napari_neuroembed.options.method_names import METHOD_NAMES
from napari_neuroembed.store.run_folder import check_name, new_name
from napari_neuroembed.store.schema import RUNS
from napari_neuroembed.widgets.fields import to_text
from napari_neuroembed.widgets.form import OptionsForm
from napari_neuroembed.widgets.job_bar import AT_WORK, JobBar
from napari_neuroembed.widgets.look import Dock, Note, button, muted
from napari_neuroembed.widgets.loss_plot import LossPlot
from napari_neuroembed.widgets.state import state_of

BUDGETS = ("10 minutes", "1 hour", "overnight", "quick", "twin", "paper")
NOBODY = "nobody: all animals are seen"
EACH = "each in turn"
SHOWN = ("seed", "training.batch_size", "training.learning_rate", "training.device")
HIDDEN = ("method", "preset", "training.held_out", "evaluation")


class Train(Dock):
    """Start a training as a job, and watch it.

    Parameters
    ----------
    napari_viewer
        Whose project is trained on.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(
            "Train neural and pose encoders so that embeddings tell the action and "
            "not the animal."
        )
        self.state = state_of(napari_viewer)
        self._base: RunConfig = preset_config("twin")
        self._run = ""
        self._build()
        self.state.project_changed.connect(self._on_project)
        self.state.data_changed.connect(self._on_data)
        self._on_project(self.state.project)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop following the project; a training goes on."""
        self.state.project_changed.disconnect(self._on_project)
        self.state.data_changed.disconnect(self._on_data)
        super().closeEvent(event)

    def settings(self) -> list[str]:
        """Return the ``--set`` values that differ from the chosen time or preset."""
        changed = self.form.differences(self._base)
        values = {path: set_text(value) for path, value in changed.items()}
        return [f"{path}={text}" for path, text in values.items()]

    def _build(self) -> None:
        what = self.group("What")
        self.method, self.held_out = QComboBox(), QComboBox()
        for name, told in METHOD_NAMES.items():
            self.method.addItem(told.title, name)
        self.about = muted("")
        self.held_out.setToolTip(
            "An animal that the encoder never sees, for scores on a new animal."
        )
        what.addRow("Method", self.method)
        what.addRow(self.about)
        what.addRow("Held-out animal", self.held_out)
        how = self.group("How")
        self.budget = QComboBox()
        self.budget.setEditable(True)
        self.budget.addItems(BUDGETS)
        self.budget.setToolTip(
            "A time, e.g. 30 minutes; steps are then chosen to fit. Or a preset."
        )
        self.form = OptionsForm(self._base, shown=SHOWN, hidden=HIDDEN)
        how.addRow("Time or preset", self.budget)
        how.addRow(self.form)
        do = self.group("Do")
        self.name, self.note = QLineEdit(), Note()
        self.name.setPlaceholderText("the time")
        self.plot = LossPlot()
        self.bar = JobBar("train", "Train", self._command)
        self.resume = button("Resume", self._on_resume, "Go on where it stopped.")
        for label, widget in (("Name of the run", self.name), ("", self.bar)):
            do.addRow(label, widget) if label else do.addRow(widget)
        do.addRow(self.resume)
        do.addRow(self.plot)
        do.addRow(self.note)
        self.fill()
        self.method.currentIndexChanged.connect(lambda _: self._judge())
        self.held_out.currentIndexChanged.connect(lambda _: self._judge())
        self.name.textEdited.connect(lambda _: self._judge())
        self.form.changed.connect(self._judge)
        self.budget.currentTextChanged.connect(self._on_budget)
        self.bar.progressed.connect(lambda _: self._draw())
        self.bar.started.connect(self._on_start)
        self.bar.ended.connect(self._on_end)

    def _command(self) -> tuple[Path, Sequence[str]]:
        project = self.state.need_project()
        self._run = self.name.text().strip() or new_name()
        words = ["train", str(project.path), "--run", self._run]
        words += ["--method", self.method.currentData()]
        words += ["--budget", self.budget.currentText().strip()]
        if self.held_out.currentData() == EACH:
            words.append("--leave-one-animal-out")
        elif self.held_out.currentData():
            words += ["--set", f"training.held_out=[{self.held_out.currentData()}]"]
        for setting in self.settings():
            words += ["--set", setting]
        return project.path, words

    def _judge(self) -> None:
        told = METHOD_NAMES[self.method.currentData()]
        self.about.setText(told.about)
        self.bar.set_ready(*self._ready())

    def _ready(self) -> tuple[bool, str]:
        """Return whether a training can start, and else why not."""
        project = self.state.project
        if project is None:
            return False, "Open a project in “Project & data” first."
        told = METHOD_NAMES[self.method.currentData()]
        seen = len(project.animals()) - bool(self.held_out.currentData())
        if seen < told.min_animals:
            return False, (
                f"{told.title} needs at least {told.min_animals} animals to train on; "
                f"there would be {seen}. Choose another method or hold nobody out."
            )
        ready = [p for p in project.recording_ids() if _is_prepared(project, p)]
        if not ready:
            return False, "No recording is pre-processed. Run “Pre-process” first."
        name = self.name.text().strip()
        if name and (project.runs_folder / name).exists():
            return False, f"There is a run {name!r} already. Choose another name."
        try:
            preset_config(self.budget.currentText().strip())
            if name:
                check_name("run", name)
            self.form.value()
        except NeuroembedError as error:
            return False, str(error)
        return True, ""

    def _on_budget(self, text: str) -> None:
        try:
            base = preset_config(text.strip())
        except ConfigError:
            self._judge()  # says what is wrong
            return
        kept = self.form.differences(self._base) if not self.form.problems() else {}
        self._base = base
        self.form.set_value(base)
        for path, value in kept.items():
            control = self.form.control(path)
            is_text = isinstance(control.value, str) and not isinstance(value, str)
            control.value = to_text(value) if is_text else value
        self._judge()

    def _on_project(self, project: Project | None) -> None:
        self.held_out.blockSignals(True)
        self.held_out.clear()
        self.held_out.addItem(NOBODY, "")
        for animal in () if project is None else project.animals():
            self.held_out.addItem(animal, animal)
        if project is not None and len(project.animals()) > 1:
            self.held_out.addItem(EACH, EACH)
        self.held_out.blockSignals(False)
        if project is not None:
            self.budget.setCurrentText(project.spec.preset)
        self.plot.clear()
        self.bar.take_up(None if project is None else project.path)
        self._judge()
        self._offer_resume()

    def _on_data(self) -> None:
        self._judge()
        self._offer_resume()

    def _on_start(self, job: Job) -> None:
        command = list(job.facts().command)
        if "--run" in command:
            self._run = command[command.index("--run") + 1]
        self.plot.clear()
        self.resume.setVisible(False)

    def _on_end(self, job: Job, status: str) -> None:
        self._draw()
        self._offer_resume()
        if status == "finished":
            self.state.run = str(job.facts().notes.get("run", self._run))
            self.name.clear()
        self.state.data_changed.emit()

    def _draw(self) -> None:
        project = self.state.project
        if project is None or not self._run:
            return
        folders = [project.path / RUNS / self._run]
        folders += sorted((project.path / RUNS).glob(f"{self._run}-*"))
        history = [f / "history.csv" for f in folders if (f / "history.csv").exists()]
        if history:
            self.plot.read(max(history, key=lambda path: path.stat().st_mtime))

    def _stopped(self) -> Job | None:
        """Return the last training if it was stopped or lost."""
        if self.state.project is None or self.bar.job is not None:
            return None
        for job in reversed(list_jobs(self.state.folder)):
            try:
                if job.facts().verb == "train":
                    is_over = job.status() in ("finished", *AT_WORK)
                    return None if is_over else job
            except DataError:
                continue  # the list of jobs says so
        return None

    def _offer_resume(self) -> None:
        job = self._stopped()
        self.resume.setVisible(job is not None)
        if job is not None:
            self.resume.setText(f"Resume {job.facts().notes.get('run', job.id)}")

    def _on_resume(self) -> None:
        job = self._stopped()
        if job is None:
            return
        try:
            self.bar.watch(job.resume())
        except (NeuroembedError, OSError) as error:
            self.note.complain(error)


def set_text(value: Any) -> str:
    """Return a value as ``--set`` reads it.

    Examples
    --------
    >>> set_text((0.5, 1.5)), set_text(None), set_text(True)
    ('[0.5, 1.5]', 'null', 'true')
    """
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    if isinstance(value, tuple):
        return f"[{to_text(value)}]"
    return to_text(value)


def _is_prepared(project: Project, recording: str) -> bool:
    return (project.derived_folder(recording) / "manifest.json").exists()
