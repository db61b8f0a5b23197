"""Whether the clocks of a recording's streams fit together.

Cameras start earlier and stop later than the microscope by seconds; the overlap is
used and both ends are told. Only what cannot be right is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import Stream

MAX_DRIFT_PPM = 2000.0
"""Default limit of the drift between two clocks, parts per million (0.2 %)."""

_BLOCK, _GAP, _EMPTY = "█", "░", "·"


@dataclass(frozen=True)
class Span:
    """The stretch of time one stream covers.

    Parameters
    ----------
    name
        Of the stream.
    start_s, stop_s
        Opening edge of the first and closing edge of the last frame.
    n_frames
        Number of frames.
    rate_hz
        Frames per second (explicit times: one over the median period).
    gaps_s
        Start and stop of every gap.
    """

    name: str
    start_s: float
    stop_s: float
    n_frames: int
    rate_hz: float
    gaps_s: tuple[tuple[float, float], ...] = ()

    @property
    def seconds(self) -> float:
        """Length."""
        return self.stop_s - self.start_s


def spans(streams: Mapping[str, Stream]) -> list[Span]:
    """Return the stretch every stream covers, in their order."""
    return [_span(name, stream) for name, stream in streams.items()]


def overlap(found: Sequence[Span]) -> tuple[float, float]:
    """Return the seconds that all spans cover; stop before start when none."""
    return max(s.start_s for s in found), min(s.stop_s for s in found)


def check_overlap(streams: Mapping[str, Stream], recording: str) -> list[Problem]:
    """Compare every stream's stretch with that of the first one.

    Returns
    -------
    ``sync.overlap``: an error for a stream that shares no second with the first, or
    when no second is shared by all; a warning with both ends, both durations and the
    drift that would explain them, when a stream is more than one of its frames off at
    either end.
    """
    found = spans(streams)
    if len(found) < 2:
        return []
    first, *others = _merge_equal(found)
    problems = [p for other in others if (p := _compare(first, other, recording))]
    start, stop = overlap(found)
    if stop <= start and not any(p.severity == "error" for p in problems):
        text = (
            f"Recording {recording!r}: no second is covered by all of its streams "
            f"({_ranges(found)}). Check sync in project.yaml."
        )
        problems.append(Problem("sync.overlap", "error", text, recording))
    return problems


def check_drift(
    *,
    recording: str,
    stream: str,
    drift_ppm: float,
    error_ppm: float = 0.0,
    limit_ppm: float = MAX_DRIFT_PPM,
) -> list[Problem]:
    """Refuse two clocks that run apart faster than clocks do.

    Parameters
    ----------
    recording, stream
        Where it was measured.
    drift_ppm
        Measured drift.
    error_ppm
        What of it may be an error of measurement; only what is left must stay within
        `limit_ppm`.
    limit_ppm
        Quartz clocks differ by 100 ppm at most; more means a wrong rate or lost frames.
    """
    if abs(drift_ppm) - error_ppm <= limit_ppm:
        return []
    text = (
        f"Recording {recording!r}: the clock of {stream} drifts by {drift_ppm:+,.0f} "
        f"ppm (at least {abs(drift_ppm) - error_ppm:,.0f}) against its rate; the limit "
        f"is {limit_ppm:,.0f} ppm. Check rate_hz, look for lost frames, or raise the "
        "limit with --max-drift."
    )
    return [Problem("sync.drift", "error", text, recording)]


def picture(found: Sequence[Span], width: int = 60) -> str:
    """Draw the stretches of several streams as lines of text.

    Parameters
    ----------
    found
        See :func:`spans`.
    width
        Characters of the time line.

    Examples
    --------
    >>> print(picture([Span("neural", 0, 6, 96, 16), Span("pose", -2, 4, 600, 100)], 8))
    neural   0.0 ..   6.0 s  ··██████
    pose    -2.0 ..   4.0 s  ██████··
    shared   0.0 ..   4.0 s  ··████··
    """
    if not found:
        return ""
    start, stop = overlap(found)
    shared = Span("shared", start, max(stop, start), 0, 0.0)
    lines = [*found, shared] if len(found) > 1 else list(found)
    left = min(s.start_s for s in found)
    right = max(s.stop_s for s in found)
    names = max(len(s.name) for s in lines)
    shown = [(f"{s.start_s:.1f}", f"{s.stop_s:.1f}") for s in lines]
    digits = max(len(text) for pair in shown for text in pair) + 1
    return "\n".join(
        f"{s.name:<{names}} {a:>{digits}} .. {b:>{digits}} s  "
        f"{_bar(s, left, right, width)}"
        for s, (a, b) in zip(lines, shown, strict=True)
    )


def _span(name: str, stream: Stream) -> Span:
    time = stream.time
    centers = time.centers() if len(time.gaps()) else None
    half = time.period_s / 2
    gaps = tuple(
        (float(centers[i] + half), float(centers[i + 1] - half))
        for i in time.gaps()
        if centers is not None
    )
    rate = 1.0 / time.period_s if time.period_s > 0 else 0.0
    return Span(name, time.start_s, time.stop_s, time.n_frames, rate, gaps)


def _merge_equal(found: Sequence[Span]) -> list[Span]:
    """Join streams of one clock, but the first, so that each finding is told once."""
    first, *others = found
    groups: dict[tuple[int, int], list[Span]] = {}
    for span in others:
        ends = round(span.start_s * 1e4), round(span.stop_s * 1e4)
        groups.setdefault(ends, []).append(span)
    joined = [
        replace(group[0], name=" and ".join(_comma([span.name for span in group])))
        for group in groups.values()
    ]
    return [first, *joined]


def _compare(first: Span, other: Span, recording: str) -> Problem | None:
    start, stop = overlap([first, other])
    if stop <= start:
        text = (
            f"Recording {recording!r}: {_ranges([first, other])}, so no window fits. "
            f"Check the sync of {other.name} in project.yaml."
        )
        return Problem("sync.overlap", "error", text, recording)
    early, late = first.start_s - other.start_s, other.stop_s - first.stop_s
    tolerance = 1.0 / min(r for r in (first.rate_hz, other.rate_hz, 1e9) if r > 0)
    if max(abs(early), abs(late)) <= tolerance + 1e-6:
        return None
    drift = (other.seconds / first.seconds - 1) * 1e6 if first.seconds > 0 else 0.0
    s = "" if " and " in other.name else "s"
    text = (
        f"Recording {recording!r}: {other.name} start{s} {_side(early)} and stop{s} "
        f"{_side(late, 'after', 'before')} {first.name} ({_ranges([first, other])}; "
        f"{first.seconds:.2f} s and {other.seconds:.2f} s). The shared "
        f"{start:.2f}-{stop:.2f} s are used. Had both run from the same start to the "
        f"same stop, their clocks would differ by {drift:+,.0f} ppm."
    )
    return Problem("sync.overlap", "warning", text, recording)


def _comma(names: Sequence[str]) -> list[str]:
    """Join all names but the last, for "a, b and c"."""
    return [", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names)


def _side(seconds: float, more: str = "before", less: str = "after") -> str:
    return f"{abs(seconds):.2f} s {more if seconds >= 0 else less}"


def _ranges(found: Sequence[Span]) -> str:
    first, *others = found
    text = f"{first.name} covers {first.start_s:.1f}-{first.stop_s:.1f} s"
    for other in others:
        text += f", {other.name} {other.start_s:.1f}-{other.stop_s:.1f} s"
    return text


def _bar(span: Span, left: float, right: float, width: int) -> str:
    scale = width / (right - left) if right > left else 0.0
    cells = [_EMPTY] * width
    first = round((span.start_s - left) * scale)
    last = round((span.stop_s - left) * scale)
    if span.stop_s > span.start_s:
        first = min(first, width - 1)
        cells[first : max(last, first + 1)] = [_BLOCK] * (max(last, first + 1) - first)
    for start, stop in span.gaps_s:
        cell = min(int(((start + stop) / 2 - left) * scale), width - 1)
        cells[cell] = _GAP
    return "".join(cells)
