"""Somebody else's embedding as a run: rows become windows, nothing is trained.

The run folder has splits and embeddings like any other, so that the embedding is read
and judged as one of ours, but neither a model nor a history.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.config import RunConfig, config_text
from napari_neuroembed.data.embedding_file import read_embedding_file
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.acceptance import refuse_with_option
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.data.splits import make_split
from napari_neuroembed.data.windows import choose_streams
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.collect import window_actions
from napari_neuroembed.evaluation.table import RunFacts, sentence
from napari_neuroembed.options.windows import WindowOptions
from napari_neuroembed.store.run_folder import IMPORTED, RunFolder

ELSEWHERE = (
    "made elsewhere: which recordings and labels it was fitted on is not known, so "
    "none need be fresh to it"
)
APART = (
    "the recordings were embedded by fits of their own, which share no space: nothing "
    "can be read across them"
)
ACROSS = ("action_multi", "decode_multi", "identity", "recording", "covariate")
"""Questions that compare recordings or animals."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingRequest:
    """An embedding to import.

    Parameters
    ----------
    paths
        A file per recording, all of the same dimension.
    row_offset
        Frame that row 0 of each file belongs to; None: row k is frame k, and there must
        be as many.
    row_frames
        Frames each row was computed from, up to and including its own.
    like
        Stream whose frames the rows are; None: the neural one, else the trace.
    key
        Array of an npz.
    method
        What made it.
    one_space
        Whether one fit embedded all recordings.
    """

    paths: Mapping[str, Path]
    row_offset: int | None = None
    row_frames: int = 1
    like: str | None = None
    key: str | None = None
    method: str = "imported"
    one_space: bool = False

    def __post_init__(self) -> None:
        if self.row_frames < 1 or (self.row_offset or 0) < 0:
            raise DataError(
                "--row-frames must be 1 or more and --row-offset 0 or more; found "
                f"{self.row_frames} and {self.row_offset}."
            )


@dataclass(frozen=True)
class EmbeddingPlan:
    """What an import would write: a window per row, and how many were left out.

    Parameters
    ----------
    windows, embedding
        Row i of one belongs to row i of the other.
    stream
        Name of the stream that fills the neural role.
    period_s
        Seconds from row to row.
    dropped
        Rows left out, by recording and reason.
    sources
        Name, rows and sha256 of every file.
    notes
        What a reader of the scores must know.
    """

    windows: pd.DataFrame
    embedding: NDArray[np.float32]
    stream: str
    period_s: float
    dropped: Mapping[str, Mapping[str, int]]
    sources: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def plan_embedding(
    recordings: Mapping[str, Recording],
    request: EmbeddingRequest,
    accept: Collection[str] = (),
) -> EmbeddingPlan:
    """Read the files and find the frames their rows belong to; nothing is written.

    Parameters
    ----------
    recordings
        The recordings of `request.paths`, with their bouts.
    request
        See :class:`EmbeddingRequest`.
    accept
        Ids of errors that are accepted.

    Raises
    ------
    DataError
        Listing all files whose rows cannot be matched with frames
        (`embedding.rows`), are not finite or differ in dimension.
    """
    known = [recordings[name] for name in request.paths]
    stream = choose_streams(known, WindowOptions())["neural"]
    tables, arrays, dropped, sources = [], [], {}, []
    problems: list[Problem] = []
    for name, path in request.paths.items():
        values = read_embedding_file(path, request.key)
        recording = recordings[name]
        clock = _clock(recording, request.like or stream)
        found = _row_problems(request, name, values, clock)
        problems += found
        sources.append(
            {"recording": name, "file": Path(path).name, **_facts(path, values)}
        )
        if any(p.id != "embedding.not_finite" for p in found):
            continue
        table, reasons = _windows(recording, stream, clock.time, values, request)
        tables.append(table)
        arrays.append(values[table.pop("row").to_numpy()])
        dropped[name] = reasons
    widths = {str(s["recording"]): s["shape"][1] for s in sources}
    if len(set(widths.values())) > 1:
        listed = ", ".join(f"{name} {width}" for name, width in widths.items())
        text = f"the files have different dimensions ({listed}); one run has one."
        problems.append(Problem("embedding.dimension", "error", text))
    refuse_with_option(problems, "The embedding cannot be imported", accept)
    windows = pd.concat(tables, ignore_index=True)
    if windows.empty:
        raise DataError(f"No row of the embedding is left; left out: {dropped}.")
    windows.insert(0, "window_id", np.arange(len(windows), dtype=np.int64))
    period = _clock(known[0], request.like or stream).time.period_s
    windows["action"] = window_actions(
        windows, recordings, WindowOptions(), request.row_frames * period
    )
    apart = len(request.paths) > 1 and not request.one_space
    return EmbeddingPlan(
        windows,
        np.concatenate(arrays),
        stream,
        period,
        dropped,
        tuple(sources),
        (ELSEWHERE, *([APART] if apart else [])),
    )


