"""What lies under the pointer, beside a loop; how far edges go."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.widgets.timeline.ethograms import (
    GROOM,
    JUMP,
    REST,
    WALK,
    Bout,
    four_actions,
    many_bouts,
    row,
)

from napari_neuroembed.widgets.timeline.hit import (
    EDGE_PX,
    NARROW_PX,
    Hit,
    drag_of,
    hit,
    limits,
)
from napari_neuroembed.widgets.timeline.rows import Lane, Row
from napari_neuroembed.widgets.timeline.view import View, whole_recording

VIEW = whole_recording(0.0, 10.0, 0.1).resized(500)
ACTIONS = four_actions()


def held_edges(view: View, bouts: Row, x: float) -> dict[tuple[int, str], float]:
    """Return every edge that may be held at a pixel, with its distance."""
    found = {}
    for index in range(len(bouts)):
        left, right = view.x(bouts.start_s[index]), view.x(bouts.stop_s[index])
        if right - left < NARROW_PX:
            continue
        reach = EDGE_PX
        if left <= x < right:
            reach = min(reach, (right - left) / 3)
        for side, edge in (("start", left), ("stop", right)):
            if abs(x - edge) <= reach:
                found[index, side] = abs(x - edge)
    return found


def under(view: View, bouts: Row, x: float) -> set[int]:
    """Return every bout whose body is at a pixel."""
    found = set()
    for index in range(len(bouts)):
        left, right = view.x(bouts.start_s[index]), view.x(bouts.stop_s[index])
        slack = 2.0 if right - left < NARROW_PX else 0.0
        slack = EDGE_PX if left == right else slack
        if left - slack <= x < right + slack:
            found.add(index)
    return found


@given(many_bouts(), st.floats(0, 500), st.floats(0.1, 10), st.floats(0, 1))
def test_hits_are_those_a_loop_finds(
    bouts: list[Bout], x: float, span: float, share: float
) -> None:
    start = share * (10.0 - span)
    view = VIEW.shown(start, start + span)
    edges = [view.x(edge) for bout in bouts for edge in bout[1:3]]
    # On the limits themselves rounding may decide either way.
    marks = [e + d for e in edges for d in (-4, -2, 0, 2, 4)]
    marks += [
        view.x(b[1]) + (view.x(b[2]) - view.x(b[1])) * k / 3
        for b in bouts
        for k in (1, 2)
    ]
    assume(all(abs(x - mark) > 1e-6 for mark in marks))
    held = row(bouts)
    found = hit(view, Lane(held, None), 0, x)
    grips = held_edges(view, held, x)
    bodies = under(view, held, x)
    if grips:
        assert found is not None
        assert found.side is not None
        assert grips[found.index, found.side] <= min(grips.values()) + 1e-6
    elif bodies:
        assert found is not None
        assert found.side is None
        assert found.index in bodies
        rank = {
            i: (held.state[i] == 0, held.stop_s[i] - held.start_s[i]) for i in bodies
        }
        assert rank[found.index][0] == min(r[0] for r in rank.values())
        same = [r[1] for r in rank.values() if r[0] == rank[found.index][0]]
        assert rank[found.index][1] == pytest.approx(min(same), abs=1e-9)
    else:
        assert found is None


def test_of_two_that_touch_the_one_under_the_pointer_is_held() -> None:
    lane = Lane(row([(WALK, 2.0, 4.0, 1), (GROOM, 4.0, 6.0, 1)]), None)
    assert hit(VIEW, lane, 0, 199.0) == Hit(0, 0, False, "stop")
    assert hit(VIEW, lane, 0, 201.0) == Hit(0, 1, False, "start")


def test_the_middle_of_a_narrow_bout_is_not_an_edge() -> None:
    lane = Lane(row([(WALK, 2.0, 2.2, 1)]), None)
    assert hit(VIEW, lane, 0, 105.0) == Hit(0, 0, False, None)
    assert hit(VIEW, lane, 0, 101.0) == Hit(0, 0, False, "start")
    thin = Lane(row([(WALK, 2.0, 2.1, 1), (JUMP, 7.0, 7.0, 1)]), None)
    assert hit(VIEW, thin, 0, 100.5) == Hit(0, 0, False, None)
    assert hit(VIEW, thin, 0, 353.0) == Hit(0, 1, False, None)


def test_proposals_lie_above_bouts() -> None:
    ghosts = row([(WALK, 3.0, 5.0, 1)], kind="ghost")
    lane = Lane(row([(WALK, 0.0, 10.0, 1)]), ghosts)
    assert hit(VIEW, lane, 2, 200.0) == Hit(2, 0, True, None)
    assert hit(VIEW, lane, 2, 300.0) == Hit(2, 0, False, None)


def test_an_edge_stops_at_its_neighbours_in_every_row() -> None:
    lanes = [
        Lane(row([(WALK, 4.0, 6.0, 1), (WALK, 0.0, 1.0, 1)], actions=(WALK,)), None),
        Lane(row([(GROOM, 2.0, 3.0, 1), (GROOM, 6.5, 7.0, 0)], actions=(GROOM,)), None),
        Lane(row([(REST, 8.0, 9.0, 1)], actions=(REST,)), None),
        Lane(row([(JUMP, 3.5, 7.5, 1)], actions=(JUMP,)), None),
        Lane(row([(WALK, 3.9, 6.1, 1)], kind="model"), None),
    ]
    walk = Hit(0, 1, False, "start")
    assert limits(walk, lanes, ACTIONS) == (3.0, 8.0)
    assert limits(Hit(3, 0), lanes, ACTIONS) == (-float("inf"), float("inf"))
    drag = drag_of(walk, 4.05, lanes, ACTIONS, VIEW)
    assert drag.at(4.05) == (4.0, 6.0)
    assert drag.at(0.0) == (3.0, 6.0)
    assert drag.at(9.9) == (pytest.approx(5.9), 6.0)
    right = drag_of(Hit(0, 1, False, "stop"), 6.0, lanes, ACTIONS, VIEW)
    assert right.at(9.9) == (4.0, 8.0)
    assert right.at(0.0) == (4.0, pytest.approx(4.1))


def test_an_absent_bout_is_stopped_by_its_own_action_only() -> None:
    lanes = [
        Lane(row([(WALK, 4.0, 6.0, 0), (WALK, 7.0, 8.0, 1)], actions=(WALK,)), None),
        Lane(row([(GROOM, 2.0, 3.0, 1)], actions=(GROOM,)), None),
    ]
    assert limits(Hit(0, 0, False, "stop"), lanes, ACTIONS) == (-float("inf"), 7.0)


@given(
    st.floats(0, 10),
    st.floats(0, 10),
    st.floats(-5, 15),
    st.sampled_from(["start", "stop"]),
)
def test_a_drag_never_makes_a_bout_that_the_store_refuses(
    a: float, b: float, pointer: float, side: str
) -> None:
    start, stop = sorted((a, b))
    assume(stop - start >= VIEW.frame_s)
    lanes = [Lane(row([(WALK, start, stop, 1)]), None)]
    edge = start if side == "start" else stop
    drag = drag_of(Hit(0, 0, False, side), edge, lanes, ACTIONS, VIEW)
    first, last = drag.at(pointer)
    assert 0.0 <= first < last <= 10.0
    assert last - first >= VIEW.frame_s - 1e-9
    assert (first == start) or (last == stop)
