"""Clocks, streams and recordings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.errors import DataError

rates = st.floats(0.1, 1000.0)
starts = st.floats(-100.0, 100.0)
counts = st.integers(1, 200)
quick = settings(max_examples=40, deadline=None)


def explicit(*times: float) -> TimeAxis:
    return TimeAxis(len(times), times_s=np.array(times, dtype=np.float64))


def test_the_first_frame_is_centred_half_a_period_after_the_start() -> None:
    axis = TimeAxis(3, start_s=10.0, rate_hz=2.0)
    assert axis.centers().tolist() == [10.25, 10.75, 11.25]
    assert axis.edges().tolist() == [10.0, 10.5, 11.0]
    assert axis.centers().dtype == np.float64
    assert (axis.start_s, axis.stop_s, axis.period_s) == (10.0, 11.5, 0.5)
    assert axis.is_regular


def test_explicit_times_are_centres_and_give_the_start() -> None:
    axis = explicit(1.0, 1.5, 2.0)
    assert axis.centers().tolist() == [1.0, 1.5, 2.0]
    assert axis.edges().tolist() == [0.75, 1.25, 1.75]
    assert (axis.start_s, axis.stop_s, axis.period_s) == (0.75, 2.25, 0.5)
    assert not axis.is_regular


@quick
@given(n=counts, start=starts, rate=rates)
def test_both_forms_of_a_clock_agree(n: int, start: float, rate: float) -> None:
    regular = TimeAxis(n, start, rate)
    times = TimeAxis(n, times_s=regular.centers())
    assert times.start_s == pytest.approx(start if n > 1 else regular.center(0))
    assert times.stop_s == pytest.approx(regular.stop_s, abs=0.51 / rate)
    asked = np.concatenate([regular.centers(), regular.edges(), [start - 1, 1e6]])
    np.testing.assert_array_equal(times.nearest(asked), regular.nearest(asked))


@quick
@given(n=counts, start=starts, rate=rates)
def test_every_frame_is_nearest_to_its_centre_and_its_opening_edge(
    n: int, start: float, rate: float
) -> None:
    axis = TimeAxis(n, start, rate)
    np.testing.assert_array_equal(axis.nearest(axis.centers()), np.arange(n))
    np.testing.assert_array_equal(axis.nearest(axis.edges()), np.arange(n))
    assert [axis.center(i) for i in range(n)] == axis.centers().tolist()


def test_a_frame_is_the_nearest_by_a_slow_search() -> None:
    axis = explicit(0.0, 1.0, 1.5, 4.0)
    for asked in np.arange(-1.0, 5.0, 0.05):
        distances = np.abs(axis.centers() - asked)
        found = axis.nearest(np.array([asked]))[0]
        assert distances[found] == pytest.approx(distances.min())


def test_a_tie_goes_to_the_later_frame_of_either_clock() -> None:
    assert TimeAxis(3, rate_hz=1.0).nearest(np.array([1.0])).tolist() == [1]
    assert explicit(0.5, 1.5, 2.5).nearest(np.array([1.0])).tolist() == [1]


def test_a_single_frame_is_always_the_nearest() -> None:
    asked = np.array([-5.0, 0.0, 5.0])
    assert explicit(2.0).nearest(asked).tolist() == [0, 0, 0]
    assert TimeAxis(1, rate_hz=1.0).nearest(asked).tolist() == [0, 0, 0]


@pytest.mark.parametrize("axis", [TimeAxis(3, rate_hz=1.0), explicit(0.0, 1.0, 2.0)])
def test_no_frame_is_nearest_to_a_time_that_is_none(axis: TimeAxis) -> None:
    with pytest.raises(DataError, match="2 of 3 times are NaN or infinite"):
        axis.nearest(np.array([0.0, np.nan, np.inf]))


def test_an_empty_stream_has_no_nearest_frame() -> None:
    axis = TimeAxis(0, start_s=2.0, rate_hz=1.0)
    assert (axis.start_s, axis.stop_s) == (2.0, 2.0)
    assert axis.centers().shape == (0,)
    with pytest.raises(DataError, match="the stream is empty"):
        axis.nearest(np.array([0.0]))


def test_gaps_begin_new_stretches() -> None:
    axis = explicit(0.0, 0.1, 0.2, 5.0, 5.1, 9.0)
    assert axis.gaps().tolist() == [2, 4]
    assert axis.segment_ids().tolist() == [0, 0, 0, 1, 1, 2]


def test_a_step_of_one_and_a_half_periods_is_no_gap() -> None:
    assert explicit(0.0, 1.0, 2.0, 3.5).gaps().tolist() == []
    assert explicit(0.0, 1.0, 2.0, 3.6).gaps().tolist() == [2]
    assert TimeAxis(5, rate_hz=1.0).segment_ids().tolist() == [0] * 5


@pytest.mark.parametrize("axis", [TimeAxis(3, 1.0, 2.0), explicit(0.0, 1.0, 3.0)])
def test_a_shifted_clock_runs_later_and_back_again(axis: TimeAxis) -> None:
    later = axis.shifted(2.5)
    np.testing.assert_allclose(later.centers(), axis.centers() + 2.5)
    assert later.shifted(-2.5) == axis


def test_clocks_are_equal_by_their_times() -> None:
    assert TimeAxis(3, 0.0, 2.0) == TimeAxis(3, 0.0, 2.0)
    assert TimeAxis(3, 0.0, 2.0) != TimeAxis(3, 0.5, 2.0)
    assert explicit(0.0, 1.0) == explicit(0.0, 1.0)
    assert explicit(0.0, 1.0) != explicit(0.0, 2.0)
    assert explicit(0.5, 1.5) != TimeAxis(2, 0.0, 1.0)
    assert TimeAxis(3, 0.0, 2.0) != "TimeAxis"
    assert len({explicit(0.0, 1.0), explicit(0.0, 1.0), TimeAxis(2, rate_hz=1.0)}) == 2


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "either a rate in frames per second or the time of every frame"),
        ({"rate_hz": 1.0, "times_s": np.arange(3.0)}, "and not both"),
        ({"rate_hz": 0.0}, "must be above 0 frames per second, found 0.0"),
        ({"rate_hz": -16.0}, "found -16.0"),
        ({"rate_hz": float("nan")}, "found nan"),
        ({"rate_hz": float("inf")}, "found inf"),
        ({"rate_hz": 1.0, "start_s": float("nan")}, "The start must be finite"),
        ({"times_s": np.arange(4.0)}, r"each of 3 frames, found \(4,\)"),
        ({"times_s": np.zeros((3, 1))}, r"found \(3, 1\)"),
        ({"times_s": np.array([0.0, np.nan, 1.0])}, "The time of frame 1 is nan"),
        ({"times_s": np.array([0.0, 2.0, 1.0])}, "frame 2 is at 1.000000 s"),
        ({"times_s": np.array([0.0, 1.0, 1.0])}, "the frame before it at 1.000000 s"),
    ],
)
def test_a_wrong_clock_is_refused(values: dict[str, object], text: str) -> None:
    with pytest.raises(DataError, match=text):
        TimeAxis(3, **values)


def test_a_negative_number_of_frames_is_refused() -> None:
    with pytest.raises(DataError, match="cannot have -1 frames"):
        TimeAxis(-1, rate_hz=1.0)


def stream(n: int = 4, *, start_s: float = 0.0, rate_hz: float = 2.0) -> Stream:
    return Stream("trace", np.zeros((n, 3)), TimeAxis(n, start_s, rate_hz))


def test_all_frames_are_valid_unless_said_otherwise() -> None:
    assert stream(4).valid.tolist() == [True] * 4
    assert len(stream(4)) == 4
    assert stream(0).valid.shape == (0,)


@pytest.mark.parametrize(
    ("valid", "text"),
    [
        (np.ones(3, dtype=bool), r"found shape \(3,\)"),
        (np.ones((4, 1), dtype=bool), r"found shape \(4, 1\)"),
        (np.ones(4, dtype=np.uint8), "of uint8"),
        (np.array(True), r"found shape \(\)"),
    ],
)
def test_a_mask_must_have_one_bool_per_frame(valid: object, text: str) -> None:
    with pytest.raises(DataError, match=text):
        Stream("trace", np.zeros((4, 3)), TimeAxis(4, rate_hz=2.0), valid=valid)


def test_data_and_clock_must_have_the_same_length() -> None:
    with pytest.raises(DataError, match="has 4 frames but its clock has 5"):
        Stream("trace", np.zeros((4, 3)), TimeAxis(5, rate_hz=2.0))


def recording() -> Recording:
    streams = {
        "neural": Stream("neural", np.zeros((8, 2, 2)), TimeAxis(8, 0.0, 2.0)),
        "pose": Stream("pose", np.zeros((30, 2)), TimeAxis(30, 1.0, 10.0)),
        "speed": Stream("scalar", np.zeros((5, 1)), TimeAxis(5, 50.0, 1.0)),
    }
    return Recording("fly1_001", "fly1", streams)


def test_the_overlap_is_what_all_named_streams_cover() -> None:
    found = recording()
    assert found.overlap("neural", "pose") == (1.0, 4.0)
    start, stop = found.overlap()
    assert start > stop


def test_streams_are_found_by_kind() -> None:
    assert list(recording().of_kind("pose", "scalar")) == ["pose", "speed"]
    assert recording().of_kind("video") == {}


def test_a_missing_stream_is_named_with_those_there_are() -> None:
    with pytest.raises(
        DataError, match=r"streams: neural, pose, speed\. Not found: video"
    ):
        recording().overlap("neural", "video")
    with pytest.raises(DataError, match="streams: none"):
        Recording("fly1_001", "fly1", {}).overlap()
