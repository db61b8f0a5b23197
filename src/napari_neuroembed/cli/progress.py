"""How the command line shows progress and results: drawn, in lines, or as JSON."""

from __future__ import annotations

import json
import math
import sys
import time
from types import TracebackType
from typing import Any, Protocol, TextIO

from napari_neuroembed.progress import time_left

LINE_S = 5.0
"""Seconds between two plain lines of one stage."""


class Display(Protocol):
    """Where a verb's progress and results go; a context manager."""

    def __enter__(self) -> Display:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, leaving the terminal tidy."""

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Show progress."""

    def say(self, text: str, **data: Any) -> None:
        """Print a result: `text` for people, `data` for programs."""


def choose_display(*, as_json: bool, quiet: bool = False) -> Display:
    """Return the display that fits: JSON lines, a drawn bar or plain lines.

    Parameters
    ----------
    as_json
        The flag ``--json``.
    quiet
        Results only; a job started by a program has its progress in its folder.
    """
    if as_json:
        return JsonDisplay(quiet=quiet)
    if not quiet and sys.stderr.isatty():
        return BarDisplay()
    return LineDisplay(quiet=quiet)


class _Plain:
    """A display that needs no tidying."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


class JsonDisplay(_Plain):
    """One JSON object per line on standard output."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self._out = out or sys.stdout
        self._quiet = quiet

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Print one line, always."""
        if not self._quiet:
            row = {"stage": stage, "done": done, "total": total, "message": message}
            self._line("progress", row)

    def say(self, text: str, **data: Any) -> None:
        """Print the data; the text alone when there are none."""
        self._line("result", data or {"text": text})

    def _line(self, event: str, row: dict[str, Any]) -> None:
        text = json.dumps({"event": event, **row}, default=str)
        print(text, file=self._out, flush=True)


class LineDisplay(_Plain):
    """Plain lines for logs and pipes: progress on standard error, results on output."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stage = ""
        self._started_s = 0.0
        self._shown_s = -math.inf

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Print a line when a stage begins, every 5 s and at its end."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started_s, self._shown_s = stage, now, -math.inf
        if self._quiet or (now - self._shown_s < LINE_S and done < total):
            return
        self._shown_s = now
        left = time_left(now - self._started_s, done, total)
        rest = f"{left} left" if left and done < total else ""
        parts = [f"{stage} {done}/{total}", rest, message]
        print(", ".join(filter(None, parts)), file=sys.stderr, flush=True)

    def say(self, text: str, **data: Any) -> None:
        """Print the text."""
        del data
        print(text, flush=True)


class BarDisplay:
    """A bar per stage with n/total and the time left, drawn by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[message]}", markup=False),
            console=Console(stderr=True),
            redirect_stdout=False,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> BarDisplay:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Draw the bar of this stage."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, message="")
        self._progress.update(
            self._tasks[stage], completed=done, total=total, message=message
        )

    def say(self, text: str, **data: Any) -> None:
        """Print the text above the bars."""
        del data
        if sys.stdout.isatty():
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            print(text, flush=True)
