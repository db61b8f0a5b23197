"""The window index against a slow loop over nominal times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.data.windows import window_index
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.windows import WindowOptions


def recording(
    n_neural=160, n_pose=1000, pose_start=0.0, neural_valid=None, bouts=None, name="r1"
):
    neural = Stream(
        "neural",
        np.zeros((n_neural, 4, 4), dtype=np.float32),
        TimeAxis(n_neural, rate_hz=16.0),
        np.ones(n_neural, bool) if neural_valid is None else neural_valid,
    )
    pose = Stream(
        "pose",
        np.zeros((n_pose, 6), dtype=np.float32),
        TimeAxis(n_pose, start_s=pose_start, rate_hz=100.0),
    )
    return Recording(name, "fly1", {"neural": neural, "pose": pose}, bouts)


def test_on_the_default_grid_the_32_neural_frames_lie_symmetrically_about_the_centre():
    own = recording()
    table = window_index([own], WindowOptions()).table
    centers = own.streams["neural"].time.centers()
    for row in table.itertuples():
        frames = row.neural_first + np.arange(32)
        assert np.mean(centers[frames]) == pytest.approx(row.center_s, abs=1e-9)


def test_the_first_window_of_a_ten_second_recording_begins_at_frame_0():
    table = window_index([recording()], WindowOptions(stride_s=1 / 16)).table
    assert table["neural_first"].min() == 0
    assert (table["neural_first"] + 31).max() == 159
    assert len(table) == 129


def test_a_pose_step_is_a_whole_number_of_frames_and_at_least_one():
    table = window_index([recording()], WindowOptions(pose_step_s=0.03)).table
    assert set(table["pose_step"]) == {3}
    table = window_index([recording()], WindowOptions(pose_step_s=0.001)).table
    assert set(table["pose_step"]) == {1}


@settings(max_examples=40, deadline=None)
@given(
    start=st.floats(-3, 3),
    rate=st.floats(7, 120),
    count=st.integers(1, 16),
    step=st.integers(1, 5),
)
def test_members_are_within_half_a_frame_of_their_nominal_times(
    start, rate, count, step
):
    n = 1200
    pose = Stream("pose", np.zeros((n, 2)), TimeAxis(n, start, rate))
    own = recording()
    own = Recording("r1", "fly1", {"neural": own.streams["neural"], "pose": pose})
    options = WindowOptions(pose_frames=count, pose_step_s=step / rate, neural_frames=8)
    table = window_index([own], options).table
    centers = pose.time.centers()
    for row in table.itertuples():
        nominal = row.center_s + (np.arange(count) - (count - 1) / 2) * step / rate
        frames = row.pose_first + row.pose_step * np.arange(count)
        assert frames.min() >= 0
        assert frames.max() < n
        assert np.abs(centers[frames] - nominal).max() <= 0.5 / rate + 2e-6


def test_explicit_times_give_the_windows_of_a_regular_clock():
    regular = recording()
    times = regular.streams["pose"].time.centers()
    explicit = Stream(
        "pose", regular.streams["pose"].data, TimeAxis(1000, times_s=times)
    )
    other = Recording(
        "r1", "fly1", {"neural": regular.streams["neural"], "pose": explicit}
    )
    options = WindowOptions(pose_frames=7)
    first = window_index([regular], options).table
    second = window_index([other], options).table
    assert len(second) >= len(first) - 2
    both = first.merge(second, on="center_s")
    assert len(both) >= len(first) - 2
    assert (both["pose_first_x"] == both["pose_first_y"]).all()


def test_windows_do_not_cross_a_gap_in_timestamps():
    times = np.concatenate([np.arange(500) * 0.01, 5.5 + np.arange(500) * 0.01])
    pose = Stream("pose", np.zeros((1000, 2)), TimeAxis(1000, times_s=times))
    own = Recording(
        "r1", "fly1", {"neural": recording().streams["neural"], "pose": pose}
    )
    table = window_index([own], WindowOptions(stride_s=1 / 16)).table
    crossing = (table["center_s"] > 4.9) & (table["center_s"] < 5.6)
    assert not crossing.any()
    assert (table["center_s"] > 5.7).any()


def test_windows_with_an_invalid_frame_are_dropped_and_counted():
    valid = np.ones(160, dtype=bool)
    valid[80] = False
    index = window_index(
        [recording(neural_valid=valid)], WindowOptions(stride_s=1 / 16)
    )
    frames = index.table["neural_first"]
    assert not ((frames <= 80) & (frames + 31 >= 80)).any()
    assert index.dropped["r1"]["neural invalid"] == 32


def test_clamped_windows_reach_over_the_ends_only_when_asked():
    dropped = window_index([recording()], WindowOptions(stride_s=1 / 16)).table
    clamped = window_index(
        [recording()], WindowOptions(stride_s=1 / 16, edge="clamp")
    ).table
    assert len(clamped) > len(dropped)
    assert clamped["neural_first"].min() < 0


def test_the_action_of_a_window_is_the_bout_at_its_centre():
    bouts = Bouts.from_frames(
        ["walk"] * 5 + [""] * 3 + ["rest"] * 2, np.arange(11, dtype=float)
    )
    table = window_index([recording(bouts=bouts)], WindowOptions()).table
    for row in table.itertuples():
        expected = "walk" if row.center_s < 5 else "" if row.center_s < 8 else "rest"
        assert row.action == expected


def test_unwanted_actions_are_dropped_and_counted():
    bouts = Bouts.from_frames(["walk", "rest"], np.array([0.0, 5.0, 10.0]))
    index = window_index(
        [recording(bouts=bouts)], WindowOptions(drop_actions=("rest",))
    )
    assert set(index.table["action"]) == {"walk"}
    assert index.dropped["r1"]["action"] > 0


def test_streams_without_common_time_are_refused_with_both_ranges():
    with pytest.raises(DataError, match=r"pose covers 70\.0 to 80\.0 s.*start_s"):
        window_index([recording(pose_start=70.0)], WindowOptions())


def test_a_stream_that_one_recording_lacks_is_named():
    lacking = recording(name="r2")
    lacking = Recording("r2", "fly2", {"neural": lacking.streams["neural"]})
    with pytest.raises(DataError, match="'pose' is missing in 1 of 2"):
        window_index([recording(), lacking], WindowOptions())


def test_without_the_pose_role_a_recording_without_poses_has_windows():
    lacking = Recording("r2", "fly2", {"neural": recording().streams["neural"]})
    index = window_index([recording(), lacking], WindowOptions(pose_stream="none"))
    assert set(index.table["recording"]) == {"r1", "r2"}
    assert "pose_first" not in index.table


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 97])
def test_short_recordings_give_no_window_or_the_right_number(n):
    index = window_index([recording(n_neural=n)], WindowOptions(stride_s=1 / 16))
    assert len(index.table) == max(0, n - 31)
