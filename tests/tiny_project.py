"""The smallest project a training accepts, and the commands for it."""

from __future__ import annotations

from pathlib import Path

from napari_neuroembed.api import Project, make_synthetic_project
from napari_neuroembed.options.synthetic import SyntheticOptions

SMALL_TRAINING = {
    "training.batch_size": 16,
    "training.log_every": 1,
    "training.threads": 1,
}

_CHEAP = {
    "permutations_linear": 2,
    "permutations_knn": 0,
    "permutations_mlp": 0,
    "bootstraps": 10,
    "shifts": 3,
}
CHEAP_EVALUATION = [w for k, v in _CHEAP.items() for w in ("--set", f"{k}={v}")]
"""Flags of an evaluation without statistics."""


def make_tiny_project(folder: Path) -> Project:
    """Make two animals with two recordings of 6 s each, pre-processed."""
    options = SyntheticOptions(
        n_animals=2, n_recordings=2, duration_s=6.0, image_size=32, video=0
    )
    project = make_synthetic_project(folder, options=options)
    assert set(project.preprocess()["status"]) == {"made"}
    return project


def train_command(project: Path, run: str, **settings: object) -> list[str]:
    """Return the arguments of a training; ``steps=30`` sets ``training.steps``."""
    named = {f"training.{name}": value for name, value in settings.items()}
    chosen = {**SMALL_TRAINING, "training.steps": 30, **named}
    words = ["train", str(project), "--run", run, "--method", "guenel2022"]
    return words + [w for k, v in chosen.items() for w in ("--set", f"{k}={v}")]
