"""Tables that BORIS exports: a row per event, or per state (aggregated)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.labels.boris.observations import (
    NO_SUBJECT,
    Entry,
    Event,
    Interval,
    Observation,
    modifier_parts,
)
from napari_neuroembed.data.readers.labels.codes import shortened
from napari_neuroembed.data.readers.labels.text import TextTable
from napari_neuroembed.errors import DataError

EVENT_COLUMNS = ("Time", "Behavior")
STATE_COLUMNS = ("Start (s)", "Stop (s)", "Behavior")
STATUS_COLUMNS = ("Status", "Behavior type")
ID, OFFSET, SUBJECT = "Observation id", "Time offset (s)", "Subject"
_TOKENS = ("START", "STOP", "POINT", "STATE", "")
_Row = TypeVar("_Row", Event, Interval)


@dataclass(frozen=True)
class Sheet:
    """The rows below a header, and what stands above it.

    Parameters
    ----------
    header
        Names of the columns.
    rows, lines
        Cells, and the number of each line.
    above
        Name and value of the lines before the header (older exports).
    name
        Of the file, without its ending.
    """

    header: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]
    above: dict[str, str]
    name: str


def find_sheet(table: TextTable, columns: Sequence[str]) -> Sheet | None:
    """Return the part of a text below the row that names all `columns`, or None.

    Older exports begin with lines about the observation.
    """
    lines = [list(table.header), *table.rows]
    numbers = [1, *table.lines]
    for k, cells in enumerate(lines):
        if not set(columns) <= set(cells):
            continue
        above = {row[0]: row[1] if len(row) > 1 else "" for row in lines[:k]}
        rows = [dict(zip(cells, row, strict=False)) for row in lines[k + 1 :]]
        return Sheet(tuple(cells), rows, numbers[k + 1 :], above, table.path.stem)
    return None


def event_entries(sheet: Sheet) -> dict[str, Entry]:
    """Return the observations of a table with a row per event."""
    return _entries(sheet, _event_observation)


def state_entries(sheet: Sheet) -> dict[str, Entry]:
    """Return the observations of an aggregated table, with a row per state."""
    return _entries(sheet, _state_observation)


def _entries(
    sheet: Sheet, make: Callable[[Sheet, str, list[int]], Observation]
) -> dict[str, Entry]:
    by_name: dict[str, list[int]] = {}
    alone = sheet.above.get(ID) or sheet.name
    for k, row in enumerate(sheet.rows):
        by_name.setdefault(row.get(ID, "") or alone, []).append(k)
    return {
        name: Entry(len(own), partial(make, sheet, name, own))
        for name, own in by_name.items()
    }


def _event_observation(sheet: Sheet, name: str, own: list[int]) -> Observation:
    status = next((c for c in STATUS_COLUMNS if c in sheet.header), "")
    events, problems = _read(sheet, own, lambda row: _event(row, status))
    offset, more = _offset(sheet, own)
    return Observation(name, offset, tuple(events), problems=(*problems, *more))


def _state_observation(sheet: Sheet, name: str, own: list[int]) -> Observation:
    intervals, problems = _read(sheet, own, _interval)
    offset, more = _offset(sheet, own)
    return Observation(
        name, offset, intervals=tuple(intervals), problems=(*problems, *more)
    )


def _read(
    sheet: Sheet,
    own: list[int],
    make: Callable[[dict[str, str]], _Row | tuple[str, str]],
) -> tuple[list[_Row], list[Problem]]:
    found: list[_Row] = []
    problems: list[Problem] = []
    for k in own:
        made = make(sheet.rows[k])
        if isinstance(made, tuple):
            check, text = made
            text = f"line {sheet.lines[k]}: {text}"
            problems.append(Problem(check, "error", text))
        else:
            found.append(made)
    return found, shortened(problems)


def _event(row: dict[str, str], column: str) -> Event | tuple[str, str]:
    time = seconds(row.get("Time", ""))
    if time is None:
        return (
            "label.value",
            f"Time is {row.get('Time', '')!r}, not a number of seconds",
        )
    status = row.get(column, "").upper()
    if status not in _TOKENS:
        allowed = "START, STOP or POINT"
        return "label.value", f"{column} is {row[column]!r}; allowed: {allowed}"
    code = row.get("Behavior", "")
    if not code:
        return "label.unknown", "Behavior is empty"
    told = "" if status == "STATE" else status
    return Event(time, _subject(row), code, _modifiers(row), told)  # type: ignore[arg-type]


def _interval(row: dict[str, str]) -> Interval | tuple[str, str]:
    times = []
    for name in ("Start (s)", "Stop (s)"):
        time = seconds(row.get(name, ""))
        if time is None:
            return "label.value", f"{name} is {row.get(name, '')!r}, not a number"
        times.append(time)
    start, stop = times
    if stop < start:
        return "label.order", f"Stop (s) ({stop}) is before Start (s) ({start})"
    code = row.get("Behavior", "")
    if not code:
        return "label.unknown", "Behavior is empty"
    if row.get("Behavior type", "").upper() == "POINT" and stop != start:
        return "label.value", f"the point event {code!r} lasts from {start} to {stop}"
    return Interval(_subject(row), code, _modifiers(row), start, stop)


def _offset(sheet: Sheet, own: list[int]) -> tuple[float, list[Problem]]:
    """Return the time offset that the rows of an observation share."""
    cells = {sheet.rows[k].get(OFFSET, "") for k in own} - {""}
    told = sorted(cells) or [sheet.above.get(OFFSET, "") or "0"]
    offset = seconds(told[0])
    if len(told) == 1 and offset is not None:
        return offset, []
    text = f"{OFFSET} is {', '.join(map(repr, told))}; expected one number of seconds"
    return 0.0, [Problem("label.value", "error", text)]


def _subject(row: dict[str, str]) -> str:
    subject = row.get(SUBJECT, "")
    return "" if subject == NO_SUBJECT else subject


def _modifiers(row: dict[str, str]) -> tuple[str, ...]:
    told = [cell for name, cell in row.items() if name.startswith("Modifier")]
    return modifier_parts("|".join(told))


def seconds(text: str) -> float | None:
    """Return a time written as seconds or as ``hh:mm:ss.mmm``; None when it is none.

    Examples
    --------
    >>> seconds("3.300"), seconds("-00:01:02.5"), seconds("NA")
    (3.3, -62.5, None)
    """
    sign = -1.0 if text.startswith("-") else 1.0
    parts = text.removeprefix("-").split(":")
    if len(parts) not in (1, 3):
        return None
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    total = 0.0
    for number in numbers:
        total = total * 60 + number
    return sign * total if math.isfinite(total) else None


def no_header(path: object, columns: Sequence[str], first: Sequence[str]) -> DataError:
    """Return the refusal of a table without the header that was expected."""
    return DataError(
        f"{path}: no header row with {' and '.join(columns)}; its first line is "
        f"{', '.join(map(repr, first))}."
    )
