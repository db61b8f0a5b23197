"""The schema of actions: names, keys, colours, groups, order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from napari_neuroembed.data.annotations.events import Change, logged, next_id
from napari_neuroembed.data.annotations.schema import ACTION_COLUMNS, KINDS, actions
from napari_neuroembed.data.palette import action_mark
from napari_neuroembed.errors import DataError


def action_table(connection: Connection) -> pd.DataFrame:
    """Return the actions in their order, one row each."""
    rows = [
        {**row._mapping, "group": row.exclusive_group, "retired": bool(row.retired)}
        for row in connection.execute(select(actions).order_by(actions.c.position))
    ]
    table = pd.DataFrame(rows, columns=list(ACTION_COLUMNS))
    for name in ("key", "group"):
        table[name] = pd.Series([row[name] for row in rows], dtype=object)
    return table


def find_action(connection: Connection, name: str) -> dict[str, Any]:
    """Return the row of an action.

    Raises
    ------
    DataError
        When there is none; lists those there are.
    """
    for row in connection.execute(select(actions)):
        if row.name == name:
            return logged(row)
    known = connection.scalars(select(actions.c.name).order_by(actions.c.position))
    raise DataError(
        f"{name!r} is no action here. Known: {', '.join(known) or 'none yet'}. Add it "
        "first."
    )


def new_action(
    connection: Connection,
    name: str,
    *,
    number: int | None = None,
    **fields: Any,
) -> Change:
    """Return the change that adds an action.

    Parameters
    ----------
    connection
        Inside a write transaction.
    name
        Its name, not empty.
    number
        Row to use; default the next. (Several new actions of one edit count up.)
    fields
        kind, exclusive_group, key, color, description.

    Raises
    ------
    DataError
        When the name or key is taken, or the kind unknown.
    """
    if not name.strip() or name != name.strip():
        raise DataError(f"{name!r} cannot be the name of an action.")
    number = next_id(connection, actions) if number is None else number
    row = {
        "id": number,
        "name": name,
        "kind": fields.get("kind", "state"),
        "exclusive_group": fields.get("exclusive_group"),
        "key": fields.get("key"),
        "color": fields.get("color") or action_mark(number - 1).color,
        "position": number,
        "description": fields.get("description", ""),
        "retired": 0,
    }
    _check(connection, row)
    return Change("actions", None, row)


def changed_action(
    connection: Connection, name: str, fields: Mapping[str, Any]
) -> Change:
    """Return the change that gives an action other values.

    Raises
    ------
    DataError
        When the action is unknown or a new name or key is taken.
    """
    before = find_action(connection, name)
    after = {**before, **fields}
    _check(connection, after)
    return Change("actions", before, after)


def reordered(connection: Connection, names: Sequence[str]) -> list[Change]:
    """Return the changes that bring all actions into the given order.

    Raises
    ------
    DataError
        When `names` are not exactly the actions there are.
    """
    rows = {row.name: logged(row) for row in connection.execute(select(actions))}
    if sorted(rows) != sorted(names):
        raise DataError(
            f"The new order must name every action once: {', '.join(sorted(rows))}; "
            f"found {', '.join(names)}."
        )
    return [
        Change("actions", rows[name], {**rows[name], "position": position})
        for position, name in enumerate(names, start=1)
    ]


def _check(connection: Connection, row: Mapping[str, Any]) -> None:
    if row["kind"] not in KINDS:
        raise DataError(f"kind is {row['kind']!r}; allowed: {', '.join(KINDS)}.")
    for other in connection.execute(select(actions).where(actions.c.id != row["id"])):
        if other.name == row["name"]:
            raise DataError(f"There is already an action {row['name']!r}.")
        if row["key"] and other.key == row["key"] and not other.retired:
            raise DataError(
                f"The key {row['key']!r} already belongs to {other.name!r}; choose "
                f"another for {row['name']!r}."
            )
