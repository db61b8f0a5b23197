"""Poses of flies and traces of CaImAn, imported by reading the command's messages."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest
from tests.journeys.command import Told, done, neuroembed

from napari_neuroembed.api import Project
from napari_neuroembed.data.derived import read_derived

FILES = {
    "210902_PR_Fly1.npz": (1000, 30, 3),
    "210902_PR_Fly1_pose3d_aligned.pkl": (1000, 30, 3),
    "210902_PR_Fly1_leg_joint_angles.pkl": (1000, 42, 1),
    "180921_aDN_CsCh_Fly6_003_SG1.npz": (900, 30, 3),
    "220525_aJO_Fly001_001_converted_dict.pkl": (6000, 17, 3),
    "preds_180921_aDN_PR_Fly8_005_SG1_behData_images-images.pkl": (900, 38, 2),
    "aymans2022_behavior_clip.npz": (501, 42, 1),
}


def flags_of(told: Told) -> list[str]:
    """Return the first flag that a refusal proposes, as one would copy it."""
    assert told.code == 2, told.out
    found = re.search(r"--[a-z-]+ [^\s(),;]*[^\s(),;.]", told.err)
    assert found, told.err
    return shlex.split(found.group())


def test_poses_of_flies_are_found_in_their_folder(shared_data, tmp_path):
    folder, project = shared_data("fly_pose_nely"), tmp_path / "flies"
    # 1. The folder is not one recording; what lies in it is named, with its reader.
    told = neuroembed("import", project, folder)
    assert told.code == 2
    for name in FILES:
        reader = "npz" if name.endswith(".npz") else "df3d"
        assert f"{name} ({reader})" in told.err
    # 2. Poses alone are no SOURCE; the flag for them is shown.
    told = neuroembed("import", project, folder / "210902_PR_Fly1.npz")
    assert flags_of(told) == ["--pose", "210902_PR_Fly1.npz"]
    # 3. Each file on its own; a rate that a file does not hold is asked for.
    for i, (name, shape) in enumerate(FILES.items()):
        words: list[object] = ["import", project, "--pose", folder / name]
        assert flags_of(neuroembed(*words)) == ["--animal", "NAME"]
        words += ["--animal", f"fly{i}"]
        told = neuroembed(*words)
        if told.code:
            assert "frames but no frame rate" in told.err
            assert name.endswith(".pkl")
            told = done(*words, "--pose-rate", 100)
        size = "x".join(map(str, shape))
        assert f"pose: {size} " in told.out
        assert "at 100 Hz" in told.out
    # 4. Pre-processed, the plain copy and the pickle of one recording are one pose.
    assert "7 recordings of 7 animals" in done("check", project).out
    done("preprocess", project)
    derived = Project.open(project).path / "derived"
    plain, pickled = (
        read_derived(derived / f"fly{i}_001", id="x", animal="x").streams["pose"]
        for i in (0, 1)
    )
    assert plain.names == pickled.names
    np.testing.assert_allclose(plain.data, pickled.data, atol=1e-5)
    assert np.isfinite(plain.data[plain.valid]).all()


@pytest.mark.parametrize(
    ("name", "shape"), [("example_C", (3000, 58)), ("demoMovie_C", (2000, 16))]
)
def test_components_of_caiman_are_imported_by_answering(
    name, shape, shared_data, tmp_path
):
    folder, project = shared_data("ca_traces_caiman"), tmp_path / "mice"
    told = neuroembed("import", project, folder)
    assert told.code == 2
    assert f"{name}.npz (npz)" in told.err
    words: list[object] = ["import", project, "--trace", folder / f"{name}.npz"]
    answers = (["--animal", "m1"], ["--trace-rate", "30"])
    asked = []
    for _ in range(5):
        told = neuroembed(*words)
        if told.code == 0:
            break
        found = re.search(r"--reader-option \S+[^\s.;]", told.err)
        flag = shlex.split(found.group().rstrip(";")) if found else None
        if flag is None:
            flag = answers[0] if "--animal" in told.err else answers[1]
        asked.append(flag[1])
        words += flag
    assert f"trace: {shape[0]}x{shape[1]} float32" in told.out, asked
    assert {"m1", "30"} <= set(asked)
    assert "m1_001 (m1)" in done("check", project).out
    done("preprocess", project)
    stream = read_derived(
        Project.open(project).path / "derived" / "m1_001", id="m1_001", animal="m1"
    ).streams["trace"]
    with np.load(folder / f"{name}.npz") as arrays:
        raw = arrays["C"].T
    assert stream.data.shape == raw.shape
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(stream.data.T, raw.T, strict=True)]
    assert np.median(r) > 0.8


def test_a_matlab_file_of_caiman_says_what_to_save_instead(shared_data, tmp_path):
    path = shared_data("ca_traces_caiman") / "tmppy.mat"
    told = neuroembed("import", tmp_path / "m", "--trace", path, "--animal", "m1")
    assert told.code == 2
    assert "cnm.save('results.hdf5')" in told.err
    assert not (tmp_path / "m").exists()
