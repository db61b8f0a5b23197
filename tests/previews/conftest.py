"""A preview process to talk to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.previews.talking import Talk


@pytest.fixture
def talk() -> Iterator[Talk]:
    """Talk to a preview process without a project."""
    server = Talk()
    yield server
    server.close()
    assert not server.folder.path.exists()


@pytest.fixture(scope="module")
def project_talk(tiny_project: Path) -> Iterator[Talk]:
    """Talk to one of the small pre-processed project."""
    server = Talk(tiny_project)
    yield server
    server.close()
