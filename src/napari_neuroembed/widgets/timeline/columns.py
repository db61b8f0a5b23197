"""Which action every column of pixels shows: bouts merged where they are too thin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.widgets.timeline.rows import Row

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDE_PX = 5
"""From this width on a bout has edges of its own; below, it only colours columns."""

_LEAST_PX = 1e-3
"""Width that every bout has at least, so that none is too short to be seen."""

_SEEN = _LEAST_PX / 10
"""Share of a column from which it counts as covered; sums err by less."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The pixels of a row of bouts of one state.

    Attributes
    ----------
    winner
        Index of the action that covers most of each column, -1 where none is,
        shape (width,).
    left, right
        Columns in which a bout with edges of its own begins and ends.
    points, point_action
        Columns of point events, each once, and their action.
    """

    winner: Ints
    left: Ints
    right: Ints
    points: Ints
    point_action: Ints


def columns_of(
    row: Row, span_s: tuple[float, float], width: int, state: int
) -> Columns:
    """Return what the columns of pixels show of the bouts of one state.

    No work is done per frame, and none for bouts out of view.

    Parameters
    ----------
    row
        The bouts.
    span_s
        Visible span in seconds.
    width
        Columns.
    state
        1 present, 0 explicitly absent.
    """
    start_s, stop_s = span_s
    seen = row.visible(start_s, stop_s)
    seen = seen[row.state[seen] == state]
    scale = width / (stop_s - start_s)
    first = (row.start_s[seen] - start_s) * scale
    last = (row.stop_s[seen] - start_s) * scale
    lasts = row.stop_s[seen] > row.start_s[seen]
    points, at = np.unique(_pixel(first[~lasts], width), return_index=True)
    point_action = row.action[seen[~lasts]][at]
    seen, first, last = seen[lasts], first[lasts], last[lasts]
    left, right = _edges(first, last, width)
    winner = _winner(row, row.action[seen], first, last, width)
    return Columns(winner, left, right, points, point_action)


def coverage(
    first: Floats, last: Floats, slot: Ints, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return how much of every column is covered, in pixels.

    Every edge adds what it covers of its own column and a whole pixel to all columns
    behind: two sums per edge and one running total, however long the bouts are.

    Parameters
    ----------
    first, last
        Edges in pixels, shape (n,), within 0 to width.
    slot
        Line of the result that each belongs to, shape (n,).
    shape
        Lines and columns (width) of the result.
    """
    n_slots, width = shape
    lines = width + 2

    def steps(edge: Floats) -> NDArray[np.float64]:
        column: Ints = edge.astype(np.int64)
        part = edge - column
        key = slot * lines + column
        here = np.bincount(key, 1.0 - part, minlength=n_slots * lines)
        behind = np.bincount(key + 1, part, minlength=n_slots * lines)
        return np.asarray(here + behind, dtype=np.float64)

    change = (steps(first) - steps(last)).reshape(n_slots, lines)
    found: NDArray[np.float64] = change.cumsum(axis=1)[:, :width]
    return found


def _winner(row: Row, action: Ints, first: Floats, last: Floats, width: int) -> Ints:
    if not action.size:
        return np.full(width, -1, dtype=np.int64)
    members = np.array(row.actions, dtype=np.int64)
    slot_of = np.zeros(int(members.max()) + 1, dtype=np.int64)
    slot_of[members] = np.arange(members.size)
    begin: Floats = np.clip(first, 0.0, width - _LEAST_PX)
    end: Floats = np.clip(np.maximum(last, begin + _LEAST_PX), 0.0, width)
    covered = coverage(begin, end, slot_of[action], (members.size, width))
    best = covered.argmax(axis=0)
    is_seen = covered.max(axis=0) > _SEEN
    return np.where(is_seen, members[best], -1)


def _edges(first: Floats, last: Floats, width: int) -> tuple[Ints, Ints]:
    wide = last - first >= WIDE_PX
    left = _pixel(first[wide & (first >= 0)], width)
    right = _pixel(np.ceil(last[wide & (last <= width)]) - 1, width)
    # Where two bouts touch one line between them is enough.
    return left, np.setdiff1d(right, left - 1)


def _pixel(x: Floats, width: int) -> Ints:
    found: Ints = np.clip(np.floor(x), 0, width - 1).astype(np.int64)
    return found
