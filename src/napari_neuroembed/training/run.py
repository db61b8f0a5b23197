"""One training from project to finished run folder, resumable at any step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from lightning_fabric import Fabric

from napari_neuroembed import files
from napari_neuroembed.config import RunConfig, config_text, load_config
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import (
    Cancelled,
    DiskError,
    NeuroembedError,
    RunFolderError,
    TrainingError,
)
from napari_neuroembed.locks import working_alone
from napari_neuroembed.methods.base import StepReport
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.history import History
from napari_neuroembed.store.run_folder import (
    CONFIG,
    HISTORY,
    RunFolder,
    check_name,
    new_name,
)
from napari_neuroembed.training.checkpoint import (
    Checkpoint,
    best_loss,
    latest,
    load_resume,
    load_weights,
    mark_best,
    save_checkpoint,
    steps_in,
)
from napari_neuroembed.training.collapse import CollapseWatch
from napari_neuroembed.training.layout import Layout, choose_layout, fixed, kept
from napari_neuroembed.training.loop import TrainingState, train_steps
from napari_neuroembed.training.memory import freed_blocks_kept
from napari_neuroembed.training.model import describe
from napari_neuroembed.training.not_finite import what_failed
from napari_neuroembed.training.ranks import helpers
from napari_neuroembed.training.resume import Now, begin, fingerprints, go_on, hash_of
from napari_neuroembed.training.setup import (
    Setup,
    common_mask,
    fabric_of,
    prepare,
    set_threads,
)

LISTEN_S = 0.25
"""Longest time between two looks at whether the work should stop, one step aside."""


def train(
    project: Project,
    config: RunConfig,
    *,
    run: str | None = None,
    group: str = "",
    resume: bool = False,
    report: Report = silent,
) -> RunFolder:
    """Train one run to its end.

    Parameters
    ----------
    project
        Pre-processed project.
    config
        Resolved configuration; ignored when resuming (the run's own is used).
    run
        Name of the run; default: time and four hex digits.
    group
        Id shared by runs that belong together.
    resume
        Go on with the run named `run` from its last whole checkpoint.
    report
        Told about every logged step. When it raises ``Cancelled`` (or anything else),
        a checkpoint is saved first and the run is marked ``stopped``.

    Returns
    -------
    RunFolder
        With status ``finished``.

    Raises
    ------
    TrainingError, DataError, RunFolderError
        See the message.
    """
    if resume and run is None:
        raise RunFolderError("--resume needs the run's name: --run NAME.")
    name = run or new_name()
    check_name("Run", name)
    if resume:
        RunFolder.open(project.runs_folder / name)
    with working_alone(project.runs_folder / name, f"Run {name!r} is being trained"):
        if resume:
            folder = RunFolder.open(project.runs_folder / name)
        else:
            folder = _create(project, config, name, group)
        return _begin(project, folder, resume=resume, report=report)


def _begin(
    project: Project, folder: RunFolder, *, resume: bool, report: Report
) -> RunFolder:
    """Do the work of :func:`train`, alone with the run's folder."""
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        try:
            config = _config_of(folder)
            set_threads(config)
            recordings, prints = _open_data(project)
            now = Now((folder.path / CONFIG).read_text("utf-8"), prints, config)
            is_begun = bool(steps_in(folder.checkpoints))
            facts, text = go_on(folder, now) if is_begun else (begin(now), "")
            devices = config.training.devices
            team = stack.enter_context(helpers(project.path, folder.name, devices))
            fabric = fabric_of(recordings, config, team.place)
            mask = common_mask(project)
            setup = prepare(
                recordings,
                config,
                mask,
                report,
                device=fabric.device,
                place=team.place,
                is_begun=is_begun,
            )
            layout = _lay_out(folder, setup, fabric.device, report)
            if layout.precision != config.training.precision:
                fabric = fabric_of(recordings, layout.configure(config), team.place)
            state = TrainingState(setup.parts.method, setup.parts.method.optimizer())
            skipped = _restore_or_begin(folder, setup, state)
            team.meet(fabric, report)
            set_threads(config)  # Fabric has an opinion of its own
            if devices > 1:
                _refuse_replaced(project, prints)
        except NeuroembedError:
            if not resume:
                folder.discard()
            raise
        except (Cancelled, KeyboardInterrupt):
            folder.update(status="stopped")
            raise
        try:
            facts |= {"frames": setup.data.neural.sentence(), "layout": asdict(layout)}
            folder.update(status="running", **facts)
            if resume:
                text = "; ".join(filter(None, (text, skipped)))
                report("resume", state.step, config.training.steps, text)
            with freed_blocks_kept(), layout.in_force(), team.explaining():
                last = _train(folder, setup, state, fabric, report)
            _finish(last, folder, setup, started)
        except (Cancelled, KeyboardInterrupt):
            folder.update(status="stopped")
            raise
        except BaseException as error:
            facts = what_failed(setup, error)
            with contextlib.suppress(DiskError):  # what ended the training says more
                folder.update(status="failed", error=str(error), **facts)
            raise
    return folder


def _lay_out(
    folder: RunFolder, setup: Setup, device: torch.device, report: Report
) -> Layout:
    """Return the run's layout, in force for its images: fixed, chosen or kept."""
    method = setup.parts.method
    if method.config.training.layout == "fixed":
        return fixed(method.config)
    if steps_in(folder.checkpoints):
        layout = kept(folder.info(), folder.name)
    else:
        layout, gain = choose_layout(setup, device)
        report("prepare", 2, 2, f"{layout}: {gain:.1f} times as fast")
    layout.arrange(method)
    return layout


def _config_of(folder: RunFolder) -> RunConfig:
    """Return the configuration of a run that is not finished."""
    if folder.info()["status"] == "finished":
        raise RunFolderError(
            f"Run {folder.name!r} is finished and never altered. Train another one "
            "with another --run name."
        )
    return load_config(folder.path / CONFIG)


def _open_data(project: Project) -> tuple[list[Recording], dict[str, str]]:
    """Open the prepared recordings, all of one making, and note what they are."""
    found = fingerprints(project)
    recordings = [project.prepared(i) for i in project.recording_ids()]
    _refuse_replaced(project, found)
    return recordings, found


def _refuse_replaced(project: Project, found: Mapping[str, str]) -> None:
    if fingerprints(project) != found:
        raise TrainingError(
            f"Recordings of {project.path} were pre-processed again while they were "
            "opened. Run the same command again."
        )


def _train(
    folder: RunFolder,
    setup: Setup,
    state: TrainingState,
    fabric: Fabric,
    report: Report,
) -> Checkpoint:
    history = History(folder.path / HISTORY, keep_until=state.step)
    saver = _Saver(folder, setup, state)
    teller = _Teller(report, state)
    batches = setup.batches
    watch = CollapseWatch(batches.n // batches.size)
    try:
        if state.step == 0:
            saver.save()
        steps = train_steps(
            state, setup.batches.draw, fabric, should_stop=teller.is_heard
        )
        for done in steps:
            history.append(
                done.step, {**done.terms, "windows_per_s": done.windows_per_s}
            )
            saver.maybe_save(done)
            teller.tell(done)
            for text in watch.look(done):
                folder.update(warnings=[*folder.info().get("warnings", []), text])
                report("train", done.step, done.total, f"warning: {text}")
    except Cancelled:
        saver.save()
        raise
    finally:
        history.close()
    return saver.save()


class _Teller:
    """Tell of logged steps, and listen between them whether the work should stop."""

    def __init__(self, report: Report, state: TrainingState) -> None:
        self.report, self.state = report, state
        self.total = state.method.config.training.steps
        self.text = ""
        self.told_s = time.monotonic()

    def tell(self, done: StepReport) -> None:
        """Report a logged step."""
        loss, speed = done.terms["loss"], done.windows_per_s
        self.text = f"loss {loss:.3f}, {speed:,.0f} windows/s"
        self.report("train", done.step, done.total, self.text)
        self.told_s = time.monotonic()

    def is_heard(self) -> bool:
        """Report after any step when the last report is a while ago.

        With large batches many seconds lie between two logged steps, and whoever
        cancels ends the process soon.
        """
        if time.monotonic() - self.told_s >= LISTEN_S:
            self.told_s = time.monotonic()
            self.report("train", self.state.step, self.total, self.text)
        return False


class _Saver:
    """Save checkpoints every so many seconds, and remember the best loss."""

    def __init__(self, folder: RunFolder, setup: Setup, state: TrainingState) -> None:
        self.folder, self.setup, self.state = folder, setup, state
        self.config = state.method.config
        self.best = best_loss(folder.checkpoints)
        self.last_s = time.monotonic()
        self.saved_step = -1

    def maybe_save(self, done: StepReport) -> None:
        if time.monotonic() - self.last_s >= self.config.training.checkpoint_s:
            checkpoint = self.save()
            if done.terms["loss"] < self.best:
                self.best = done.terms["loss"]
                mark_best(self.folder.checkpoints, checkpoint, self.best)

    def save(self) -> Checkpoint:
        """Save the present step, unless it is saved already."""
        if self.saved_step == self.state.step:
            return latest(self.folder.checkpoints)
        data = self.setup.data
        description = describe(
            self.config, data.shapes, data.fitted.normaliser, data.index.streams
        )
        description["run"] = _began(self.folder)
        checkpoint = save_checkpoint(
            self.folder.checkpoints,
            self.state.step,
            self.setup.parts,
            description,
            {"optimizer": self.state.optimizer.state_dict(), "step": self.state.step},
            keep=self.config.training.keep_checkpoints,
        )
        self.saved_step = self.state.step
        self.last_s = time.monotonic()
        return checkpoint


def _create(project: Project, config: RunConfig, name: str, group: str) -> RunFolder:
    text = config_text(config)
    facts: dict[str, Any] = {
        "method": config.method,
        "group": group,
        "seed": config.seed,
        "mode": "inductive" if config.training.held_out else "transductive",
        "held_out": list(config.training.held_out),
        "config_hash": hash_of(text),
    }
    return RunFolder.create(project.runs_folder, name, facts, text)


def _restore_or_begin(folder: RunFolder, setup: Setup, state: TrainingState) -> str:
    """Load the last whole checkpoint, if there is one; say what is wrong with later."""
    for place in (folder.path, folder.checkpoints):
        files.recover_inside(place)
    if steps_in(folder.checkpoints):
        return restore(folder, setup, state).skipped
    folder.write_splits(setup.split.to_dict())
    return ""


def restore(folder: RunFolder, setup: Setup, state: TrainingState) -> Checkpoint:
    """Load the last whole checkpoint into a freshly built training.

    Raises
    ------
    RunFolderError
        When there is none, or it does not belong to this run.
    """
    checkpoint = latest(folder.checkpoints)
    began, its = _began(folder), checkpoint.description.get("run")
    if its != began:
        raise RunFolderError(
            f"{checkpoint.path} belongs to another run than {folder.name!r}: that one "
            f"began at {its}, this one at {began}. Move it away, then resume again."
        )
    load_weights(checkpoint, setup.parts)
    stored = load_resume(checkpoint)
    state.optimizer.load_state_dict(stored["optimizer"])
    state.step = int(stored["step"])
    return checkpoint


def _began(folder: RunFolder) -> str:
    """Return when a run began, which its checkpoints repeat."""
    return str(folder.info().get("created_utc"))


def _finish(
    checkpoint: Checkpoint, folder: RunFolder, setup: Setup, started: float
) -> None:
    folder.update(
        status="finished",
        finished_utc=files.utc_now(),
        step=checkpoint.step,
        seconds=round(time.perf_counter() - started, 3),
        n_windows=len(setup.data.fit),
        animals=list(setup.data.shapes.animals),
        streams=dict(setup.data.index.streams),
        notes=list(setup.split.notes),
    )
