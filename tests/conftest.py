"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


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
