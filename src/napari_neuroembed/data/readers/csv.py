"""Reader `csv`: poses, traces and scalars as columns of a text file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.readers.text_table import (
    Text,
    not_numbers,
    read_cells,
    read_text,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import TableOptions

TIME, FRAME = "time_s", "frame"
_COORDINATE = re.compile(r"^(.+)_(x|y|z|likelihood)$")
_UNIT = re.compile(r"^(.*?)\s*[(\[]([^)\]]+)[)\]]$")


class CsvReader:
    """Columns of numbers with a header; ``time_s`` or ``frame`` tell the time.

    Columns named ``<joint>_x, <joint>_y[, <joint>_z][, <joint>_likelihood]`` are a
    pose, all others traces or scalars. A unit may stand behind a name: ``speed
    (cm/s)``.
    """

    name = "csv"
    kinds: tuple[Kind, ...] = ("pose", "trace", "scalar")
    options = TableOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return up to 0.8 for a text whose first line names columns."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        if source.path.stat().st_size == 0:
            return 0.0, "is empty"
        with source.path.open("rb") as file:
            head = file.read(4096)
        if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return 0.0, "is no text"
        encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"
        lines = head[: len(head) // 2 * 2].decode(encoding, "replace").splitlines()
        if not lines:
            return 0.0, "is empty"
        if lines[0].lstrip("\xef\xbb\xbf\ufeff ")[:1] in ("{", "[", "<"):
            return 0.0, "is another kind of text"
        if re.match(r"^[^\d\s]*scorer\b", lines[0]):
            return 0.0, "is a DeepLabCut file"
        if not re.search(r"[A-Za-z]", lines[0]):
            return 0.2, "is a text without names of columns"
        return 0.8, "is a text with names of columns"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the table (a text has no header that would tell its length)."""
        return describe_signals(self._load(source, options))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Read the table."""
        del salvage
        signals = self._load(source, options, rate_hz)
        return read_signals(signals, rate_hz, accept - {"csv.number"})

    def _load(
        self, source: Source, options: Mapping[str, Any], rate_hz: float | None = None
    ) -> Signals:
        told = parse_options(TableOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader csv takes one file.")
        text = read_text(source.path, told.separator)
        table = _table(text)
        problems = list(text.problems)
        times, table, more = _times(table, source.name, rate_hz)
        problems += more
        table, units = _units(table)
        if told.columns:
            table = _chosen(table, told.columns, source.name)
        if not table.shape[1]:
            raise DataError(
                f"{source.name}: no column of values. Its first line is "
                f'"{text.first_line}". [csv.header]'
            )
        wrong = not_numbers(table, source.path, 1)
        numbers = table.apply(pd.to_numeric, errors="coerce")
        kind, data, names, confidence, more = _arrange(numbers, told, source.name)
        problems += wrong + more
        return Signals(
            name=source.name,
            kind=kind,
            data=data,
            names=names,
            unit=told.unit or ", ".join(dict.fromkeys(units)),
            times_s=times,
            confidence=confidence,
            facts={"columns": len(table.columns), "separator": text.separator},
            problems=tuple(problems),
        )


def _table(text: Text) -> pd.DataFrame:
    """Return the table; a first line of numbers alone is no header."""
    first = text.rows(1)[0]
    if all(re.fullmatch(r"\s*[-+]?[\d.,eE+-]*\s*", cell) for cell in first):
        raise DataError(
            f"{text.path} has no line with the names of its columns; its first line is "
            f'"{text.first_line}". Add one, e.g. time_s,speed, or save the numbers as '
            "npy. [csv.header]"
        )
    twice = sorted(name for name, n in Counter(first).items() if n > 1)
    if twice:
        raise DataError(
            f"{text.path}: the column {twice[0]!r} occurs {first.count(twice[0])} "
            "times. Rename one. [csv.header]"
        )
    table = read_cells(text, 1).set_axis([cell.strip() for cell in first], axis=1)
    if not first[0].strip() and table.shape[1] > 1:
        rows = table.iloc[:, 0].to_numpy()
        if rows.dtype.kind in "iu" and np.array_equal(rows, np.arange(len(rows))):
            table = table.iloc[:, 1:]
    return table


def _times(
    table: pd.DataFrame, name: str, rate_hz: float | None
) -> tuple[NDArray[np.float64] | None, pd.DataFrame, list[Problem]]:
    """Take the time or frame column out of the table."""
    problems: list[Problem] = []
    times = None
    if TIME in table:
        problems += not_numbers(table[[TIME]], Path(name), 1)
        times = pd.to_numeric(table[TIME], errors="coerce").to_numpy(np.float64)
    elif FRAME in table:
        frames = pd.to_numeric(table[FRAME], errors="coerce").to_numpy(np.float64)
        steps = np.diff(frames)
        late = np.flatnonzero(~(steps > 0))
        if late.size:
            i = int(late[0]) + 1
            text = (
                f"column frame: row {i} has {frames[i]:g} after {frames[i - 1]:g}; "
                "frame numbers must increase."
            )
            problems.append(Problem("time.not_increasing", "error", text, name))
        elif not np.all(steps == 1):
            lost = int((steps - 1).sum())
            text = f"{lost:,} frame numbers are missing; they become gaps in time."
            problems.append(Problem("csv.frames", "warning", text, name))
            if rate_hz:
                times = (frames - frames[0] + 0.5) / rate_hz
    return times, table.drop(columns=[TIME, FRAME], errors="ignore"), problems


def _units(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Move units in parentheses out of the names of columns."""
    names, units = [], []
    for column in table.columns:
        found = _UNIT.match(str(column))
        names.append(found.group(1) if found else str(column))
        if found:
            units.append(found.group(2))
    return table.set_axis(names, axis=1), units


