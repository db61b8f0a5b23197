"""Pre-processing killed at random moments: never a mix of two folders."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.faults.forks import Forks, has_new, list_names, unfinished

from napari_neuroembed.api import Project
from napari_neuroembed.data.derived import read_derived, read_provenance
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import check_folder

pytestmark = pytest.mark.faults


def copy_of(project: Path, folder: Path) -> Path:
    shutil.copytree(project, folder)
    return folder


def command(project: Path, window_frames: int) -> list[object]:
    words: list[object] = ["preprocess", project, "--recordings", "fly1_001"]
    return [*words, "--workers", "1", "--set", f"dff.window_frames={window_frames}"]


def window_of(folder: Path) -> int:
    """Check a prepared recording and return the option it was made with."""
    check_folder(folder, contents=True)
    neural = read_derived(folder, id="fly1_001", animal="fly1").streams["neural"]
    assert np.isfinite(neural.data).all()
    return int(read_provenance(folder)["options"]["dff"]["window_frames"])


@pytest.mark.parametrize("n_kills", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_preprocessing_leaves_the_old_folder_or_the_new_one(
    tiny_project: Path, tmp_path: Path, forks: Forks, n_kills: int
) -> None:
    project = copy_of(tiny_project, tmp_path / "killed")
    folder, delays, hits = project / "derived/fly1_001", random.Random(0), 0
    longest_s = forks.seconds_of(*command(project, 4))
    before = window_of(folder)
    for kill in range(5 * n_kills):
        if hits == n_kills:
            break
        asked = 5 + kill % 20
        begun = partial(has_new, project / "jobs", list_names(project / "jobs"))
        delay_s = delays.uniform(0.0, longest_s)
        hits += forks.run_killed(*command(project, asked), after=begun, delay_s=delay_s)
        Project.open(project)
        if folder.exists():  # or it lies beside its place, for the next run to put back
            found = window_of(folder)
            assert found in (before, asked)
            before = found
    assert hits == n_kills
    assert forks.run(*command(project, 7)) == 0
    assert window_of(folder) == 7
    whole = copy_of(tiny_project, tmp_path / "whole")
    assert forks.run(*command(whole, 7)) == 0
    for name in ("neural.tif", "pose.npy", "mask.npy", "template.npy"):
        expected = (whole / "derived/fly1_001" / name).read_bytes()
        assert (folder / name).read_bytes() == expected
    assert unfinished(project / "derived") == []


def test_an_unfinished_folder_is_never_read(tmp_path: Path) -> None:
    (tmp_path / ".r.1.abcd.partial").mkdir()
    with pytest.raises(DataError, match="is not prepared"):
        read_derived(tmp_path / "r", id="r", animal="a")
