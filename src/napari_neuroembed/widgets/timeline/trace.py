"""A signal in a thin lane: lowest and highest value of every column of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_neuroembed.errors import DataError

Floats = NDArray[np.float64]

BLOCK = 32
"""Samples whose extremes are found once, when the trace is given."""

COARSE = 8
"""From so many blocks in a column on, blocks are looked at instead of samples."""

_THICK = 1.25


class Trace:
    """Values over time, decimated to extremes so that no spike is lost.

    Parameters
    ----------
    times_s
        Seconds, increasing, shape (n,).
    values
        Shape (n,); NaN leaves a gap.
    label
        Name with its unit, e.g. ``dF/F (%)``.

    Raises
    ------
    DataError
        When shapes differ or times do not increase.
    """

    def __init__(self, times_s: ArrayLike, values: ArrayLike, label: str) -> None:
        self.times_s = np.asarray(times_s, dtype=np.float64)
        self.values = np.asarray(values, dtype=np.float32)
        self.label = label
        if self.times_s.ndim != 1 or self.times_s.shape != self.values.shape:
            raise DataError(
                f"Trace {label!r} needs one value per time, found "
                f"{self.values.shape} and {self.times_s.shape}."
            )
        if (np.diff(self.times_s) <= 0).any():
            raise DataError(f"The times of trace {label!r} do not increase.")
        starts = np.arange(0, self.values.size, BLOCK)
        self._lows = _extremes(np.fmin, self.values, starts)
        self._highs = _extremes(np.fmax, self.values, starts)
        known = np.isfinite(self._lows)
        self.low = float(self._lows[known].min()) if known.any() else 0.0
        self.high = float(self._highs[known].max()) if known.any() else 0.0

    def columns(
        self, start_s: float, stop_s: float, width: int
    ) -> tuple[Floats, Floats]:
        """Return lowest and highest value of every column, shape (width,).

        The line between samples counts as well, so that neighbouring columns meet.
        Columns without any are NaN. From ``BLOCK * COARSE`` samples in a column on a
        value may stand up to an eighth of a column beside its place.
        """
        edges_s = np.linspace(start_s, stop_s, width + 1)
        at = np.searchsorted(self.times_s, edges_s)
        low, high = np.full((2, width), np.nan)
        if at[-1] - at[0] >= BLOCK * COARSE * width:
            blocks = at // BLOCK
            blocks[-1] = -(-at[-1] // BLOCK)
            _fill(low, np.fmin, self._lows, blocks)
            _fill(high, np.fmax, self._highs, blocks)
        else:
            _fill(low, np.fmin, self.values, at)
            _fill(high, np.fmax, self.values, at)
        line = self._between(edges_s, at)
        low = np.fmin(low, np.fmin(line[:-1], line[1:]))
        high = np.fmax(high, np.fmax(line[:-1], line[1:]))
        return low, high

    def _between(self, times_s: Floats, after: NDArray[np.int64]) -> Floats:
        """Return the line through the samples at times with the sample after each."""
        inside = (after > 0) & (after < self.times_s.size)
        line = np.full(times_s.shape, np.nan)
        right = after[inside]
        before, behind = self.times_s[right - 1], self.times_s[right]
        share = (times_s[inside] - before) / (behind - before)
        line[inside] = self.values[right - 1] * (1 - share) + self.values[right] * share
        return line


def strokes(
    low: Floats, high: Floats, limits: tuple[float, float], height: int
) -> Floats:
    """Return how much of every pixel the line covers, shape (height, width), 0 to 1.

    Parameters
    ----------
    low, high
        Values of every column, shape (width,).
    limits
        Values at the bottom and the top.
    height
        Pixels.
    """
    bottom, top = limits
    scale = (height - 2 * _THICK) / (top - bottom) if top > bottom else 0.0
    with np.errstate(invalid="ignore"):
        upper = _THICK + (top - high) * scale - _THICK / 2
        lower = _THICK + (top - low) * scale + _THICK / 2
        rows = np.arange(height)[:, None]
        part = np.minimum(lower, rows + 1) - np.maximum(upper, rows)
    cover: Floats = np.nan_to_num(np.clip(part, 0.0, 1.0))
    return cover


def _extremes(
    choose: np.ufunc, values: NDArray[Any], starts: NDArray[np.int64]
) -> NDArray[Any]:
    if not starts.size:
        return values
    found: NDArray[Any] = choose.reduceat(values, starts)
    return found


def _fill(
    into: Floats, choose: np.ufunc, values: NDArray[Any], at: NDArray[np.int64]
) -> None:
    """Put the extreme of ``values[at[i]:at[i + 1]]`` into column i, if there is one."""
    holds = at[1:] > at[:-1]
    if holds.any():
        # Empty columns take no time, so that each segment ends where the next begins.
        into[holds] = choose.reduceat(values[: at[-1]], at[:-1][holds])
