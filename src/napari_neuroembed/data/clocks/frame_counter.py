"""From a counter or the pulses of a camera to the times of frames.

A recorder samples, beside the images, a counter that goes up with every scan, and
lines that rise when a camera opens its shutter. Times are in seconds of the sampled
line; a frame's centre lies half its period after it began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.clocks.steps import Steps
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.errors import DataError


@dataclass(frozen=True)
class FrameTimes:
    """When the frames of a stream were taken.

    Parameters
    ----------
    times_s
        Centre of every frame, strictly increasing.
    valid
        False where a frame has no step of its own and its time is only an estimate.
    period_s
        Median time from frame to frame.
    problems
        What was found.
    """

    times_s: NDArray[np.float64]
    valid: NDArray[np.bool_]
    period_s: float
    problems: tuple[Problem, ...] = ()


def counted_frames(
    steps: Steps,
    n_frames: int,
    *,
    counts_per_frame: int,
    sample_rate_hz: float,
    phase: float = 0.5,
    name: str = "the counter",
) -> FrameTimes:
    """Return the time of every frame of a stack from a counter of scans.

    Parameters
    ----------
    steps
        Of the counter.
    n_frames
        Frames of the stack.
    counts_per_frame
        Counts per frame: slices of a volume, the way back, averaging.
    sample_rate_hz
        Samples per second.
    phase
        Where in its frame the middle of the image lies, 0 to 1.
    name
        What messages call the counter.

    Returns
    -------
    Frame n begins with count ``n * counts_per_frame``. Problems: ``thor.frames``, an
    error when the complete frames that were counted are not those of the stack (both
    numbers, and where the difference sits), a warning when it is the last one, begun
    and not kept; ``thor.dropped`` when frames were counted that no step and no image
    belongs to; ``thor.jump`` when several counts came at once.

    Raises
    ------
    DataError
        When it falls, counts more than there are samples, or less than two frames
        (`thor.counter`).
    """
    _refuse_nonsense(steps, counts_per_frame, name)
    total = int(steps.values[-1])
    dropped = _dropped(steps, n_frames, counts_per_frame)
    if dropped:
        starts = steps.samples.astype(np.float64)
        problems = [_dropped_problem(steps, dropped, sample_rate_hz, name)]
    else:
        counts = np.full(total + 1, np.nan)
        counts[steps.values] = steps.samples
        starts = counts[1::counts_per_frame]
        problems = [
            *_compare(steps, n_frames, counts_per_frame, sample_rate_hz, name),
            *_jumps(starts[:n_frames], steps.first // counts_per_frame, name),
        ]
    return _centres(starts / sample_rate_hz, n_frames, phase, tuple(problems), name)


def pulsed_frames(
    steps: Steps,
    numbers: NDArray[np.int64],
    *,
    sample_rate_hz: float,
    name: str = "the line",
) -> FrameTimes:
    """Return the time of every saved frame of a camera from the line of its shutter.

    Parameters
    ----------
    steps
        Of the line.
    numbers
        Which pulse each saved frame belongs to, increasing. Where a number is left
        out a frame was lost: the others keep their times.
    sample_rate_hz
        Samples per second.
    name
        What messages call the line.

    Returns
    -------
    ``thor.pulses``: an error when there are fewer pulses than frames; a note when there
    are more, which are ignored (cameras are pulsed on after the last frame).

    Raises
    ------
    DataError
        When there are fewer than two pulses.
    """
    needed, found = int(numbers[-1]) + 1, len(steps)
    if needed > steps.n_samples:
        raise DataError(
            f"{name} has {steps.n_samples:,} samples, too few for frame "
            f"{needed - 1:,} of the camera. [thor.pulses]"
        )
    if found < 2:
        raise DataError(
            f"{name} rises {found} times, {needed:,} frames were taken: it is not the "
            "line of these frames. [thor.pulses]"
        )
    problems = []
    if found < needed:
        text = (
            f"{name} rises {found:,} times, but {needed:,} frames were taken; "
            f"{needed - found:,} have no time. Probably the line is that of something "
            "else, or the two files are of different recordings. Accepted, the first "
            f"{found:,} are used."
        )
        problems.append(Problem("thor.pulses", "error", text))
    elif found > needed:
        text = (
            f"{name} rises {found:,} times, {needed:,} frames were taken; "
            f"{found - needed:,} at the end left unused."
        )
        problems.append(Problem("thor.pulses", "note", text))
    starts = np.full(needed, np.nan)
    starts[:found] = steps.samples[:needed] / sample_rate_hz
    every = _centres(starts, needed, 0.5, tuple(problems), name)
    lost = needed - len(numbers)
    if lost:
        missing = np.setdiff1d(np.arange(needed), numbers)
        shown = ", ".join(str(n) for n in missing[:3])
        text = (
            f"the camera lost {lost:,} of {needed:,} frames (first: {shown}); they are "
            "gaps in time, the others keep their times."
        )
        problems.append(Problem("thor.lost", "warning", text))
    return FrameTimes(
        every.times_s[numbers], every.valid[numbers], every.period_s, tuple(problems)
    )


def _refuse_nonsense(steps: Steps, counts_per_frame: int, name: str) -> None:
    if steps.falls.size:
        raise DataError(
            f"{name} falls back at sample {steps.falls[0]:,}: the file holds several "
            "acquisitions, or it is no counter. Export them one by one, or name "
            "another line. [thor.counter]"
        )
    if len(steps) < 2 or steps.values[-1] < 2 * counts_per_frame:
        raise DataError(
            f"{name} counts {int(steps.values[-1]) if len(steps) else steps.first:,} "
            f"scans, {counts_per_frame} per frame; two frames or more are needed. "
            "Probably the microscope was not recorded in this file. [thor.frames]"
        )
    if steps.first < 0 or steps.values[-1] > steps.n_samples:
        raise DataError(
            f"{name} goes from {steps.first:,} to {int(steps.values[-1]):,} in "
            f"{steps.n_samples:,} samples: it is no counter of scans. [thor.counter]"
        )


def _dropped(steps: Steps, n_frames: int, counts_per_frame: int) -> int:
    """Return how many counted frames have neither a step nor an image."""
    lost = int(steps.values[-1]) - len(steps)
    is_so = counts_per_frame == 1 and steps.first == 0 and len(steps) == n_frames
    return lost if is_so else 0


def _dropped_problem(
    steps: Steps, dropped: int, sample_rate_hz: float, name: str
) -> Problem:
    sizes = np.diff(steps.values, prepend=0)
    first = float(steps.samples[np.flatnonzero(sizes > 1)[0]]) / sample_rate_hz
    text = (
        f"{name} counts {int(steps.values[-1]):,} frames in {len(steps):,} steps, and "
        f"there are {len(steps):,} images: {dropped:,} frames were dropped (first "
        f"before {first:.3f} s). They are gaps in time, the others keep their times."
    )
    return Problem("thor.dropped", "warning", text)


def _compare(
    steps: Steps, n_frames: int, per_frame: int, sample_rate_hz: float, name: str
) -> list[Problem]:
    """Compare counted and saved frames."""
    total = int(steps.values[-1])
    complete, rest = divmod(total, per_frame)
    at_start = steps.first > 0
    counted = f"{name} counts {total:,} scans"
    if per_frame > 1:
        counted += f", {per_frame} per frame"
    counted += f" = {complete:,} complete frames"
    if complete == n_frames and not rest and not at_start:
        return []
    one_more = (complete == n_frames and rest > 0) or complete == n_frames + 1
    one_begun = rest > 0 and complete + 1 == n_frames
    if (one_more or one_begun) and not at_start:
        what = "was not kept" if one_more else "is in the stack"
        text = (
            f"{counted}, the stack has {n_frames:,}: the last frame was begun and "
            f"{what}."
        )
        return [Problem("thor.frames", "warning", text)]
    difference = complete - n_frames
    side = "more" if difference > 0 else "fewer"
    text = f"{counted}, the stack has {n_frames:,}"
    if difference:
        text += f": {abs(difference):,} {side}"
    text += f" ({_where(steps, per_frame, sample_rate_hz)})."
    text += (
        " Probably the stack and the sync file are of different recordings: name the "
        "right one with --sync, or --sync none to take the rate of Experiment.xml. "
        "Accepted, frames are counted from the first step, and those without a step "
        "are masked."
    )
    return [Problem("thor.frames", "error", text)]


def _where(steps: Steps, per_frame: int, sample_rate_hz: float) -> str:
    """Say which end of the file a difference may lie at."""
    period = float(np.median(np.diff(steps.samples))) * per_frame
    sides = []
    if steps.first > 0:
        sides.append(f"at the start it stood at {steps.first:,} already")
    elif steps.samples[0] <= period:
        sides.append("at the start it counts from the first samples on")
    left = steps.n_samples - int(steps.samples[-1])
    if left <= period:
        sides.append("at the end the file stops while it counts")
    return " and ".join(sides) or (
        f"neither the start nor the end is cut: it is silent for "
        f"{steps.samples[0] / sample_rate_hz:.2f} s before and "
        f"{left / sample_rate_hz:.2f} s after"
    )


def _jumps(starts: NDArray[np.float64], first: int, name: str) -> list[Problem]:
    lost = np.flatnonzero(np.isnan(starts))
    lost = lost[lost >= first]
    if not lost.size:
        return []
    text = (
        f"{name} jumps over {lost.size:,} frames (first: frame {lost[0]:,}); they have "
        "no time of their own and are masked."
    )
    return [Problem("thor.jump", "warning", text)]


def _centres(
    starts_s: NDArray[np.float64],
    n_frames: int,
    phase: float,
    problems: tuple[Problem, ...],
    name: str,
) -> FrameTimes:
    """Return the centres of frames; estimated where a start is missing."""
    starts = np.full(n_frames, np.nan)
    kept = min(n_frames, starts_s.size)
    starts[:kept] = starts_s[:kept]
    known = np.flatnonzero(np.isfinite(starts))
    if known.size < 2:
        raise DataError(
            f"{name} gives a time to {known.size} of {n_frames:,} frames; two or more "
            "are needed. [thor.frames]"
        )
    frames = np.arange(n_frames)
    steps = np.diff(starts[known]) / np.diff(known)
    period = float(np.median(steps))
    times = np.interp(frames, known, starts[known])
    before, after = frames < known[0], frames > known[-1]
    times[before] = starts[known[0]] - (known[0] - frames[before]) * period
    times[after] = starts[known[-1]] + (frames[after] - known[-1]) * period
    valid = np.isfinite(starts)
    return FrameTimes(times + phase * period, valid, period, problems)
