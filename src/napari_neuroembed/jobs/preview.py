"""Previews for a window, computed by a `neuroembed preview` process it keeps open.

Nothing here waits for that process but :meth:`PreviewProcess.close`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from napari_neuroembed.jobs import PROGRAM
from napari_neuroembed.jobs.preview_connection import (
    Asked,
    PreviewAnswer,
    PreviewConnection,
    PreviewError,
    fail,
)
from napari_neuroembed.jobs.preview_lines import NEWEST_WINS

__all__ = ["PreviewAnswer", "PreviewError", "PreviewProcess"]

_JOIN_S = 0.2
_log = logging.getLogger(__name__)


class PreviewProcess:
    """A `neuroembed preview` process: started when first needed, again after a crash.

    Use it as a context manager, or call :meth:`close`.

    Parameters
    ----------
    project
        The project folder; None: previews of given arrays only.
    program
        How the command `neuroembed` is started.

    Notes
    -----
    One thread starts the process and writes arrays and requests, another reads its
    answers. Of requests for the same preview only the newest waits; an older one that
    still waited is cancelled. When the process ends unexpectedly, the first request
    that waits gets the reason with its last lines, the others are cancelled, and the
    next request starts it again.
    """

    def __init__(
        self, project: Path | None = None, *, program: Sequence[str] = PROGRAM
    ) -> None:
        words = ["preview"] if project is None else ["preview", str(project)]
        self._command = [*program, *words]
        self._todo: deque[Asked] = deque()
        self._changed = threading.Condition()
        self._is_wanted = False
        self._is_closed = False
        self._sender: threading.Thread | None = None
        self._connection: PreviewConnection | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process; None before it is started."""
        connection = self._connection
        return None if connection is None else connection.pid

    def start(self) -> None:
        """Start the process ahead of the first request; returns at once."""
        with self._changed:
            self._is_wanted = True
            self._wake()

    def ask(self, ask: str, /, **fields: Any) -> Future[PreviewAnswer]:
        """Ask for something; returns at once.

        Parameters
        ----------
        ask
            One of :data:`~napari_neuroembed.jobs.preview_lines.ASKS`.
        fields
            See there. `array` is a movie (time, y, x), not a name; it is read in
            another thread, so that it may be lazy.

        Returns
        -------
        Future
            Its callbacks run in another thread. It is cancelled when a newer request
            for the same came first; else it holds a :class:`PreviewAnswer`, or a
            :class:`PreviewError` with a message for the user.
        """
        asked = Asked(ask, fields)
        dropped: list[Asked] = []
        with self._changed:
            if self._is_closed:
                asked.future.cancel()
                return asked.future
            if ask in NEWEST_WINS:
                dropped = [old for old in self._todo if old.ask == ask]
                self._todo = deque(old for old in self._todo if old.ask != ask)
            self._todo.append(asked)
            self._wake()
        fail(dropped, None)
        return asked.future

    def close(self) -> None:
        """End the process, within 2 s or by force; what waits is cancelled."""
        with self._changed:
            self._is_closed = True
            waiting, connection = list(self._todo), self._connection
            self._todo.clear()
            self._changed.notify_all()
        fail(waiting, None)
        if connection is not None:
            connection.end()
        if self._sender is not None:
            self._sender.join(_JOIN_S)

    def __enter__(self) -> PreviewProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _wake(self) -> None:
        """Let the sender look, and start it where there is none; holding the lock."""
        if self._sender is None and not self._is_closed:
            self._sender = threading.Thread(
                target=self._send_all, name="preview sender", daemon=True
            )
            self._sender.start()
        self._changed.notify_all()

    def _send_all(self) -> None:
        while self._wait():
            try:
                connection = self._running()
            except PreviewError as error:
                self._fail_all(error)
                continue
            with self._changed:
                asked = self._todo.popleft() if self._todo else None
            if asked is not None:
                connection.send(asked)

    def _wait(self) -> bool:
        """Wait for something to do; False when closed."""
        with self._changed:
            while not (self._todo or self._is_wanted or self._is_closed):
                self._changed.wait()
            self._is_wanted = False
            return not self._is_closed

    def _running(self) -> PreviewConnection:
        """Return the process, started now where there is none; waits until it answers.

        Raises
        ------
        PreviewError
            When it does not start.
        """
        connection = self._connection
        if connection is None or connection.has_ended:
            connection = PreviewConnection(self._command)
            with self._changed:
                self._connection = connection
                is_closed = self._is_closed
            if is_closed:
                connection.end()
        connection.wait_until_ready()
        return connection

    def _fail_all(self, error: PreviewError) -> None:
        """Give the reason to the first that waits, and let the others go."""
        with self._changed:
            waiting = list(self._todo)
            self._todo.clear()
        if not waiting and not self._is_closed:
            _log.warning("%s", error)
        fail(waiting, error)
