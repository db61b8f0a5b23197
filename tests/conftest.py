"""Fixtures every test may use."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.prepared import make_recording
from tests.skips import pytest_runtest_makereport as pytest_runtest_makereport

from napari_neuroembed.config import RunConfig, twin
from napari_neuroembed.data.recording import Recording

ROOT = Path(__file__).resolve().parents[1]

# Two-thread torch on a busy machine burns many times the work; sub-processes inherit.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("NEUROEMBED_WORKERS", "1")


def pytest_collection_finish() -> None:
    """Keep torch to one thread where a test uses it; load it for no other."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Give the folder of a real data item, or skip when it is not here."""
    folder = Path(
        os.environ.get("NEUROEMBED_TEST_DATA", ROOT.parent / "shared" / "data")
    )

    def find(item: str) -> Path:
        if not (folder / item).exists():
            pytest.skip(f"real data {item} are not in {folder}")
        return folder / item

    return find


@pytest.fixture
def rng() -> np.random.Generator:
    """Give a numpy generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture
def recordings() -> list[Recording]:
    return [
        make_recording(f"{animal}_{i}", animal, 10 * a + i)
        for a, animal in enumerate(("fly1", "fly2"))
        for i in range(3)
    ]


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic project, pre-processed; name your own runs in it."""
    from tests.tiny_project import make_tiny_project

    folder = tmp_path_factory.mktemp("tiny") / "flies"
    make_tiny_project(folder)
    return folder


@pytest.fixture
def config() -> RunConfig:
    torch.set_num_threads(1)
    small = twin()
    return dataclasses.replace(
        small,
        training=dataclasses.replace(
            small.training, steps=12, batch_size=16, log_every=1, threads=1
        ),
    )
