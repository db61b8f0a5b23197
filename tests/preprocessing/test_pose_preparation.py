"""Poses: gaps, roots, confidence, any number of dimensions."""

import numpy as np
import pytest

from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.options.preprocessing import PoseOptions
from napari_neuroembed.preprocessing.pose import close_gaps, prepare_pose


def pose(data, names=(), rate_hz=10.0, valid=None, **facts):
    clock = TimeAxis(len(data), rate_hz=rate_hz)
    if valid is None:
        valid = np.ones(len(data), dtype=bool)
    return Stream("pose", data, clock, valid, names=names, units="px", facts=facts)


@pytest.mark.parametrize("shape", [(30, 2), (30, 3), (38, 2), (1, 1), (7, 5)])
def test_any_number_of_points_and_dimensions_is_kept(shape, rng):
    data = rng.normal(size=(20, *shape))
    prepared = prepare_pose(pose(data), PoseOptions(), "r").stream
    np.testing.assert_allclose(prepared.data, data.reshape(20, -1), rtol=1e-6)
    assert prepared.data.dtype == np.float32
    assert len(set(prepared.names)) == shape[0] * shape[1]


def test_each_leg_is_measured_from_its_own_coxa_and_antennae_are_dropped(rng):
    data = rng.normal(size=(12, 5, 2))
    names = ("coxa_l", "claw_l", "coxa_r", "claw_r", "antenna")
    options = PoseOptions(
        method="relative",
        groups={"coxa_l": ("claw_l",), "coxa_r": ("claw_r",)},
        drop=("antenna",),
    )
    prepared = prepare_pose(pose(data, names), options, "r")
    table = prepared.stream.data.reshape(12, 4, 2)
    np.testing.assert_allclose(table[:, 1], data[:, 1] - data[:, 0], atol=1e-6)
    np.testing.assert_allclose(table[:, 3], data[:, 3] - data[:, 2], atol=1e-6)
    assert (table[:, [0, 2]] == 0).all()
    assert prepared.counts["constant_features"] == 4
    assert prepared.stream.names[:3] == ("coxa_l_x", "coxa_l_y", "claw_l_x")
    assert prepared.stream.facts["n_dims"] == 2


def test_one_root_serves_all_points_outside_the_groups(rng):
    data = rng.normal(size=(6, 3, 2))
    options = PoseOptions(method="relative", root="a")
    prepared = prepare_pose(pose(data, ("a", "b", "c")), options, "r").stream
    expected = (data - data[:, :1]).reshape(6, -1)
    np.testing.assert_allclose(prepared.data, expected, atol=1e-6)


def test_short_gaps_are_interpolated_and_long_ones_are_invalid():
    data = np.arange(20, dtype=float)[:, None, None] * np.ones((1, 1, 2))
    data[3] = np.nan  # 0.1 s
    data[8:11, 0, 1] = np.nan  # 0.3 s
    data[19] = np.nan  # no frame after it
    prepared = prepare_pose(pose(data), PoseOptions(max_gap_s=0.1), "r")
    np.testing.assert_allclose(prepared.stream.data[3], 3.0)
    assert np.flatnonzero(~prepared.stream.valid).tolist() == [8, 9, 10, 19]
    assert prepared.counts["missing_points"] == 5
    assert prepared.counts["interpolated_points"] == 1
    assert prepared.counts["invalid_frames"] == 4


def test_frames_the_reader_calls_invalid_are_missing():
    data = np.arange(10, dtype=float)[:, None, None]
    valid = np.arange(10) != 4
    prepared = prepare_pose(pose(data, valid=valid), PoseOptions(max_gap_s=0), "r")
    assert np.flatnonzero(~prepared.stream.valid).tolist() == [4]


def test_nothing_is_interpolated_across_a_gap_of_the_clock():
    times = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    x = np.array([0.0, 1.0, np.nan, np.nan, 4.0, 5.0])[:, None]
    clock = TimeAxis(6, times_s=times)
    closed = close_gaps(x, np.ones(6, dtype=bool), clock, max_gap_s=60.0)
    assert np.isnan(closed[2:4]).all()


