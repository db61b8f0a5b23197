"""Tables of labelled intervals: one row per bout, in seconds or camera frames.

Separator and decimal sign are looked up in the file, columns recognised by name or
named by the user. A table may hold several recordings and raters; every row goes to
its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.labels.codes import shortened
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

NAME = "csv-intervals"

OPTIONS = {
    "columns": "which column is what: {start, stop, action, recording, rater, state}",
    "unit": "'s' or 'frames'; default by the names of the columns",
    "separator": "what stands between cells; default found in the first line",
    "recording": "how a recording is named from columns, e.g. '{Date}_Fly{Fly}'",
    "rename": "new names of actions; an empty one leaves the action out",
}
"""Settings of this reader."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "start": ("start_s", "start", "from", "onset", "start (s)", "begin", "start_time"),
    "stop": ("stop_s", "stop", "to", "end_s", "end", "stop (s)", "stop_time"),
    "action": ("action", "behaviour", "behavior", "type", "label", "class", "event"),
    "recording": ("recording", "recording_id", "video", "id", "file", "filename"),
    "rater": ("rater", "experimenter", "annotator", "observer", "coder", "scorer"),
    "state": ("state", "present"),
}
"""Names of columns by what they hold, the surest first."""

OWN_CLOCK = "start_s"
"""A column of this name holds times on the recording's clock, which a camera that
starts early makes negative; in other columns a negative time is an error."""

FRAME_ALIASES: Mapping[str, tuple[str, ...]] = {
    "start": ("start_frame", "frame_start", "first_frame"),
    "stop": ("stop_frame", "end_frame", "frame_stop", "frame_end"),
}
"""Names of columns that count camera frames; the stop is exclusive."""

TRIAL_COLUMNS = ("Date", "Genotype", "Fly", "Trial")
TRIAL_NAME = "{Date}_{Genotype}_Fly{Fly}_{Trial:0>3}"
"""How recordings are called in tables with those columns."""


@dataclass(frozen=True)
class _Layout:
    """Which column is what."""

    columns: dict[str, int]
    frames: bool
    recording: str | None
    decimal_comma: bool


@dataclass(frozen=True)
class _Row:
    """One interval in the file's own unit."""

    place: tuple[str, str]
    start: float
    stop: float
    action: str
    state: int


def sniff(path: Path) -> tuple[float, str]:
    """Say how sure it is that a file holds a table of intervals, and why."""
    try:
        table = read_table(path, n_rows=200)
        layout = _layout(table, {})
    except DataError as error:
        return 0.0, str(error)
    names = {role: table.header[i] for role, i in layout.columns.items()}
    said = ", ".join(f"{role} = {name!r}" for role, name in names.items())
    return 0.8, f"columns {said}"


def read_labels(
    path: Path,
    *,
    rate_hz: float | None = None,
    start_s: float = 0.0,
    time: TimeAxis | ClockOf | None = None,
    options: Mapping[str, Any] | None = None,
    accept: Collection[str] = (),
) -> LabelFile:
    """Read a table of intervals; every row goes to its own recording and rater.

    Parameters
    ----------
    path, rate_hz, start_s, time, options, accept
        See :class:`~napari_neuroembed.data.readers.labels.file.ReadLabels`; options are
        those of :data:`OPTIONS`. A clock is needed for tables in frames only.

    Raises
    ------
    DataError
        When columns are not found, or a row is reversed, negative or no number; names
        every line.
    """
    path = Path(path)
    given = check_options(options, OPTIONS, NAME)
    table = read_table(path, given.get("separator"))
    layout = _layout(table, given)
    rows, problems = _rows(table, layout)
    found = [*table.problems, *problems]
    grouped: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row.place, []).append(row)
    by_rater, others = {}, 0
    for place, own in grouped.items():
        edges = None
        if layout.frames:
            clock = time(place[0]) if callable(time) else time
            if callable(time) and clock is None:
                others += len(own)
                continue
            edges = _frame_edges(own, path, rate_hz, start_s, clock)
            own, late = _inside(own, len(edges) - 1)
            found += late
        by_rater[place] = _bouts(own, edges, start_s)
    if others:
        text = f"{others} intervals of other recordings are left out."
        found.append(Problem("label.others", "note", text))
    refuse(found, path.name, accept)
    labels = LabelFile(path, NAME, by_rater).renamed(given.get("rename", {}))
    kept = [p for p in found if p.severity != "error"] + name_problems(labels.actions())
    return LabelFile(path, NAME, labels.by_rater, tuple(kept), _facts(table, layout))


