"""One training from project to finished run folder, resumable at any step."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from napari_neuroembed import files
from napari_neuroembed.config import RunConfig, config_text, load_config
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import (
    Cancelled,
    NeuroembedError,
    RunFolderError,
)
from napari_neuroembed.methods.base import StepReport
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.history import History
from napari_neuroembed.store.run_folder import CONFIG, HISTORY, RunFolder
from napari_neuroembed.training.checkpoint import (
    Checkpoint,
    best_loss,
    latest,
    load_resume,
    load_weights,
    mark_best,
    save_checkpoint,
)
from napari_neuroembed.training.loop import TrainingState, train_steps
from napari_neuroembed.training.memory import freed_blocks_kept
from napari_neuroembed.training.model import describe
from napari_neuroembed.training.ranks import helpers
from napari_neuroembed.training.setup import (
    Setup,
    common_mask,
    device_of,
    fabric_of,
    prepare,
    set_threads,
)


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
    folder = _open_or_create(project, config, run, group, resume)
    config = load_config(folder.path / CONFIG)
    if folder.info()["status"] == "finished":
        raise RunFolderError(
            f"Run {folder.name!r} is finished and never altered. Train another one "
            "with another --run name."
        )
    set_threads(config)
    started = time.perf_counter()
    with helpers(project.path, folder.name, config.training.devices) as team:
        try:
            recordings = [project.prepared(i) for i in project.recording_ids()]
            fabric = fabric_of(recordings, config, team.place)
            setup = prepare(
                recordings,
                config,
                common_mask(project),
                report,
                device=fabric.device,
                place=team.place,
            )
            team.meet(fabric, report)
            set_threads(config)  # Fabric has an opinion of its own
        except NeuroembedError:
            if not resume:
                folder.discard()
            raise
        except (Cancelled, KeyboardInterrupt):
            folder.update(status="stopped")
            raise
        try:
            with freed_blocks_kept(), team.explaining():
                last = _train(folder, project, setup, fabric, report)
            _finish(last, folder, setup, started)
        except (Cancelled, KeyboardInterrupt):
            folder.update(status="stopped")
            raise
        except BaseException as error:
            folder.update(status="failed", error=str(error))
            raise
    return folder


def _train(
    folder: RunFolder,
    project: Project,
    setup: Setup,
    fabric: Fabric,
    report: Report,
) -> Checkpoint:
    method = setup.parts.method
    config = method.config
    state = TrainingState(method, method.optimizer())
    data_hash = _data_hash(project)
    for place in (folder.path, folder.checkpoints):
        files.recover_inside(place)
    if any(folder.checkpoints.glob("step_*")):
        _check_data(folder, data_hash)
        restore(folder, setup, state)
    else:
        folder.write_splits(setup.split.to_dict())
    folder.update(
        status="running",
        data_hash=data_hash,
        frames=setup.data.neural.sentence(),
        **_environment(config),
    )
    history = History(folder.path / HISTORY, keep_until=state.step)
    saver = _Saver(folder, setup, state, config)
    if state.step == 0:
        saver.save()
    try:
        for done in train_steps(state, setup.batches.draw, fabric):
            history.append(
                done.step, {**done.terms, "windows_per_s": done.windows_per_s}
            )
            saver.maybe_save(done)
            report("train", done.step, done.total, _sentence(done))
    except Cancelled:
        saver.save()
        raise
    finally:
        history.close()
    return saver.save()


class _Saver:
    """Save checkpoints every so many seconds, and remember the best loss."""

    def __init__(
        self, folder: RunFolder, setup: Setup, state: TrainingState, config: RunConfig
    ) -> None:
        self.folder, self.setup, self.state, self.config = folder, setup, state, config
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


def _open_or_create(
    project: Project, config: RunConfig, run: str | None, group: str, resume: bool
) -> RunFolder:
    if resume:
        if run is None:
            raise RunFolderError("--resume needs the run's name: --run NAME.")
        return RunFolder.open(project.runs_folder / run)
    facts: dict[str, Any] = {
        "method": config.method,
        "group": group,
        "seed": config.seed,
        "mode": "inductive" if config.training.held_out else "transductive",
        "held_out": list(config.training.held_out),
    }
    facts["config_hash"] = config_hash(config)
    return RunFolder.create(project.runs_folder, run, facts, config_text(config))


def config_hash(config: RunConfig) -> str:
    """Return a short hash of all options."""
    text = json.dumps(to_dict(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_data(folder: RunFolder, data_hash: str) -> None:
    info = folder.info()
    if info.get("data_hash") != data_hash:
        raise RunFolderError(
            f"Run {folder.name!r} was trained on other pre-processed data (then "
            f"{info.get('data_hash')}, now {data_hash}), so it cannot go on. Train a "
            "new run."
        )


def restore(folder: RunFolder, setup: Setup, state: TrainingState) -> None:
    """Load the last whole checkpoint into a freshly built training."""
    checkpoint = latest(folder.checkpoints)
    load_weights(checkpoint, setup.parts)
    stored = load_resume(checkpoint)
    state.optimizer.load_state_dict(stored["optimizer"])
    state.step = int(stored["step"])


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


def _data_hash(project: Project) -> str:
    """Return a hash of all pre-processed files the training reads."""
    digest = hashlib.sha256()
    for recording in project.recording_ids():
        manifest = files.read_json(project.derived_folder(recording) / files.MANIFEST)
        for name, entry in sorted(manifest["files"].items()):
            if Path(name).suffix in (".tif", ".npy"):
                digest.update(f"{recording}/{name}/{entry['sha256']}".encode())
    return digest.hexdigest()[:16]


def _environment(config: RunConfig) -> dict[str, Any]:
    return {
        "versions": {
            "napari-neuroembed": version("napari-neuroembed"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "threads": torch.get_num_threads(),
        "device": str(device_of(config)),
        "world_size": config.training.devices,
    }


def _sentence(done: StepReport) -> str:
    return f"loss {done.terms['loss']:.3f}, {done.windows_per_s:,.0f} windows/s"
