"""Frames per second: taken from the file or the user, never guessed."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

TOLERANCE = 0.01
"""Two rates that differ by more than this share contradict each other."""


@dataclass(frozen=True)
class RateClaim:
    """A frame rate and who says so."""

    hz: float
    origin: str


def rate_problems(
    name: str, claims: Sequence[RateClaim], given: float | None = None
) -> list[Problem]:
    """Compare every stated rate with the user's, or else with each other.

    Parameters
    ----------
    name
        What messages call the file.
    claims
        Rates that the file or its companions state, the strongest first.
    given
        Rate that the user gave, in frames per second.
    """
    rates = list(claims)
    if given is not None and not (math.isfinite(given) and given > 0):
        text = f"the frame rate must be above 0 frames per second, found {given}."
        return [Problem("rate.invalid", "error", text, name)]
    if given is not None:
        rates.insert(0, RateClaim(given, "rate_hz, as given"))
    problems = []
    for other in rates[1:]:
        first = rates[0]
        if abs(other.hz - first.hz) > TOLERANCE * max(first.hz, other.hz):
            problems.append(
                Problem(
                    "rate.conflict",
                    "error",
                    f"two frame rates: {first.hz:g} per second ({first.origin}) and "
                    f"{other.hz:g} ({other.origin}) differ by more than 1 %. Give the "
                    "right one as rate_hz (--rate), or leave it out to take that of "
                    f"the file; --accept rate.conflict takes {first.hz:g}.",
                    name,
                )
            )
    return problems


def is_overruled(
    claims: Sequence[RateClaim], given: float | None, accept: Collection[str]
) -> bool:
    """Whether the user's rate was accepted against the file's strongest claim.

    Then it also stands above the times of the frames, as `rate.conflict` says.
    """
    return "rate.conflict" in accept and bool(rate_problems("", claims[:1], given))


def clock(
    name: str,
    n_frames: int,
    *,
    claims: Sequence[RateClaim],
    given: float | None,
    times_s: NDArray[np.float64] | None = None,
) -> tuple[TimeAxis, str]:
    """Return the clock of a stream and where it comes from.

    Times of the single frames win (leave them out when they were overruled); then the
    user's rate; then the file's. A clock from a rate opens its first frame at 0 s.

    Raises
    ------
    DataError
        When nothing says how fast the frames came (`rate.missing`), or the rate is
        not above 0.
    """
    if times_s is not None:
        return TimeAxis(n_frames, times_s=times_s), "time of every frame in the file"
    if given is not None:
        return TimeAxis(n_frames, 0.0, given), "rate_hz, as given"
    if claims:
        return TimeAxis(n_frames, 0.0, claims[0].hz), claims[0].origin
    raise DataError(
        f'"{name}" holds {n_frames:,} frames but no frame rate. Give it with --rate '
        "15.5 (frames per second; --pose-rate, --trace-rate ... for a file given with "
        "--pose, --trace ...; rate_hz in project.yaml), or point to a timestamp file "
        "with --sync. [rate.missing]"
    )


def order_problem(name: str, times_s: NDArray[np.float64]) -> list[Problem]:
    """Return the problem `time.not_increasing` with its first bad index, if any."""
    bad = np.flatnonzero(~(np.diff(times_s) > 0))
    if not bad.size:
        if times_s.size == 1 and not np.isfinite(times_s[0]):
            bad = np.zeros(1, dtype=np.int64)
        else:
            return []
    i = min(int(bad[0]) + 1, times_s.size - 1)
    return [
        Problem(
            "time.not_increasing",
            "error",
            f"times must increase: frame {i} is at {times_s[i]:.6f} s, the frame "
            f"before it at {times_s[max(i - 1, 0)]:.6f} s ({bad.size} such places). "
            "Repair the time column, or --accept time.not_increasing to ignore it and "
            "give the frame rate.",
            name,
        )
    ]
