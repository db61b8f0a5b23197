"""Poses, traces and scalars out of any array or table, checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.footprints import Footprints
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.base import Description
from napari_neuroembed.data.readers.rates import (
    RateClaim,
    clock,
    is_overruled,
    order_problem,
    rate_problems,
)
from napari_neuroembed.data.recording import Kind, LazyArray, Stream

_SCAN_BYTES = 64 << 20
"""Larger arrays are looked through at reading only, not by `describe`."""


@dataclass(frozen=True)
class Signals:
    """What a file of numbers gave.

    Parameters
    ----------
    name
        What messages call the file.
    kind, data
        Kind of the stream; pose (time, point, dimension), trace and scalar
        (time, channel), neural (time, y, x).
    names, unit
        Of points or channels, and of the values.
    times_s
        Centre time of every frame, where the file has them.
    claims
        Frame rates the file states.
    confidence
        Of every point, (time, point), where the tracker gave it.
    footprints
        Pixels of every trace, where the file has them.
    facts, problems
        What a person may want to know, and what is wrong.
    """

    name: str
    kind: Kind
    data: LazyArray
    names: tuple[str, ...] = ()
    unit: str = ""
    times_s: NDArray[np.float64] | None = None
    claims: tuple[RateClaim, ...] = ()
    confidence: NDArray[Any] | None = None
    footprints: Footprints | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def describe_signals(signals: Signals) -> Description:
    """Return what was read in the common form."""
    claims, origin = signals.claims, ""
    rate = None
    times = signals.times_s
    if times is not None and len(times) > 1:
        step = float(np.median(np.diff(times)))
        rate = 1 / step if step > 0 else None
        origin = "time of every frame in the file"
    elif claims:
        rate, origin = claims[0].hz, claims[0].origin
    axes = {"pose": "TKD", "neural": "TCYX"[-len(signals.data.shape) :]}
    if signals.kind == "neural" and len(signals.data.shape) == 3:
        axes["neural"] = "TYX"
    return Description(
        kind=signals.kind,
        shape=tuple(signals.data.shape),
        dtype=np.dtype(signals.data.dtype).name,
        axes=axes.get(signals.kind, "TC"),
        rate_hz=rate,
        rate_origin=origin,
        names=signals.names,
        units=signals.unit,
        facts=signals.facts,
        problems=(*_problems(signals, None), *_values(signals)[1]),
    )


def read_signals(
    signals: Signals, rate_hz: float | None, accept: frozenset[str]
) -> dict[str, Stream]:
    """Refuse what was not accepted, else return the one stream under its kind.

    Raises
    ------
    DataError
        Listing every unaccepted problem, or that no frame rate is known.
    """
    valid, doubts = _values(signals, scan=True)
    refuse([*_problems(signals, rate_hz), *doubts], signals.name, accept)
    times = signals.times_s
    if _order(signals) or is_overruled(_claims(signals), rate_hz, accept):
        times = None
    n = int(signals.data.shape[0])
    axis, origin = clock(
        signals.name, n, claims=signals.claims, given=rate_hz, times_s=times
    )
    facts: dict[str, Any] = {**signals.facts, "rate_origin": origin}
    if signals.confidence is not None:
        facts["confidence"] = signals.confidence
    notes = [p.text for p in (*signals.problems, *doubts) if p.severity != "error"]
    if notes:
        facts["notes"] = notes
    return {
        signals.kind: Stream(
            signals.kind,
            signals.data,
            axis,
            valid=valid,
            names=signals.names,
            units=signals.unit,
            facts=facts,
            footprints=signals.footprints,
        )
    }


def array_problems(
    name: str, shape: tuple[int, ...], kind: Kind, told: bool | None
) -> list[Problem]:
    """Return the doubt that time may not be the first axis."""
    if told is not None or len(shape) < 2 or kind == "neural" or shape[0] >= shape[1]:
        return []
    what = {"pose": "points"}.get(kind, "channels")
    text = (
        f"shape {shape} would be {shape[0]:,} frames of {shape[1]:,} {what}; probably "
        "time is the second axis. Say transpose: true, or transpose: false when it is "
        "right as it is."
    )
    return [Problem("array.axes", "error", text, name)]


def _problems(signals: Signals, given: float | None) -> list[Problem]:
    name = signals.name
    problems = [*signals.problems, *_order(signals)]
    problems += rate_problems(name, _claims(signals), given)
    if signals.kind == "scalar" and not signals.unit:
        text = (
            f"the unit of {', '.join(signals.names) or 'the signals'} is not known. "
            "Give it with unit: cm/s (or in the column's name: 'speed (cm/s)'); "
            "--accept unit.missing goes on without."
        )
        problems.append(Problem("unit.missing", "error", text, name))
    n = int(signals.data.shape[0])
    if n < 2:
        text = f"it has {n} frames, expected 2 or more."
        problems.append(Problem("signal.empty", "error", text, name))
    return problems


def _order(signals: Signals) -> list[Problem]:
    times = signals.times_s
    return [] if times is None else order_problem(signals.name, times)


def _claims(signals: Signals) -> list[RateClaim]:
    """Return who says how fast the frames came; their own times first."""
    times = signals.times_s
    if times is None or len(times) < 2 or _order(signals):
        return list(signals.claims)
    hz = 1 / float(np.median(np.diff(times)))
    return [RateClaim(hz, "times of the frames"), *signals.claims]


def _values(
    signals: Signals, *, scan: bool = False
) -> tuple[NDArray[np.bool_], list[Problem]]:
    """Return which frames can be used, and findings about missing values."""
    shape, dtype = signals.data.shape, np.dtype(signals.data.dtype)
    valid = np.ones(shape[0], dtype=bool)
    large = int(np.prod(shape)) * dtype.itemsize > _SCAN_BYTES and not scan
    if signals.kind == "neural" or large or not shape[0]:
        return valid, []
    data = np.asarray(signals.data[:]).reshape(shape[0], shape[1], -1)
    problems = _degrees(signals, data)
    finite = np.isfinite(data).all(axis=2)
    if finite.all():
        return valid, problems
    dead = ~finite.any(axis=0)
    if dead.all():
        text = f"all {finite.size:,} values are missing (NaN or infinite)."
        problem = Problem("signal.not_finite", "error", text, signals.name)
        return np.zeros(shape[0], dtype=bool), [problem]
    rows = finite[:, ~dead]
    valid = rows.any(axis=1) if signals.kind == "pose" else rows.all(axis=1)
    bad = np.flatnonzero(~rows.all(axis=1))
    if bad.size:
        text = (
            f"{bad.size:,} of {shape[0]:,} frames have missing values (NaN or "
            f"infinite), the first is frame {bad[0]}; {int((~valid).sum()):,} frames "
            "are marked as not usable."
        )
        problems.append(Problem("signal.not_finite", "warning", text, signals.name))
    if dead.any():
        names = signals.names or tuple(str(i) for i in range(shape[1]))
        lost = ", ".join(names[i] for i in np.flatnonzero(dead)[:5])
        text = f"{int(dead.sum())} of {shape[1]} are never there: {lost}."
        problems.append(Problem("signal.all_missing", "warning", text, signals.name))
    return valid, problems


def _degrees(signals: Signals, data: NDArray[Any]) -> list[Problem]:
    """Return the warning that angles said to be radians look like degrees."""
    if signals.unit not in ("rad", "radian", "radians") or not data.size:
        return []
    largest = float(np.nanmax(np.abs(np.where(np.isfinite(data), data, np.nan))))
    if not largest > 2 * np.pi:
        return []
    text = f"the largest angle is {largest:.1f} rad; this looks like degrees."
    return [Problem("unit.degrees", "warning", text, signals.name)]
