"""A newcomer brings a suite2p folder and reads nothing but what the command says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from tests.data.fixtures.hdf5_files import write_caiman, write_sleap
from tests.data.fixtures.table_files import regions_of, write_suite2p
from tests.journeys.command import Told, done, neuroembed, scores, train

from napari_neuroembed.api import Project
from napari_neuroembed.data.derived import read_derived

SHAPE = (24, 30)
N_REGIONS, N_FRAMES = 12, 600


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Round regions with a weight per pixel."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    found = np.zeros((N_REGIONS, *SHAPE), np.float32)
    for image in found:
        row, column = rng.integers(3, SHAPE[0] - 3), rng.integers(3, SHAPE[1] - 3)
        inside = (y - row) ** 2 + (x - column) ** 2 < 7
        image[inside] = rng.random(int(inside.sum())) + 0.1
    return found


def fluorescence(rng: np.random.Generator) -> np.ndarray:
    slow = np.cumsum(rng.normal(size=(N_REGIONS, N_FRAMES)), axis=1)
    return (500 + 10 * slow).astype(np.float32)


@pytest.fixture
def lab(tmp_path: Path, rng: np.random.Generator, images: np.ndarray) -> Path:
    """What two days at the microscope left behind."""
    cells = np.array([1.0] * 10 + [0.0] * 2)
    for day, ops in (
        ("monday", {"fs": 15.5, "frames_per_folder": np.array([250, 350])}),
        ("tuesday", None),
    ):
        f = fluorescence(rng)
        size = {"Ly": SHAPE[0], "Lx": SHAPE[1]}
        write_suite2p(
            tmp_path / "lab" / day,
            f,
            f * 0.3,
            cells,
            None if ops is None else {**ops, **size},
            stat=regions_of(images),
        )
    return tmp_path / "lab"


def first_flag(told: Told) -> list[str]:
    """Return the first flag that a refusal proposes, as one would copy it."""
    assert told.code == 2, told.out
    found = re.search(r"--[a-z-]+ (?:'[^']*'|[^\s(),;]+)", told.err)
    assert found, told.err
    return shlex.split(found.group())


def test_a_suite2p_folder_is_imported_by_reading_the_messages(lab, tmp_path, images):
    project = tmp_path / "mice"
    # 1. The folder, nothing else: whose is it?
    words: list[object] = ["import", project, lab / "monday"]
    told = neuroembed(*words)
    assert first_flag(told) == ["--animal", "NAME"]
    words += ["--animal", "mouse1"]
    # 2. suite2p processed two recordings in one go; each is imported by the flag shown.
    told = neuroembed(*words)
    assert "part 0 has 250, part 1 has 350 frames" in told.err
    flag, value = first_flag(told)
    assert (flag, value) == ("--reader-option", "trace.part=0")
    told = done(*words, flag, value)
    assert "trace: 250x10 float32, 16.13 s at 15.5 Hz (fs in" in told.out
    assert "10 of 12 regions (those suite2p calls cells), each F - 0.7 Fneu" in told.out
    done(*words, flag, value.replace("0", "1"))
    assert "nothing to do" in done(*words, flag, value).out
    # 3. One file of the folder is not the folder.
    f = lab / "tuesday" / "suite2p" / "plane0" / "F.npy"
    told = neuroembed("import", project, f, "--animal", "mouse2")
    assert told.code == 2
    assert f"Give the folder: {f.parent}" in told.err
    # 4. Without settings there is no rate, which is asked for and never guessed.
    words = ["import", project, f.parent, "--animal", "mouse2"]
    told = neuroembed(*words)
    assert first_flag(told) == ["--rate", "15.5"]
    told = done(*words, "--rate", "15.5")
    assert "ops.npy is missing" in told.out
    # 5. Checked and pre-processed; the pixels of every trace are kept beside it.
    assert "3 recordings of 2 animals" in done("check", project).out
    done("preprocess", project)
    opened = Project.open(project)
    derived = opened.path / "derived" / "mouse1_002"
    trace = read_derived(derived, id="mouse1_002", animal="mouse1").streams["trace"]
    assert trace.names[-1] == "roi9"
    assert trace.footprints is not None
    for i in range(10):
        np.testing.assert_array_equal(trace.footprints.to_dense(i), images[i])
    # 6. And it can be learnt from.
    done(*train(project, "first", "--method", "simclr_views"))
    done("evaluate", project, "first")
    assert len(scores(project, "first"))


def test_poses_of_two_mice_beside_components_of_caiman(tmp_path, rng, images):
    project = tmp_path / "mice"
    traces = write_caiman(
        tmp_path / "cnmf.hdf5", fluorescence(rng), images, accepted=range(8)
    )
    pose = write_sleap(
        tmp_path / "pose.h5",
        rng.random((1100, 2, 5, 2)) * 300,
        ["nose", "earL", "earR", "back", "tail"],
        ["resident", "intruder"],
        dims=True,
    )
    words: list[object] = ["import", project, traces, "--pose", pose]
    words += ["--animal", "mouse1"]
    # 1. All that is open about the poses is asked at once, each with its flag.
    told = neuroembed(*words)
    for flag in ("--pose-start", "--pose-rate", "--individual resident"):
        assert flag in told.err
    words += ["--pose-start", 0, "--pose-rate", 30, "--individual", "intruder"]
    # 2. The rate that CaImAn wrote may be its default: it must be confirmed.
    told = neuroembed(*words)
    assert "CaImAn's default" in told.err
    assert first_flag(told) == ["--rate", "30"]
    told = done(*words, "--rate", 30)
    assert "trace: 600x8" in told.out
    assert "pose: 1100x5x2" in told.out
    assert not (project / "derived").exists()
    yaml = (project / "project.yaml").read_text()
    assert "individual: intruder" in yaml
