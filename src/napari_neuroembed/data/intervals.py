"""Arithmetic of half-open time intervals: union, cover, overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError

Times = NDArray[np.float64]

TOUCH_S = 1e-6
"""Intervals that share less than this are neighbours, not overlapping."""


def union(start_s: Times, stop_s: Times) -> tuple[Times, Times]:
    """Return the disjoint intervals, sorted, that cover the same time.

    Parameters
    ----------
    start_s, stop_s
        Edges of the intervals in any order. Empty and reversed ones are left out.

    Examples
    --------
    >>> union(np.array([0.0, 4.0, 1.0]), np.array([2.0, 5.0, 3.0]))
    (array([0., 4.]), array([3., 5.]))
    """
    long = stop_s > start_s
    start_s, stop_s = start_s[long], stop_s[long]
    if start_s.size == 0:
        return start_s, stop_s
    order = np.argsort(start_s, kind="stable")
    start_s = start_s[order]
    reach = np.maximum.accumulate(stop_s[order])
    opens = np.concatenate([[True], start_s[1:] > reach[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    return start_s[opens], reach[closes]


def is_covered(times_s: Times, start_s: Times, stop_s: Times) -> NDArray[np.bool_]:
    """Return for each time whether one of the disjoint intervals holds it."""
    if start_s.size == 0:
        return np.zeros(times_s.shape, dtype=bool)
    at = np.searchsorted(start_s, times_s, side="right") - 1
    return (at >= 0) & (times_s < stop_s[np.maximum(at, 0)])


def covered_until(times_s: Times, start_s: Times, stop_s: Times) -> Times:
    """Return the seconds that the disjoint intervals cover before each time."""
    if start_s.size == 0:
        return np.zeros(times_s.shape)
    before = np.concatenate([[0.0], np.cumsum(stop_s - start_s)])
    at = np.searchsorted(start_s, times_s, side="right") - 1
    open_at = np.maximum(at, 0)
    inside = np.minimum(times_s, stop_s[open_at]) - start_s[open_at]
    return np.where(at >= 0, before[open_at] + inside, 0.0)


def overlaps(start_s: Times, stop_s: Times) -> NDArray[np.int64]:
    """Return pairs of intervals that share more than a microsecond.

    Parameters
    ----------
    start_s, stop_s
        Edges, sorted by start.

    Returns
    -------
    NDArray
        Shape (n, 2): for each interval that begins too early, the one among those
        before it that reaches furthest, and itself.

    Examples
    --------
    >>> overlaps(np.array([0.0, 1.0, 2.0]), np.array([5.0, 2.0, 3.0]))
    array([[0, 1],
           [0, 2]])
    """
    if start_s.size < 2:
        return np.empty((0, 2), dtype=np.int64)
    reach = np.maximum.accumulate(stop_s)
    is_new = stop_s >= reach
    furthest = np.maximum.accumulate(np.where(is_new, np.arange(stop_s.size), 0))
    shared = np.minimum(reach[:-1], stop_s[1:]) - start_s[1:]
    late = np.flatnonzero(shared > TOUCH_S) + 1
    return np.stack([furthest[late - 1], late], axis=1)


def runs(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and one-past-last index of every run of equal values."""
    if len(values) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    return first, np.concatenate([first[1:], [len(values)]])


def checked_edges(edges_s: Any, n_frames: int) -> NDArray[np.float64]:
    """Return the edges of frames as an array.

    Raises
    ------
    DataError
        When there is not one edge more than frames, or they do not increase.
    """
    edges = np.asarray(edges_s, dtype=np.float64)
    if edges.shape != (n_frames + 1,):
        raise DataError(
            f"{n_frames} labels need {n_frames + 1} edges (the last one closes the "
            f"last frame), found {edges.shape}."
        )
    stuck = np.flatnonzero(~(np.diff(edges) > 0))
    if stuck.size:
        i = int(stuck[0])
        raise DataError(
            f"Edges must increase: edge {i + 1} is at {edges[i + 1]} s, the one before "
            f"it at {edges[i]} s."
        )
    return edges
