"""Rows of bouts as pixels: fills, outlines, hatches, points, proposals.

A row costs the same however many bouts it holds: what counts are columns of pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.widgets.timeline.columns import Columns, columns_of
from napari_neuroembed.widgets.timeline.ink import Ink, Pixels
from napari_neuroembed.widgets.timeline.rows import Lane

STYLES = ("-", "--", ":", "-.")
"""Lines around bouts: one's own solid, then by rater, as often as needed."""

_PERIODS: dict[str, tuple[bool, ...]] = {
    "-": (True,),
    "--": (True,) * 5 + (False,) * 3,
    ":": (True,) * 2 + (False,) * 2,
    "-.": (True,) * 5 + (False,) * 2 + (True,) * 1 + (False,) * 2,
}

_HATCH = 6
"""Distance of hatch lines in pixels of the screen."""

_INSET = 0.15
"""Share of the height that is left free above and below what a model says."""


def paint_lane(
    into: Pixels,
    lane: Lane,
    span_s: tuple[float, float],
    ink: Ink,
    style: str = "-",
    ratio: float = 1.0,
) -> None:
    """Draw one lane into its pixels.

    Parameters
    ----------
    into
        Pixels of the lane, shape (height, width), already paper; written to.
    lane
        Bouts, and the proposals among them.
    span_s
        Visible span in seconds.
    ink
        Colours.
    style
        Line around the bouts, one of :data:`STYLES`.
    ratio
        Pixels of the screen per pixel of the widget.
    """
    height, width = into.shape
    if lane.row.kind == "model" and height >= 8:
        inset = round(height * _INSET)
        into = into[inset : height - inset]
    brush = _Brush(into, span_s, ink, ratio)
    absent = columns_of(lane.row, span_s, width, 0)
    present = columns_of(lane.row, span_s, width, 1)
    is_present = present.winner >= 0
    brush.absent(absent, ~is_present)
    brush.present(present, style)
    if lane.ghosts is not None:
        ghosts = columns_of(lane.ghosts, span_s, width, 1)
        brush.ghosts(ghosts, ~is_present & (absent.winner < 0))
        brush.diamonds(ghosts, ink.ghost)
    brush.diamonds(present, ink.fill)


class _Brush:
    """Draws columns into the pixels of one lane."""

    def __init__(
        self, into: Pixels, span_s: tuple[float, float], ink: Ink, ratio: float
    ) -> None:
        self.into = into
        self.ink = ink
        self.thick = min(max(1, round(ratio)), max(1, into.shape[0] // 4))
        height, width = into.shape
        # Patterns are tied to time, so that they move with what they fill.
        shift = round(span_s[0] / (span_s[1] - span_s[0]) * width)
        self.x = np.arange(width) + shift
        self.y = np.arange(height)
        self.period = max(2, round(_HATCH * ratio))

    def present(self, columns: Columns, style: str) -> None:
        """Fill with the actions' colours, hatch repeated ones, draw the outline."""
        winner = columns.winner
        seen = winner >= 0
        if seen.any():
            self.into[:, seen] = self.ink.fill[winner[seen]]
            repeat = np.where(seen, self.ink.repeat[winner], 0)
            if repeat.any():
                lines = self._hatch(1) & (repeat % 2 == 1)
                lines |= self._hatch(-1) & (repeat >= 2)
                np.copyto(self.into, self.ink.hatch[winner], where=lines)
        self._outline(columns, seen, style, self.ink.outline)

    def absent(self, columns: Columns, where: NDArray[np.bool_]) -> None:
        """Hatch on bare paper, with a thin line around it."""
        seen = (columns.winner >= 0) & where
        if seen.any():
            lines = self._hatch(-1) & seen
            np.copyto(self.into, self.ink.line[columns.winner], where=lines)
        self._outline(columns, seen, "-", self.ink.outline)

    def ghosts(self, columns: Columns, blank: NDArray[np.bool_]) -> None:
        """Tint blank paper, and draw a broken outline in the action's colour."""
        seen = columns.winner >= 0
        if not seen.any():
            return
        tint = seen & blank
        self.into[:, tint] = self.ink.ghost[columns.winner[tint]]
        lines = self.ink.line[columns.winner]
        self._outline(columns, seen, "--", lines)

    def diamonds(self, columns: Columns, fill: Pixels) -> None:
        """Draw point events; those of one column are one diamond."""
        if not columns.points.size:
            return
        height, width = self.into.shape
        middle, radius = (height - 1) / 2, max(2, (height - 1) // 2)
        for shift in range(-radius, radius + 1):
            at = columns.points + shift
            inside = (at >= 0) & (at < width)
            distance = abs(shift) + np.abs(self.y - middle)
            core = distance <= radius - self.thick
            rim = (distance <= radius) & ~core
            colors = fill[columns.point_action[inside]]
            self.into[np.ix_(core, at[inside])] = colors
            self.into[np.ix_(rim, at[inside])] = self.ink.outline

    def _outline(
        self, columns: Columns, seen: NDArray[np.bool_], style: str, color: Any
    ) -> None:
        """Draw a line above and below, and where wide bouts begin and end."""
        height = self.into.shape[0]
        colors = np.broadcast_to(np.asarray(color, dtype=np.uint32), seen.shape)
        rims = np.r_[0 : self.thick, height - self.thick : height]
        line = seen & self._dashes(style, self.x)
        self.into[np.ix_(rims, line)] = colors[line]
        upright = self._dashes(style, self.y)
        for edges, step in ((columns.left, 1), (columns.right, -1)):
            for shift in range(self.thick):
                at = edges + step * shift
                at = at[(at >= 0) & (at < seen.size)]
                at = at[seen[at]]
                self.into[np.ix_(upright, at)] = colors[at]

    def _hatch(self, slope: int) -> NDArray[np.bool_]:
        """Return the pixels on lines that rise (1) or fall (-1)."""
        found: NDArray[np.bool_] = (self.x + slope * self.y[:, None]) % self.period < (
            self.thick
        )
        return found

    def _dashes(self, style: str, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        period = np.array(_PERIODS[style])
        found: NDArray[np.bool_] = period[(at // self.thick) % period.size]
        return found