def write_embedding_run(
    runs: Path,
    name: str | None,
    plan: EmbeddingPlan,
    request: EmbeddingRequest,
    config: RunConfig,
    recordings: Mapping[str, Recording],
) -> RunFolder:
    """Write a planned embedding as a run, whole or not at all.

    Its set `dense` holds every row, `eval` one every ``windows.eval_stride_s``.

    Parameters
    ----------
    runs, name
        Folder of all runs, and the name of this one; None: the time.
    plan, request
        What was found, and what was asked.
    config
        Whose split and evaluation it takes.
    recordings
        As for :func:`plan_embedding`.

    Raises
    ------
    RunFolderError
        When there is a run of that name.
    """
    length = request.row_frames * plan.period_s
    windows = WindowOptions(
        neural_frames=request.row_frames,
        stride_s=plan.period_s,
        eval_stride_s=max(config.windows.eval_stride_s, plan.period_s),
        neural_stream=plan.stream,
        pose_stream="none",
    )
    own = dataclasses.replace(
        config, method=request.method, normalise="none", windows=windows
    )
    used = [recordings[i] for i in request.paths]
    split = make_split(used, own.split, window_s=length)
    folder = RunFolder.create(
        runs,
        name,
        {
            "method": own.method,
            "origin": IMPORTED,
            "group": "",
            "seed": own.seed,
            "mode": "transductive",
            "held_out": [],
            "one_space": request.one_space or len(request.paths) == 1,
            "sources": [dict(source) for source in plan.sources],
        },
        config_text(own),
    )
    try:
        folder.write_splits(split.to_dict())
        for set_name, stride_s in (
            ("dense", plan.period_s),
            ("eval", windows.eval_stride_s),
        ):
            _write_set(folder, set_name, plan, request, stride_s)
        folder.update(
            status="finished",
            finished_utc=files.utc_now(),
            n_windows=len(plan.windows),
            animals=list(dict.fromkeys(r.animal for r in used)),
            streams={"neural": plan.stream},
            notes=[*plan.notes, *split.notes],
        )
    except BaseException:
        folder.discard()
        raise
    return folder


def with_notes(
    scores: pd.DataFrame, facts: RunFacts, info: Mapping[str, Any]
) -> pd.DataFrame:
    """Say in the rows of an imported embedding what its scores cannot show."""
    own = (scores["method"] == facts.method) & ~scores["is_baseline"]
    own &= scores["value"].notna()
    across = own & scores["task"].isin(ACROSS) & (not info["one_space"])
    notes = [
        sentence([note, ELSEWHERE if is_own else "", APART if is_across else ""])
        for note, is_own, is_across in zip(scores["note"], own, across, strict=True)
    ]
    return scores.assign(note=notes)


