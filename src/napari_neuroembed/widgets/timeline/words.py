"""What a timeline says: moments, lengths, and the bout under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_neuroembed.widgets.timeline.rows import Action, Row

SOURCES = {
    "human": "by hand",
    "model": "model",
    "imported": "imported",
    "verified_model": "model, verified",
}


def decimals_of(step_s: float) -> int:
    """Return how many decimals tell moments `step_s` apart, 0 to 6."""
    return min(6, max(0, math.ceil(-math.log10(step_s) - 1e-9)))


def clock(seconds: float, longest_s: float, decimals: int) -> str:
    """Return a moment as ``12.50``, ``2:05.00`` or ``1:02:05.00``.

    Parameters
    ----------
    seconds
        The moment.
    longest_s
        The last moment of the recording: all its moments are written alike.
    decimals
        Decimals of the seconds.

    Examples
    --------
    >>> clock(59.996, 30, 2), clock(59.996, 300, 2), clock(3725.0, 9000, 0)
    ('60.00', '1:00.00', '1:02:05')
    >>> clock(-1.25, 300, 2)
    '−0:01.25'
    """
    units = round(abs(seconds) * 10**decimals)
    sign = "−" if seconds < 0 and units else ""
    whole, part = divmod(units, 10**decimals)
    tail = f".{part:0{decimals}d}" if decimals else ""
    if longest_s < 120:
        return f"{sign}{whole}{tail}"
    minutes, second = divmod(whole, 60)
    if longest_s < 3600:
        return f"{sign}{minutes}:{second:02d}{tail}"
    hours, minute = divmod(minutes, 60)
    return f"{sign}{hours}:{minute:02d}:{second:02d}{tail}"


def clock_unit(longest_s: float) -> str:
    """Return what :func:`clock` counts, for the axis."""
    if longest_s < 120:
        return "Time (s)"
    return "Time (min:s)" if longest_s < 3600 else "Time (h:min:s)"


def length(seconds: float, decimals: int) -> str:
    """Return a length of time with its unit."""
    return f"{seconds:,.{decimals}f} s"


def tooltip(
    row: Row, index: int, actions: Sequence[Action], longest_s: float, decimals: int
) -> list[str]:
    """Return the lines about one bout: action, whose, from when to when, from where."""
    start, stop = float(row.start_s[index]), float(row.stop_s[index])
    name = actions[row.action[index]].name
    present = bool(row.state[index])
    when = clock(start, longest_s, decimals)
    if stop > start:
        until = clock(stop, longest_s, decimals)
        when = f"{when} to {until}, {length(stop - start, decimals)}"
    if row.kind == "ghost":
        origin = "proposed"
    else:
        source = str(row.source[index])
        origin = SOURCES.get(source, source)
    who = [part for part in (row.rater, origin) if part]
    confidence = float(row.confidence[index])
    if not math.isnan(confidence):
        who.append(f"confidence {confidence:.2f}")
    return [name if present else f"no {name}", when, ", ".join(who)]
