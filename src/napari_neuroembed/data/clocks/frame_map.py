"""From "this camera frame belongs to that imaging frame" to seconds.

A map holds, for every frame of one stream (say the pose), the number of the frame of
another (say the neural stream) that was being taken. Where there was none, recorders
write -1, NaN, or NaN cast to an integer (-9223372036854775808). Such a value is never
used as an index: it would wrap to the end and repeat the last frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

NO_FRAME = -1
_EDGE_FRAMES = 4
"""From this many target frames on, the two outermost (often cut) are not fitted."""


@dataclass(frozen=True)
class MapFit:
    """How two clocks lie to each other, seen through a frame map.

    Parameters
    ----------
    start_s
        Opening edge of the mapping stream's first frame, on the target's clock.
    rate_hz
        Frames per second of the target as the mapping stream's clock measures it.
    drift_ppm
        Relative error of the target's declared rate, parts per million.
    drift_error_ppm
        What of the drift the whole-frame steps of the map can explain.
    deviation_frames
        Largest distance of a target frame from its regular time, in its frames.
    times_s
        Measured centre of every target frame, on the target's clock.
    """

    start_s: float
    rate_hz: float
    drift_ppm: float
    drift_error_ppm: float
    deviation_frames: float
    times_s: NDArray[np.float64]


def place_map(
    values: NDArray[np.float64],
    frames: NDArray[np.float64] | None,
    n_frames: int,
    name: str,
) -> NDArray[np.float64]:
    """Return one map value per frame, NaN where the map says nothing.

    Parameters
    ----------
    values
        The map as read.
    frames
        Which frame each value is about; None: frames 0, 1, 2 ...
    n_frames
        Frames of the mapping stream.
    name
        The file, for messages.

    Raises
    ------
    DataError
        When the lengths cannot belong together, or `frames` does not increase.
    """
    if frames is None:
        if values.size != n_frames:
            raise DataError(
                f"{name}: expected one value for each of {n_frames:,} frames, found "
                f"{values.size:,}. If the map is about some frames only, name the file "
                "that lists them: --pose-sync-frames (for a pose), or frames: in the "
                "sync of project.yaml [sync.length]."
            )
        return values
    if frames.size != values.size:
        raise DataError(
            f"{name}: {values.size:,} values, but the list of frames has "
            f"{frames.size:,} [sync.length]."
        )
    whole = frames.astype(np.int64)
    wrong = (whole != frames) | (whole < 0) | (whole >= n_frames)
    wrong[1:] |= np.diff(whole) <= 0
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{name}: the list of frames must hold increasing whole numbers below "
            f"{n_frames:,}; row {row} is {frames[row]:g} [sync.length]."
        )
    placed = np.full(n_frames, np.nan)
    placed[whole] = values
    return placed


def read_map(
    values: NDArray[np.float64], n_target: int, name: str
) -> tuple[NDArray[np.int64], list[Problem]]:
    """Turn map values into frame numbers and find what is wrong with them.

    Parameters
    ----------
    values
        One per frame of the mapping stream, shape (n_frames,).
    n_target
        Frames of the stream that the map points into.
    name
        The file, for messages.

    Returns
    -------
    index : array, shape (n_frames,), int64
        Frame numbers; -1 where there is none.
    problems
        ``sync.invalid``: a note for invalid values at the two ends, an error for those
        in the middle or above the last frame. ``sync.order``: values that go back.

    Examples
    --------
    >>> index, problems = read_map(np.array([np.nan, 0.0, 0.0, 1.0]), 2, "map.npy")
    >>> index.tolist(), [p.severity for p in problems]
    ([-1, 0, 0, 1], ['note'])
    """
    with np.errstate(invalid="ignore"):
        is_frame = np.isfinite(values) & (values >= 0) & (values == np.floor(values))
        too_high = is_frame & (values >= n_target)
    is_frame &= ~too_high
    index = np.full(values.size, NO_FRAME, dtype=np.int64)
    index[is_frame] = values[is_frame].astype(np.int64)
    kept = np.flatnonzero(is_frame)
    if kept.size == 0:
        text = f"{name}: none of {values.size:,} values is a frame number."
        return index, [Problem("sync.invalid", "error", text)]
    inside = np.zeros(values.size, dtype=bool)
    inside[kept[0] : kept[-1] + 1] = True
    middle = np.flatnonzero(inside & ~is_frame)
    ends = np.flatnonzero(~inside & ~too_high)
    problems = _invalid(name, values, ends, middle, np.flatnonzero(too_high), n_target)
    back = np.flatnonzero(np.diff(index[kept]) < 0)
    if back.size:
        row, before = int(kept[back[0] + 1]), int(kept[back[0]])
        problems.append(
            Problem(
                "sync.order",
                "error",
                f"{name}: frame numbers must not go back, but frame {row} belongs to "
                f"{index[row]} and frame {before} before it to {index[before]} "
                f"({back.size} such steps). Check that the map belongs to this file.",
            )
        )
    return index, problems


def fit_map(
    index: NDArray[np.int64], clock: TimeAxis, n_target: int, rate_hz: float | None
) -> MapFit:
    """Fit the target's clock to the centres of the frames that map to each of its.

    Parameters
    ----------
    index
        Target frame of every mapping frame, -1 where none; not decreasing.
    clock
        Of the mapping stream.
    n_target
        Frames of the target.
    rate_hz
        Declared rate of the target; None: the measured one.

    Raises
    ------
    DataError
        When fewer than two target frames are mapped.

    Notes
    -----
    ``c_n`` is the mean centre of all frames mapped to target frame n; the period is
    the slope of ``c_n`` over n. The outermost two frames are cut off by the start and
    stop of the camera and are left out where there are enough others. A map in whole
    frames moves every ``c_n`` by at most half a mapping period e; the largest slope
    that errors bounded by e can feign over N frames is ``3 e / N``.
    """
    used = index >= 0
    frames, place = np.unique(index[used], return_inverse=True)
    if frames.size < 2:
        raise DataError(
            f"The map names {frames.size} of {n_target:,} frames; a clock needs two."
        )
    weight = np.bincount(place)
    centers = np.bincount(place, weights=clock.centers()[used]) / weight
    inner = slice(1, -1) if frames.size >= _EDGE_FRAMES else slice(None)
    n, c = frames[inner].astype(np.float64), centers[inner]
    period, _ = np.polyfit(n - n.mean(), c, 1)
    rate = 1.0 / period if rate_hz is None else rate_hz
    shift = float(np.mean((n + 0.5) / rate - c))
    off = np.abs((n + 0.5) / rate - c - shift) * rate
    span = float(n[-1] - n[0] + 1)
    return MapFit(
        start_s=clock.start_s + shift,
        rate_hz=float(rate),
        drift_ppm=float((period * rate - 1) * 1e6),
        drift_error_ppm=float(1.5 * clock.period_s / (span * period) * 1e6),
        deviation_frames=float(off.max()),
        times_s=_all_times(n, c + shift, n_target, float(period)),
    )


def _all_times(
    n: NDArray[np.float64], c: NDArray[np.float64], n_target: int, period: float
) -> NDArray[np.float64]:
    """Measured times, lines between them, the mean period beyond them."""
    every = np.arange(n_target, dtype=np.float64)
    times: NDArray[np.float64] = np.interp(every, n, c)
    before, after = every < n[0], every > n[-1]
    times[before] = c[0] + (every[before] - n[0]) * period
    times[after] = c[-1] + (every[after] - n[-1]) * period
    return times


def _invalid(
    name: str,
    values: NDArray[np.float64],
    ends: NDArray[np.int64],
    middle: NDArray[np.int64],
    too_high: NDArray[np.int64],
    n_target: int,
) -> list[Problem]:
    if not (ends.size or middle.size or too_high.size):
        return []
    total = values.size
    bad = np.union1d(np.union1d(ends, middle), too_high)
    text = (
        f"{name}: {bad.size:,} of {total:,} frames ({bad.size / total:.1%}) have no "
        f"frame to belong to (first at {bad[0]}, last at {bad[-1]}); {ends.size:,} are "
        "at the two ends and are masked."
    )
    if too_high.size:
        first = int(too_high[0])
        text += (
            f" {too_high.size:,} point beyond the last frame {n_target - 1:,} "
            f"(row {first}: {values[first]:g})."
        )
    inner = np.setdiff1d(middle, too_high)
    if inner.size:
        shown = ", ".join(str(i) for i in inner[:3])
        text += f" {inner.size:,} are in the middle ({shown}...): lost frames."
    grave = too_high.size or inner.size
    return [Problem("sync.invalid", "error" if grave else "note", text)]


def only_rising(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mask frames that go back, after somebody has accepted that some do."""
    kept = np.maximum.accumulate(index)
    return np.where(index < kept, NO_FRAME, index)
