"""Which frames of a scan make the recording, when they were taken, where they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.prairie.scan import Cycle, Frame, Scan
from napari_neuroembed.options.readers import PrairieOptions

_LEAST_BYTES = 8
"""A shorter file was opened but never written."""

_NO_MOVIE = ("Linescan", "LineScan", "PointScan", "Point Scan", "AtlasVolume")


@dataclass(frozen=True)
class Chosen:
    """The frames of one recording.

    Parameters
    ----------
    frames
        In time, all of one plane.
    begin_s
        When each began, seconds since the first frame of any plane; None when the XML
        does not say.
    image_s
        Seconds that one image takes; 0 when unknown.
    problems, facts
        What is wrong, and what a person may want to know.
    """

    frames: tuple[Frame, ...]
    begin_s: NDArray[np.float64] | None
    image_s: float
    is_volume: bool
    problems: tuple[Problem, ...]
    facts: dict[str, Any] = field(default_factory=dict)


def choose_frames(scan: Scan, options: PrairieOptions) -> Chosen:
    """Return the frames that the options ask for, by the order of the XML."""
    name = str(scan.path.parent)
    problems = []
    kinds = sorted({cycle.kind for cycle in scan.cycles})
    odd = [kind for kind in kinds if kind.startswith(_NO_MOVIE) or "Linescan" in kind]
    if odd or not scan.cycles:
        found = f"a scan of type {odd[0]!r}" if odd else "no frames"
        text = f"{scan.path.name} lists {found}; expected a T-series of images."
        problems.append(Problem("prairie.layout", "error", text, name))
    if len({cycle.is_volume for cycle in scan.cycles}) > 1:
        problems.append(_ask_cycles(scan, name))
    cycles, more = _wanted(scan, options, name)
    problems += more
    is_volume = bool(cycles) and cycles[0].is_volume
    if is_volume:
        frames, more, facts = _of_volumes(cycles, options, name)
    else:
        frames, more, facts = [f for c in cycles for f in c.frames], [], {}
    problems += more
    whole = [frame for cycle in cycles for frame in cycle.frames]
    begin, image_s = _times(frames, whole, len(cycles) == 1 or is_volume)
    problems += _untimed(whole, name)
    facts["cycles"] = len(scan.cycles)
    return Chosen(tuple(frames), begin, image_s, is_volume, tuple(problems), facts)


def _wanted(
    scan: Scan, options: PrairieOptions, name: str
) -> tuple[list[Cycle], list[Problem]]:
    """Return the cycles to take, and the question which ones."""
    cycles = scan.cycles
    if isinstance(options.cycle, int):
        chosen = [cycle for cycle in cycles if cycle.number == options.cycle]
        return (chosen, []) if chosen else (cycles[:1], [_ask_cycles(scan, name)])
    are_alone = all(len(cycle.frames) == 1 for cycle in cycles)
    is_one = len(cycles) < 2 or are_alone or all(c.is_volume for c in cycles)
    if is_one or options.cycle == "all":
        return cycles, []
    return cycles, [_ask_cycles(scan, name)]


def _ask_cycles(scan: Scan, name: str) -> Problem:
    listed = []
    for cycle in scan.cycles[:6]:
        first, last = cycle.frames[0].absolute_s, cycle.frames[-1].absolute_s
        when = f", {first:.1f} to {last:.1f} s" if np.isfinite(first + last) else ""
        listed.append(f"{cycle.number} ({len(cycle.frames):,} frames{when})")
    more = " ..." if len(scan.cycles) > 6 else ""
    text = (
        f"it has {len(scan.cycles)} cycles: {', '.join(listed)}{more}. Say cycle: "
        f"{scan.cycles[0].number} for one of them, each its own recording, or cycle: "
        "all for one recording with gaps between them."
    )
    return Problem("prairie.cycles", "error", text, name)


def _of_volumes(
    cycles: list[Cycle], options: PrairieOptions, name: str
) -> tuple[list[Frame], list[Problem], dict[str, Any]]:
    """Return the frames of one plane; every cycle is a volume."""
    n = len(cycles[0].frames)
    cycles, problems = _equal(cycles, name)
    if any(cycle.is_reversing for cycle in cycles):
        problems.append(_reversing(name))
    if n > 1 and (options.plane is None or options.plane >= n):
        problems.append(_ask_plane(n, name))
    plane = min(options.plane or 0, n - 1)
    frames = [cycle.frames[plane] for cycle in cycles]
    return frames, problems, {"planes": n, "plane": options.plane}


def _equal(cycles: list[Cycle], name: str) -> tuple[list[Cycle], list[Problem]]:
    """Leave out the volumes from the first one on that has other planes."""
    n = len(cycles[0].frames)
    odd = [i for i, cycle in enumerate(cycles) if len(cycle.frames) != n]
    if not odd:
        return cycles, []
    first = cycles[odd[0]]
    is_cut = odd == [len(cycles) - 1] and len(first.frames) < n
    problem = _stopped(first, n, odd[0], name) if is_cut else _unequal(first, n, name)
    return cycles[: odd[0]], [problem]


def _stopped(last: Cycle, n: int, index: int, name: str) -> Problem:
    text = (
        f"its last volume has {len(last.frames)} of {n} planes, so that the last "
        f"complete volume is {index - 1}. Leave it out with --salvage."
    )
    return Problem("prairie.unwritten", "error", text, name)


def _unequal(cycle: Cycle, n: int, name: str) -> Problem:
    text = (
        f"volumes differ: the first has {n} planes, cycle {cycle.number} "
        f"{len(cycle.frames)}. One recording must have equal volumes."
    )
    return Problem("prairie.layout", "error", text, name)


def _reversing(name: str) -> Problem:
    text = (
        "planes were scanned downwards and upwards in turn (bidirectionalZ); no such "
        "recording was there to check in which order they are listed. Accepted, they "
        "are taken in the order of the XML: compare the planes of two volumes."
    )
    return Problem("prairie.reversing", "error", text, name)


def _ask_plane(n: int, name: str) -> Problem:
    text = (
        f"a volume has {n} planes, and one recording is one plane. Say which: plane: "
        f"0 .. {n - 1}."
    )
    return Problem("prairie.plane", "error", text, name)


def _untimed(frames: Sequence[Frame], name: str) -> list[Problem]:
    """Return that only some frames have a time, so that none can be used."""
    missing = [i for i, frame in enumerate(frames) if not np.isfinite(frame.absolute_s)]
    if not missing or len(missing) == len(frames):
        return []
    text = (
        f"{len(missing):,} of {len(frames):,} frames have no absoluteTime (first: "
        f"frame {missing[0]}). Copy the XML again; accepted, relativeTime or "
        "framePeriod is taken for all frames."
    )
    return [Problem("prairie.times", "error", text, name)]


def _times(
    frames: Sequence[Frame], whole: Sequence[Frame], is_one: bool
) -> tuple[NDArray[np.float64] | None, float]:
    """Return when frames began and how long an image takes.

    ``relativeTime`` starts again with every cycle, so that it counts only where there
    is one.
    """

    def seconds(which: Sequence[Frame]) -> NDArray[np.float64]:
        absolute = np.array([frame.absolute_s for frame in which])
        if np.isfinite(absolute).all() or not is_one:
            return absolute
        return np.array([frame.relative_s for frame in which])

    begin, every = seconds(frames), seconds(whole)
    if len(begin) < 2 or not np.isfinite(begin).all():
        return None, 0.0
    steps = np.diff(every)
    steps = steps[steps > 0]
    image_s = float(np.median(steps)) if steps.size else 0.0
    return begin - every[0], image_s


def unwritten(
    chosen: Chosen, channels: Sequence[int], folder: Path
) -> tuple[tuple[Frame, ...], list[Problem]]:
    """Leave out the frames from the first one on that is not whole on disk.

    The XML lists every frame that was planned, also those that were never written
    because the scan was stopped.
    """
    there = {
        entry.name
        for entry in os.scandir(folder)
        if entry.is_file() and entry.stat().st_size >= _LEAST_BYTES
    }
    absent: dict[int, str] = {}
    for i, frame in enumerate(chosen.frames):
        for channel in channels:
            place = frame.images.get(channel)
            if place is None or place.file not in there:
                absent.setdefault(i, place.file if place else f"channel {channel}")
    if not absent:
        return chosen.frames, []
    first = min(absent)
    text = (
        f"the XML lists {len(chosen.frames):,} frames, but {len(absent):,} of them "
        f"were never written or are missing; the first is frame {first} "
        f"({absent[first]}), so that the last complete frame is {first - 1}. Copy the "
        f"missing files, or take the first {first:,} frames with --salvage."
    )
    problem = Problem("prairie.unwritten", "error", text, str(folder))
    return chosen.frames[:first], [problem]
