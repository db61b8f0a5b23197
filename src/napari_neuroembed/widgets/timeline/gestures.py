"""What the mouse is doing between press and release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_neuroembed.widgets.timeline.hit import EdgeDrag, Hit
from napari_neuroembed.widgets.timeline.rows import Lane
from napari_neuroembed.widgets.timeline.view import View

CLICK_PX = 4
"""A press that moves less is a click."""


@dataclass(frozen=True)
class Press:
    """Pressed in the rows: a click, or the beginning of a selection."""

    x: float
    seconds: float


@dataclass(frozen=True)
class Select:
    """Selecting from a moment on; `before` is what was selected then."""

    seconds: float
    before: tuple[float, float] | None

    def span(self, seconds: float) -> tuple[float, float]:
        """Return the span to another moment, in order."""
        return min(self.seconds, seconds), max(self.seconds, seconds)


@dataclass(frozen=True)
class Pan:
    """Moving the view that there was at the press."""

    x: float
    view: View


@dataclass(frozen=True)
class Scrub:
    """Seeking along the axis or the trace."""


@dataclass(frozen=True)
class Resize:
    """Dragging an edge."""

    drag: EdgeDrag

    def found_again(self, lanes: Sequence[Lane]) -> Resize | None:
        """Return the drag among other rows, or None when its bout is gone or other.

        The bout counts as the same with its number and its edges: what somebody else
        has moved meanwhile is not dragged on from where it was.
        """
        drag = self.drag
        for number, lane in enumerate(lanes):
            row = lane.ghosts if drag.hit.is_ghost else lane.row
            if row is None or row.kind not in ("human", "ghost"):
                continue
            same = (row.id == drag.id) & (row.start_s == drag.start_s)
            found = np.flatnonzero(same & (row.stop_s == drag.stop_s))
            if found.size:
                hit = Hit(number, int(found[0]), drag.hit.is_ghost, drag.hit.side)
                return replace(self, drag=replace(drag, hit=hit))
        return None


Gesture = Press | Select | Pan | Scrub | Resize
