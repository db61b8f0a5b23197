"""One small project with a judged run and an imported one, shared by all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.command import done
from tests.tiny_project import CHEAP_EVALUATION, train_command

from napari_neuroembed.api import Project, make_synthetic_project
from napari_neuroembed.options.synthetic import SyntheticOptions


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with the runs `first` (judged) and `brought` (imported)."""
    folder = tmp_path_factory.mktemp("judged") / "flies"
    options = SyntheticOptions(
        n_animals=2, n_recordings=2, duration_s=24.0, image_size=32, video=0
    )
    make_synthetic_project(folder, options=options).preprocess()
    done(*train_command(folder, "first", steps=4))
    done("evaluate", folder, "first", "--profile", "quick", *CHEAP_EVALUATION)
    rng = np.random.default_rng(0)
    recording = Project.open(folder).recording_ids()[0]
    n_frames = len(Project.open(folder).raw(recording).streams["neural"])
    rows = rng.normal(size=(n_frames, 3)).astype(np.float32)
    np.save(folder.parent / "h.npy", rows)
    words = ["--embedding", f"{recording}={folder.parent / 'h.npy'}"]
    words += ["--embedding-method", "brought_in", "--run", "brought"]
    done("import", folder, *words)
    return folder


@pytest.fixture
def own(judged: Path, tmp_path: Path) -> Callable[[], Path]:
    """Give a copy of that project that may be changed."""

    def copy() -> Path:
        return Path(shutil.copytree(judged, tmp_path / "flies"))

    return copy
