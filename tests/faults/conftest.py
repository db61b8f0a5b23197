"""One process to fork commands from, for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.faults.forks import Forks


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    if not hasattr(os, "fork"):
        pytest.skip("needs a system that forks")
    forks = Forks()
    yield forks
    forks.close()
