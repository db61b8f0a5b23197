"""`augment` of the kind pose_swap: whose poses, by the law of Eq. 2."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.prepared import make_recording
from tests.previews.talking import Talk
from tests.tiny_project import make_tiny_project

from napari_neuroembed.api import preview_poses
from napari_neuroembed.api.preview_poses import make_pools
from napari_neuroembed.augmentation.swap import build_swap_table, draw_swaps
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.methods.randomness import generator
from napari_neuroembed.training.normalise import fit_pose_scaler

ASKED: dict[str, Any] = {
    "recording": "fly1_001",
    "frame": 40,
    "n_frames": 8,
    "kind": "pose_swap",
    "pose_frames": 6,
}


def poses(project: Path) -> dict[str, Recording]:
    found = Project.open(project)
    return {name: found.prepared(name) for name in found.recording_ids()}


def test_the_table_of_all_poses_and_the_same_seed_draw_the_same(
    project_talk: Talk, tiny_project: Path
) -> None:
    """The slow way: neighbours of every pose of every animal, then the window's."""
    options = {"pose_swap": {"neighbours": 5, "temperature": 0.2}}
    result = project_talk.result("augment", **ASKED, options=options, seed=4)
    recordings = poses(tiny_project)
    first, step = result["pose"]["first_frame"], result["pose"]["step"]
    by_animal: dict[str, list[np.ndarray]] = {}
    where: dict[str, list[tuple[str, int]]] = {}
    for name, one in recordings.items():
        stream = one.streams["pose"]
        start_s, stop_s = one.overlap()
        times = stream.time.centers()
        beside_images = (times >= start_s) & (times <= stop_s)
        frames = np.flatnonzero(stream.valid & beside_images)
        by_animal.setdefault(one.animal, []).append(np.asarray(stream.data)[frames])
        where.setdefault(one.animal, []).extend((name, int(f)) for f in frames)
    animals = list(by_animal)
    together = [np.concatenate(by_animal[a]) for a in animals]
    scaler = fit_pose_scaler(together)
    scaled = [scaler(torch.from_numpy(one)).numpy() for one in together]
    table = build_swap_table(scaled, animals, 5)
    rows = [where["fly1"].index(("fly1_001", first + step * j)) for j in range(6)]
    donor, row = draw_swaps(
        table,
        torch.tensor(rows)[None],
        torch.tensor([0]),
        generator(4, 0, "swap"),
        temperature=0.2,
    )
    found = [(one["recording"], one["frame"]) for one in _donors(result)]
    expected = [
        where[animals[int(d)]][int(r)] for d, r in zip(donor[0], row[0], strict=True)
    ]
    assert found == expected
    after = project_talk.array(result, "pose_after")
    for j, (name, frame) in enumerate(expected):
        np.testing.assert_array_equal(
            after[j], recordings[name].streams["pose"].data[frame]
        )
    own = np.asarray(recordings["fly1_001"].streams["pose"].data)
    np.testing.assert_array_equal(
        project_talk.array(result, "pose_before"), own[first : first + 6 * step : step]
    )


def _donors(result: dict[str, Any]) -> list[dict[str, Any]]:
    donors: list[dict[str, Any]] = result["drawn"]["pose_swap"]["donors"]
    return donors


def test_donors_are_of_other_animals_and_named(project_talk: Talk) -> None:
    result = project_talk.result("augment", **ASKED)
    assert {one["animal"] for one in _donors(result)} == {"fly2"}
    middle = _donors(result)[3]
    assert f"frame {middle['frame']:,} of {middle['recording']}" in result["words"][0]
    assert result["pose"]["n_dims"] == 2
    assert len(result["pose"]["time_s"]) == 6
    assert len(result["pose"]["names"]) == 60


def test_the_images_after_are_the_donor_s_about_that_pose(
    project_talk: Talk, tiny_project: Path
) -> None:
    result = project_talk.result("augment", **ASKED)
    after = project_talk.array(result, "after")
    middle = _donors(result)[3]
    donor = poses(tiny_project)[middle["recording"]]
    stack = np.asarray(donor.streams["neural"].data)
    starts = [
        t for t in range(len(stack) - 7) if np.array_equal(stack[t : t + 8], after)
    ]
    (start,) = starts
    images = donor.streams["neural"].time
    pose_s = donor.streams["pose"].time.center(middle["frame"])
    assert images.center(start) - 0.1 <= pose_s <= images.center(start + 7) + 0.1


def test_whole_windows_come_from_one_place(
    project_talk: Talk, tiny_project: Path
) -> None:
    options = {"pose_swap": {"unit": "window", "neighbours": 3}}
    result = project_talk.result("augment", **ASKED, options=options)
    donors = _donors(result)
    assert len({one["recording"] for one in donors}) == 1
    frames = np.array([one["frame"] for one in donors])
    assert np.unique(np.diff(frames)).tolist() == [result["pose"]["step"]]
    stream = poses(tiny_project)[donors[0]["recording"]].streams["pose"]
    np.testing.assert_array_equal(
        project_talk.array(result, "pose_after"), np.asarray(stream.data)[frames]
    )


def test_drawing_the_own_animal_leaves_the_pose(project_talk: Talk) -> None:
    options = {"pose_swap": {"include_own": True}}
    n_left = 0
    for seed in range(8):
        result = project_talk.result("augment", **ASKED, options=options, seed=seed)
        before = project_talk.array(result, "pose_before")
        after = project_talk.array(result, "pose_after")
        for j, one in enumerate(_donors(result)):
            if one is None:
                np.testing.assert_array_equal(after[j], before[j])
                n_left += 1
    assert 8 < n_left < 40  # 48 poses, half of them


def test_one_animal_is_one_plain_message(tmp_path: Path) -> None:
    project = make_tiny_project(tmp_path / "flies")
    project.remove("fly2_001")
    project.remove("fly2_002")
    server = Talk(project.path)
    error = server.error("augment", **ASKED)
    server.close()
    assert error["kind"] == "mistake"
    assert "at least 2 animals; found 1 (fly1)" in error["message"]


def test_a_recording_that_is_not_prepared_is_one_plain_message(tmp_path: Path) -> None:
    project = make_tiny_project(tmp_path / "flies")
    shutil.rmtree(project.derived_folder("fly1_001"))
    server = Talk(project.path)
    error = server.error("augment", **ASKED)
    server.close()
    assert "neuroembed preprocess" in error["message"]


def test_poses_that_are_missing_here_are_told(project_talk: Talk) -> None:
    error = project_talk.error("augment", **{**ASKED, "pose_frames": 400})
    assert "reach over an end of the poses" in error["message"]


def test_of_long_recordings_evenly_spread_poses_are_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preview_poses, "MOST_POSES", 50)
    recordings = [make_recording(f"{a}_{i}", a, i) for a in "ab" for i in range(2)]
    pools = make_pools(recordings, "pose", 3, 2)
    for pool in pools.pools:
        assert len(pool.first) == 50
        assert np.bincount(pool.owner).tolist() == [25, 25]
        for owner, first, values in zip(
            pool.owner, pool.first, pool.values, strict=True
        ):
            data = pool.recordings[owner].streams["pose"].data
            np.testing.assert_array_equal(values, data[first : first + 5 : 2])
