"""The files of the synthetic data set."""

from __future__ import annotations

import csv
import json

import av
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_neuroembed.data.synthetic import files as synthetic_files
from napari_neuroembed.data.synthetic import simulate
from napari_neuroembed.data.synthetic.files import bytes_needed, write_twin
from napari_neuroembed.data.synthetic.video import POINT_NAMES, draw_clip, write_clip
from napari_neuroembed.errors import Cancelled, DataError
from napari_neuroembed.files import check_folder
from napari_neuroembed.options.synthetic import SyntheticOptions

OPTIONS = SyntheticOptions(
    n_animals=2, n_recordings=2, duration_s=3.0, image_size=48, seed=5
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_twin(tmp_path_factory.mktemp("twin"), OPTIONS)


@pytest.fixture(scope="module")
def twin():
    return simulate(OPTIONS)


@pytest.fixture
def table(source):
    with (source / "recordings.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_recording_has_a_row_and_every_path_in_it_exists(source, table):
    assert [row["recording"] for row in table] == [
        "fly1_001", "fly1_002", "fly2_001", "fly2_002"
    ]  # fmt: skip
    for row in table:
        for stream in ("neural", "pose", "scalar_speed", "labels"):
            assert (source / row[stream]).is_file()
        assert row["animal"] == row["recording"][:4]
        assert float(row["neural_rate_hz"]) == 16.0
    assert [bool(row["video"]) for row in table] == [True, False, True, False]
    check_folder(source, contents=True)


def test_the_stack_is_one_contiguous_series_of_the_frames(source, twin):
    with tifffile.TiffFile(source / "fly2/002/neural.tif") as file:
        assert len(file.series) == 1
        assert len(file.pages) == 48
        assert file.series[0].axes == "TYX"
        assert file.series[0].dataoffset is not None
        stack = file.series[0].asarray()
    assert stack.dtype == np.uint16
    assert np.array_equal(stack, np.stack(list(twin.frames("fly2_002"))))


def test_poses_and_speed_are_on_the_camera_clock_that_starts_at_zero(source, twin):
    truth = twin.recording("fly1_002")
    pose = pd.read_csv(source / "fly1/002/pose.csv")
    assert list(pose.columns[:3]) == ["time_s", "RF_Coxa_x", "RF_Coxa_y"]
    assert pose.shape == (truth.pose_time.n_frames, 61)
    assert pose["time_s"].to_numpy() == pytest.approx(
        (np.arange(len(pose)) + 0.5) / 32.0, abs=1e-6
    )
    points = pose.to_numpy()[:, 1:].reshape(-1, 30, 2)
    assert points == pytest.approx(truth.points, abs=6e-4)
    speed = pd.read_csv(source / "fly1/002/speed.csv")
    assert list(speed.columns) == ["time_s", "speed"]
    assert speed["speed"].to_numpy() == pytest.approx(truth.speed_cm_s, abs=6e-5)


def test_labels_have_one_present_action_per_camera_frame(source, twin):
    labels = pd.read_csv(source / "fly2/001/labels.csv", index_col=0)
    assert tuple(labels.columns) == twin.repertoire.names
    assert set(np.unique(labels)) <= {0, 1}
    assert (labels.sum(axis=1) == 1).all()
    truth = twin.recording("fly2_001").action
    assert np.array_equal(labels.to_numpy().argmax(axis=1), truth)


def test_the_table_tells_when_each_camera_started_and_the_covariates(table, twin):
    for row in table:
        recording = twin.recording(row["recording"])
        assert float(row["pose_start_s"]) == recording.pose_time.start_s
        assert row["scalar_speed_start_s"] == row["pose_start_s"]
        assert row["labels_like"] == "pose"
        assert row["video_like"] == ("pose" if row["video"] else "")
        assert {k: row[k] for k in ("sex", "date", "rig")} == recording.covariates


def decoded(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return stream.codec_context.name, [
            (float(f.pts * f.time_base), f.to_ndarray(format="gray")) for f in frames
        ]


def test_the_clip_shows_the_posture_of_every_pose_frame(source, twin):
    points = twin.recording("fly1_001").points
    _, frames = decoded(source / "fly1/001/camera.mp4")
    assert len(frames) == len(points)
    for number in (0, 17, len(points) - 1):
        time_s, image = frames[number]
        assert time_s == pytest.approx(number / 32.0)
        x, y = np.rint(points[number]).astype(int).T
        assert image[y, x].mean() < 60
        assert np.median(image) > 140


def test_without_an_h264_encoder_the_clip_is_mpeg4(tmp_path, twin, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    points = twin.recording("fly1_001").points[:10]
    write_clip(tmp_path / "clip.mp4", draw_clip(points), 30.0)
    codec, frames = decoded(tmp_path / "clip.mp4")
    assert codec == "mpeg4"
    assert len(frames) == 10


def test_the_truth_lies_beside_the_files(source, twin):
    with np.load(source / "truth.npz", allow_pickle=False) as truth:
        recording = twin.recording("fly2_002")
        assert np.array_equal(truth["fly2_002/spikes"], recording.spikes)
        assert np.array_equal(truth["fly2_002/motion_px"], recording.motion_px)
        assert truth["fly2/tau_s"] == twin.anatomy["fly2"].tau_s
        assert np.array_equal(truth["axons/tuning"], twin.axons.tuning)
        assert np.array_equal(truth["fly2/position"], twin.anatomy["fly2"].position)
    facts = json.loads((source / "truth.json").read_text())
    assert facts["options"]["seed"] == 5
    assert facts["actions"] == list(twin.repertoire.names)
    assert facts["points"] == list(POINT_NAMES)
    assert facts["recordings"]["fly1_001"]["neural_frames"] == 48


def test_with_drift_each_recording_keeps_its_own_anatomy():
    wandering = simulate(
        SyntheticOptions(n_animals=1, n_recordings=2, duration_s=2.0, drift=1.0)
    )
    arrays = synthetic_files.truth_arrays(wandering)
    assert not np.array_equal(arrays["fly1_001/position"], arrays["fly1_002/position"])


def test_writing_twice_gives_the_same_bytes(source, tmp_path):
    again = write_twin(tmp_path, OPTIONS)
    for name in ("neural.tif", "pose.csv", "speed.csv", "labels.csv"):
        one, other = source / "fly1/002" / name, again / "fly1/002" / name
        assert one.read_bytes() == other.read_bytes(), name


def test_progress_counts_recordings_and_a_cancelled_job_leaves_nothing(tmp_path):
    seen = []

    def stop_after_two(stage, done, total, message=""):
        seen.append((stage, done, total))
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_twin(tmp_path, OPTIONS, stop_after_two)
    assert seen == [("simulate", 1, 4), ("simulate", 2, 4)]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_files, "free_bytes", lambda _: 1_000_000)
    with pytest.raises(DataError, match=r"need 1,115 MB but .* has 1 MB free"):
        write_twin(tmp_path / "new", SyntheticOptions())
    assert list(tmp_path.iterdir()) == []


def test_the_estimated_size_is_near_the_real_one(source):
    real = sum(file.stat().st_size for file in source.rglob("*") if file.is_file())
    assert bytes_needed(OPTIONS) == pytest.approx(real, rel=0.25)
