"""What the tests of this folder share: a process to fork from, a project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.failing_verbs import LABELS
from tests.faults.forks import Forks
from tests.tiny_project import train_command

from napari_neuroembed.cli import main


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    if not hasattr(os, "fork"):
        pytest.skip("needs a system that forks")
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def original(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one finished run, `r`, and a file of labels."""
    folder = tmp_path_factory.mktemp("verbs") / "flies"
    others = shutil.ignore_patterns("runs", "jobs")  # of tests that came before
    shutil.copytree(tiny_project, folder, ignore=others)
    assert main(train_command(folder, "r", steps=3)) == 0
    (folder / "labels.csv").write_text(LABELS)
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "flies")
    return tmp_path / "flies"