def test_low_confidence_counts_as_missing_and_the_fact_is_not_passed_on(rng):
    data = rng.normal(size=(10, 2, 2))
    confidence = np.ones((10, 2))
    confidence[5, 1] = 0.1
    stream = pose(data, confidence=confidence)
    prepared = prepare_pose(stream, PoseOptions(max_gap_s=0, min_confidence=0.6), "r")
    assert np.flatnonzero(~prepared.stream.valid).tolist() == [5]
    assert "confidence" not in prepared.stream.facts
    trusting = prepare_pose(stream, PoseOptions(min_confidence=0), "r")
    assert trusting.stream.valid.all()
    with pytest.raises(DataError, match=r"confidence per frame and point \(10, 2\)"):
        prepare_pose(pose(data, confidence=np.ones((10, 3))), PoseOptions(), "r")


def test_the_hidden_side_of_df3d_stays_0_and_costs_no_frame(rng):
    data = rng.normal(size=(10, 4, 2))
    data[:, 2:] = 0.0
    names = ("a", "b", "c", "d")
    options = PoseOptions(zero_is_missing=True, method="relative", groups={"c": ("d",)})
    prepared = prepare_pose(pose(data, names), options, "r")
    assert prepared.stream.valid.all()
    assert (np.asarray(prepared.stream.data)[:, 4:] == 0).all()
    assert prepared.counts["never_seen"] == ["c", "d"]


def test_a_lost_root_loses_its_group_only_for_that_time(rng):
    data = rng.normal(size=(30, 2, 3))
    data[10:20, 0] = np.nan
    options = PoseOptions(method="relative", root="a", max_gap_s=0.1)
    prepared = prepare_pose(pose(data, ("a", "b")), options, "r")
    assert np.flatnonzero(~prepared.stream.valid).tolist() == list(range(10, 20))
    assert np.isfinite(np.asarray(prepared.stream.data)[prepared.stream.valid]).all()


def test_angles_pass_through_with_their_names(rng):
    data = rng.normal(size=(9, 3))
    stream = pose(data, ("tita", "femur", "coxa"))
    prepared = prepare_pose(stream, PoseOptions(method="angles"), "r").stream
    np.testing.assert_allclose(prepared.data, data, rtol=1e-6)
    assert prepared.names == ("tita", "femur", "coxa")
    assert prepared.facts["n_dims"] is None


def test_the_input_is_left_alone(rng):
    data = rng.normal(size=(9, 2, 2))
    data[3] = np.nan
    before = data.copy()
    prepare_pose(pose(data), PoseOptions(zero_is_missing=True), "r")
    np.testing.assert_array_equal(data, before)


def test_unknown_and_doubled_points_are_all_named_at_once(rng):
    data = rng.normal(size=(5, 2, 2))
    options = PoseOptions(
        method="relative", root="hip", groups={"a": ("b",), "b": ("b",)}
    )
    with pytest.raises(ConfigError, match=r"(?s)2 problems.*'hip'.*'b' is in two"):
        prepare_pose(pose(data, ("a", "b")), options, "r")
    with pytest.raises(ConfigError, match="needs a root or groups"):
        prepare_pose(pose(data), PoseOptions(method="relative"), "r")


def test_poses_without_any_usable_frame_or_shape_are_refused():
    data = np.zeros((6, 2, 2))
    data[::2, 0] = np.nan
    data[1::2, 1] = np.nan
    with pytest.raises(DataError, match="no frame has all 2 points"):
        prepare_pose(pose(data), PoseOptions(max_gap_s=0), "r")
    with pytest.raises(DataError, match=r"\(time, point, dimension\)"):
        prepare_pose(pose(np.zeros((3, 2, 2, 2))), PoseOptions(), "r")