def _chosen(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    missing = [c for c in columns if c not in table]
    if missing:
        raise DataError(
            f"{name} has no column {missing[0]!r}. Columns: "
            f"{', '.join(map(str, table.columns))}. [csv.header]"
        )
    return table[list(columns)]


def _arrange(
    table: pd.DataFrame, told: TableOptions, name: str
) -> tuple[Kind, NDArray[Any], tuple[str, ...], NDArray[Any] | None, list[Problem]]:
    """Return kind, data, names, confidence and problems."""
    joints: dict[str, dict[str, str]] = {}
    others = []
    for column in table.columns:
        found = _COORDINATE.match(column)
        if found:
            joints.setdefault(found.group(1), {})[found.group(2)] = column
        else:
            others.append(column)
    paired = {joint: axes for joint, axes in joints.items() if {"x", "y"} <= set(axes)}
    kind = told.kind or ("pose" if paired and not others else "trace")
    values = table.to_numpy(np.float64)
    if kind != "pose":
        return kind, values, tuple(table.columns), None, []
    if not paired:
        if joints and not others:
            odd = next(iter(joints))
            text = f"point {odd} has no x and y column. Points need <name>_x, <name>_y."
            return (
                kind,
                values[..., None],
                tuple(table.columns),
                None,
                [Problem("pose.header", "error", text, name)],
            )
        return kind, values[..., None], tuple(table.columns), None, []
    return _pose(table, joints, others, name)


def _pose(
    table: pd.DataFrame,
    joints: dict[str, dict[str, str]],
    others: list[str],
    name: str,
) -> tuple[Kind, NDArray[Any], tuple[str, ...], NDArray[Any] | None, list[Problem]]:
    """Return (time, point, dimension) from columns <joint>_x, _y, _z, _likelihood."""
    problems = []
    axes = ["x", "y", "z"] if any("z" in a for a in joints.values()) else ["x", "y"]
    odd = [j for j, a in joints.items() if not set(axes) <= set(a)] + others
    if odd:
        text = (
            f"expected {', '.join(f'{odd[0]}_{a}' for a in axes)} for every point; "
            f"{odd[0]!r} does not fit. Leave other columns out with columns: [...]."
        )
        problems.append(Problem("pose.header", "error", text, name))
    good = [j for j in joints if j not in odd]
    data = np.stack(
        [table[[joints[j][a] for a in axes]].to_numpy(np.float64) for j in good]
        or [np.empty((len(table), len(axes)))],
        axis=1,
    )
    confidence = None
    if good and all("likelihood" in joints[j] for j in good):
        columns = [joints[j]["likelihood"] for j in good]
        confidence = table[columns].to_numpy(np.float64)
    return "pose", data, tuple(good), confidence, problems
