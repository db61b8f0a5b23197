"""Seconds and pixels, zoom, pan, pages, ticks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_neuroembed.widgets.timeline.view import (
    MIN_FRAMES,
    TICK_PX,
    View,
    tick_steps,
    ticks,
    whole_recording,
)
from napari_neuroembed.widgets.timeline.words import (
    clock,
    clock_unit,
    decimals_of,
    length,
)


@st.composite
def views(draw: st.DrawFn) -> View:
    """Any view of any recording."""
    low = draw(st.floats(-100, 10_000))
    whole = draw(st.floats(0.5, 40_000))
    frame = draw(st.sampled_from([0.001, 0.01, 1 / 30, 0.0625]))
    width = draw(st.integers(20, 4000))
    view = whole_recording(low, low + whole, frame).resized(width)
    start, stop = sorted(draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))
    return view.shown(low + start * whole, low + stop * whole)


def is_allowed(view: View) -> bool:
    slack = 1e-9 * max(1.0, abs(view.high_s))
    return (
        view.low_s <= view.start_s < view.stop_s <= view.high_s
        and view.span_s >= view.closest_s - slack
    )


@given(views(), st.floats(0, 1))
def test_pixels_lead_back_to_themselves(view: View, share: float) -> None:
    x = share * view.width_px
    assert view.x(view.seconds(x)) == pytest.approx(x, abs=1e-5 * view.width_px)
    assert view.x(view.start_s) == 0
    assert view.x(view.stop_s) == pytest.approx(view.width_px)


@given(views(), st.floats(0, 1), st.floats(0.1, 10))
def test_zooming_keeps_the_moment_under_the_pointer(
    view: View, share: float, factor: float
) -> None:
    x = share * view.width_px
    before = view.seconds(x)
    zoomed = view.zoomed(x, factor)
    assert is_allowed(zoomed)
    kept = pytest.approx(before, abs=1e-6 * max(1.0, view.whole_s, abs(before)))
    free = min(max(view.span_s * factor, view.closest_s), view.whole_s)
    start = before - share * free
    if view.low_s <= start and start + free <= view.high_s:
        assert zoomed.seconds(x) == kept
        assert zoomed.span_s == pytest.approx(free, rel=1e-6)
    else:
        assert zoomed.start_s <= before + 1e-6 * max(1.0, abs(before))
        assert zoomed.stop_s >= before - 1e-6 * max(1.0, abs(before))


@given(views(), st.floats(-5000, 5000))
def test_panning_moves_the_picture_and_stops_at_the_ends(
    view: View, pixels: float
) -> None:
    panned = view.panned(pixels)
    assert is_allowed(panned)
    assert panned.span_s == pytest.approx(view.span_s, rel=1e-6)
    middle = (view.start_s + view.stop_s) / 2
    if panned.start_s > view.low_s and panned.stop_s < view.high_s:
        moved = panned.x(middle) - view.x(middle)
        assert moved == pytest.approx(pixels, abs=1e-3 * view.width_px)


@given(views(), st.floats(0, 1))
def test_the_view_follows_the_play_head(view: View, share: float) -> None:
    seconds = view.low_s + share * view.whole_s
    page = view.following(seconds)
    assert is_allowed(page)
    assert page.start_s <= seconds <= page.stop_s
    if view.start_s <= seconds < view.stop_s:
        assert page == view


def test_closest_are_a_few_frames_and_widest_the_recording() -> None:
    view = whole_recording(10.0, 70.0, 0.01).resized(900)
    for _ in range(100):
        view = view.zoomed(450, 0.5)
    assert view.span_s == pytest.approx(MIN_FRAMES * 0.01)
    for _ in range(100):
        view = view.zoomed(3, 2.0)
    assert (view.start_s, view.stop_s, view.is_whole) == (10.0, 70.0, True)


def test_one_frame_is_a_whole_recording() -> None:
    view = whole_recording(0.0, 0.01, 0.01).resized(300)
    assert view.zoomed(100, 0.5) == view == view.panned(50)
    assert whole_recording(3.0, 3.0, 0.5).stop_s == 3.5


@pytest.mark.parametrize(
    ("start", "stop", "frame"),
    [(1.0, 0.0, 0.1), (0.0, math.nan, 0.1), (0.0, math.inf, 0.1), (0.0, 1.0, 0.0)],
)
def test_what_is_no_span_of_time_is_refused(
    start: float, stop: float, frame: float
) -> None:
    with pytest.raises(ValueError, match="cannot be shown"):
        whole_recording(start, stop, frame)


@given(views())
def test_ticks_are_multiples_in_view_and_their_labels_do_not_touch(view: View) -> None:
    step, minor = tick_steps(view)
    found = ticks(view, step)
    assert step / view.span_s * view.width_px >= TICK_PX or step == 8_640_000
    for seconds in found:
        assert seconds / step == pytest.approx(round(seconds / step), abs=1e-6)
        assert -1e-3 <= view.x(seconds) <= view.width_px * (1 + 1e-6) + 1e-3
    between = {round(seconds / minor) for seconds in ticks(view, minor)}
    assert {round(seconds / minor) for seconds in found} <= between
    decimals = decimals_of(step)
    written = [clock(seconds, view.high_s, decimals) for seconds in found]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize(
    ("seconds", "longest", "decimals", "text"),
    [
        (0.0, 60.0, 0, "0"),
        (12.5, 60.0, 1, "12.5"),
        (59.999, 600.0, 2, "1:00.00"),
        (3599.999, 7200.0, 0, "1:00:00"),
        (3725.04, 7200.0, 2, "1:02:05.04"),
        (-1.25, 600.0, 2, "−0:01.25"),
        (-0.001, 60.0, 1, "0.0"),
    ],
)
def test_moments_are_written_as_clocks_do(
    seconds: float, longest: float, decimals: int, text: str
) -> None:
    assert clock(seconds, longest, decimals) == text


def test_units_stand_with_every_time() -> None:
    assert [clock_unit(s) for s in (60.0, 600.0, 7200.0)] == [
        "Time (s)",
        "Time (min:s)",
        "Time (h:min:s)",
    ]
    assert length(1234.5, 2) == "1,234.50 s"
    assert [decimals_of(s) for s in (60.0, 1.0, 0.5, 0.1, 0.01, 1 / 30)] == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]
