"""Checkpoints: weights as safetensors + JSON; optimiser apart, for resuming only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from napari_neuroembed import files
from napari_neuroembed.errors import DataError, RunFolderError
from napari_neuroembed.leftovers import remove_folder
from napari_neuroembed.training.weights import read_weights

WEIGHTS, DESCRIPTION, RESUME = "model.safetensors", "model.json", "resume.pt"


@dataclass(frozen=True)
class Checkpoint:
    """One folder ``checkpoints/step_*``."""

    path: Path
    step: int
    description: Mapping[str, Any]


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
    """
    state = {
        name: t.detach().cpu().contiguous() for name, t in module.state_dict().items()
    }
    path = folder / f"step_{step:08d}"
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
                "schema_version": 1,
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
    path = folder / "best.json"
    return float(files.read_json(path)["loss"]) if path.exists() else float("inf")


def latest(folder: Path) -> Checkpoint:
    """Find the last whole checkpoint, falling back when the newest is damaged.

    Raises
    ------
    RunFolderError
        When there is none.
    """
    problems = []
    for path in sorted(folder.glob("step_*"), reverse=True):
        try:
            files.check_folder(path, contents=True)
            description = files.read_json(path / DESCRIPTION)
            return Checkpoint(path, int(description["step"]), description)
        except (DataError, KeyError, ValueError) as error:
            problems.append(str(error))
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


def _prune(folder: Path, keep: int) -> None:
    best = -1
    if (folder / "best.json").exists():
        best = int(files.read_json(folder / "best.json")["step"])
    for path in sorted(folder.glob("step_*"))[:-keep]:
        if int(path.name.removeprefix("step_")) != best:
            remove_folder(path)
