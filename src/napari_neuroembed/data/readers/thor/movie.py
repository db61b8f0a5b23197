"""What raw and TIFF recordings of ThorImage have in common: channels, slices, clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.base import Description
from napari_neuroembed.data.readers.rates import (
    RateClaim,
    clock,
    is_overruled,
    order_problem,
    rate_problems,
)
from napari_neuroembed.data.readers.thor.experiment import Experiment
from napari_neuroembed.data.recording import LazyArray, Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import ThorOptions

OpenFrames = Callable[[int, tuple[int, ...]], LazyArray]
"""From a slice and channels to frames (time[, channel], y, x)."""


@dataclass(frozen=True)
class Movie:
    """What a look at the files of a recording gave.

    Parameters
    ----------
    name
        What messages call it.
    experiment
        Its XML.
    n_frames
        Whole time points.
    height, width
        Of one image.
    n_slices
        Slices of a time point that are images of the sample.
    open_frames
        See :data:`OpenFrames`.
    starts_s
        Per slice the time of every frame's first pixel, where the files have it.
    numbers
        Number of every frame, where files may be missing between them.
    facts, problems
        What a person may want to know, and what is wrong.
    salvaged
        Ids of problems that ``--salvage`` goes on with.
    """

    name: str
    experiment: Experiment
    n_frames: int
    height: int
    width: int
    n_slices: int
    open_frames: OpenFrames
    starts_s: Callable[[int], NDArray[np.float64] | None] = lambda _: None
    numbers: NDArray[np.int64] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    salvaged: frozenset[str] = frozenset()


def describe_movie(movie: Movie, told: ThorOptions) -> Description:
    """Return what was seen in the common form."""
    channels, names, problems = _channels(movie, told)
    times = _times(movie, told.z or 0)
    claims = _claims(movie, times)
    shape: tuple[int, ...] = (movie.n_frames, movie.height, movie.width)
    if len(channels) > 1:
        shape = (movie.n_frames, len(channels), movie.height, movie.width)
    return Description(
        kind="neural",
        shape=shape,
        dtype="uint16",
        axes="TYX" if len(shape) == 3 else "TCYX",
        rate_hz=claims[0].hz if claims else None,
        rate_origin=claims[0].origin if claims else "",
        names=names,
        units="counts",
        facts=_facts(movie, told),
        problems=(
            *movie.problems,
            *problems,
            *_doubts(movie, told, None),
            *rate_problems(movie.name, claims),
        ),
    )


def open_movie(
    movie: Movie,
    told: ThorOptions,
    *,
    rate_hz: float | None,
    accept: frozenset[str],
    salvage: bool,
) -> Stream:
    """Refuse what was not accepted, then open the frames.

    Raises
    ------
    DataError
        Listing every problem, or that no frame rate is known.
    """
    channels, names, problems = _channels(movie, told)
    times = _times(movie, told.z or 0)
    claims = _claims(movie, times)
    rates = _likely(movie.experiment, claims, rate_hz)
    found = [
        *movie.problems,
        *problems,
        *_doubts(movie, told, rate_hz),
        *rate_problems(movie.name, rates, rate_hz),
    ]
    refuse(found, movie.name, accept, movie.salvaged if salvage else ())
    if movie.n_frames < 2:
        raise DataError(
            f"{movie.name}: {movie.n_frames} whole time points, expected 2 or more: "
            "this is an image, not a movie. [tiff.one_frame]"
        )
    if is_overruled(rates, rate_hz, accept):
        times = None
    axis, origin = _clock(movie, told, claims, times, rate_hz)
    facts = {**_facts(movie, told), "rate_origin": origin}
    notes = [p.text for p in found if p.severity != "error"]
    if notes:
        facts["notes"] = notes
    kept = [p.text for p in movie.problems if p.id in movie.salvaged]
    if salvage and kept:
        facts["salvaged"] = f"{movie.n_frames:,} time points kept: " + " ".join(kept)
    return Stream(
        "neural",
        movie.open_frames(told.z or 0, channels),
        axis,
        names=names,
        units="counts",
        facts=facts,
    )


def phase(experiment: Experiment, z: int, n_slices: int) -> float:
    """Return where in its time point the middle of a slice lies, from 0 to 1.

    Examples
    --------
    A single plane is half-way through; of two slices the first is at a quarter.
    """
    if n_slices == 1:
        return 0.5
    return (z + 0.5) / experiment.scans_per_volume


def _channels(
    movie: Movie, told: ThorOptions
) -> tuple[tuple[int, ...], tuple[str, ...], list[Problem]]:
    """Return which channels to take, their roles and what is wrong with that."""
    names = movie.experiment.channels
    n = len(names)
    listed = ", ".join(f"{i} is {name}" for i, name in enumerate(names))
    if told.channels is None:
        if n == 1:
            return (0,), (), []
        text = (
            f"it has {n} channels ({listed}) and it is not known which one is the "
            "indicator. Say channels: {functional: 0, anatomical: 1}, or {functional: "
            "0} for one."
        )
        problem = Problem("thor.channels", "error", text, movie.name)
        return tuple(range(n)), (), [problem]
    chosen = tuple(told.channels.values())
    if not chosen or max(chosen) >= n or len(set(chosen)) < len(chosen):
        text = (
            f"channels {dict(told.channels)} do not fit its {n} channels ({listed}; "
            "each once)."
        )
        return (0,), (), [Problem("thor.channels", "error", text, movie.name)]
    return chosen, tuple(told.channels), []


def _doubts(movie: Movie, told: ThorOptions, given: float | None) -> list[Problem]:
    """Return what has to be asked before the frames mean anything."""
    experiment, name = movie.experiment, movie.name
    problems = []
    if movie.n_slices > 1 and (told.z is None or told.z >= movie.n_slices):
        text = (
            f"a time point has {movie.n_slices} slices (ZStage@steps); one of them is "
            f"taken. Say which: z: 0 .. {movie.n_slices - 1}."
        )
        problems.append(Problem("thor.slice", "error", text, name))
    elif told.z is not None and told.z >= movie.n_slices:
        text = f"z: {told.z}, but a time point has one slice. Leave z out."
        problems.append(Problem("thor.slice", "error", text, name))
    rate = experiment.rate_hz
    if experiment.averaging > 1 and rate is not None and given is None:
        text = (
            f"every image is a mean of {experiment.averaging} scans (LSM@averageMode "
            f"1, averageNum {experiment.averaging}). LSM@frameRate "
            f"{experiment.scan_rate_hz:g} seems to count single scans, which gives "
            f"{rate:g} time points per second; if it counts means, there are "
            f"{rate * experiment.averaging:g}. The ThorSync file decides (--sync), or "
            "give the right one with --rate."
        )
        problems.append(Problem("thor.averaging", "error", text, name))
    if experiment.line_mode:
        text = (
            f"LSM@areaMode is {experiment.line_mode}: the lines of an image are one "
            "place at many times, not an image of the sample."
        )
        problems.append(Problem("thor.area_mode", "warning", text, name))
    return problems


def _claims(movie: Movie, times: NDArray[np.float64] | None) -> tuple[RateClaim, ...]:
    claims = []
    if times is not None:
        hz = 1 / float(np.median(np.diff(times)))
        claims.append(RateClaim(hz, "time of every frame (OME DeltaT)"))
    rate = movie.experiment.rate_hz
    if rate is not None:
        claims.append(RateClaim(rate, _origin(movie.experiment)))
    return tuple(claims)


def _likely(
    experiment: Experiment, claims: tuple[RateClaim, ...], given: float | None
) -> tuple[RateClaim, ...]:
    """Return the claims that a given rate is compared with.

    Where the XML's rate may be that of single scans or of their means, the user's
    word or the counter decides between the two.
    """
    rate = experiment.rate_hz
    if given is None or rate is None or experiment.averaging == 1:
        return claims
    other = RateClaim(rate * experiment.averaging, "LSM@frameRate, of means")
    near = min(
        (RateClaim(rate, _origin(experiment)), other), key=lambda c: abs(c.hz - given)
    )
    return (*[c for c in claims if c.hz != rate], near)


def _origin(experiment: Experiment) -> str:
    text = f"LSM@frameRate {experiment.scan_rate_hz:g}"
    if experiment.scans_per_volume > 1:
        text += f" / {experiment.scans_per_volume} scans per volume"
    if experiment.averaging > 1:
        text += f" / {experiment.averaging} averaged"
    return f"{text} in Experiment.xml"


def _times(movie: Movie, z: int) -> NDArray[np.float64] | None:
    """Return the centre of every frame of a slice, where the files have its start."""
    starts = movie.starts_s(z) if z < movie.n_slices else None
    if starts is None or starts.size < 2 or order_problem(movie.name, starts):
        return None
    times: NDArray[np.float64] = starts + np.median(np.diff(starts)) * phase(
        movie.experiment, 0, movie.n_slices
    )
    return times


def _clock(
    movie: Movie,
    told: ThorOptions,
    claims: tuple[RateClaim, ...],
    times: NDArray[np.float64] | None,
    given: float | None,
) -> tuple[TimeAxis, str]:
    rated = [c for c in claims if not c.origin.startswith("time of every frame")]
    try:
        axis, origin = clock(
            movie.name, movie.n_frames, claims=rated, given=given, times_s=times
        )
    except DataError as error:
        if movie.experiment.is_streaming:
            raise
        raise DataError(
            f"{error} LSM@frameRate does not tell it: Streaming@enable is 0, so the "
            "stage may have waited between scans."
        ) from error
    if times is not None:
        return axis, claims[0].origin
    rate = axis.rate_hz or 1.0
    shift = (phase(movie.experiment, told.z or 0, movie.n_slices) - 0.5) / rate
    numbers = movie.numbers
    if numbers is not None and not np.all(np.diff(numbers) == 1):
        places = (numbers - numbers[0] + 0.5) / rate + shift
        return TimeAxis(movie.n_frames, times_s=places), (
            origin + "; missing frame numbers are gaps"
        )
    return axis.shifted(shift), origin


def _facts(movie: Movie, told: ThorOptions) -> dict[str, Any]:
    experiment = movie.experiment
    facts: dict[str, Any] = {
        "microscope": experiment.software,
        "date": experiment.date,
        "channels": list(experiment.channels),
        "slices": movie.n_slices,
        "averaging": experiment.averaging,
        "counts_per_frame": experiment.counts_per_frame,
        "phase": phase(experiment, told.z or 0, movie.n_slices),
        **movie.facts,
    }
    if experiment.pixel_um:
        facts["pixel_um"] = experiment.pixel_um
    if experiment.rate_hz is not None:
        facts["xml_rate_hz"] = experiment.rate_hz
    return facts
