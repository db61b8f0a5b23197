"""All that a timeline shows, and what is laid over it; knows no window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from napari_neuroembed.data.palette import Theme
from napari_neuroembed.widgets.timeline.hit import EdgeDrag, Hit, hit, row_of
from napari_neuroembed.widgets.timeline.ink import Ink, ink_of
from napari_neuroembed.widgets.timeline.layout import Layout, arrange
from napari_neuroembed.widgets.timeline.raster import STYLES
from napari_neuroembed.widgets.timeline.rows import Action, Lane
from napari_neuroembed.widgets.timeline.trace import Trace
from napari_neuroembed.widgets.timeline.view import View
from napari_neuroembed.widgets.timeline.words import clock, decimals_of, tooltip

RIGHT = 10
"""Pixels left free at the right."""

Span = tuple[float, float]


@dataclass
class Scene:
    """What is drawn once and kept until one of these changes.

    Attributes
    ----------
    lanes, actions, trace
        The data.
    view, layout
        Where they are.
    ink
        Their colours.
    styles
        Line around the bouts of every lane.
    gutter
        Pixels at the left, for labels.
    scroll
        How far the rows are scrolled, in pixels.
    is_known
        Whether a recording's time is known; there is no axis without.
    """

    lanes: list[Lane] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    trace: Trace | None = None
    view: View = field(default_factory=View)
    layout: Layout = field(default_factory=lambda: arrange([], 0, has_trace=False))
    ink: Ink = field(default_factory=lambda: ink_of([], "light"))
    styles: list[str] = field(default_factory=list)
    gutter: int = 80
    scroll: int = 0
    is_known: bool = False

    @property
    def origin(self) -> int:
        """Pixel of the widget where the plot begins."""
        return self.gutter + 1

    def place(self, width: int, height: int) -> None:
        """Lay everything out for a size of the widget."""
        has_trace = self.trace is not None
        self.layout = arrange(self.lanes, height, has_trace=has_trace)
        self.scroll = min(max(self.scroll, 0), self.layout.most_scroll)
        self.view = self.view.resized(width - self.origin - RIGHT)

    def color(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self.ink = ink_of(self.actions, theme)

    def clock(self, seconds: float) -> str:
        """Return a moment, with the decimals that frames can be told apart by."""
        return clock(seconds, self.view.high_s, self.decimals)

    @property
    def decimals(self) -> int:
        """Decimals of a moment."""
        return decimals_of(self.view.frame_s)

    def hit(self, x: float, y: float) -> Hit | None:
        """Return what is under a pixel; `x` from the plot's left, `y` the widget's."""
        number = self.layout.lane_at(y, self.scroll)
        if number < 0 or not 0 <= x <= self.view.width_px:
            return None
        return hit(self.view, self.lanes[number], number, x)

    def is_grip(self, found: Hit | None) -> bool:
        """Return whether it is an edge one may move: one's own or a proposal's."""
        if found is None or found.side is None:
            return False
        return row_of(found, self.lanes).kind in ("human", "ghost")

    def about(self, found: Hit) -> list[str]:
        """Return the lines that tell about a bout."""
        row = row_of(found, self.lanes)
        longest_s = self.view.high_s
        return tooltip(row, found.index, self.actions, longest_s, self.decimals)

    def lane_of(self, action: int) -> int:
        """Return the first lane of one's own that takes an action, else -1."""
        for index, lane in enumerate(self.lanes):
            if lane.row.kind == "human" and action in lane.row.actions:
                return index
        return -1


@dataclass
class Marks:
    """What is laid over the scene and changes all the time.

    Attributes
    ----------
    time_s
        The play head.
    selection
        The selected span.
    drag, dragged
        An edge on its way, and start and stop it would give now.
    open
        Index of the action and start of every bout that is being drawn.
    hover
        What is under the pointer.
    """

    time_s: float = 0.0
    selection: Span | None = None
    drag: EdgeDrag | None = None
    dragged: Span | None = None
    open: list[tuple[int, float]] = field(default_factory=list)
    hover: Hit | None = None


def styles_of(lanes: Sequence[Lane]) -> list[str]:
    """Return a line style per lane: solid for one's own and for models, then by rater.

    The same rater always has the same line; from the fourth on they repeat.
    """
    others: dict[str, str] = {}
    found = []
    for lane in lanes:
        if lane.row.kind != "rater":
            found.append(STYLES[0])
            continue
        style = STYLES[1 + len(others) % (len(STYLES) - 1)]
        found.append(others.setdefault(lane.row.rater, style))
    return found
