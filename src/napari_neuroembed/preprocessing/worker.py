"""A process that prepares the recordings it is told to; see ``workers``."""

from __future__ import annotations

import json
import logging
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any, TextIO

from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import Cancelled
from napari_neuroembed.preprocessing.project import prepare_one

ROW_S = 0.25
"""Seconds between two lines of progress."""


class Inbox:
    """Names that arrive line by line, and the wish to stop when no more can.

    Parameters
    ----------
    lines
        One JSON string per line.
    """

    def __init__(self, lines: TextIO) -> None:
        self.names: queue.Queue[str | None] = queue.Queue()
        self.is_closed = threading.Event()
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()

    def _listen(self, lines: TextIO) -> None:
        for line in lines:
            self.names.put(json.loads(line))
        self.is_closed.set()
        self.names.put(None)


class Outbox(logging.Handler):
    """Writes JSON lines; also a Report and the handler of the log.

    Parameters
    ----------
    file
        Where to.
    inbox
        Asked whether to stop.
    """

    def __init__(self, file: TextIO, inbox: Inbox) -> None:
        super().__init__()
        self._file, self._inbox = file, inbox
        self._shown_s = 0.0

    def send(self, event: str, **facts: Any) -> None:
        """Write one line; a reader that is gone is a wish to stop."""
        try:
            self._file.write(json.dumps({"event": event, **facts}) + "\n")
            self._file.flush()
        except OSError as error:
            raise Cancelled("Nobody listens any more.") from error

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Report progress; raise Cancelled when the input closed."""
        if self._inbox.is_closed.is_set():
            raise Cancelled("Stopped on request.")
        now = time.monotonic()
        if now - self._shown_s < ROW_S and done < total:
            return
        self._shown_s = now
        self.send("progress", stage=stage, done=done, total=total, message=message)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record to the log of whoever started this process."""
        text = self.format(record)
        self.send("log", name=record.name, level=record.levelno, text=text)


def main(folder: str) -> int:
    """Prepare recordings of a project until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us decides
    inbox = Inbox(sys.stdin)
    outbox = Outbox(sys.stdout, inbox)
    sys.stdout = sys.stderr  # what a library prints is no message
    logging.getLogger("napari_neuroembed").addHandler(outbox)
    logging.getLogger("napari_neuroembed").propagate = False
    project = Project.open(folder)
    try:
        while (name := inbox.names.get()) is not None:
            status, detail = prepare_one(project, name, outbox)
            outbox.send("done", status=status, detail=detail)
    except Cancelled:
        return 0
    except Exception:  # noqa: BLE001 - it is raised again where it is read
        outbox.send("error", detail=traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
