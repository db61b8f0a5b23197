"""Checkpoints: weights as safetensors + JSON; optimiser apart, for resuming only."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_neuroembed import files
from napari_neuroembed.errors import DataError, RunFolderError, TrainingError
from napari_neuroembed.leftovers import remove_folder
from napari_neuroembed.training.weights import read_weights

WEIGHTS, DESCRIPTION, RESUME = "model.safetensors", "model.json", "resume.pt"
SCHEMA_VERSION = 1
_STEP = re.compile(r"step_(\d{8,})")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """One folder ``checkpoints/step_*``.

    Parameters
    ----------
    path, step
        The folder and the steps done.
    description
        Content of ``model.json``.
    skipped
        What is wrong with later ones, empty when this is the last.
    """

    path: Path
    step: int
    description: Mapping[str, Any]
    skipped: str = ""


def save_checkpoint(
    folder: Path,
    step: int,
    module: nn.Module,
    description: Mapping[str, Any],
    resume: Mapping[str, Any],
    *,
    keep: int,
) -> Checkpoint:
    """Write ``step_<step>`` whole, point ``last.json`` at it, prune older ones.

    Parameters
    ----------
    folder
        ``checkpoints/`` of the run.
    module
        Everything whose parameters and buffers make the model.
    description
        What is needed to build the same module again; plain JSON values.
    resume
        Optimiser state and the like: tensors, numbers, strings, lists, dicts.
    keep
        Number of last checkpoints to keep; the best one stays as well.

    Raises
    ------
    TrainingError
        When a weight is not finite; the checkpoints there are stay as they are.
    DiskError
        When the disk is full or refuses.
    """
    state = {
        name: t.detach().cpu().contiguous() for name, t in module.state_dict().items()
    }
    _refuse_not_finite(state, step)
    path = _path_of(folder, step)
    with files.write_folder(path) as build:
        save_file(state, build / WEIGHTS)
        table = {
            name: {"shape": list(t.shape), "dtype": str(t.dtype)}
            for name, t in state.items()
        }
        digest = files.sha256_of(build / WEIGHTS)
        files.write_json(
            build / DESCRIPTION,
            {
                "schema_version": SCHEMA_VERSION,
                "step": step,
                **description,
                "tensors": table,
                "sha256": digest,
            },
        )
        torch.save(dict(resume), build / RESUME)
        resume_digest = files.sha256_of(build / RESUME)
    files.write_json(
        folder / "last.json",
        {"step": step, "sha256": digest, "resume_sha256": resume_digest},
    )
    _prune(folder, keep)
    return Checkpoint(path, step, dict(description))


def mark_best(folder: Path, checkpoint: Checkpoint, value: float) -> None:
    """Point ``best.json`` at a checkpoint."""
    files.write_json(folder / "best.json", {"step": checkpoint.step, "loss": value})


def best_loss(folder: Path) -> float:
    """Return the loss of the best checkpoint so far, infinity before the first."""
    return _best(folder)[1]


def steps_in(folder: Path) -> list[int]:
    """Return the steps there are checkpoints of, in order, whole or not."""
    names = (_STEP.fullmatch(path.name) for path in folder.glob("step_*"))
    return sorted(int(name[1]) for name in names if name)


def latest(folder: Path) -> Checkpoint:
    """Find the last whole checkpoint, falling back when the newest is damaged.

    Raises
    ------
    RunFolderError
        When there is none, or the newest was written by a newer version.
    """
    problems = []
    for step in reversed(steps_in(folder)):
        path = _path_of(folder, step)
        try:
            files.check_folder(path, contents=True)
            description = _described(path)
        except (DataError, KeyError, ValueError) as error:
            problems.append(str(error))
            continue
        if problems:
            _log.warning("Later checkpoints than %s: %s", path, "; ".join(problems))
        return Checkpoint(path, step, description, "; ".join(problems))
    detail = f" Damaged: {'; '.join(problems)}" if problems else ""
    raise RunFolderError(
        f"{folder} holds no whole checkpoint. Train the run first.{detail}"
    )


def load_weights(checkpoint: Checkpoint, module: nn.Module) -> None:
    """Load weights into a module built from the same configuration.

    Raises
    ------
    RunFolderError
        When names, shapes or types differ from what the configuration builds, a value
        is not finite, or the file's header is too large to be ours.
    """
    path = checkpoint.path / WEIGHTS
    module.load_state_dict(read_weights(path, module.state_dict()))


def load_resume(checkpoint: Checkpoint) -> dict[str, Any]:
    """Read the optimiser state of one's own run, after its checksum matched.

    Raises
    ------
    RunFolderError
        When the file was changed or cannot be read.
    """
    files.check_folder(checkpoint.path, contents=True)
    try:
        loaded = torch.load(
            checkpoint.path / RESUME, weights_only=True, map_location="cpu"
        )
    except (OSError, RuntimeError, json.JSONDecodeError) as error:
        raise RunFolderError(f"{checkpoint.path / RESUME}: {error}") from error
    return dict(loaded)


def _path_of(folder: Path, step: int) -> Path:
    return folder / f"step_{step:08d}"


def _described(path: Path) -> Mapping[str, Any]:
    description = files.read_json(path / DESCRIPTION)
    if description["schema_version"] > SCHEMA_VERSION:
        raise RunFolderError(
            f"{path / DESCRIPTION} has schema_version {description['schema_version']}; "
            f"this version reads up to {SCHEMA_VERSION}. Update napari-neuroembed."
        )
    return dict(description)


def _refuse_not_finite(state: Mapping[str, Tensor], step: int) -> None:
    bad = [
        name
        for name, tensor in state.items()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    if bad:
        raise TrainingError(
            f"Weights are no longer finite after step {step}: {', '.join(bad[:3])}. "
            "The last checkpoint is kept. Lower training.learning_rate, or look for "
            "extreme values in the stacks with neuroembed check."
        )


def _best(folder: Path) -> tuple[int, float]:
    """Return step and loss of the best checkpoint; a damaged note is as good as none.

    It only says which old checkpoint to keep.
    """
    try:
        content = files.read_json(folder / "best.json")
        return int(content["step"]), float(content["loss"])
    except (DataError, KeyError, TypeError, ValueError):
        return -1, float("inf")


def _prune(folder: Path, keep: int) -> None:
    best, _ = _best(folder)
    for step in steps_in(folder)[:-keep]:
        if step == best:
            continue
        try:
            remove_folder(_path_of(folder, step))
        except OSError as error:
            _log.warning("%s stays: %s.", _path_of(folder, step), error.strerror)
