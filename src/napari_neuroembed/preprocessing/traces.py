"""Traces and scalars: one value per signal and frame, passed on or made dF/F."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import TraceOptions
from napari_neuroembed.preprocessing.pose import Prepared

_MOST_LOST = 0.05


def prepare_signals(stream: Stream, where: str) -> Prepared:
    """Pass scalars or traces on as float32.

    Values that are not finite become NaN and their frames invalid; signals without
    any finite value are named in the counts and set to 0, so that they cost no frame.

    Parameters
    ----------
    stream
        (time, signal).
    where
        Recording and stream, for error messages.

    Raises
    ------
    DataError
        When the data are not (time, signal) or no frame is finite.
    """
    data = np.array(stream.data[:], dtype=np.float64)
    if data.ndim == 1:
        data = data[:, None]
    if data.ndim != 2:
        raise DataError(f"{where}: expected (time, signal), found {data.shape}.")
    with np.errstate(over="ignore"):
        small = data.astype(np.float32)
    small[~np.isfinite(small)] = np.nan
    empty = np.asarray(np.isnan(small).all(axis=0))
    small[:, empty] = 0
    finite = np.asarray(~np.isnan(small).any(axis=1))
    valid = finite & stream.valid
    if not valid.any() or empty.all():
        raise DataError(
            f"{where}: no frame has a finite value of every signal. Export it again, "
            "or leave the stream out."
        )
    names = stream.names or tuple(f"signal{i:02d}" for i in range(data.shape[1]))
    counts = {
        "nonfinite_frames": int((~finite).sum()),
        "invalid_frames": int((~valid).sum()),
        "empty_signals": [n for n, gone in zip(names, empty, strict=True) if gone],
    }
    prepared = Stream(
        kind=stream.kind,
        data=small,
        time=stream.time,
        valid=valid,
        names=tuple(names),
        units=stream.units,
        facts=stream.facts,
        footprints=stream.footprints,
    )
    return Prepared(prepared, counts)


def prepare_traces(
    stream: Stream,
    options: TraceOptions,
    where: str,
    accept: Collection[str] = (),
) -> Prepared:
    """Prepare traces, optionally as dF/F over a percentile of each.

    Parameters
    ----------
    stream
        (time, signal).
    options
        ``percentile``: F0 is that percentile of the valid frames of each trace.
    where
        Recording and stream, for error messages.
    accept
        Ids of problems that do not refuse: ``trace.nonfinite`` (more than 5 % of
        frames are lost), ``trace.baseline`` (F0 not above 0).

    Raises
    ------
    DataError
        For problems that were not accepted.
    """
    prepared = prepare_signals(stream, where)
    lost = prepared.counts["nonfinite_frames"] / max(1, len(stream))
    problems = []
    if lost > _MOST_LOST:
        problems.append(
            Problem(
                "trace.nonfinite",
                "error",
                f"{lost:.1%} of frames hold values that are not finite; at most "
                f"{_MOST_LOST:.0%} are masked silently.",
            )
        )
    refuse(problems, where, accept)
    if options.method == "none":
        return prepared
    traces = np.asarray(prepared.stream.data, dtype=np.float64)
    f0 = np.percentile(traces[prepared.stream.valid], options.percentile, axis=0)
    flat = np.isin(prepared.stream.names, prepared.counts["empty_signals"])
    bad = (f0 <= 0) & ~flat
    named = [n for n, b in zip(prepared.stream.names, bad, strict=True) if b]
    if named:
        problem = Problem(
            "trace.baseline",
            "error",
            f"F0 must be above 0 for dF/F, but is not in {len(named)} traces, e.g. "
            f"{named[0]!r}: they may be dF/F or z-scores already. Use "
            "preprocessing.trace.method=none.",
        )
        refuse([problem], where, accept)
    usable = f0 > 0
    gain = np.divide(100.0, f0, out=np.zeros_like(f0), where=usable)
    dff = ((traces - f0) * gain).astype(np.float32)
    changed = Stream(
        kind=stream.kind,
        data=dff,
        time=stream.time,
        valid=prepared.stream.valid,
        names=prepared.stream.names,
        units="dff_percent",
        facts=stream.facts,
        footprints=stream.footprints,
    )
    return Prepared(changed, {**prepared.counts, "zero_f0_traces": named})
