"""BORIS: projects, tables of events and aggregated tables.

BORIS adds the observation's time offset to the time of its media, and counts on over
several media in a row. Here the offset is taken off again: times are those of the first
medium's first frame, and the import puts that onto the recording's clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.labels.boris.observations import (
    Entry,
    Interval,
    chosen,
    of_subject,
)
from napari_neuroembed.data.readers.labels.boris.pairing import paired
from napari_neuroembed.data.readers.labels.boris.project import (
    is_project,
    project_entries,
)
from napari_neuroembed.data.readers.labels.boris.tables import (
    EVENT_COLUMNS,
    STATE_COLUMNS,
    STATUS_COLUMNS,
    SUBJECT,
    event_entries,
    find_sheet,
    no_header,
    state_entries,
)
from napari_neuroembed.data.readers.labels.file import (
    ClockOf,
    LabelFile,
    check_options,
)
from napari_neuroembed.data.readers.labels.names import name_problems
from napari_neuroembed.data.readers.labels.text import read_table, read_text
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

NAME = "boris"
AGGREGATED = "boris-aggregated"

OPTIONS = {
    "observation": "id of the observation, where there are several; '*': all of them, "
    "each for the recording of its name",
    "subject": "whose events, where there are several subjects ('No focal subject' for "
    "nobody's); '*': of all",
    "modifiers": "'drop' (default), or 'name': put them into the action's name",
    "rename": "new names of actions; an empty one leaves the action out",
}
"""Settings of this reader."""

_MODIFIERS = ("drop", "name")


def sniff(path: Path) -> tuple[float, str]:
    """Say how sure it is that a file is a BORIS project or table of events, and why."""
    try:
        text, _ = read_text(path)
        if is_project(text):
            return 1.0, "a BORIS project"
        if text.lstrip()[:1] == "{":
            return 0.0, "JSON, but of no BORIS project"
        table = read_table(path, n_rows=200)
    except DataError as error:
        return 0.0, str(error)
    sheet = find_sheet(table, [*EVENT_COLUMNS, SUBJECT])
    if sheet is None or not set(STATUS_COLUMNS) & set(sheet.header):
        return 0.0, f"no header row with {' and '.join(EVENT_COLUMNS)}"
    return 1.0, "a table of BORIS events"


def sniff_aggregated(path: Path) -> tuple[float, str]:
    """Say how sure it is that a file is an aggregated BORIS table, and why."""
    try:
        sheet = find_sheet(read_table(path, n_rows=200), [*STATE_COLUMNS, SUBJECT])
    except DataError as error:
        return 0.0, str(error)
    if sheet is None or "Behavior type" not in sheet.header:
        return 0.0, f"no header row with {' and '.join(STATE_COLUMNS)}"
    return 1.0, "an aggregated BORIS table"


def read_labels(
    path: Path,
    *,
    rate_hz: float | None = None,
    start_s: float = 0.0,
    time: TimeAxis | ClockOf | None = None,
    options: Mapping[str, Any] | None = None,
    accept: Collection[str] = (),
) -> LabelFile:
    """Read a BORIS project, or one of its tables; which of them is seen.

    Parameters
    ----------
    path, rate_hz, start_s, time, options, accept
        See :class:`~napari_neuroembed.data.readers.labels.file.ReadLabels`; options are
        those of :data:`OPTIONS`. Times are seconds: neither rate nor clock is needed.

    Returns
    -------
    LabelFile
        Named by observation when all are taken, else by no recording.

    Raises
    ------
    DataError
        When the observation or the subject is not clear, a state has no start or stop,
        or a value is wrong.
    """
    del rate_hz, time
    path = Path(path)
    given = check_options(options, OPTIONS, NAME)
    modifiers = given.get("modifiers", "drop")
    if modifiers not in _MODIFIERS:
        raise DataError(
            f"modifiers is {modifiers!r}; allowed: {', '.join(_MODIFIERS)}."
        )
    entries, layout, problems = _entries(path)
    observations = chosen(entries, _text(given.get("observation")), path.name)
    by_rater = {}
    for place, one in observations.items():
        own = of_subject(one, _text(given.get("subject")))
        intervals, unpaired = paired(own)
        problems += [*own.problems, *unpaired]
        if modifiers == "drop":
            problems += _about_modifiers(intervals)
        zero = start_s - one.offset_s
        by_rater[place, ""] = _bouts(intervals, zero, in_name=modifiers == "name")
    refuse(problems, path.name, accept)
    facts = {
        "layout": layout,
        "observation": ", ".join(one.name for one in observations.values()),
        "time offset, s": ", ".join(f"{o.offset_s:g}" for o in observations.values()),
    }
    labels = LabelFile(path, NAME, by_rater).renamed(given.get("rename", {}))
    kept = [p for p in problems if p.severity != "error"]
    kept += name_problems(labels.actions())
    return LabelFile(path, NAME, labels.by_rater, tuple(kept), facts)


def _entries(path: Path) -> tuple[dict[str, Entry], str, list[Problem]]:
    text, problems = read_text(path)
    if text.lstrip()[:1] == "{":
        return project_entries(path, text), "project", problems
    table = read_table(path)
    sheet = find_sheet(table, STATE_COLUMNS)
    if sheet is not None:
        return state_entries(sheet), "aggregated", problems
    sheet = find_sheet(table, EVENT_COLUMNS)
    if sheet is None:
        raise no_header(path, EVENT_COLUMNS, table.header)
    return event_entries(sheet), "events", problems


def _bouts(intervals: Sequence[Interval], zero_s: float, *, in_name: bool) -> Bouts:
    names = []
    for one in intervals:
        added = f" ({', '.join(one.modifiers)})" if in_name and one.modifiers else ""
        names.append(one.code + added)
    return Bouts(
        np.array([one.start_s for one in intervals]) + zero_s,
        np.array([one.stop_s for one in intervals]) + zero_s,
        tuple(names),
        np.ones(len(intervals), dtype=bool),
    )


def _about_modifiers(intervals: Sequence[Interval]) -> list[Problem]:
    counts = Counter(
        f"{one.code}: {', '.join(one.modifiers)}" for one in intervals if one.modifiers
    )
    if not counts:
        return []
    listed = "; ".join(f"{name} ({n})" for name, n in counts.most_common())
    text = (
        f"{counts.total()} bouts have modifiers, which are left out ({listed}). Keep "
        "them in the name of the action with --label-option modifiers=name."
    )
    return [Problem("label.modifiers", "warning", text)]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
