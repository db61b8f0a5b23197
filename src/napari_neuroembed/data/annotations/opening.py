"""Opening ``annotations.sqlite``: damage, newer versions, network drives."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from napari_neuroembed.data.annotations.backup import backups
from napari_neuroembed.data.annotations.connection import Database
from napari_neuroembed.data.annotations.lease import Lease, is_network_drive
from napari_neuroembed.data.annotations.schema import (
    check_version,
    create_tables,
    meta,
)
from napari_neuroembed.errors import DataError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """An opened file and how it was opened.

    Parameters
    ----------
    database
        The connection.
    lease
        The right to write on a network drive; None on a local one.
    notice
        Why it is read-only although writing was asked for; empty otherwise.
    """

    database: Database
    lease: Lease | None = None
    notice: str = ""


def open_database(
    path: Path, *, app: str, read_only: bool, network: bool | None, take_over: bool
) -> Opened:
    """Open the annotations, as far as can be done safely.

    Parameters
    ----------
    path
        The file; made when missing.
    app
        Name of this program, for the lease.
    read_only
        Do not write.
    network
        Whether the file lies on a network drive; None: look.
    take_over
        Take the lease from a program without a sign of life for a minute.

    Raises
    ------
    DataError
        When the file is missing (read-only), no database, of another kind or newer.
    """
    if read_only and not path.exists():
        raise DataError(f"{path} does not exist: nothing has been annotated yet.")
    damage = _damage(path)
    if damage:
        return _opened_damaged(path, damage)
    if is_network_drive(path) if network is None else network:
        return _opened_on_network(path, app, read_only=read_only, take_over=take_over)
    database = Database(path, read_only=read_only)
    _make_ready(database)
    return Opened(database)


def _opened_on_network(
    path: Path, app: str, *, read_only: bool, take_over: bool
) -> Opened:
    lease = Lease(path.parent / ".neuroembed" / f"{path.name}.lease", app)
    holder = None if read_only else lease.acquire(take_over=take_over)
    if read_only or holder:
        notice = ""
        if holder:
            notice = (
                f"{path} lies on a network drive and is being written by {holder}; it "
                "was opened read-only."
            )
            if holder.is_stale():
                notice += (
                    " That program gave no sign of life for more than a minute; if it "
                    "is gone, open with take_over=True."
                )
            logger.warning(notice)
        database = Database(path, read_only=True, journal="delete")
        _make_ready(database)
        return Opened(database, notice=notice)
    try:
        database = Database(path, journal="delete")
        _make_ready(database)
    except BaseException:
        lease.release()
        raise
    return Opened(database, lease)


def _opened_damaged(path: Path, damage: str) -> Opened:
    newest = backups(path.parent / "backups")[-1:]
    remedy = (
        f"The newest backup is {newest[0]}; copy it in its place to go on from there."
        if newest
        else f"There is no backup in {path.parent / 'backups'}."
    )
    notice = f"{path} is damaged ({damage}) and was opened read-only. {remedy}"
    try:
        database = Database(path, read_only=True)
        _make_ready(database)
    except DataError as error:
        raise DataError(
            f"{path} is damaged and cannot be read ({damage}). {remedy}"
        ) from error
    logger.warning(notice)
    return Opened(database, notice=notice)


def _make_ready(database: Database) -> None:
    try:
        if database.read_only:
            with database.read() as connection:
                check_version(connection)
            return
        with database.explained():
            found = (
                database.connection().scalar(
                    select(meta.c.value).where(meta.c.key == "schema")
                )
                if _has_tables(database)
                else None
            )
        if found is None:
            with database.write() as connection:
                create_tables(connection)
        else:
            with database.read() as connection:
                check_version(connection)
    except BaseException:
        database.close()
        raise


def _has_tables(database: Database) -> bool:
    """Whether our tables are there; a file of another program is refused."""
    names = database.connection().exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    )
    found = {str(name) for (name,) in names}
    if found and "meta" not in found:
        raise DataError(
            f"{database.path} holds other tables ({', '.join(sorted(found))}) and is "
            "not a file of annotations."
        )
    return "meta" in found


def _damage(path: Path) -> str:
    """Return what SQLite's quick check finds; empty when the file is sound or new."""
    if not path.exists() or path.stat().st_size == 0:
        return ""
    place = f"file:{path.absolute().as_posix()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=5.0)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError:
        return ""
    except UnicodeDecodeError:  # of SQLite's own message, which quotes the file
        return "its list of tables is no text"
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else str(found)
