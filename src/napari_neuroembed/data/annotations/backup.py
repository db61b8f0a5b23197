"""Copies of the annotations, made while programs go on writing."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from napari_neuroembed.data.annotations.connection import Database
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import utc_now, write_file

KEEP = 10
"""Backups kept; older ones are deleted."""


def back_up(database: Database, folder: Path) -> Path:
    """Copy the database to ``folder/annotations-<utc>.sqlite``.

    The copy is whole even while others write (SQLite's own backup; the file alone,
    without its write-ahead log, would be torn).

    Raises
    ------
    DataError
        When the copy cannot be written.
    """
    stamp = utc_now().replace(":", "")
    path = Path(folder) / f"annotations-{stamp}.sqlite"
    write_file(path, lambda temporary: _copy(database, temporary))
    older = [other for other in backups(folder) if other != path]
    for other in older[: max(0, len(older) - (KEEP - 1))]:
        with contextlib.suppress(OSError):  # one too many does no harm
            other.unlink(missing_ok=True)
    return path


def backups(folder: Path) -> list[Path]:
    """Return the backups of a folder, oldest first."""
    return sorted(Path(folder).glob("annotations-*.sqlite"))


def last_event(path: Path) -> int:
    """Return the number of the last event in a backup, 0 when it cannot be read."""
    place = f"file:{path.absolute().as_posix()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(place, uri=True)) as connection:
            found = connection.execute("SELECT max(id) FROM events").fetchone()[0]
    except sqlite3.DatabaseError:
        return 0
    return int(found or 0)


def _copy(database: Database, path: Path) -> None:
    source: Any = database.connection().connection.dbapi_connection
    try:
        with closing(sqlite3.connect(path)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise DataError(f"Cannot back up {database.path}: {error}.") from error
