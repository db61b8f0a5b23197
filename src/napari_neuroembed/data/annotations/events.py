"""The append-only log: every edit with what was before and after.

Replaying it gives the tables. Undo appends the inverse of an edit, so that nothing
ever leaves the log and undo works across restarts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select, update

from napari_neuroembed.data.annotations.schema import actions, bouts, events, raters
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import utc_now

TABLES: Mapping[str, Table] = {"raters": raters, "actions": actions, "bouts": bouts}

COMMANDS = ("add", "change", "remove", "import", "undo", "redo")
"""Edits of bouts: what a rater can undo. Other commands edit actions and raters."""


@dataclass(frozen=True)
class Change:
    """One row before and after an edit.

    Parameters
    ----------
    table
        A key of :data:`TABLES`.
    before
        The row as it was; None: there was none.
    after
        The row as it is now.
    """

    table: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]

    def content(self) -> dict[str, Any]:
        """Return the row after the edit, without its revision."""
        return content(self.after)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """An edit to be logged and carried out.

    Parameters
    ----------
    command
        One of :data:`COMMANDS`, or the name of an edit of actions and raters.
    changes
        The rows it changes.
    rater, app, client
        Who edits, in which program, in which process.
    undoes
        Number of the event whose inverse this is.
    """

    command: str
    changes: Sequence[Change]
    rater: str
    app: str
    client: str
    undoes: int | None = None


def content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what every edit changes."""
    return {k: v for k, v in row.items() if k not in ("revision", "event_id")}


def log(connection: Connection, edit: Edit) -> int:
    """Append the edit to the log and carry it out; return the event's number."""
    number = next_id(connection, events)
    connection.execute(
        insert(events).values(
            id=number,
            utc=utc_now(),
            client=edit.client,
            app=edit.app,
            rater=edit.rater,
            command=edit.command,
            before=_pack((c.table, c.before) for c in edit.changes),
            after=_pack((c.table, c.after) for c in edit.changes),
            undoes=edit.undoes,
        )
    )
    for name, table in TABLES.items():
        mine = [change for change in edit.changes if change.table == name]
        extra = {"event_id": number} if name == "bouts" else {}
        new = [{**c.after, **extra} for c in mine if c.before is None]
        if new:
            connection.execute(insert(table), new)
        for change in mine:
            if change.before is not None:
                values = {**change.after, **extra}
                where = table.c.id == change.after["id"]
                connection.execute(update(table).where(where).values(**values))
    return number


def next_id(connection: Connection, table: Table) -> int:
    """Return the number of the next row; safe inside a write transaction."""
    return int(connection.scalar(select(func.max(table.c.id))) or 0) + 1


def row_of(connection: Connection, table: str, number: int) -> dict[str, Any] | None:
    """Return a row as the log keeps it, or None."""
    found = connection.execute(
        select(TABLES[table]).where(TABLES[table].c.id == number)
    ).one_or_none()
    return None if found is None else logged(found)


def logged(row: Row[Any]) -> dict[str, Any]:
    """Return a row of the database as the log keeps it."""
    return {key: value for key, value in row._mapping.items() if key != "event_id"}


def changes_of(event: Row[Any]) -> list[Change]:
    """Return what an event changed.

    Raises
    ------
    DataError
        When the file is damaged where the log keeps it.
    """
    try:
        pairs = zip(json.loads(event.before), json.loads(event.after), strict=True)
        found = [Change(table, before, after) for (table, before), (_, after) in pairs]
        if all(c.table in TABLES and isinstance(c.after["id"], int) for c in found):
            return found
        reason = "it names rows that cannot be"
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = str(error)
    raise DataError(
        f"Event {event.id} of the log cannot be read ({reason}); the file is damaged. "
        "Put the newest backup back."
    )


def inverse(change: Change, now: Mapping[str, Any]) -> Change:
    """Return the change that takes a row back; its revision goes on growing.

    Parameters
    ----------
    change
        What was done.
    now
        The row as it is now, equal to ``change.after`` but for its revision.
    """
    after = {**(change.before or {**change.after, "deleted": 1})}
    after["revision"] = now["revision"] + 1
    return Change(change.table, now, after)


def seen(connection: Connection, bout: int, revision: int) -> dict[str, Any] | None:
    """Return a bout as it was at a revision, from the log."""
    sign = f'"id":{bout},'
    query = (
        select(events).where(events.c.after.contains(sign)).order_by(events.c.id.desc())
    )
    for event in connection.execute(query):
        for change in changes_of(event):
            row = change.after
            if change.table != "bouts":
                continue
            if (row["id"], row["revision"]) == (bout, revision):
                return dict(row)
    return None


def stacks(connection: Connection, rater: str) -> tuple[list[int], list[int]]:
    """Return the events a rater can undo and those to redo, the next one last."""
    query = (
        select(events.c.id, events.c.undoes)
        .where(events.c.rater == rater, events.c.command.in_(COMMANDS))
        .order_by(events.c.id)
    )
    to_undo: list[int] = []
    to_redo: list[int] = []
    for number, undoes in connection.execute(query):
        if undoes is None:
            to_undo.append(number)
            to_redo.clear()
        elif to_undo and to_undo[-1] == undoes:
            to_undo.pop()
            to_redo.append(number)
        elif to_redo and to_redo[-1] == undoes:
            to_redo.pop()
            to_undo.append(number)
    return to_undo, to_redo


def replay_problems(connection: Connection) -> list[str]:
    """Replay the whole log and say where it differs from the tables."""
    rows: dict[tuple[str, int], Mapping[str, Any]] = {}
    found = []
    for event in connection.execute(select(events).order_by(events.c.id)):
        try:
            changes = changes_of(event)
        except DataError as error:
            found.append(str(error))
            continue
        for change in changes:
            key = (change.table, int(change.after["id"]))
            if rows.get(key) != change.before:
                found.append(
                    f"Event {event.id} ({event.command}) starts from a {key[0]} row "
                    f"{key[1]} that the events before it do not give."
                )
            rows[key] = change.after
    for name, table in TABLES.items():
        there = {
            (name, int(row.id)): logged(row)
            for row in connection.execute(select(table))
        }
        told = {key: dict(row) for key, row in rows.items() if key[0] == name}
        for key in sorted(there.keys() | told.keys()):
            if there.get(key) != told.get(key):
                found.append(
                    f"{name} row {key[1]} is {there.get(key)}, the log gives "
                    f"{told.get(key)}."
                )
    return found


def _pack(rows: Iterable[tuple[str, Mapping[str, Any] | None]]) -> str:
    pairs = [(table, None if row is None else dict(row)) for table, row in rows]
    return json.dumps(pairs, separators=(",", ":"), ensure_ascii=False)
