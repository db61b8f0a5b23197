"""The bouts of every rater, edited by several programs at once, never lost.

``annotations.sqlite`` in the project folder is the live truth that the napari widget,
the dashboard and the command line share. Every edit is one transaction, logged with
what was before and after; an edit names the revision it saw and is refused when
somebody else was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from napari_neuroembed.data.annotations import edits
from napari_neuroembed.data.annotations.ethogram import DEFAULT_GROUP, Ethogram
from napari_neuroembed.data.annotations.events import Change, stacks
from napari_neuroembed.data.annotations.opening import Opened, open_database
from napari_neuroembed.data.annotations.reading import (
    COUNTED_SOURCES,
    agreed_bouts,
    bout_table,
    event_table,
    find_bout,
)
from napari_neuroembed.data.annotations.schema import (
    APPS,
    Bout,
    Conflict,
    events,
)
from napari_neuroembed.data.annotations.session import Session
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.errors import DataError

__all__ = ["AnnotationStore", "Bout", "Conflict"]


class AnnotationStore(Ethogram):
    """Bouts, actions and raters of a project; use :meth:`open`.

    Attributes
    ----------
    path
        The file.
    app
        The program that edits, e.g. ``napari``; kept with every event.
    read_only
        Whether edits are refused.
    notice
        Why the store is read-only although writing was asked for; else empty.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with AnnotationStore.open(Path(folder.name) / "annotations.sqlite") as store:
    ...     store.add_rater("ana")
    ...     store.add_action("walk", key="w")
    ...     bout = store.add("fly1_001", "walk", 1.0, 2.5, rater="ana")
    ...     bout = store.change(bout.id, bout.revision, rater="ana", stop_s=3.0)
    ...     print(store.undo("ana"))
    ...     store.recording_bouts("fly1_001").to_table()
    change of walk 1.000-3.000 s in fly1_001
       start_s  stop_s action  state
    0      1.0     2.5   walk      1
    >>> folder.cleanup()
    """

    def __init__(self, opened: Opened, app: str) -> None:
        super().__init__(Session(opened, app))
        self.path = opened.database.path
        self.app = app
        self.read_only = opened.database.read_only
        self.notice = opened.notice

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        app: str = "python",
        read_only: bool = False,
        network: bool | None = None,
        take_over: bool = False,
    ) -> AnnotationStore:
        """Open the annotations of a project, making the file when there is none.

        Parameters
        ----------
        path, app, read_only
            The file, the program that edits (napari, dashboard, cli or python), and
            whether to refuse edits.
        network
            Whether the file lies on a network drive, where one program at a time may
            write; None: find out from the type of the file system.
        take_over
            Take the right to write from a program on another machine that gave no
            sign of life for a minute.

        Returns
        -------
        AnnotationStore
            Read-only, with a `notice`, when the file is damaged or held by another
            program on a network drive.

        Raises
        ------
        DataError
            When the file is missing (read-only), unreadable, foreign or newer.
        """
        if app not in APPS:
            raise DataError(f"app is {app!r}; allowed: {', '.join(APPS)}.")
        opened = open_database(
            Path(path),
            app=app,
            read_only=read_only,
            network=network,
            take_over=take_over,
        )
        store = cls(opened, app)
        if not store.read_only:
            store._session.back_up_if_new()
        return store

    def close(self) -> None:
        """Close the file and give back the right to write."""
        self._session.close()

    def __enter__(self) -> AnnotationStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def bouts(
        self,
        recording: str | None = None,
        *,
        raters: Collection[str] | None = None,
        sources: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """Return bouts as a table, by recording and start.

        Parameters
        ----------
        recording, raters, sources
            Restrict to these; None: all.
        """
        wanted = None if recording is None else [recording]
        return self._session.read(lambda c: bout_table(c, wanted, raters, sources))

    def snapshot(
        self,
        recordings: Collection[str],
        *,
        raters: Collection[str] | None = None,
        sources: Collection[str] = COUNTED_SOURCES,
    ) -> pd.DataFrame:
        """Return the bouts of several recordings as of one moment, as :meth:`bouts`."""
        return self._session.read(lambda c: bout_table(c, recordings, raters, sources))

    def recording_bouts(
        self,
        recording: str,
        *,
        raters: Collection[str] | None = None,
        sources: Collection[str] = COUNTED_SOURCES,
    ) -> Bouts:
        """Return the bouts of one recording that count.

        Raises
        ------
        DataError
            When raters disagree about time that both labelled and none was chosen.
        """
        table = self.snapshot([recording], raters=raters, sources=sources)
        by_rater = {
            str(name): Bouts.from_table(rows) for name, rows in table.groupby("rater")
        }
        return agreed_bouts(recording, by_rater) if by_rater else Bouts.empty()

    def bout(self, id: int) -> Bout:  # noqa: A002 - the column's name
        """Return one bout, removed or not."""
        return self._session.read(lambda connection: find_bout(connection, id))

    def add(  # noqa: PLR0913 - the columns of a bout
        self,
        recording: str,
        action: str,
        start_s: float,
        stop_s: float,
        *,
        rater: str,
        state: int = 1,
        source: str = "human",
        run: str | None = None,
        confidence: float | None = None,
    ) -> Bout:
        """Add a bout.

        Parameters
        ----------
        recording, action, rater
            Names; the action and the rater must be known.
        start_s, stop_s
            Edges in seconds on the recording's clock, half-open.
        state
            1 present, 0 explicitly absent.
        source, run, confidence
            Where it comes from; run and confidence (0 to 1) of a model's bout.

        Raises
        ------
        DataError
            When it is reversed, empty, overlaps a bout of its exclusive group, or
            names an action or rater that is unknown.
        """
        asked = {
            "recording": recording,
            "action": action,
            "state": state,
            "start_s": float(start_s),
            "stop_s": float(stop_s),
            "rater": rater,
            "source": source,
            "run": run,
            "confidence": confidence,
        }
        return self._edit_bout("add", rater, asked, edits.added)

    def change(
        self,
        id: int,  # noqa: A002 - the column's name
        revision: int,
        *,
        rater: str,
        **fields: Any,
    ) -> Bout:
        """Change a bout that nobody else has changed meanwhile.

        Parameters
        ----------
        id, revision
            The bout and the version the caller saw.
        rater
            Who changes it; the bout stays its own rater's.
        fields
            New values of start_s, stop_s, action, state, source, confidence.

        Raises
        ------
        Conflict
            When the bout has another revision now; nothing is written.
        DataError
            As :meth:`add`.
        """
        edits.check_fields(fields, edits.CHANGEABLE)
        asked = {"id": id, "revision": revision, "fields": fields}
        return self._edit_bout("change", rater, asked, edits.changed)

    def remove(self, id: int, revision: int, *, rater: str) -> Bout:  # noqa: A002
        """Remove a bout that nobody else changed meanwhile; see :meth:`change`."""
        asked = {"id": id, "revision": revision, "fields": {"deleted": 1}}
        return self._edit_bout("remove", rater, asked, edits.changed)

    def import_bouts(
        self,
        recording: str,
        bouts: Bouts,
        *,
        rater: str,
        source: str = "imported",
        group: str | None = DEFAULT_GROUP,
    ) -> int:
        """Add all bouts of a rater in one transaction, undone as one command.

        Parameters
        ----------
        recording, bouts, rater
            What to add. Unknown raters and actions are added as well; bouts that are
            there already are left out, so that importing twice adds nothing.
        source
            Where they come from.
        group
            Exclusive group of actions that are new; None: they may overlap.

        Returns
        -------
        int
            Number of bouts added.

        Raises
        ------
        DataError
            Listing all bouts that cannot be; then none is added.
        """
        return self.import_labels(
            {(recording, rater): bouts}, source=source, group=group
        )

    def import_labels(
        self,
        labels: Mapping[tuple[str, str], Bouts],
        *,
        source: str = "imported",
        group: str | None = DEFAULT_GROUP,
    ) -> int:
        """Add the bouts of several recordings and raters, all of them or none.

        Parameters
        ----------
        labels
            By recording and rater. Each rater can undo its own part as one command.
        source, group
            As in :meth:`import_bouts`.
        """

        def work(connection: Connection) -> int:
            schema, by_rater = edits.imported(
                connection, labels, source=source, group=group
            )
            self._session.log(connection, "import_schema", "", schema)
            for rater, changes in by_rater.items():
                self._session.log(connection, "import", rater, changes)
            return sum(map(len, by_rater.values()))

        asked = {"command": "import", "labels": [list(place) for place in labels]}
        return self._session.edit(asked, work)

    def undo(self, rater: str) -> str | None:
        """Take back the rater's last command, across restarts and programs.

        Returns
        -------
        str or None
            What was undone; None when there is nothing left.

        Raises
        ------
        Conflict
            When a bout of it was changed since; nothing is written.
        """
        return self._step_back(rater, "undo")

    def redo(self, rater: str) -> str | None:
        """Do again what the rater undid last; see :meth:`undo`."""
        return self._step_back(rater, "redo")

    def events(self) -> pd.DataFrame:
        """Return the whole log: one row per event, before and after as lists."""
        return self._session.read(event_table)

    def verify(self) -> list[str]:
        """Return what is wrong with the file; nothing when the log replays to it."""
        return self._session.verify()

    def data_version(self) -> int:
        """Return a number that changes when another program or thread has edited.

        Ask from the same thread each time; own edits do not count.
        """
        return int(self._session.database.pragma("data_version"))

    def backup(self) -> Path:
        """Copy the file to ``backups/annotations-<utc>.sqlite``; the last 10 stay."""
        return self._session.back_up()

    def _step_back(self, rater: str, command: str) -> str | None:
        def work(connection: Connection) -> str | None:
            edits.rater_id(connection, rater)
            stack = stacks(connection, rater)[command == "redo"]
            if not stack:
                return None
            query = select(events).where(events.c.id == stack[-1])
            event = connection.execute(query).one()
            changes = edits.undone(connection, event)
            self._session.log(connection, command, rater, changes, undoes=event.id)
            return edits.describe(connection, event)

        return self._session.edit({"command": command, "rater": rater}, work)

    def _edit_bout(
        self,
        command: str,
        rater: str,
        asked: Mapping[str, Any],
        make: Callable[[Connection, str, Mapping[str, Any]], Change],
    ) -> Bout:
        def work(connection: Connection) -> Bout:
            change = make(connection, rater, asked)
            self._session.log(connection, command, rater, [change])
            return find_bout(connection, change.after["id"])

        return self._session.edit({"command": command, "rater": rater, **asked}, work)
