"""What lies under the pointer, and how far an edge may be dragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.intervals import TOUCH_S
from napari_neuroembed.widgets.timeline.rows import Action, Lane, Row
from napari_neuroembed.widgets.timeline.view import View

Side = Literal["start", "stop"]

EDGE_PX = 4.0
"""How near an edge the pointer takes hold of it."""

NARROW_PX = 6.0
"""Bouts narrower than this are hit as a whole; zoom in to take hold of an edge."""

_SLACK_PX = 2.0


@dataclass(frozen=True)
class Hit:
    """A bout or proposal under the pointer.

    Attributes
    ----------
    lane
        Index of its lane.
    index
        Its index in the row.
    is_ghost
        Whether it is a proposal.
    side
        The edge that was hit; None: the bout.
    """

    lane: int
    index: int
    is_ghost: bool = False
    side: Side | None = None


@dataclass(frozen=True)
class EdgeDrag:
    """An edge on its way.

    Attributes
    ----------
    hit
        What was taken hold of.
    id
        Number of the bout or proposal.
    start_s, stop_s
        Where it was before.
    low_s, high_s
        How far either edge may go.
    frame_s
        Shortest length in seconds.
    grip_s
        From the pointer to the edge, so that it does not jump.
    """

    hit: Hit
    id: int
    start_s: float
    stop_s: float
    low_s: float
    high_s: float
    frame_s: float
    grip_s: float = 0.0

    def at(self, seconds: float) -> tuple[float, float]:
        """Return start and stop with the pointer at a moment.

        The edge stops one frame before the other one, at the neighbours and at the
        ends of the recording; a bout that was shorter or out of bounds to begin with
        is not made to jump.
        """
        edge = seconds + self.grip_s
        if self.hit.side == "start":
            latest = max(self.stop_s - self.frame_s, self.start_s)
            earliest = min(self.low_s, self.start_s)
            return min(max(edge, earliest), latest), self.stop_s
        earliest = min(self.start_s + self.frame_s, self.stop_s)
        latest = max(self.high_s, self.stop_s)
        return self.start_s, max(min(edge, latest), earliest)


def hit(view: View, lane: Lane, number: int, x: float) -> Hit | None:
    """Return what is under pixel `x` of a lane, or None.

    Proposals lie above bouts. Among several the nearest edge counts, within
    :data:`EDGE_PX` of it and, inside the bout, within a third of its length; of two
    that touch, that of the bout under the pointer. Without an edge it is the shortest
    bout under the pointer, present before absent.

    Parameters
    ----------
    view
        The viewport.
    lane, number
        The lane and its index.
    x
        Pixel.
    """
    for row, is_ghost in ((lane.ghosts, True), (lane.row, False)):
        if row is not None:
            found = _hit_row(view, row, x)
            if found is not None:
                return Hit(number, found[0], is_ghost, found[1])
    return None


def drag_of(
    taken: Hit,
    seconds: float,
    lanes: Sequence[Lane],
    actions: Sequence[Action],
    view: View,
) -> EdgeDrag:
    """Return the drag that begins with the pointer on an edge at a moment.

    Parameters
    ----------
    taken
        The edge.
    seconds
        Where the pointer is.
    lanes, actions
        What is drawn.
    view
        The viewport, which knows the recording's ends and frames.
    """
    row = row_of(taken, lanes)
    start, stop = float(row.start_s[taken.index]), float(row.stop_s[taken.index])
    low, high = limits(taken, lanes, actions)
    return EdgeDrag(
        taken,
        int(row.id[taken.index]),
        start,
        stop,
        max(low, view.low_s),
        min(high, view.high_s),
        view.frame_s,
        (start if taken.side == "start" else stop) - seconds,
    )


def limits(
    taken: Hit, lanes: Sequence[Lane], actions: Sequence[Action]
) -> tuple[float, float]:
    """Return how far a bout can reach: to those it may not overlap, else infinity.

    These are the bouts of one's own of the same action and, of a present one, the
    present ones of its exclusive group, in whatever row they are.
    """
    row = row_of(taken, lanes)
    index = taken.index
    code, present = int(row.action[index]), bool(row.state[index])
    group = actions[code].group
    rivals = [
        i for i, a in enumerate(actions) if group is not None and a.group == group
    ]
    low, high = -np.inf, np.inf
    for lane in lanes:
        if lane.row.kind != "human":
            continue
        other = lane.row
        in_the_way = other.action == code
        if present and rivals:
            in_the_way |= np.isin(other.action, rivals) & (other.state == 1)
        if other is row:
            in_the_way[index] = False
        stops = other.stop_s[in_the_way]
        starts = other.start_s[in_the_way]
        before = stops[stops <= row.start_s[index] + TOUCH_S]
        after = starts[starts >= row.stop_s[index] - TOUCH_S]
        low = max(low, float(before.max(initial=-np.inf)))
        high = min(high, float(after.min(initial=np.inf)))
    return low, high


def row_of(taken: Hit, lanes: Sequence[Lane]) -> Row:
    """Return the row that holds what was hit."""
    lane = lanes[taken.lane]
    if not taken.is_ghost:
        return lane.row
    if lane.ghosts is None:
        raise ValueError(f"Lane {taken.lane} holds no proposals.")
    return lane.ghosts


def _hit_row(view: View, row: Row, x: float) -> tuple[int, Side | None] | None:
    per_px = view.span_s / view.width_px
    at = view.start_s + x * per_px
    near = row.visible(at - (EDGE_PX + 1) * per_px, at + (EDGE_PX + 1) * per_px)
    if not near.size:
        return None
    left = (row.start_s[near] - view.start_s) / per_px
    right = (row.stop_s[near] - view.start_s) / per_px
    edge = _nearest_edge(left, right, x)
    if edge is not None:
        return int(near[edge[0]]), edge[1]
    slack = np.where(right - left < NARROW_PX, _SLACK_PX, 0.0)
    slack[left == right] = EDGE_PX
    under = np.flatnonzero((x >= left - slack) & (x < right + slack))
    if not under.size:
        return None
    absent = row.state[near[under]] == 0
    best = under[np.lexsort((right[under] - left[under], absent))[0]]
    return int(near[best]), None


def _nearest_edge(
    left: NDArray[np.float64], right: NDArray[np.float64], x: float
) -> tuple[int, Side] | None:
    """Return which edge the pointer holds, as the place in the arrays and its side."""
    width = right - left
    inside = (left <= x) & (x < right)
    distance = np.abs(np.stack([left, right]) - x)
    reach = np.where(inside, np.minimum(EDGE_PX, width / 3), EDGE_PX)
    holds = (distance <= reach) & (width >= NARROW_PX)
    if not holds.any():
        return None
    distance = np.where(holds, distance, np.inf)
    sides, places = np.nonzero(distance <= distance.min() + 1e-6)
    best = int(np.argmax(inside[places]))
    return int(places[best]), ("start", "stop")[int(sides[best])]
