"""The connection to ``annotations.sqlite``: locking, durability, one per thread.

Several programs write at the same time, so a write takes the lock at its beginning
(``BEGIN IMMEDIATE``), waits up to five seconds for others, and is on the disk when it
is acknowledged (``synchronous=FULL``). Reads hold no transaction between two calls,
else the write-ahead log would grow without end.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from napari_neuroembed.errors import DataError, DiskError

Journal = Literal["wal", "delete"]

BUSY_MS = 5000
"""How long a write waits for other writers."""


class Database:
    """One SQLite file, seen through one connection per thread.

    Parameters
    ----------
    path
        The file; made when missing, unless `read_only`.
    read_only
        Refuse to write.
    journal
        ``wal`` on a local disk; ``delete`` (rollback journal) on a network drive,
        where the shared memory of WAL does not work across machines.
    """

    def __init__(
        self, path: Path, *, read_only: bool = False, journal: Journal = "wal"
    ) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self.journal = journal
        mode = "ro" if read_only else "rwc"
        place = self.path.absolute().as_posix().replace("?", "%3f").replace("#", "%23")
        self._engine = create_engine(
            f"sqlite:///file:{place}?mode={mode}&uri=true",
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        )
        self._mine = threading.local()
        self._all: list[Connection] = []
        self._guard = threading.Lock()
        self._file: tuple[int, int] | None = None
        with self.explained():
            self.connection()
        self._file = self._file_now()

    def connection(self) -> Connection:
        """Return this thread's connection, opening it at the first call."""
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None or connection.closed:
            connection = self._engine.connect()
            self._prepare(connection)
            self._mine.connection = connection
            with self._guard:
                self._all.append(connection)
        return connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection whose reads all see the same moment."""
        connection = self.connection()
        with self.explained():
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection inside one transaction: all of it or nothing.

        Raises
        ------
        DataError
            When the file cannot be written, or stays locked for five seconds.
        """
        connection = self.connection()
        with self.explained():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def is_replaced(self) -> bool:
        """Whether the file was deleted or replaced after it was opened."""
        return self._file != self._file_now()

    def pragma(self, name: str) -> Any:
        """Return the value of a SQLite setting or counter."""
        with self.explained():
            return self.connection().exec_driver_sql(f"PRAGMA {name}").scalar()

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            for connection in self._all:
                if not connection.closed:
                    connection.close()
            self._all.clear()
        self._engine.dispose()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the database says into a sentence for the user."""
        try:
            yield
        except DBAPIError as error:
            raise _error(self.path, str(error.orig)) from error

    def _file_now(self) -> tuple[int, int] | None:
        try:
            facts = self.path.stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino

    def _prepare(self, connection: Connection) -> None:
        for setting in (
            f"busy_timeout={BUSY_MS}",
            "foreign_keys=ON",
            "synchronous=FULL",
        ):
            connection.exec_driver_sql(f"PRAGMA {setting}")
        if not self.read_only:
            _set_journal(connection, self.journal)


def _set_journal(connection: Connection, journal: Journal) -> None:
    """Change the journal mode; SQLite does not wait for others here, so we do."""
    stop = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            now = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            if now != journal:
                connection.exec_driver_sql(f"PRAGMA journal_mode={journal}")
        except DBAPIError as error:
            if "locked" not in str(error.orig) or time.monotonic() > stop:
                raise
            time.sleep(0.02)
        else:
            return


def _roll_back(connection: Connection) -> None:
    """End the transaction, if a full disk has not already ended it."""
    if getattr(connection.connection.dbapi_connection, "in_transaction", False):
        connection.exec_driver_sql("ROLLBACK")


def _error(path: Path, reason: str) -> DataError:
    for sign, text in _REASONS.items():
        if sign in reason:
            kind = DiskError if sign in _DISK else DataError
            return kind(f"{path} {text} ({reason}; process {os.getpid()}).")
    return DataError(f"{path} could not be read or written ({reason}).")


_REASONS = {
    "locked": "is busy: another program was writing for more than "
    f"{BUSY_MS / 1000:.0f} s. Nothing was written; try again",
    "full": "was not changed: the disk is full. Free some space and try again",
    "disk I/O": "was not changed: the disk refused to write",
    "readonly": "is read-only. Nothing was written; fix the permissions",
    "unable to open": "cannot be opened. Check that the folder exists and may be "
    "written",
    "malformed": "is damaged",
    "not a database": "is no database",
}
_DISK = ("full", "disk I/O", "readonly", "unable to open")
