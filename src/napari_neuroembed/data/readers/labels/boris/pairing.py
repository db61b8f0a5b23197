"""From the key presses of an observation to states with a start and a stop."""

from __future__ import annotations

from collections.abc import Sequence

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.labels.boris.observations import (
    Event,
    Interval,
    Observation,
)


def paired(observation: Observation) -> tuple[list[Interval], list[Problem]]:
    """Return all states and point events of an observation, and what is unpaired.

    Presses of one state of one subject with the same modifiers take turns, start and
    stop. Where one is missing nobody can tell which: the order of all later ones may
    be the wrong way round. So none of that state's bouts is taken when the error is
    accepted, unless the file says of every event whether it is a start or a stop.
    """
    found = list(observation.intervals)
    problems: list[Problem] = []
    states: dict[tuple[str, str, tuple[str, ...]], list[Event]] = {}
    for event in sorted(observation.events, key=lambda event: event.time_s):
        if event.status == "POINT":
            found.append(_interval(event, event))
        else:
            key = (event.subject, event.code, event.modifiers)
            states.setdefault(key, []).append(event)
    for events in states.values():
        is_told = all(event.status for event in events)
        made, errors = (_by_status if is_told else _by_turns)(events)
        found += made
        problems += [_unpaired(observation, event, text) for event, text in errors]
    return found, problems


Unpaired = list[tuple[Event, str]]


def _by_turns(events: Sequence[Event]) -> tuple[list[Interval], Unpaired]:
    if len(events) % 2:
        last = events[-1]
        text = (
            "has an odd number of events; no STOP after its START at "
            f"{last.time_s:.3f} s ({len(events)} events). Add the missing one in "
            "BORIS; accepted, this state is left out."
        )
        return [], [(last, text)]
    return [
        _interval(*pair) for pair in zip(events[::2], events[1::2], strict=True)
    ], []


def _by_status(events: Sequence[Event]) -> tuple[list[Interval], Unpaired]:
    found: list[Interval] = []
    errors: Unpaired = []
    opened: Event | None = None
    for event in events:
        if event.status == "START":
            if opened is not None:
                errors.append((opened, _no_stop(opened)))
            opened = event
        elif opened is None:
            text = f"has no START before its STOP at {event.time_s:.3f} s"
            errors.append((event, f"{text}; accepted, it is left out."))
        else:
            found.append(_interval(opened, event))
            opened = None
    if opened is not None:
        errors.append((opened, _no_stop(opened)))
    return found, errors


def _no_stop(event: Event) -> str:
    text = f"has no STOP after its START at {event.time_s:.3f} s"
    return f"{text}; accepted, it is left out."


def _interval(start: Event, stop: Event) -> Interval:
    return Interval(
        start.subject, start.code, start.modifiers, start.time_s, stop.time_s
    )


def _unpaired(observation: Observation, event: Event, what: str) -> Problem:
    modifiers = f" ({', '.join(event.modifiers)})" if event.modifiers else ""
    text = (
        f"observation {observation.name!r}: state {event.code!r}{modifiers} of subject "
        f"{event.subject!r} {what}"
    )
    return Problem("label.unpaired", "error", text)
