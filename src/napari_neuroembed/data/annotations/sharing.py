"""A copy of the annotations for somebody else: whole, and without this machine."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from napari_neuroembed.data.annotations.opening import open_database
from napari_neuroembed.errors import DataError

_VERSIONS_AT = slice(18, 20)
_ROLLBACK_JOURNAL = b"\1\1"


def shared_copy(path: Path) -> bytes:
    """Return a database with the same bouts, actions, raters and log.

    Names of computers and processes are left out of the log, and so is what was
    deleted and only lingers in free pages. The same content gives the same bytes.

    Parameters
    ----------
    path
        ``annotations.sqlite``; programs may go on writing to it.

    Raises
    ------
    DataError
        When it is missing, damaged, foreign or newer.
    """
    opened = open_database(
        Path(path), app="python", read_only=True, network=None, take_over=False
    )
    try:
        source: Any = opened.database.connection().connection.dbapi_connection
        with closing(sqlite3.connect(":memory:")) as copy:
            source.backup(copy)
            _forget_computers(copy)
            copy.execute("VACUUM")
            content = bytearray(copy.serialize())
    except sqlite3.Error as error:
        raise DataError(f"{path} cannot be copied: {error}.") from error
    finally:
        opened.database.close()
    content[_VERSIONS_AT] = _ROLLBACK_JOURNAL  # no write-ahead log goes with it
    return bytes(content)


def _forget_computers(copy: sqlite3.Connection) -> None:
    """Empty `client` of the log, whose rows triggers protect otherwise."""
    triggers = copy.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' "
        "AND tbl_name = 'events' ORDER BY name"
    ).fetchall()
    for name, _ in triggers:
        copy.execute(f'DROP TRIGGER "{name}"')
    copy.execute("UPDATE events SET client = ''")
    for _, sql in triggers:
        copy.execute(sql)
    copy.commit()