def _layout(table: TextTable, options: Mapping[str, Any]) -> _Layout:
    wanted = dict(options.get("columns", {}))
    unknown = sorted(set(wanted) - set(ALIASES))
    missing = [name for name in wanted.values() if name not in table.header]
    if unknown or missing:
        raise DataError(
            f"{table.path}: columns were given for {', '.join(wanted)}; allowed are "
            f"{', '.join(ALIASES)}, and the file has "
            f"{', '.join(map(repr, table.header))}."
        )
    names = [name.casefold() for name in table.header]
    found = {role: table.header.index(name) for role, name in wanted.items()}
    frames = options.get("unit") == "frames"
    if options.get("unit") not in (None, "s", "frames"):
        raise DataError(f"unit is {options['unit']!r}; allowed: s, frames.")
    for role, aliases in ALIASES.items():
        if role not in found and (at := _first(names, aliases)) is not None:
            found[role] = at
    for role, aliases in FRAME_ALIASES.items():
        if role not in found and (at := _first(names, aliases)) is not None:
            found[role] = at
            frames = True
    lacking = [role for role in ("start", "stop", "action") if role not in found]
    if lacking:
        raise DataError(
            f"{table.path} has no column for {', '.join(lacking)}; found "
            f"{', '.join(map(repr, table.header))}. Say which it is with --column "
            f"{lacking[0]}=NAME."
        )
    recording = options.get("recording")
    trial = all(name in table.header for name in TRIAL_COLUMNS)
    if recording is None and "recording" not in found and trial:
        recording = TRIAL_NAME
    return _Layout(found, frames, recording, _has_decimal_comma(table, found))


def _rows(table: TextTable, layout: _Layout) -> tuple[list[_Row], list[Problem]]:
    rows: list[_Row] = []
    problems: list[Problem] = []
    for cells, line in zip(table.rows, table.lines, strict=True):
        if len(cells) != len(table.header):
            text = f"{len(cells)} cells, the header has {len(table.header)}"
            problems.append(Problem("label.cells", "error", f"line {line}: {text}"))
            continue
        row = _row(cells, table.header, layout)
        if isinstance(row, _Row):
            rows.append(row)
        else:
            check, text = row
            problems.append(Problem(check, "error", f"line {line}: {text}"))
    ids = list(dict.fromkeys(p.id for p in problems))
    return rows, [
        p for name in ids for p in shortened([q for q in problems if q.id == name])
    ]


def _row(
    cells: list[str], header: tuple[str, ...], layout: _Layout
) -> _Row | tuple[str, str]:
    """Return an interval, or the id and text of what is wrong with it."""
    at = layout.columns
    values = {}
    for role in ("start", "stop"):
        cell = cells[at[role]]
        number = _number(cell, layout.decimal_comma)
        if number is None or (layout.frames and not number.is_integer()):
            unit = (
                "a whole number of frames" if layout.frames else "a number of seconds"
            )
            return "label.value", f"{header[at[role]]} is {cell!r}, not {unit}"
        values[role] = number
    start, stop = values["start"], values["stop"]
    if stop < start:
        said = (
            f"{header[at['stop']]} ({stop}) is before {header[at['start']]} ({start})"
        )
        return "label.order", said
    if start < 0 and header[at["start"]] != OWN_CLOCK:
        return "label.range", f"{header[at['start']]} ({start}) is negative"
    action = cells[at["action"]]
    if not action:
        return "label.unknown", f"{header[at['action']]} is empty"
    state = cells[at["state"]] if "state" in at else "1"
    if state not in ("0", "1"):
        return "label.value", f"{header[at['state']]} is {state!r}; allowed 1, 0"
    rater = cells[at["rater"]] if "rater" in at else ""
    return _Row(
        (_recording(cells, header, layout), rater), start, stop, action, int(state)
    )


