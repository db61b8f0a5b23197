"""The tables of ``annotations.sqlite`` and what one row of them is.

The file owns the actions (names, keys, colours), the raters, every bout of every
rater, and the log of all edits. Rows are never deleted, only marked, so that every
edit can be undone and replayed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
)

from napari_neuroembed.errors import DataError

SCHEMA_VERSION = 1
"""Version of the tables; a file with a newer one is refused."""

SOURCES = ("human", "model", "imported", "verified_model")
"""Where a bout comes from."""

KINDS = ("state", "point")
"""A state lasts, a point event does not."""

APPS = ("napari", "dashboard", "cli", "python")
"""Programs that edit."""

BOUT_COLUMNS = (
    "id",
    "recording",
    "action",
    "state",
    "start_s",
    "stop_s",
    "rater",
    "source",
    "run",
    "confidence",
    "created_utc",
    "revision",
)
"""Columns of every table of bouts that is handed out."""

ACTION_COLUMNS = (
    "name",
    "key",
    "color",
    "group",
    "kind",
    "description",
    "position",
    "retired",
)
"""Columns of the table of actions."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

raters = Table(
    "raters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("exclusive_group", Text),
    Column("key", Text),
    Column("color", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("description", Text, nullable=False),
    Column("retired", Integer, nullable=False),
    CheckConstraint("kind IN ('state', 'point')"),
    CheckConstraint("retired IN (0, 1)"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("utc", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("rater", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("undoes", Integer, ForeignKey("events.id")),
    Index("events_by_rater", "rater", "id"),
)

bouts = Table(
    "bouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recording", Text, nullable=False),
    Column("action_id", Integer, ForeignKey("actions.id"), nullable=False),
    Column("state", Integer, nullable=False),
    Column("start_s", Float, nullable=False),
    Column("stop_s", Float, nullable=False),
    Column("rater_id", Integer, ForeignKey("raters.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("run", Text),
    Column("confidence", Float),
    Column("created_utc", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("event_id", Integer, ForeignKey("events.id"), nullable=False),
    CheckConstraint("stop_s >= start_s"),
    CheckConstraint("state IN (0, 1)"),
    CheckConstraint("deleted IN (0, 1)"),
    CheckConstraint("source IN ('human', 'model', 'imported', 'verified_model')"),
    Index("bouts_by_recording", "recording", "rater_id", "start_s"),
)

PROTECTED = ("DELETE ON bouts", "DELETE ON events", "UPDATE ON events")
"""What no edit may do; the database itself refuses it."""

_TRIGGERS = {
    f"protect_{number}": (
        f"CREATE TRIGGER protect_{number} BEFORE {forbidden} "
        "BEGIN SELECT RAISE(ABORT, 'rows of the log are never lost'); END"
    )
    for number, forbidden in enumerate(PROTECTED)
}
"""By name, as the file keeps their text."""


@dataclass(frozen=True, kw_only=True)
class Bout:
    """One bout as it is in the store, with the revision an edit has to name.

    Parameters
    ----------
    id
        Number of the bout, for good.
    recording, action, rater
        Names.
    state
        1 present, 0 explicitly absent.
    start_s, stop_s
        Edges in seconds on the recording's clock, half-open.
    source
        One of :data:`SOURCES`.
    run, confidence
        Of bouts that a model proposed.
    created_utc
        When it was first drawn or imported.
    revision
        Grows by one with every edit.
    deleted
        Whether it was removed.
    """

    id: int
    recording: str
    action: str
    state: int
    start_s: float
    stop_s: float
    rater: str
    source: str
    run: str | None
    confidence: float | None
    created_utc: str
    revision: int
    deleted: bool = False


class Conflict(DataError):
    """Somebody else changed the bout meanwhile; nothing was written.

    Parameters
    ----------
    message
        Who changed it, where and when.
    mine
        The version that the refused edit wanted to write.
    theirs
        The version in the store.
    """

    def __init__(self, message: str, mine: Bout, theirs: Bout) -> None:
        super().__init__(message)
        self.mine = mine
        self.theirs = theirs


def create_tables(connection: Connection) -> None:
    """Make what is missing in a new file and check the version of an old one.

    Raises
    ------
    DataError
        When the file was written by a newer version.
    """
    metadata.create_all(connection)
    for name, text in _TRIGGERS.items():
        connection.exec_driver_sql(text.replace(name, f"IF NOT EXISTS {name}", 1))
    found = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
    if found is None:
        values = {"schema": str(SCHEMA_VERSION), "project_id": uuid.uuid4().hex}
        rows = [{"key": key, "value": value} for key, value in values.items()]
        connection.execute(insert(meta), rows)
    check_version(connection)


def check_version(connection: Connection) -> None:
    """Refuse a file whose tables this version does not know, or that holds programs.

    A view can be made never to end, and a trigger changes rows behind every edit.

    Raises
    ------
    DataError
        Naming both versions, or what is no table of ours.
    """
    kinds = connection.exec_driver_sql("SELECT name, type, sql FROM sqlite_master")
    foreign = [
        f"{kind} {name}"
        for name, kind, text in kinds
        if kind not in ("table", "index")
        and not (kind == "trigger" and _TRIGGERS.get(name) == text)
    ]
    if foreign:
        raise DataError(
            f"The annotations hold {', '.join(foreign[:5])}, which this program never "
            "makes and which could change bouts unseen. Put the newest backup back. "
            "[annotations.foreign]"
        )
    stored = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
    found = str(stored)[:9]
    if not found.isdecimal() or int(found) > SCHEMA_VERSION:
        raise DataError(
            f"The annotations have version {stored or 'unknown'!s:.40} of the tables, "
            f"this program knows {SCHEMA_VERSION}. Update napari-neuroembed; the file "
            "is unchanged."
        )
