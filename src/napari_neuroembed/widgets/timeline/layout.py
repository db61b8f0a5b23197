"""From top to bottom: trace, rows, axis; lower rows and a scroll where it is tight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_neuroembed.widgets.timeline.rows import Lane

ROW, GAP, BLOCK_GAP = 14, 2, 8
"""Height of a row, space between rows, and between rows of different people."""

SMALLEST_ROW = 6
"""Rows get lower down to this, then the rest is reached by scrolling."""

AXIS, TRACE, MARGIN = 26, 34, 4


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels of the widget.

    Attributes
    ----------
    tops
        Top of every row, counted from the first; scrolling is not in it.
    row
        Height of a row.
    content
        Height of all rows.
    rows_top, rows_height
        The part of the widget where rows are seen.
    trace_top, trace_height
        Lane of the trace; height 0 without one.
    axis_top
        Top of the time axis.
    """

    tops: tuple[int, ...]
    row: int
    content: int
    rows_top: int
    rows_height: int
    trace_top: int
    trace_height: int
    axis_top: int

    @property
    def most_scroll(self) -> int:
        """How far the rows can be scrolled."""
        return max(0, self.content - self.rows_height)

    def lane_at(self, y: float, scroll: float) -> int:
        """Return the row at a height of the widget, -1 between and beside rows."""
        inside = y - self.rows_top
        if not 0 <= inside < self.rows_height:
            return -1
        for index, top in enumerate(self.tops):
            if top <= inside + scroll < top + self.row:
                return index
        return -1


def arrange(lanes: Sequence[Lane], height: int, *, has_trace: bool) -> Layout:
    """Return the layout for a height; what does not fit gets lower, then scrolls."""
    trace = TRACE if has_trace and height >= natural_height(lanes[:3], True) else 0
    rows_top = MARGIN + (trace + MARGIN if trace else 0)
    rows_height = max(0, height - AXIS - rows_top)
    row, gap, block = ROW, GAP, BLOCK_GAP
    while row > SMALLEST_ROW and _tops(lanes, row, gap, block)[1] > rows_height:
        row -= 1
        gap, block = (GAP, 4) if row > 10 else (1, 3)
    tops, content = _tops(lanes, row, gap, block)
    axis_top = rows_top + rows_height
    return Layout(tops, row, content, rows_top, rows_height, MARGIN, trace, axis_top)


def natural_height(lanes: Sequence[Lane], has_trace: bool) -> int:
    """Return the height at which every row is :data:`ROW` pixels high."""
    trace = TRACE + MARGIN if has_trace else 0
    return MARGIN + trace + _tops(lanes, ROW, GAP, BLOCK_GAP)[1] + AXIS


def blocks(lanes: Sequence[Lane]) -> list[bool]:
    """Return for every row whether it begins the rows of somebody else."""
    whose = [(lane.row.kind, lane.row.rater) for lane in lanes]
    return [i > 0 and whose[i] != whose[i - 1] for i in range(len(whose))]


def _tops(
    lanes: Sequence[Lane], row: int, gap: int, block: int
) -> tuple[tuple[int, ...], int]:
    tops, at = [], 0
    for begins in blocks(lanes):
        at += block - gap if begins else 0
        tops.append(at)
        at += row + gap
    return tuple(tops), at
