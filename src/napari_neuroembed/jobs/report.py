"""A job from the inside: its progress, its heartbeat and the wish that it stop."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any

from napari_neuroembed import processes
from napari_neuroembed.errors import Cancelled, NeuroembedError
from napari_neuroembed.files import RowWriter, open_log, utc_now
from napari_neuroembed.jobs import Job
from napari_neuroembed.jobs.facts import CANCEL, LOG, PROGRESS, Status, write_facts
from napari_neuroembed.progress import Report, silent

HEARTBEAT_S = 5.0
"""Seconds between two signs of life."""

ROW_S = 0.25
"""Seconds between two rows of progress of one stage."""

_log = logging.getLogger(__name__)


class JobReport:
    """The :class:`Report` of a job at work; use it as ``with JobReport(folder) as r``.

    Entering writes ``job.json`` as running, begins the heartbeat and turns SIGINT and
    SIGTERM into a wish to stop. Calling it writes ``progress.jsonl`` and raises
    Cancelled when the file ``cancel`` appeared or a signal came. Leaving writes how it
    ended.

    Parameters
    ----------
    folder
        A job's folder, see :func:`napari_neuroembed.jobs.create`.
    also
        Called with the same progress, e.g. to draw it.
    heartbeat_s
        Seconds between two signs of life.
    """

    def __init__(
        self, folder: Path, also: Report = silent, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self.job = Job(Path(folder))
        self.exit_code: int | None = None
        self._also = also
        self._heartbeat_s = heartbeat_s
        self._facts = self.job.facts()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._signal = ""
        self._last_row: tuple[str, float] = ("", 0.0)
        self._open = contextlib.ExitStack()

    @property
    def log_file(self) -> Path:
        """Where the package's log and tracebacks go."""
        return self.job.folder / LOG

    def __enter__(self) -> JobReport:
        now = utc_now()
        self._update(
            status="running",
            pid=os.getpid(),
            process_start_s=processes.start_mark(),
            host=processes.host(),
            started_utc=now,
            heartbeat_utc=now,
        )
        with contextlib.ExitStack() as stack:
            self._rows = stack.enter_context(RowWriter(self.job.folder / PROGRESS))
            stack.enter_context(_logging_to(self.log_file))
            stack.enter_context(_signals_to(self._on_signal))
            self._open = stack.pop_all()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True)
        self._beat.start()
        return self

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Write how far the job is; raise Cancelled when it should stop."""
        self.check()
        now = time.monotonic()
        last_stage, last_s = self._last_row
        if stage != last_stage or done >= total or now - last_s >= ROW_S:
            row = {"utc": utc_now(), "stage": stage, "done": done, "total": total}
            self._rows.append(json.dumps({**row, "message": message}))
            self._last_row = (stage, now)
        self._also(stage, done, total, message)

    def check(self) -> None:
        """Raise Cancelled when the job should stop."""
        if self._signal:
            raise Cancelled(f"Stopped by {self._signal}.")
        if (self.job.folder / CANCEL).exists():
            raise Cancelled("Stopped on request.")

    def note(self, **facts: Any) -> None:
        """Add facts to the job's notes, e.g. ``note(run="first")``."""
        self._update(notes={**self._facts.notes, **facts})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._beat.join()
        status, message = _outcome(error)
        if status == "failed" and not isinstance(error, NeuroembedError):
            _log.error("Internal error", exc_info=error)
        elif message:
            _log.info("%s: %s", status, message)
        ended = {"exit_code": self.exit_code, "ended_utc": utc_now()}
        try:
            self._open.close()
            self._update(status=status, message=message, **ended)
        except NeuroembedError:
            if error is None:
                raise
            _log.warning("%s cannot be kept in job.json.", status)  # `error` says more

    def _update(self, **changes: Any) -> None:
        with self._lock:
            self._facts = replace(self._facts, **changes)
            write_facts(self.job.folder, self._facts)

    def _keep_beating(self) -> None:
        while not self._ended.wait(self._heartbeat_s):
            try:
                self._update(heartbeat_utc=utc_now())
            except NeuroembedError as error:  # a full disk; the work finds out itself
                _log.warning("No heartbeat: %s", error)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Only set a flag; a second SIGINT interrupts at once."""
        del frame
        name = signal.Signals(number).name
        if self._signal == name == "SIGINT":
            raise KeyboardInterrupt
        self._signal = name


def _outcome(error: BaseException | None) -> tuple[Status, str]:
    if error is None:
        return "finished", ""
    if isinstance(error, Cancelled | KeyboardInterrupt):
        return "stopped", str(error) or "Interrupted."
    if isinstance(error, NeuroembedError):
        return "failed", str(error)
    return "failed", f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send what the package logs to a job's log."""
    logger = logging.getLogger(__name__.partition(".")[0])
    with open_log(path) as log:
        handler = _LogHandler(log)
        before = logger.level
        logger.addHandler(handler)
        logger.setLevel(min(before or logging.INFO, logging.INFO))
        try:
            yield
        finally:
            logger.setLevel(before)
            logger.removeHandler(handler)


class _LogHandler(logging.Handler):
    """Writes whole records to an unbuffered file."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._file.write((self.format(record) + "\n").encode("utf-8"))
        except OSError:  # a full disk; the work finds out itself
            return


@contextlib.contextmanager
def _signals_to(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM; only the main thread can, others are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
