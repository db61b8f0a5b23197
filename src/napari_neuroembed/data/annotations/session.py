"""Reading and editing the annotations safely: transaction, log, journal, backup."""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from napari_neuroembed.data.annotations.backup import back_up, backups, last_event
from napari_neuroembed.data.annotations.events import (
    Change,
    Edit,
    log,
    replay_problems,
)
from napari_neuroembed.data.annotations.opening import Opened
from napari_neuroembed.data.annotations.rules import check_rows, check_together
from napari_neuroembed.data.annotations.schema import events
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import append_row, utc_now

logger = logging.getLogger(__name__)

AUTOSAVE_S = 300.0
"""Seconds between two backups while there are edits."""

T = TypeVar("T")


class Session:
    """One program's work on an opened file.

    Parameters
    ----------
    opened
        The file.
    app
        The program, kept with every event.
    """

    def __init__(self, opened: Opened, app: str) -> None:
        self.database = opened.database
        self.notice = opened.notice
        self.app = app
        self._lease = opened.lease
        self._client = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._backed_up = time.monotonic()

    @property
    def backup_folder(self) -> Path:
        """Where the backups lie."""
        return self.database.path.parent / "backups"

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads; all its reads see the same moment."""
        with self.database.read() as connection:
            return work(connection)

    def edit(self, asked: Mapping[str, Any], work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction; when this returns it is on the disk.

        Parameters
        ----------
        asked
            What the user asked for; kept in a journal when the file is gone.
        work
            Makes changes and passes them to :meth:`log`.

        Raises
        ------
        DataError
            When the store is read-only or busy, the file was replaced under us, or
            `work` refuses. Nothing is written then.
        """
        if self.database.read_only:
            raise DataError(
                self.notice or f"{self.database.path} was opened read-only."
            )
        if self._lease is not None:
            self._lease.check()
        self._check_file(asked)
        with self.database.write() as connection:
            result = work(connection)
        self._check_file(asked)
        self._autosave()
        return result

    def log(
        self,
        connection: Connection,
        command: str,
        rater: str,
        changes: Sequence[Change],
        *,
        undoes: int | None = None,
    ) -> None:
        """Log and carry out changes inside an edit; no changes, no event.

        Raises
        ------
        DataError
            When bouts are left that cannot be.
        """
        if not changes:
            return
        edit = Edit(
            command=command,
            changes=changes,
            rater=rater,
            app=self.app,
            client=self._client,
            undoes=undoes,
        )
        check_rows(connection, changes)
        log(connection, edit)
        check_together(connection, changes)

    def verify(self) -> list[str]:
        """Check the file and that the log replays to its tables."""
        with self.database.read() as connection:
            checked = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
            found = [str(text) for text in checked if text != "ok"]
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            found += [f"{row[0]} row {row[1]} points to nothing." for row in broken]
            return found + replay_problems(connection)

    def back_up(self) -> Path:
        """Copy the file into the backup folder."""
        self._backed_up = time.monotonic()
        return back_up(self.database, self.backup_folder)

    def back_up_if_new(self) -> None:
        """Copy the file when the newest backup lacks events; a failure is a warning."""
        newest = self.read(lambda c: c.scalar(select(func.max(events.c.id)))) or 0
        there = backups(self.backup_folder)
        if newest > (last_event(there[-1]) if there else 0):
            try:
                self.back_up()
            except DataError as error:
                logger.warning(
                    "The annotations are safe, their backup failed: %s", error
                )

    def close(self) -> None:
        """Close the file and give back the right to write."""
        self.database.close()
        if self._lease is not None:
            self._lease.release()

    def _autosave(self) -> None:
        if time.monotonic() - self._backed_up > AUTOSAVE_S:
            self._backed_up = time.monotonic()
            self.back_up_if_new()

    def _check_file(self, asked: Mapping[str, Any]) -> None:
        """Stop when the file was deleted or replaced while it was open."""
        if not self.database.is_replaced():
            return
        path = self.database.path
        journal = path.with_name(f"{path.stem}.unsaved.jsonl")
        row = {"utc": utc_now(), "app": self.app, **asked}
        append_row(journal, json.dumps(row, ensure_ascii=False, default=str))
        raise DataError(
            f"{path} was deleted or replaced while it was open, so this edit could not "
            f"be kept in it. It was kept in {journal}. Put the file back (or take the "
            f"newest backup from {self.backup_folder}) and open it again."
        )
