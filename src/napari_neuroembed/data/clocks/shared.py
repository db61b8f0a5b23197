"""Clocks made from other clocks: taken over, or freed of their rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import ENDS_EARLY, Stream, TimeAxis

_ROUNDING = 0.01
"""Share of a period by which rounded times may be off their regular place."""


def share_clock(n: int, other: TimeAxis) -> tuple[TimeAxis, NDArray[np.bool_]]:
    """Return the clock of `n` frames that run with those of another stream.

    Frames that the other stream does not have are marked invalid.
    """
    valid = np.arange(n) < other.n_frames
    if other.rate_hz is not None:
        return TimeAxis(n, other.start_s, other.rate_hz), valid
    times = other.centers()
    beyond = np.arange(1, max(n - times.size, 0) + 1) * other.period_s
    last = times[-1] if times.size else 0.0
    return TimeAxis(n, times_s=np.concatenate([times, last + beyond])[:n]), valid


def whole(
    stream: Stream, n: int, name: str, recording: str
) -> tuple[Stream, list[Problem]]:
    """Add the frames that a stream's file leaves out at the end, as missing.

    Parameters
    ----------
    stream
        Left as it is unless its facts say that its file may end early, its clock is
        regular, and it has fewer frames.
    n
        Frames of the camera.
    name, recording
        For the warning, `pose.short`.
    """
    why = stream.facts.get(ENDS_EARLY)
    lost = n - len(stream)
    if why is None or lost <= 0 or not stream.time.is_regular:
        return stream, []
    text = (
        f"Recording {recording!r}: {name} has {len(stream):,} frames, its camera "
        f"{n:,}; {why}, so the last {lost:,} frames count as not tracked."
    )
    data = np.asarray(stream.data[:], dtype=np.float64)
    facts = dict(stream.facts)
    if "confidence" in facts:
        facts["confidence"] = np.pad(facts["confidence"], ((0, lost), (0, 0)))
    longer = replace(
        stream,
        data=np.concatenate([data, np.full((lost, *data.shape[1:]), np.nan)]),
        time=TimeAxis(n, stream.time.start_s, stream.time.rate_hz),
        valid=np.concatenate([stream.valid, np.zeros(lost, dtype=bool)]),
        facts=facts,
    )
    return longer, [Problem("pose.short", "warning", text, recording)]


def steady(time: TimeAxis, rate_hz: float | None = None) -> TimeAxis:
    """Return a regular clock for times that are regular but for their rounding.

    Parameters
    ----------
    time
        Any clock.
    rate_hz
        Declared frames per second; None: that of the times.

    Notes
    -----
    Every time must lie within 1 % of a period of its regular place; else the times
    stay as they are.

    Examples
    --------
    >>> steady(TimeAxis(3, times_s=np.array([0.05, 0.15, 0.2500001])), 10.0).is_regular
    True
    >>> steady(TimeAxis(3, times_s=np.array([0.05, 0.15, 0.26])), 10.0).is_regular
    False
    """
    if time.times_s is None or time.n_frames < 2:
        return time
    times = time.times_s
    rate = rate_hz or (time.n_frames - 1) / float(times[-1] - times[0])
    off = times - np.arange(time.n_frames) / rate
    middle = float(off.max() + off.min()) / 2
    if (off.max() - off.min()) * rate > 2 * _ROUNDING:
        return time
    return TimeAxis(time.n_frames, middle - 0.5 / rate, rate)
