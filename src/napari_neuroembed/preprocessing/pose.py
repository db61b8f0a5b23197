"""Body points and angles: gaps closed, relative to roots, one row per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import ConfigError, DataError, raise_all
from napari_neuroembed.options.preprocessing import PoseOptions

CONFIDENCE = "confidence"
"""Fact of a raw pose stream: (time, point) confidence of the tracker, 0 to 1."""

_AXES = ("x", "y", "z")
Double = NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """A prepared (time, feature) stream and what was done to it.

    Parameters
    ----------
    stream
        float32 data; frames that could not be repaired hold NaN and are invalid.
    counts
        Of repaired, masked and missing values, for the provenance.
    """

    stream: Stream
    counts: Mapping[str, Any]


def prepare_pose(stream: Stream, options: PoseOptions, where: str) -> Prepared:
    """Prepare poses of any number of points and dimensions, or angles.

    Parameters
    ----------
    stream
        (time, point, dimension), or (time, feature) for angles and ready-made
        features. ``facts["confidence"]``, shape (time, point), is used when there.
    options
        Roots, groups, gaps, confidence.
    where
        Recording and stream, for error messages.

    Returns
    -------
    Prepared
        (time, feature); features are ``point_x``, ``point_y`` ... for points.

    Raises
    ------
    ConfigError
        When a point named in the options does not exist.
    DataError
        When the data have another shape or no frame is usable.

    Notes
    -----
    A point never seen in the recording stays at 0 in all frames (as does a root
    measured from itself), so that animals keep the same features; it is named in the
    counts. Gaps are closed before subtraction, so that a lost root loses its group.
    """
    points = _as_points(stream, where)
    names = _point_names(stream, points.shape[1])
    _check_names(options, names, where)
    points = _drop_unsure(points, stream, options, where)
    missing: NDArray[np.bool_] = np.asarray(np.isnan(points).any(axis=2))
    never = np.asarray(missing.all(axis=0))
    points[:, never] = 0.0
    missing[:, never] = False
    points[missing] = np.nan
    closed = close_gaps(points, stream.valid, stream.time, options.max_gap_s)
    n_closed = int((missing & ~np.isnan(closed).any(axis=2)).sum())
    if options.method == "relative":
        closed, never = _relative(closed, names, never, options)
    keep = [i for i, name in enumerate(names) if name not in options.drop]
    if keep and never[keep].all():
        raise DataError(
            f"{where}: none of its {len(keep)} points is ever seen, or each is "
            "measured from one that never is. Export it again, or leave the stream out."
        )
    data = closed[:, keep].reshape(len(closed), -1)
    with np.errstate(over="ignore"):
        small = data.astype(np.float32)
    small[~np.isfinite(small)] = np.nan
    valid = np.asarray(np.isfinite(small).all(axis=1))
    if not valid.any() or not keep:
        raise DataError(
            f"{where}: no frame has all {len(keep)} points. Lower "
            "preprocessing.pose.min_confidence, raise max_gap_s, or drop points that "
            "are rarely seen with preprocessing.pose.drop."
        )
    counts = {
        "missing_points": int(missing.sum()),
        "interpolated_points": n_closed,
        "invalid_frames": int((~valid).sum()),
        "never_seen": [name for name, gone in zip(names, never, strict=True) if gone],
        "constant_features": int((np.ptp(small[valid], axis=0) == 0).sum()),
    }
    facts = {k: v for k, v in stream.facts.items() if k != CONFIDENCE}
    facts["n_dims"] = _n_dims(points.shape[2], options)
    prepared = Stream(
        kind=stream.kind,
        data=small,
        time=stream.time,
        valid=valid,
        names=_feature_names([names[i] for i in keep], points.shape[2], stream),
        units=stream.units,
        facts=facts,
    )
    return Prepared(prepared, counts)


def close_gaps(
    points: Double, valid: NDArray[np.bool_], time: TimeAxis, max_gap_s: float
) -> Double:
    """Interpolate short gaps linearly in time.

    Parameters
    ----------
    points
        (time, ...) with NaN where missing.
    valid
        Frames that are not valid count as missing in every column.
    time
        Clock of the frames.
    max_gap_s
        A run of missing frames that takes longer stays NaN, as do missing frames at
        the ends. Nothing is interpolated across a gap of the clock.

    Returns
    -------
    array, same shape

    Examples
    --------
    >>> x = np.array([[0.0], [np.nan], [2.0], [np.nan]])
    >>> clock = TimeAxis(4, rate_hz=10.0)
    >>> close_gaps(x, np.ones(4, dtype=bool), clock, 0.1).ravel()
    array([ 0.,  1.,  2., nan])
    """
    out = points.reshape(len(points), -1).copy()
    out[~valid] = np.nan
    centers, segments = time.centers(), time.segment_ids()
    tolerance = 1e-6 * time.period_s
    for column in out.T:
        gone = np.isnan(column)
        good = np.flatnonzero(~gone)
        if not gone.any() or good.size < 2:
            continue
        holes = np.flatnonzero(np.diff(good) > 1)
        before, after = good[holes], good[holes + 1]
        lost_s = centers[after] - centers[before] - time.period_s
        short = (lost_s <= max_gap_s + tolerance) & (
            segments[before] == segments[after]
        )
        values = np.interp(centers, centers[good], column[good])
        for first, stop in zip(before[short] + 1, after[short], strict=True):
            column[first:stop] = values[first:stop]
    return out.reshape(points.shape)


def _as_points(stream: Stream, where: str) -> Double:
    data = np.array(stream.data[:], dtype=np.float64)
    if data.ndim == 2:
        data = data[:, :, None]
    if data.ndim != 3 or data.shape[1] == 0:
        raise DataError(
            f"{where}: poses must be (time, point, dimension) or (time, feature), "
            f"found {data.shape}."
        )
    data[~np.isfinite(data)] = np.nan
    return data


def _point_names(stream: Stream, n: int) -> list[str]:
    if len(stream.names) == n:
        return list(stream.names)
    return [f"point{i:02d}" for i in range(n)]


def _feature_names(
    points: Sequence[str], n_dims: int, stream: Stream
) -> tuple[str, ...]:
    if len(stream.data.shape) == 2:
        return tuple(points)
    axes = _AXES[:n_dims] if n_dims <= len(_AXES) else range(n_dims)
    return tuple(f"{point}_{axis}" for point in points for axis in axes)


def _n_dims(n_dims: int, options: PoseOptions) -> int | None:
    return n_dims if n_dims in (2, 3) and options.method != "angles" else None


def _check_names(options: PoseOptions, names: Sequence[str], where: str) -> None:
    asked = [*options.groups, *options.drop, *([options.root] if options.root else [])]
    members = [name for group in options.groups.values() for name in group]
    problems = [
        f"preprocessing.pose names the point {name!r}, which does not exist. Points: "
        f"{', '.join(names)}."
        for name in dict.fromkeys([*asked, *members])
        if name not in names
    ]
    twice = sorted({name for name in members if members.count(name) > 1})
    problems += [
        f"point {name!r} is in two groups of preprocessing.pose." for name in twice
    ]
    if options.method == "relative" and not (options.root or options.groups):
        problems.append(
            "preprocessing.pose.method=relative needs a root or groups to measure from."
        )
    raise_all(problems, ConfigError, where)


def _drop_unsure(
    points: Double, stream: Stream, options: PoseOptions, where: str
) -> Double:
    points[~(np.abs(points) <= np.finfo(np.float32).max)] = np.nan
    if options.zero_is_missing:
        points[(points == 0).all(axis=2)] = np.nan
    confidence = stream.facts.get(CONFIDENCE)
    if confidence is not None and options.min_confidence > 0:
        sure = np.asarray(confidence)
        if sure.shape != points.shape[:2]:
            raise DataError(
                f"{where}: expected a confidence per frame and point "
                f"{points.shape[:2]}, found {sure.shape}."
            )
        points[~(sure >= options.min_confidence)] = np.nan
    return points


def _relative(
    points: Double,
    names: Sequence[str],
    never: NDArray[np.bool_],
    options: PoseOptions,
) -> tuple[Double, NDArray[np.bool_]]:
    """Subtract roots; points never seen, or measured from one never seen, are 0."""
    root_of = np.full(len(names), -1)
    if options.root:
        root_of[:] = names.index(options.root)
    for root, members in options.groups.items():
        root_of[[names.index(name) for name in (root, *members)]] = names.index(root)
    has_root = root_of >= 0
    out = points.copy()
    out[:, has_root] -= points[:, root_of[has_root]]
    gone = never | (has_root & never[root_of])
    out[:, gone] = 0.0
    return out, gone