def _write_set(
    folder: RunFolder,
    set_name: str,
    plan: EmbeddingPlan,
    request: EmbeddingRequest,
    stride_s: float,
) -> None:
    step = max(1, round(stride_s / plan.period_s))
    place = plan.windows.groupby("recording", sort=False).cumcount().to_numpy()
    rows = np.flatnonzero(place % step == 0)
    windows = plan.windows.iloc[rows].reset_index(drop=True)
    windows["window_id"] = np.arange(len(windows), dtype=np.int64)
    facts = {
        "streams": {"neural": plan.stream},
        "stride_s": step * plan.period_s,
        "normaliser_fitted_on_own_frames": [],
        "dropped": {name: dict(reasons) for name, reasons in plan.dropped.items()},
        "step": 0,
        "row_offset": request.row_offset or 0,
        "row_frames": request.row_frames,
    }
    folder.write_embeddings(set_name, windows, {"neural": plan.embedding[rows]}, facts)


def _clock(recording: Recording, name: str) -> Stream:
    if name not in recording.streams:
        raise DataError(
            f"Recording {recording.id!r} has no stream {name!r}; it has "
            f"{', '.join(recording.streams)}. Say whose frames the rows are with "
            "--embedding-like STREAM."
        )
    return recording.streams[name]


def _row_problems(
    request: EmbeddingRequest, name: str, values: NDArray[np.float32], clock: Stream
) -> list[Problem]:
    """Return why rows cannot be matched with frames, or used."""
    path, n, n_frames = Path(request.paths[name]), len(values), len(clock)
    lacking = n_frames - n
    where = (
        f"{path.name} has {n:,} rows and {name} has {n_frames:,} {clock.kind} frames"
    )
    problems = []
    if lacking < 0 or (request.row_offset or 0) > lacking:
        text = (
            f"{where}, so that row {n - 1:,} would be frame "
            f"{n - 1 + (request.row_offset or 0):,}. Check that they belong together, "
            "and --row-offset."
        )
        if values.shape[1] == n_frames:
            text += f" Its {n_frames:,} columns may be the frames: transpose it."
        problems.append(Problem("embedding.rows", "error", text, name))
    elif request.row_offset is None and lacking:
        text = (
            f"{where}, {lacking} more. Say which frame row 0 is with --row-offset N, 0 "
            f"to {lacking}: {lacking} when each row was computed from frames up to its "
            "own and the last ones match."
        )
        problems.append(Problem("embedding.rows", "error", text, name))
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        text = (
            f"{path.name}: {bad.size:,} of {n:,} rows are not finite, first row "
            f"{bad[0]:,}; accepted, they are left out."
        )
        problems.append(Problem("embedding.not_finite", "error", text, name))
    return problems


def _windows(
    recording: Recording,
    stream: str,
    clock: TimeAxis,
    values: NDArray[np.float32],
    request: EmbeddingRequest,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return a window per usable row, and how many rows were left out and why."""
    neural = recording.streams[stream]
    frames = (request.row_offset or 0) + np.arange(len(values))
    centers = clock.centers()[frames]
    seconds = request.row_frames * clock.period_s
    count = max(1, round(seconds / neural.time.period_s))
    last = neural.time.nearest(centers)
    first = last - count + 1
    inside = np.clip(first, 0, None)
    segment = neural.time.segment_ids()
    bad = np.concatenate([[0], np.cumsum(~neural.valid)])
    reason = np.full(len(values), "", dtype="<U16")
    reason[bad[last + 1] > bad[inside]] = "neural invalid"
    reason[segment[inside] != segment[last]] = "neural gap"
    outside = (centers < neural.time.start_s) | (centers >= neural.time.stop_s)
    reason[outside | (first < 0)] = "neural edge"
    reason[~np.isfinite(values).all(axis=1)] = "not finite"
    keep = np.flatnonzero(reason == "")
    table = pd.DataFrame(
        {
            "row": keep,
            "recording": recording.id,
            "animal": recording.animal,
            "center_s": centers[keep],
            "neural_first": first[keep],
            "neural_step": np.int64(1),
            "neural_count": np.int64(count),
        }
    )
    names, counts = np.unique(reason[reason != ""], return_counts=True)
    return table, {str(n): int(c) for n, c in zip(names, counts, strict=True)}


def _facts(path: Path, values: NDArray[np.float32]) -> dict[str, Any]:
    return {"sha256": files.sha256_of(Path(path)), "shape": list(values.shape)}
