"""One training from project to finished run folder, resumable at any step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.config import RunConfig, config_text, load_config
from napari_neuroembed.data.derived import read_mask
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split, make_split
from napari_neuroembed.data.windows import choose_streams, window_seconds
from napari_neuroembed.errors import (
    Cancelled,
    DiskError,
    NeuroembedError,
    RunFolderError,
    TrainingError,
)
from napari_neuroembed.locks import working_alone
from napari_neuroembed.methods import find_method
from napari_neuroembed.methods.base import StepReport
from napari_neuroembed.preprocessing.mask import common_mask as mask_of_all
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.history import History
from napari_neuroembed.store.run_folder import (
    CONFIG,
    HISTORY,
    RunFolder,
    check_name,
    new_name,
)
from napari_neuroembed.training.batches import Batches
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
from napari_neuroembed.training.data import TrainingData, build_training_data
from napari_neuroembed.training.loop import TrainingState, make_fabric, train_steps
from napari_neuroembed.training.memory import freed_blocks_kept
from napari_neuroembed.training.model import ModelParts, describe
from napari_neuroembed.training.resume import Now, begin, fingerprints, go_on, hash_of

LISTEN_S = 0.25
"""Longest time between two looks at whether the work should stop, one step aside."""


@dataclass(frozen=True)
class Setup:
    """Everything a training holds in memory before its first step."""

    data: TrainingData
    split: Split
    parts: ModelParts
    batches: Batches


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
    try:
        config = _config_of(folder)
        if config.training.threads:
            torch.set_num_threads(config.training.threads)
        fabric = make_fabric(config.training)
        recordings, now = _open_data(project, folder, fabric)
        is_begun = bool(steps_in(folder.checkpoints))
        facts, text = go_on(folder, now) if is_begun else (begin(now), "")
        setup = prepare(
            recordings, config, common_mask(project), report, device=fabric.device
        )
        state = TrainingState(setup.parts.method, setup.parts.method.optimizer())
        skipped = _restore(folder, setup, state)
    except NeuroembedError:
        if not resume:
            folder.discard()
        raise
    except (Cancelled, KeyboardInterrupt):
        folder.update(status="stopped")
        raise
    try:
        folder.update(status="running", **facts)
        if resume:
            text = "; ".join(filter(None, (text, skipped)))
            report("resume", state.step, config.training.steps, text)
        with freed_blocks_kept():
            last = _train(folder, setup, state, fabric, report)
        _finish(last, folder, setup, started)
    except (Cancelled, KeyboardInterrupt):
        folder.update(status="stopped")
        raise
    except BaseException as error:
        with contextlib.suppress(DiskError):  # what ended the training says more
            folder.update(status="failed", error=str(error))
        raise
    return folder


def _config_of(folder: RunFolder) -> RunConfig:
    """Return the configuration of a run that is not finished."""
    if folder.info()["status"] == "finished":
        raise RunFolderError(
            f"Run {folder.name!r} is finished and never altered. Train another one "
            "with another --run name."
        )
    return load_config(folder.path / CONFIG)


def _open_data(
    project: Project, folder: RunFolder, fabric: Fabric
) -> tuple[list[Recording], Now]:
    """Open the prepared recordings, all of one making, and note what they are."""
    found = fingerprints(project)
    recordings = [project.prepared(i) for i in project.recording_ids()]
    if fingerprints(project) != found:
        raise TrainingError(
            f"Recordings of {project.path} were pre-processed again while they were "
            "opened. Run the same command again."
        )
    text = (folder.path / CONFIG).read_text(encoding="utf-8")
    return recordings, Now(text, found, fabric)


def prepare(
    recordings: Sequence[Recording],
    config: RunConfig,
    mask: NDArray[np.bool_] | None,
    report: Report = silent,
    *,
    device: torch.device | None = None,
) -> Setup:
    """Check what the method needs, fit, index and build, without a step of training."""
    if not recordings:
        raise TrainingError("The project has no recording. Import one first.")
    report("prepare", 0, 2, "windows and normalisation")
    method_class = find_method(config.method)
    neural = choose_streams(recordings, config.windows)["neural"]
    split = make_split(
        recordings,
        config.split,
        held_out=config.training.held_out,
        window_s=window_seconds(config.windows, recordings[0], neural),
    )
    check_needs(recordings, config, split)
    data = build_training_data(
        recordings, split, config, mask=mask, device=device or torch.device("cpu")
    )
    if method_class.needs.pose and data.pose is None:
        raise TrainingError(
            f"{config.method} pairs neural windows with poses or scalars, but this "
            "project has neither. Import them, or use --method simclr_views."
        )
    method = method_class(config, data.shapes)
    parts = ModelParts(method, data.fitted.normaliser, data.fitted.scaler)
    report("prepare", 1, 2, "neighbours and donors")
    batches = Batches(data, method, config, split)
    report("prepare", 2, 2)
    return Setup(data, split, parts, batches)


def check_needs(
    recordings: Sequence[Recording], config: RunConfig, split: Split
) -> None:
    """Refuse a method whose needs the project cannot meet, before any work.

    Raises
    ------
    TrainingError
        Naming the animals there are and the method that would do.
    """
    needs = find_method(config.method).needs
    _check_held_out(recordings, config, split)
    animals = {
        r.animal
        for r in recordings
        if r.animal not in split.held_out and split.roles.get(r.id) in ("fit", "blocks")
    }
    if len(animals) < needs.min_animals:
        raise TrainingError(
            f"{config.method} swaps poses between animals and needs at least "
            f"{needs.min_animals} with fit recordings; found {len(animals)} "
            f"({', '.join(sorted(animals)) or 'none'}). Use --method simclr (pairs "
            "without swapping) or simclr_views (no poses needed)."
        )


def _check_held_out(
    recordings: Sequence[Recording], config: RunConfig, split: Split
) -> None:
    """Refuse held-out animals that could not be judged afterwards."""
    if len(split.held_out) > 1:
        raise TrainingError(
            f"training.held_out names {len(split.held_out)} animals "
            f"({', '.join(split.held_out)}); a run leaves out one. Train one run for "
            "each with --leave-one-animal-out."
        )
    neural = choose_streams(recordings, config.windows)["neural"]
    if split.held_out and recordings[0].streams[neural].kind == "trace":
        raise TrainingError(
            f"{split.held_out[0]!r} cannot be held out: a trace encoder has input "
            "weights of its own for the neurons of every animal, so an animal it never "
            "saw cannot be embedded. Train with all animals (transductive)."
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
    if state.step == 0:
        saver.save()
    try:
        steps = train_steps(
            state, setup.batches.draw, fabric, should_stop=teller.is_heard
        )
        for done in steps:
            history.append(
                done.step, {**done.terms, "windows_per_s": done.windows_per_s}
            )
            saver.maybe_save(done)
            teller.tell(done)
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


def _restore(folder: RunFolder, setup: Setup, state: TrainingState) -> str:
    """Load the last whole checkpoint, if there is one; say what is wrong with later."""
    for place in (folder.path, folder.checkpoints):
        files.recover_inside(place)
    if not steps_in(folder.checkpoints):
        folder.write_splits(setup.split.to_dict())
        return ""
    checkpoint = latest(folder.checkpoints)
    load_weights(checkpoint, setup.parts)
    stored = load_resume(checkpoint)
    state.optimizer.load_state_dict(stored["optimizer"])
    state.step = int(stored["step"])
    return checkpoint.skipped


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


def common_mask(project: Project) -> NDArray[np.bool_] | None:
    """Return the pixels that are valid in every recording; None without images.

    Raises
    ------
    DataError
        When the recordings were prepared to different sizes, or share no pixel.
    """
    masks = [read_mask(project.derived_folder(i)) for i in project.recording_ids()]
    known = [mask for mask in masks if mask is not None]
    return mask_of_all(known) if known else None


def device_of(config: RunConfig) -> torch.device:
    """Return the device a configuration trains on."""
    return torch.device(make_fabric(config.training).device)
