"""The viewport of a timeline: seconds to pixels and back, zoom, pan, ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MIN_FRAMES = 8
"""So many frames are visible at the closest."""

TICK_PX = 84
"""Least distance of two labelled ticks."""

PAGE = 0.1
"""Where in the view the play head lands when the view turns a page."""

_PARTS = {
    **{m * 10.0**e: 4 if m == 2 else 5 for e in range(-6, 1) for m in (1, 2, 5)},
    10.0: 5,
    15.0: 3,
    30.0: 3,
    **{60.0 * m: parts for m, parts in ((1, 4), (2, 4), (5, 5), (10, 5))},
    **{60.0 * m: 3 for m in (15, 30)},
    **{3600.0 * h: parts for h, parts in ((1, 4), (2, 4), (3, 3), (6, 6), (12, 4))},
    **{86400.0 * d: 4 for d in (1, 2, 5, 10, 20, 50, 100)},
}
"""Nice steps in seconds, and how many parts the ticks between them make."""


@dataclass(frozen=True)
class View:
    """The visible span of a recording, on so many pixels.

    Parameters
    ----------
    start_s, stop_s
        Visible span in seconds.
    low_s, high_s
        First and last moment of the recording.
    frame_s
        Length of a frame in seconds.
    width_px
        Pixels of the plot, at least 1.
    """

    start_s: float = 0.0
    stop_s: float = 1.0
    low_s: float = 0.0
    high_s: float = 1.0
    frame_s: float = 0.01
    width_px: float = 1.0

    @property
    def span_s(self) -> float:
        """Length of the visible span in seconds."""
        return self.stop_s - self.start_s

    @property
    def whole_s(self) -> float:
        """Length of the recording in seconds."""
        return self.high_s - self.low_s

    @property
    def closest_s(self) -> float:
        """Shortest span that can be shown: some frames, or the whole recording."""
        return min(MIN_FRAMES * self.frame_s, self.whole_s)

    @property
    def is_whole(self) -> bool:
        """Whether the whole recording is visible."""
        return self.span_s >= self.whole_s * (1 - 1e-9)

    def x(self, seconds: float) -> float:
        """Return the pixel of a moment; those out of view lie beyond the edges."""
        return (seconds - self.start_s) / self.span_s * self.width_px

    def seconds(self, x: float) -> float:
        """Return the moment at a pixel, kept within the recording."""
        at = self.start_s + x / self.width_px * self.span_s
        return min(max(at, self.low_s), self.high_s)

    def shown(self, start_s: float, stop_s: float) -> View:
        """Return the view of another span, widened and moved into what is allowed."""
        span = min(max(stop_s - start_s, self.closest_s), self.whole_s)
        middle = (start_s + stop_s) / 2
        return self._at(middle - span / 2, span)

    def whole(self) -> View:
        """Return the view of the whole recording."""
        return replace(self, start_s=self.low_s, stop_s=self.high_s)

    def zoomed(self, x: float, factor: float) -> View:
        """Return the view with `factor` times the span; the moment at `x` stays.

        At the ends of the recording it moves as little as keeps the view inside.
        """
        span = min(max(self.span_s * factor, self.closest_s), self.whole_s)
        share = x / self.width_px
        return self._at(self.start_s + share * (self.span_s - span), span)

    def panned(self, pixels: float) -> View:
        """Return the view moved so that what is drawn moves right by `pixels`."""
        shift = pixels / self.width_px * self.span_s
        return self._at(self.start_s - shift, self.span_s)

    def following(self, seconds: float) -> View:
        """Return the view, a page on (or back) when the play head has left it."""
        if self.start_s <= seconds < self.stop_s or self.is_whole:
            return self
        return self._at(seconds - PAGE * self.span_s, self.span_s)

    def resized(self, width_px: float) -> View:
        """Return the same span on other pixels."""
        return replace(self, width_px=max(1.0, float(width_px)))

    def _at(self, start_s: float, span_s: float) -> View:
        start = max(min(start_s, self.high_s - span_s), self.low_s)
        stop = min(start + span_s, self.high_s)
        return replace(self, start_s=start, stop_s=stop)


def whole_recording(start_s: float, stop_s: float, frame_s: float) -> View:
    """Return the view of a whole recording, whose width is not known yet.

    Parameters
    ----------
    start_s, stop_s
        First and last moment in seconds. An empty recording is shown as one frame.
    frame_s
        Length of a frame in seconds.

    Raises
    ------
    ValueError
        When a number is not finite, the span reversed, or the frame has no length.
    """
    if not all(math.isfinite(v) for v in (start_s, stop_s, frame_s)) or (
        stop_s < start_s or frame_s <= 0
    ):
        raise ValueError(
            f"A recording from {start_s} to {stop_s} s with frames of {frame_s} s "
            "cannot be shown."
        )
    high = max(stop_s, start_s + frame_s)
    return View(start_s, high, start_s, high, frame_s)


def tick_steps(view: View) -> tuple[float, float]:
    """Return the shortest step of nice seconds whose labels do not touch.

    Returns
    -------
    tuple
        The step of labelled ticks, and that of the ones between, in seconds.
    """
    needed = view.span_s / view.width_px * TICK_PX
    step = next((step for step in _PARTS if step >= needed), max(_PARTS))
    return step, step / _PARTS[step]


def ticks(view: View, step_s: float) -> list[float]:
    """Return the multiples of a step that are in view, in seconds."""
    first = math.ceil(view.start_s / step_s - 1e-9)
    last = math.floor(view.stop_s / step_s + 1e-9)
    return [number * step_s for number in range(first, last + 1)]
