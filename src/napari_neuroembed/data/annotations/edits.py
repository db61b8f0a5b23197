"""The edits a rater can make, as changes of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from napari_neuroembed.data.annotations.actions import find_action, new_action
from napari_neuroembed.data.annotations.events import (
    Change,
    changes_of,
    content,
    inverse,
    next_id,
    row_of,
    seen,
)
from napari_neuroembed.data.annotations.reading import bout_of, find_bout
from napari_neuroembed.data.annotations.schema import (
    Conflict,
    actions,
    bouts,
    events,
    raters,
)
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import utc_now

CHANGEABLE = ("start_s", "stop_s", "action", "state", "source", "confidence")
"""What can be changed of a bout; a bout of another recording is another bout."""

_APPS = {
    "napari": "in napari",
    "dashboard": "in the dashboard",
    "cli": "on the command line",
    "python": "in Python",
}


def added(connection: Connection, rater: str, asked: Mapping[str, Any]) -> Change:
    """Return the change that adds a bout.

    Raises
    ------
    DataError
        When the action or the rater is unknown, or the action retired.
    """
    action = _usable(connection, asked["action"])
    facts = {k: v for k, v in asked.items() if k not in ("action", "rater")}
    row = {
        "id": next_id(connection, bouts),
        **facts,
        "action_id": action["id"],
        "rater_id": rater_id(connection, rater),
        "created_utc": utc_now(),
        "revision": 1,
        "deleted": 0,
    }
    return Change("bouts", None, _ordered(row))


def changed(connection: Connection, rater: str, asked: Mapping[str, Any]) -> Change:
    """Return the change of a bout that is still at the revision the caller saw.

    Raises
    ------
    Conflict
        When it has another revision, or was removed.
    DataError
        When the bout, rater or action is unknown.
    """
    rater_id(connection, rater)
    before = row_of(connection, "bouts", asked["id"])
    if before is None:
        raise DataError(f"There is no bout {asked['id']}.")
    fields = dict(asked["fields"])
    if "action" in fields:
        fields["action_id"] = _usable(connection, fields.pop("action"))["id"]
    for name in ("start_s", "stop_s"):
        if name in fields:
            fields[name] = float(fields[name])
    if before["revision"] != asked["revision"] or before["deleted"]:
        mine = seen(connection, asked["id"], asked["revision"])
        if mine is None:
            raise DataError(
                f"Bout {asked['id']} never had revision {asked['revision']}; it is at "
                f"{before['revision']}."
            )
        raise _conflict(connection, {**mine, **fields})
    return Change(
        "bouts", before, {**before, **fields, "revision": before["revision"] + 1}
    )


def undone(connection: Connection, event: Row[Any]) -> list[Change]:
    """Return the inverse of an event.

    Raises
    ------
    Conflict
        When a bout it touched has been changed since.
    """
    found = []
    for change in changes_of(event):
        now = row_of(connection, change.table, change.after["id"])
        if now is None:
            raise DataError(f"Bout {change.after['id']} is not in the store any more.")
        back = inverse(change, now)
        if content(now) != change.content():
            raise _conflict(connection, back.after)
        found.append(back)
    return found


def imported(
    connection: Connection,
    labels: Mapping[tuple[str, str], Bouts],
    *,
    source: str,
    group: str | None,
) -> tuple[list[Change], dict[str, list[Change]]]:
    """Return new actions and raters, and the new bouts of every rater.

    Parameters
    ----------
    connection
        Inside a write transaction.
    labels
        Bouts by recording and rater. Those already in the store are left out, so that
        importing twice adds nothing.
    source
        Of the new bouts.
    group
        Exclusive group of new actions; None: multi-label.
    """
    schema = [
        *new_raters(connection, [rater for _, rater in labels]),
        *_new_actions(connection, labels.values(), group),
    ]
    names = {row.name: row.id for row in connection.execute(select(actions))}
    names |= {c.after["name"]: c.after["id"] for c in schema if c.table == "actions"}
    people = {row.name: row.id for row in connection.execute(select(raters))}
    people |= {c.after["name"]: c.after["id"] for c in schema if c.table == "raters"}
    number = next_id(connection, bouts)
    now = utc_now()
    found: dict[str, list[Change]] = {}
    for (recording, rater), those in labels.items():
        there = _there(connection, recording, people[rater])
        for i, action in enumerate(those.action):
            facts = (
                names[action],
                int(those.present[i]),
                float(those.start_s[i]),
                float(those.stop_s[i]),
            )
            if facts in there:
                continue
            row = {
                "id": number,
                "recording": recording,
                "action_id": facts[0],
                "state": facts[1],
                "start_s": facts[2],
                "stop_s": facts[3],
                "rater_id": people[rater],
                "source": source,
                "run": None,
                "confidence": None,
                "created_utc": now,
                "revision": 1,
                "deleted": 0,
            }
            found.setdefault(rater, []).append(Change("bouts", None, _ordered(row)))
            number += 1
    return schema, found


def new_raters(connection: Connection, names: Iterable[str]) -> list[Change]:
    """Return the changes that add the raters not there yet.

    Raises
    ------
    DataError
        When a name is empty.
    """
    known = set(connection.scalars(select(raters.c.name)))
    number = next_id(connection, raters)
    found: list[Change] = []
    for name in dict.fromkeys(names):
        if not name.strip():
            raise DataError("A rater needs a name; give it with --rater NAME.")
        if name not in known:
            row = {"id": number + len(found), "name": name}
            found.append(Change("raters", None, row))
    return found


def rater_id(connection: Connection, name: str) -> int:
    """Return the number of a rater.

    Raises
    ------
    DataError
        When the rater is unknown; lists those there are.
    """
    known = {row.name: int(row.id) for row in connection.execute(select(raters))}
    if name not in known:
        raise DataError(
            f"{name!r} is no rater here. Known: {', '.join(known) or 'none yet'}. Add "
            "it first (add_rater)."
        )
    return known[name]


def check_fields(fields: Iterable[str], allowed: Sequence[str]) -> None:
    """Refuse fields that cannot be changed.

    Raises
    ------
    DataError
        Naming them and those that can.
    """
    wrong = [name for name in fields if name not in allowed]
    if wrong:
        raise DataError(
            f"{', '.join(wrong)} cannot be changed; allowed: {', '.join(allowed)}."
        )


def describe(connection: Connection, event: Row[Any]) -> str:
    """Say what an event did, e.g. ``change of walk 1.000-2.500 s in fly1_001``."""
    command = event.command
    rows = [row for table, row in json.loads(event.after) if table == "bouts"]
    if len(rows) != 1:
        recordings = sorted({row["recording"] for row in rows})
        return f"{command} of {len(rows)} bouts in {', '.join(recordings)}"
    bout = bout_of(connection, rows[0])
    span = f"{bout.start_s:.3f}-{bout.stop_s:.3f} s"
    return f"{command} of {bout.action} {span} in {bout.recording}"


def _usable(connection: Connection, name: str) -> dict[str, Any]:
    action = find_action(connection, name)
    if action["retired"]:
        raise DataError(f"The action {name!r} is retired; bring it back to use it.")
    return action


def _new_actions(
    connection: Connection, labels: Iterable[Bouts], group: str | None
) -> list[Change]:
    """Return the changes that add actions not there yet; points if all are."""
    lasting: dict[str, bool] = {}
    for those in labels:
        for name, length in zip(those.action, those.durations(), strict=True):
            lasting[name] = lasting.get(name, False) or bool(length > 0)
    known = {row.name for row in connection.execute(select(actions))}
    number = next_id(connection, actions)
    return [
        new_action(
            connection,
            name,
            number=number + offset,
            kind="state" if lasting[name] else "point",
            exclusive_group=group if lasting[name] else None,
        )
        for offset, name in enumerate(sorted(lasting.keys() - known))
    ]


def _there(
    connection: Connection, recording: str, rater: int
) -> set[tuple[int, int, float, float]]:
    query = select(bouts).where(
        bouts.c.recording == recording,
        bouts.c.rater_id == rater,
        bouts.c.source != "model",
        bouts.c.deleted == 0,
    )
    return {
        (row.action_id, row.state, row.start_s, row.stop_s)
        for row in connection.execute(query)
    }


def _conflict(connection: Connection, wanted: Mapping[str, Any]) -> Conflict:
    theirs = find_bout(connection, wanted["id"])
    last = connection.execute(
        select(events)
        .join(bouts, bouts.c.event_id == events.c.id)
        .where(bouts.c.id == wanted["id"])
    ).one()
    how = "removed" if theirs.deleted else "changed"
    return Conflict(
        f"{theirs.action} {theirs.start_s:.3f}-{theirs.stop_s:.3f} s in "
        f"{theirs.recording!r} was {how} by {last.rater} {_APPS[last.app]} at "
        f"{last.utc}. Nothing was written: keep yours or take theirs.",
        mine=bout_of(connection, wanted),
        theirs=theirs,
    )


def _ordered(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in the order of the table, as reading it back gives it."""
    return {c.name: row[c.name] for c in bouts.columns if c.name != "event_id"}
