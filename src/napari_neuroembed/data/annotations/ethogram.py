"""The ethogram and its raters: which actions there are, who labels them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from napari_neuroembed.data.annotations import edits
from napari_neuroembed.data.annotations.actions import (
    action_table,
    changed_action,
    new_action,
    reordered,
)
from napari_neuroembed.data.annotations.events import Change
from napari_neuroembed.data.annotations.rules import check_group
from napari_neuroembed.data.annotations.schema import raters
from napari_neuroembed.data.annotations.session import Session

DEFAULT_GROUP = "actions"
"""Actions exclude one another unless they are given another group, or none."""


class Ethogram:
    """Actions and raters of a store; their edits are logged, not undone by raters.

    Parameters
    ----------
    session
        The opened file.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def actions(self) -> pd.DataFrame:
        """Return the schema in its order.

        Columns: name, key, color, group (exclusive group or None), kind (state or
        point), description, position, retired.
        """
        return self._session.read(action_table)

    def add_action(
        self,
        name: str,
        *,
        key: str | None = None,
        color: str | None = None,
        group: str | None = DEFAULT_GROUP,
        kind: str = "state",
        description: str = "",
    ) -> None:
        """Add an action.

        Parameters
        ----------
        name
            Its name; unique.
        key
            Keyboard key of the annotation widget.
        color
            Hexadecimal; default the next of the palette.
        group
            Actions of one group exclude one another; None: may happen at any time.
        kind
            ``state`` lasts, ``point`` does not.
        description
            What counts as this action.

        Raises
        ------
        DataError
            When the name or key is taken.
        """
        fields: dict[str, Any] = {
            "key": key,
            "color": color,
            "exclusive_group": group,
            "kind": kind,
            "description": description,
        }
        self._edit_schema(
            "add_action",
            {"name": name, **fields},
            lambda connection: [new_action(connection, name, **fields)],
        )

    def rename_action(self, name: str, new: str) -> None:
        """Give an action another name, in every bout of it as well."""
        self._change_action("rename_action", name, {"name": new})

    def retire_action(self, name: str, *, retired: bool = True) -> None:
        """Take an action out of use, or bring it back; its bouts stay."""
        self._change_action("retire_action", name, {"retired": int(retired)})

    def set_action(self, name: str, **fields: Any) -> None:
        """Change an action's key, color, group or description.

        Raises
        ------
        DataError
            When a field is none of these, a key is taken, or bouts of the new group
            overlap.
        """
        allowed = ("key", "color", "group", "description")
        edits.check_fields(fields, allowed)
        if "group" in fields:
            fields["exclusive_group"] = fields.pop("group")
        self._change_action("set_action", name, fields)

    def reorder_actions(self, names: Sequence[str]) -> None:
        """Bring all actions into the given order."""
        self._edit_schema(
            "reorder_actions",
            {"names": list(names)},
            lambda connection: reordered(connection, names),
        )

    def raters(self) -> tuple[str, ...]:
        """Return the names of all raters, in the order they came."""
        query = select(raters.c.name).order_by(raters.c.id)
        return self._session.read(lambda connection: tuple(connection.scalars(query)))

    def add_rater(self, name: str) -> None:
        """Add a rater; one that is there already is left as it is.

        Raises
        ------
        DataError
            When the name is empty.
        """
        self._edit_schema(
            "add_rater",
            {"name": name},
            lambda connection: edits.new_raters(connection, [name]),
        )

    def _edit_schema(
        self,
        command: str,
        asked: Mapping[str, Any],
        make: Callable[[Connection], Iterable[Change]],
    ) -> None:
        def work(connection: Connection) -> None:
            changes = list(make(connection))
            self._session.log(connection, command, "", changes)
            for change in changes:
                group = change.after.get("exclusive_group")
                if (
                    group
                    and change.before
                    and change.before["exclusive_group"] != group
                ):
                    check_group(connection, group)

        self._session.edit({"command": command, **asked}, work)

    def _change_action(self, command: str, name: str, fields: dict[str, Any]) -> None:
        self._edit_schema(
            command,
            {"action": name, **fields},
            lambda connection: [changed_action(connection, name, fields)],
        )
