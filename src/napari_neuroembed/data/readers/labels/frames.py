"""Frame-wise labels: one row, or one value, per camera frame.

Three layouts: a table with one column per action (1 present, 0 absent, -1 nobody
looked), a table with one column of names, and a plain list of codes or names, on one
line or one per line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.labels.codes import code_of, decoded, shortened
from napari_neuroembed.data.readers.labels.file import (
    ClockOf,
    LabelFile,
    check_options,
    frame_edges,
)
from napari_neuroembed.data.readers.labels.names import name_problems
from napari_neuroembed.data.readers.labels.text import TextTable, read_table
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

NAME = "csv-frames"

OPTIONS = {
    "names": "names of the codes: a file, a list, a mapping, or 'codes' to keep them",
    "separator": "what stands between cells; default found in the first line",
    "rename": "new names of actions; an empty one leaves the action out",
}
"""Settings of this reader."""

INDEX_COLUMNS = frozenset({"", "frame", "frames", "index", "unnamed: 0", "frame_index"})
TIME_COLUMNS = frozenset({"time_s", "time", "times", "seconds", "t"})
LABEL_COLUMNS = frozenset(
    {"label", "labels", "action", "behaviour", "behavior", "state", "class", "y"}
)


@dataclass(frozen=True)
class _Frames:
    """What the file says of every frame, before it has times."""

    actions: tuple[str, ...]
    states: NDArray[np.int8]
    times_s: NDArray[np.float64] | None
    problems: list[Problem]
    facts: dict[str, Any]


def sniff(path: Path) -> tuple[float, str]:
    """Say how sure it is that a file holds frame-wise labels, and why."""
    try:
        table = read_table(path, n_rows=200)
    except DataError as error:
        return 0.0, str(error)
    if _is_list(table):
        return 0.6, "a plain list of codes or names"
    names = [name.casefold() for name in table.header]
    if any(name in LABEL_COLUMNS for name in names) and _only_frames(names):
        return 0.8, "one column of labels, one row per frame"
    columns = [i for i, name in enumerate(names) if _is_action(name)]
    sample = [row[i] for row in table.rows for i in columns if i < len(row)]
    if sample and all(_state(cell) is not None for cell in sample):
        return 0.9, f"{len(columns)} columns of 1, 0 and -1"
    return 0.0, "values other than 1, 0 and -1"


def read_labels(
    path: Path,
    *,
    rate_hz: float | None = None,
    start_s: float = 0.0,
    time: TimeAxis | ClockOf | None = None,
    options: Mapping[str, Any] | None = None,
    accept: Collection[str] = (),
) -> LabelFile:
    """Read frame-wise labels; row k belongs to camera frame k.

    Parameters
    ----------
    path, rate_hz, start_s, time, options, accept
        See :class:`~napari_neuroembed.data.readers.labels.file.ReadLabels`; options are
        those of :data:`OPTIONS`. A column of times (centres of the frames) stands in
        for a rate.

    Raises
    ------
    DataError
        When a value is none of 1, 0, -1 and no code, frames are missing or too many,
        or nothing tells when they were taken.
    """
    path = Path(path)
    given = check_options(options, OPTIONS, NAME)
    if callable(time):
        time = time("")
    table = read_table(path, given.get("separator"))
    frames = (_from_list if _is_list(table) else _from_table)(table, given)
    problems = [*table.problems, *frames.problems]
    edges, clock, more = _edges(
        frames, path, rate_hz=rate_hz, start_s=start_s, time=time
    )
    problems += more
    refuse(problems, path.name, accept)
    n = min(len(frames.states), len(edges) - 1)
    bouts = Bouts.from_states(frames.states[:n], frames.actions, edges[: n + 1])
    if clock is not None:
        bouts = _without_gaps(bouts, clock)
    labels = LabelFile(path, NAME, {("", ""): bouts}, facts=frames.facts)
    labels = labels.renamed(given.get("rename", {}))
    kept = [p for p in problems if p.severity != "error"]
    kept += name_problems(labels.actions())
    return LabelFile(path, NAME, labels.by_rater, tuple(kept), frames.facts)


def _from_table(table: TextTable, options: Mapping[str, Any]) -> _Frames:
    names = [name.casefold() for name in table.header]
    problems = _wrong_length(table)
    rows = [row for row in table.rows if len(row) == len(names)]
    times = None
    for i, name in enumerate(names):
        column = [row[i] for row in rows]
        if name in INDEX_COLUMNS:
            problems += _index_problems(column, table)
        elif name in TIME_COLUMNS:
            times = _numbers(column, table, table.header[i], problems)
    columns = [i for i, name in enumerate(names) if _is_action(name)]
    labelled = [i for i in columns if names[i] in LABEL_COLUMNS]
    if len(columns) == 1 and labelled:
        values = [row[columns[0]] for row in rows]
        actions, states, more, facts = decoded(values, table, options)
        return _Frames(actions, states, times, problems + more, facts)
    actions = tuple(table.header[i] for i in columns)
    if not actions:
        raise DataError(
            f"{table.path} has no column of an action; found "
            f"{', '.join(map(repr, table.header))}."
        )
    states = np.full((len(rows), len(columns)), -1, dtype=np.int8)
    for k, i in enumerate(columns):
        states[:, k] = _states([row[i] for row in rows], table, actions[k], problems)
    problems += _several(states)
    return _Frames(actions, states, times, problems, {"separator": table.separator})


def _from_list(table: TextTable, options: Mapping[str, Any]) -> _Frames:
    lines = [list(table.header), *table.rows]
    values = lines[0] if len(lines) == 1 else [row[0] for row in lines]
    if len(lines) > 1 and values[0].casefold() in LABEL_COLUMNS:
        values = values[1:]
    actions, states, problems, facts = decoded(values, table, options)
    return _Frames(actions, states, None, problems, facts)


def _edges(
    frames: _Frames,
    path: Path,
    *,
    rate_hz: float | None,
    start_s: float,
    time: TimeAxis | None,
) -> tuple[NDArray[np.float64], TimeAxis | None, list[Problem]]:
    n = len(frames.states)
    problems: list[Problem] = []
    if time is None and frames.times_s is not None and n:
        time = TimeAxis(n, times_s=frames.times_s + start_s)
        own = 1.0 / time.period_s if time.period_s else rate_hz
        if rate_hz is not None and own and abs(own / rate_hz - 1) > 0.01:
            text = (
                f"the column of times says {own:.4g} frames per second, --rate says "
                f"{rate_hz:.4g}; accepted, the column counts."
            )
            problems.append(Problem("rate.conflict", "error", text))
    elif time is not None and time.n_frames != n:
        text = (
            f"{n:,} rows of labels but the camera has {time.n_frames:,} frames; "
            "accepted, the frames that both have are used."
        )
        problems.append(Problem("label.length", "error", text))
    clocked = n if time is None else min(n, time.n_frames)
    edges = frame_edges(clocked, rate_hz=rate_hz, start_s=start_s, time=time)
    if edges is None:
        raise DataError(
            f'"{path.name}" holds labels of {n:,} frames but no frame rate. Give it '
            "with --rate 100 (frames per second), or add a column time_s. "
            "[rate.missing]"
        )
    return edges, time, problems


def _without_gaps(bouts: Bouts, time: TimeAxis) -> Bouts:
    """Cut bouts where the camera lost frames: nobody saw what happened there."""
    edges = time.edges()
    for last in time.gaps():
        start, stop = edges[last] + time.period_s, edges[last + 1]
        before, after = bouts.clip(-np.inf, start), bouts.clip(stop, np.inf)
        bouts = Bouts(
            np.concatenate([before.start_s, after.start_s]),
            np.concatenate([before.stop_s, after.stop_s]),
            before.action + after.action,
            np.concatenate([before.present, after.present]),
        )
    return bouts


def _states(
    cells: Sequence[str], table: TextTable, name: str, problems: list[Problem]
) -> NDArray[np.int8]:
    known = {cell: _state(cell) for cell in set(cells)}
    bad = {cell for cell, value in known.items() if value is None}
    found = [
        Problem(
            "label.value",
            "error",
            f"row {k} (line {table.lines[k]}), column {name}: value {cell!r}; allowed "
            "1, 0, -1",
        )
        for k, cell in enumerate(cells)
        if cell in bad
    ]
    problems += shortened(found)
    values = {cell: -1 if value is None else value for cell, value in known.items()}
    return np.array([values[cell] for cell in cells], dtype=np.int8)


def _state(cell: str) -> int | None:
    if cell == "":
        return -1
    number = code_of(cell)
    return number if number in (-1, 0, 1) else None


def _numbers(
    cells: Sequence[str], table: TextTable, name: str, problems: list[Problem]
) -> NDArray[np.float64] | None:
    values = np.full(len(cells), np.nan)
    for k, cell in enumerate(cells):
        try:
            values[k] = float(cell)
        except ValueError:
            text = (
                f"row {k} (line {table.lines[k]}), column {name}: {cell!r} is no time"
            )
            problems.append(Problem("label.value", "error", text))
            return None
    return values


def _index_problems(cells: Sequence[str], table: TextTable) -> list[Problem]:
    for k, cell in enumerate(cells):
        if code_of(cell) != k:
            text = (
                f"row {k} (line {table.lines[k]}) has index {cell!r}, expected {k}: "
                "rows are missing, repeated or out of order; accepted, row k is frame k"
            )
            return [Problem("label.order", "error", text)]
    return []


def _wrong_length(table: TextTable) -> list[Problem]:
    wide = len(table.header)
    return shortened(
        [
            Problem(
                "label.cells",
                "error",
                f"line {line}: {len(row)} cells, the header has {wide}",
            )
            for row, line in zip(table.rows, table.lines, strict=True)
            if len(row) != wide
        ]
    )


def _several(states: NDArray[np.int8]) -> list[Problem]:
    n = int(((states == 1).sum(axis=1) > 1).sum())
    if not n:
        return []
    text = f"{n} frames have several actions at once; they need multi-label actions."
    return [Problem("label.several", "note", text)]


def _is_list(table: TextTable) -> bool:
    """Whether the file is one line of codes, or one column without a name."""
    if not table.rows:
        return len(table.header) > 1 and all(
            code_of(c) is not None for c in table.header
        )
    if len(table.header) > 1 or any(len(row) > 1 for row in table.rows):
        return False
    first = table.header[0]
    if code_of(first) is not None or first.casefold() in LABEL_COLUMNS:
        return True
    return not all(_state(row[0]) is not None for row in table.rows)


def _is_action(name: str) -> bool:
    return name not in INDEX_COLUMNS and name not in TIME_COLUMNS


def _only_frames(names: Sequence[str]) -> bool:
    others = [name for name in names if _is_action(name)]
    return len(others) == 1
