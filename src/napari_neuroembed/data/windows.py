"""The window index: which frames of which recording make a sample.

The index depends on the data and the window options alone, so that every method is
trained and scored on the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Recording, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.windows import WindowOptions

TOLERANCE = 1e-6
ROLE_KINDS = {"neural": ("neural", "trace"), "pose": ("pose", "scalar")}


@dataclass(frozen=True)
class Members:
    """The frames of one stream that belong to each window.

    Parameters
    ----------
    first
        First frame of each window, shape (n_windows,); below 0 only when clamped.
    step, count
        Frames are ``first + step * (0 .. count - 1)``.
    usable
        Whether each window lies inside the recording, between gaps, on valid frames.
    reason
        Why a window is not usable: ``edge``, ``gap``, ``invalid``, ``jitter`` or "".
    """

    first: NDArray[np.int64]
    step: int
    count: int
    usable: NDArray[np.bool_]
    reason: NDArray[np.str_]


@dataclass(frozen=True)
class WindowIndex:
    """Windows of several recordings.

    Parameters
    ----------
    table
        One row per window: window_id, recording, animal, center_s, then first, step
        and count of the frames of every role (``neural_first`` ...), and action
        ("" when unlabelled).
    dropped
        How many candidate windows of each recording were left out, by reason.
    streams
        Role -> name of the stream that fills it.
    """

    table: pd.DataFrame
    dropped: Mapping[str, Mapping[str, int]]
    streams: Mapping[str, str]


def window_index(
    recordings: Sequence[Recording],
    options: WindowOptions,
    *,
    stride_s: float | None = None,
) -> WindowIndex:
    """List the windows of recordings.

    Parameters
    ----------
    recordings
        Prepared recordings; every one must hold the streams that fill the roles.
    options
        Length, step, grid and labels of windows.
    stride_s
        Seconds between two centres; default ``options.stride_s``. Rounded to whole
        frames of the centre clock.

    Returns
    -------
    WindowIndex
        Possibly with no rows for a recording that is too short.

    Raises
    ------
    DataError
        When a role's stream is missing in a recording, or its streams share no time.

    Notes
    -----
    Centres lie at half-frame points of the neural clock (midway between two frame
    centres). With n frames of step s, the first one of a regular stream is
    ``floor((t_c - start) * rate - (n - 1) * s / 2 + 1e-6)``, so that an exact tie goes
    to the later frame and rounding never decides on the default grid.
    """
    streams = choose_streams(recordings, options)
    tables, dropped = [], {}
    for recording in recordings:
        table, reasons = _of_recording(
            recording, streams, options, stride_s or options.stride_s
        )
        tables.append(table)
        dropped[recording.id] = reasons
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "window_id", np.arange(len(table), dtype=np.int64))
    return WindowIndex(table, dropped, streams)


def choose_streams(
    recordings: Iterable[Recording], options: WindowOptions
) -> dict[str, str]:
    """Find the stream that fills each role in all recordings.

    Raises
    ------
    DataError
        When some recordings lack a stream that others have, or none has a neural one.
    """
    recordings = list(recordings)
    chosen = {}
    for role, asked in (
        ("neural", options.neural_stream),
        ("pose", options.pose_stream),
    ):
        if asked == "none":
            continue
        name = _pick(recordings, role) if asked == "auto" else asked
        if name is None:
            continue
        lacking = [r.id for r in recordings if name not in r.streams]
        if lacking:
            raise DataError(
                f"Stream '{name}' is missing in {len(lacking)} of {len(recordings)} "
                f"recordings (first {lacking[0]!r}). Import it there, leave these "
                f"recordings out, or choose another stream with --set "
                f"windows.{role}_stream=NAME"
                + (" (or none)." if role == "pose" else ".")
            )
        chosen[role] = name
    if "neural" not in chosen:
        raise DataError("No recording holds a neural or trace stream.")
    return chosen


def window_seconds(options: WindowOptions, recording: Recording, neural: str) -> float:
    """Return how long the neural part of a window is, in seconds."""
    period = recording.streams[neural].time.period_s
    return float(options.neural_frames * options.neural_step * period)


def members(
    stream: Stream,
    centers_s: NDArray[np.float64],
    *,
    count: int,
    step: int,
    options: WindowOptions,
) -> Members:
    """Find the frames of one stream around each centre time."""
    time = stream.time
    if time.rate_hz is not None:
        position = (centers_s - time.start_s) * time.rate_hz - (count - 1) * step / 2
        first = np.floor(position + TOLERANCE).astype(np.int64)
        jitter = np.abs(first + 0.5 - position)
    else:
        first, jitter = _nearest_members(stream, centers_s, count, step)
    reason = np.full(len(centers_s), "", dtype="<U8")
    reason[jitter > options.max_jitter + 1e-5] = "jitter"
    last = first + step * (count - 1)
    outside = (first < 0) | (last >= len(stream))
    inner_first = np.clip(first, 0, max(len(stream) - 1, 0))
    inner_last = np.clip(last, 0, max(len(stream) - 1, 0))
    bad = np.concatenate([[0], np.cumsum(~stream.valid)])
    reason[bad[inner_last + 1] > bad[inner_first]] = "invalid"
    segment = time.segment_ids()
    reason[segment[inner_first] != segment[inner_last]] = "gap"
    if options.edge == "drop":
        reason[outside] = "edge"
    else:
        reason[(last < 0) | (first >= len(stream))] = "edge"
    return Members(first, step, count, reason == "", reason)


def _pick(recordings: list[Recording], role: str) -> str | None:
    """Return the first stream, by preferred kind, that any recording has."""
    for kind in ROLE_KINDS[role]:
        for recording in recordings:
            for name, stream in recording.streams.items():
                if stream.kind == kind:
                    return name
    return None


def _of_recording(
    recording: Recording,
    streams: Mapping[str, str],
    options: WindowOptions,
    stride_s: float,
) -> tuple[pd.DataFrame, dict[str, int]]:
    neural = recording.streams[streams["neural"]]
    pose = recording.streams[streams["pose"]] if "pose" in streams else None
    if pose is not None:
        _check_overlap(recording, streams)
    grid = pose if options.centre == "pose" and pose is not None else neural
    centers = _centers(grid, stride_s)
    parts = {
        "neural": members(
            neural,
            centers,
            count=options.neural_frames,
            step=options.neural_step,
            options=options,
        )
    }
    if pose is not None:
        period = pose.time.period_s or 1.0
        step = max(1, round(options.pose_step_s / period))
        parts["pose"] = members(
            pose, centers, count=options.pose_frames, step=step, options=options
        )
    action = _actions(recording, neural, centers, options)
    keep = np.logical_and.reduce([part.usable for part in parts.values()])
    unwanted = keep & np.isin(action, options.drop_actions)
    reasons = _count_reasons(parts, keep)
    if unwanted.any():
        reasons["action"] = int(unwanted.sum())
        keep &= ~unwanted
    columns: dict[str, object] = {
        "recording": recording.id,
        "animal": recording.animal,
        "center_s": centers[keep],
    }
    for role, part in parts.items():
        columns[f"{role}_first"] = part.first[keep]
        columns[f"{role}_step"] = np.int64(part.step)
        columns[f"{role}_count"] = np.int64(part.count)
    columns["action"] = action[keep]
    return pd.DataFrame(columns), reasons


def _centers(stream: Stream, stride_s: float) -> NDArray[np.float64]:
    """Return half-frame points of a clock, `stride_s` apart, rounded to frames."""
    time = stream.time
    if len(stream) < 2:
        return np.empty(0)
    every = max(1, round(stride_s / time.period_s))
    points = np.arange(every, len(stream), every)
    if time.rate_hz is not None:
        centers: NDArray[np.float64] = time.start_s + points / time.rate_hz
        return centers
    times = time.centers()
    centers = (times[points - 1] + times[points]) / 2
    return centers[~np.isin(points - 1, time.gaps())]


def _nearest_members(
    stream: Stream, centers_s: NDArray[np.float64], count: int, step: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Members of a stream with explicit times, and their largest jitter in periods."""
    times, period = stream.time.centers(), stream.time.period_s or 1.0
    offset = (count - 1) * step / 2 * period
    first = stream.time.nearest(centers_s - offset)
    before = (centers_s - offset) < times[0] - period
    after = (centers_s + offset) > times[-1] + period
    frames = first[:, None] + step * np.arange(count)
    inside = np.clip(frames, 0, len(times) - 1)
    nominal = centers_s[:, None] - offset + np.arange(count) * step * period
    away = np.where(frames == inside, np.abs(times[inside] - nominal), 0.0) / period
    # A window that starts before the first frame or ends after the last is at an edge.
    first = np.where(before, -1, np.where(after, len(times), first))
    return first, np.where(before | after, 0.0, away.max(axis=1, initial=0.0))


def _actions(
    recording: Recording,
    neural: Stream,
    centers: NDArray[np.float64],
    options: WindowOptions,
) -> NDArray[np.object_]:
    if recording.bouts is None:
        return np.full(len(centers), "", dtype=object)
    half = options.neural_frames * options.neural_step * neural.time.period_s / 2
    return recording.bouts.over(centers - half, centers + half, how=options.label)


def _count_reasons(
    parts: Mapping[str, Members], keep: NDArray[np.bool_]
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    undecided = ~keep
    for role, part in parts.items():
        here = undecided & (part.reason != "")
        counts.update(f"{role} {reason}" for reason in part.reason[here])
        undecided &= part.reason == ""
    return dict(counts)


def _check_overlap(recording: Recording, streams: Mapping[str, str]) -> None:
    start, stop = recording.overlap(*streams.values())
    if stop <= start:
        spans = ", ".join(
            f"{name} covers {recording.streams[name].time.start_s:.1f} to "
            f"{recording.streams[name].time.stop_s:.1f} s"
            for name in streams.values()
        )
        raise DataError(
            f"Recording {recording.id!r}: {spans}, so no window fits. Check "
            "sync.start_s in project.yaml."
        )
