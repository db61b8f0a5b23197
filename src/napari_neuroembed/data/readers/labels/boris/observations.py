"""What BORIS files hold: observations of subjects, and which of them is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from napari_neuroembed.data.problems import Problem, counted
from napari_neuroembed.errors import DataError

ALL = "*"
"""Stands for every observation, or every subject."""

NO_SUBJECT = "No focal subject"
"""What BORIS calls events of nobody in particular; empty in its projects."""

Status = Literal["START", "STOP", "POINT", ""]


@dataclass(frozen=True)
class Event:
    """One key press; `status` is empty where presses take turns."""

    time_s: float
    subject: str
    code: str
    modifiers: tuple[str, ...] = ()
    status: Status = ""


@dataclass(frozen=True)
class Interval:
    """A state from its start to its stop, or a point event (both the same)."""

    subject: str
    code: str
    modifiers: tuple[str, ...]
    start_s: float
    stop_s: float


@dataclass(frozen=True)
class Observation:
    """One coding session of one or several media files, or of live behaviour.

    Parameters
    ----------
    name
        Its id.
    offset_s
        What BORIS added to the time of its media.
    events, intervals
        Key presses of a project or a table of events; rows of an aggregated table.
    problems
        What was found while it was read.
    """

    name: str
    offset_s: float = 0.0
    events: tuple[Event, ...] = ()
    intervals: tuple[Interval, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An observation that is listed, and read when it is wanted."""

    n_events: int
    read: Callable[[], Observation]


def chosen(
    entries: Mapping[str, Entry], wanted: str | None, file: str
) -> dict[str, Observation]:
    """Return the observations that are meant, by the recording they name.

    Parameters
    ----------
    entries
        All observations of the file.
    wanted
        Id of one; ``*``: all, each for the recording of its name; None: the only one.
    file
        For messages.

    Raises
    ------
    DataError
        When there is none, or several and none was chosen (`label.observation`).
    """
    listed = ", ".join(
        f"{name!r} ({counted(entry.n_events, 'event')})"
        for name, entry in entries.items()
    )
    if wanted == ALL and entries:
        return {name: entry.read() for name, entry in entries.items()}
    if wanted is None and len(entries) == 1:
        return {"": next(iter(entries.values())).read()}
    if wanted is not None and wanted in entries:
        return {"": entries[wanted].read()}
    found = f"holds {counted(len(entries), 'observation')}: {listed or 'none'}"
    if wanted is not None:
        found = f"has no observation {wanted!r}; it {found}"
    raise DataError(
        f"{file} {found}. Choose one with --label-option observation=NAME, or take "
        f"all, each for the recording of its name, with observation='{ALL}'. "
        "[label.observation]"
    )


def of_subject(observation: Observation, wanted: str | None) -> Observation:
    """Return the part of an observation that is about one subject.

    Parameters
    ----------
    observation
        What was read.
    wanted
        Name of the subject; ``*``: all of them; None: the only one.

    Raises
    ------
    DataError
        When there are several and none was chosen, or not this one
        (`label.subject`): a recording is of one animal.
    """
    rows: list[Event | Interval] = [*observation.events, *observation.intervals]
    counts = Counter(row.subject or NO_SUBJECT for row in rows)
    if wanted == ALL or (wanted is None and len(counts) < 2) or not counts:
        return observation
    if wanted in counts:
        mine = "" if wanted == NO_SUBJECT else wanted
        return replace(
            observation,
            events=tuple(e for e in observation.events if e.subject == mine),
            intervals=tuple(i for i in observation.intervals if i.subject == mine),
        )
    listed = ", ".join(f"{name!r} ({n})" for name, n in counts.most_common())
    lacking = "" if wanted is None else f" and not about {wanted!r}"
    raise DataError(
        f"Observation {observation.name!r} is about {counted(len(counts), 'subject')}: "
        f"{listed}{lacking}. A recording is of one animal: choose with --label-option "
        f"subject=NAME, or take them all for one with subject='{ALL}'. [label.subject]"
    )


def modifier_parts(text: str) -> tuple[str, ...]:
    """Return the modifiers of an event, without those that were not chosen.

    Examples
    --------
    >>> modifier_parts("m1|None| n2 ")
    ('m1', 'n2')
    """
    parts = (part.strip() for part in text.split("|"))
    return tuple(part for part in parts if part and part != "None")
