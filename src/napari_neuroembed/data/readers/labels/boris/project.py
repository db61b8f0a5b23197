"""BORIS projects: JSON with behaviours, subjects and observations."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from napari_neuroembed.data.problems import Problem, counted
from napari_neuroembed.data.readers.labels.boris.observations import (
    Entry,
    Event,
    Observation,
    modifier_parts,
)
from napari_neuroembed.data.readers.labels.codes import shortened
from napari_neuroembed.data.readers.labels.names import suggestions
from napari_neuroembed.errors import DataError

_FIELDS = 4
"""Fewest fields of an event: time, subject, code, modifiers."""


def is_project(text: str) -> bool:
    """Whether a text may be a BORIS project."""
    begins = text.lstrip()[:1] == "{"
    return begins and '"observations"' in text and '"behaviors_conf"' in text


def project_entries(path: Path, text: str) -> dict[str, Entry]:
    """Return the observations of a project.

    Raises
    ------
    DataError
        When the text is no JSON, or not of a BORIS project.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no whole BORIS project: {error}.") from error
    observations = values.get("observations") if isinstance(values, dict) else None
    if not isinstance(observations, dict):
        raise DataError(f"{path} has no 'observations'; is it a BORIS project?")
    is_state = _kinds(values.get("behaviors_conf"))
    return {
        str(name): Entry(
            len(_list(observation, "events")),
            partial(_observation, str(name), observation, is_state),
        )
        for name, observation in observations.items()
    }


def _kinds(configured: Any) -> dict[str, bool]:
    """Return the behaviours, and whether each lasts."""
    found = {}
    for one in configured.values() if isinstance(configured, dict) else ():
        if isinstance(one, dict) and "code" in one:
            kind = str(one.get("type", "")).casefold()
            found[str(one["code"])] = kind.startswith("state")
    return found


def _observation(
    name: str, values: Mapping[str, Any], is_state: Mapping[str, bool]
) -> Observation:
    if not isinstance(values, Mapping):
        raise DataError(f"Observation {name!r} is no object but {values!r:.40}.")
    events: list[Event] = []
    problems: list[Problem] = []
    for number, fields in enumerate(_list(values, "events")):
        event = _event(fields, is_state)
        if isinstance(event, Event):
            events.append(event)
        else:
            check, text = event
            where = f"observation {name!r}, event {number}"
            problems.append(Problem(check, "error", f"{where}: {text}"))
    by_id = list(dict.fromkeys(p.id for p in problems))
    kept = [p for one in by_id for p in shortened([q for q in problems if q.id == one])]
    offset = _number(values.get("time offset", 0.0))
    if offset is None:
        text = f"observation {name!r}: its time offset is {values['time offset']!r}"
        kept.append(Problem("label.value", "error", text))
    return Observation(
        name,
        offset or 0.0,
        tuple(events),
        problems=(*kept, *_about_media(name, values), *_about_comments(name, values)),
    )


def _event(fields: Any, is_state: Mapping[str, bool]) -> Event | tuple[str, str]:
    """Return an event, or the id and text of what is wrong with it."""
    if not isinstance(fields, list) or len(fields) < _FIELDS:
        return "label.value", f"{fields!r:.60} is no [time, subject, code, modifiers]"
    time, subject, code = _number(fields[0]), str(fields[1] or ""), str(fields[2])
    if time is None:
        return "label.value", f"its time is {fields[0]!r}, not a number of seconds"
    if code not in is_state:
        near = suggestions(code, list(is_state))
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(map(repr, is_state)) or "none"
        return "label.unknown", f"{code!r} is none of the behaviours {known}{hint}"
    modifiers = modifier_parts(str(fields[3] or ""))
    status = "" if is_state[code] else "POINT"
    return Event(time, subject, code, modifiers, status)  # type: ignore[arg-type]


def _about_media(name: str, values: Mapping[str, Any]) -> list[Problem]:
    """Say where the observation's time comes from, when that is not one video."""
    where = f"observation {name!r}"
    if str(values.get("type", "")).upper() == "LIVE":
        text = (
            f"{where} was coded live: its zero is when the observer started the clock. "
            "Say when that was, in seconds of the recording (--start, --labels-start)."
        )
        return [Problem("label.live", "warning", text)]
    players = values.get("file")
    first = players.get("1", []) if isinstance(players, dict) else []
    if not isinstance(first, list) or len(first) < 2:
        return []
    info = values.get("media_info")
    lengths = info.get("length", {}) if isinstance(info, dict) else {}
    listed = ", ".join(f"{Path(str(f)).name} ({lengths.get(f, '?')} s)" for f in first)
    text = f"{where}: {len(first)} media in a row, time runs on over them: {listed}."
    return [Problem("label.media", "note", text)]


def _about_comments(name: str, values: Mapping[str, Any]) -> list[Problem]:
    events = [e for e in _list(values, "events") if isinstance(e, list)]
    n = sum(1 for event in events if len(event) > _FIELDS and event[_FIELDS])
    if not n:
        return []
    text = f"observation {name!r}: {counted(n, 'comment')} cannot be kept with bouts."
    return [Problem("label.comments", "warning", text)]


def _list(values: Any, name: str) -> list[Any]:
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, list) else []


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