def _recording(cells: list[str], header: tuple[str, ...], layout: _Layout) -> str:
    if layout.recording is not None:
        named = dict(zip(header, cells, strict=True))
        try:
            return layout.recording.format_map(named)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise DataError(
                f"The name of recordings {layout.recording!r} does not fit the columns "
                f"{', '.join(header)}: {error}."
            ) from error
    return cells[layout.columns["recording"]] if "recording" in layout.columns else ""


def _frame_edges(
    rows: list[_Row],
    path: Path,
    rate_hz: float | None,
    start_s: float,
    time: TimeAxis | None,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    last = int(max((row.stop for row in rows), default=0))
    n = last if time is None else time.n_frames
    edges = frame_edges(n, rate_hz=rate_hz, start_s=start_s, time=time)
    if edges is None:
        raise DataError(
            f'"{path.name}" holds {len(rows):,} intervals up to frame {last:,}'
            f"{f' of {rows[0].place[0]!r}' if rows[0].place[0] else ''} but no frame "
            "rate. Give it with --rate 100 (frames per second). [rate.missing]"
        )
    return edges


def _inside(rows: list[_Row], n_frames: int) -> tuple[list[_Row], list[Problem]]:
    late = [row for row in rows if row.stop > n_frames]
    texts = [
        f"{f'{row.place[0]}: ' if row.place[0] else ''}{row.action} stops at frame "
        f"{row.stop:.0f} of {n_frames:,} camera frames"
        for row in late
    ]
    problems = [Problem("label.range", "error", text) for text in texts]
    return [row for row in rows if row.stop <= n_frames], shortened(problems)


def _bouts(
    rows: list[_Row],
    edges: np.ndarray[tuple[int], np.dtype[np.float64]] | None,
    start_s: float,
) -> Bouts:
    start = np.array([row.start for row in rows])
    stop = np.array([row.stop for row in rows])
    if edges is None:
        start, stop = start + start_s, stop + start_s
    else:
        start, stop = edges[start.astype(int)], edges[stop.astype(int)]
    return Bouts(
        start,
        stop,
        tuple(row.action for row in rows),
        np.array([row.state == 1 for row in rows]),
    )


def _facts(table: TextTable, layout: _Layout) -> dict[str, Any]:
    return {
        "separator": table.separator,
        "decimal": "," if layout.decimal_comma else ".",
        "unit": "frames" if layout.frames else "s",
        "columns": {role: table.header[i] for role, i in layout.columns.items()},
        "recording": layout.recording or "",
        "intervals": len(table.rows),
    }


def _has_decimal_comma(table: TextTable, columns: Mapping[str, int]) -> bool:
    """Whether numbers are written 1,5 (never when commas stand between cells)."""
    if table.separator == ",":
        return False
    cells = [
        row[columns[role]]
        for row in table.rows
        for role in ("start", "stop")
        if columns[role] < len(row)
    ]
    return any("," in cell for cell in cells) and not any("." in cell for cell in cells)


def _number(cell: str, decimal_comma: bool) -> float | None:
    try:
        number = float(cell.replace(",", ".") if decimal_comma else cell)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _first(names: list[str], aliases: tuple[str, ...]) -> int | None:
    return next((names.index(alias) for alias in aliases if alias in names), None)
