"""Processes that prepare recordings side by side, and how they are spoken to.

A worker is ``python -m napari_neuroembed.preprocessing.worker PROJECT``: it reads one
recording per line, and writes its progress and results as JSON lines. It stops at its
next report when its input closes, so that it never outlives the process that started
it. Nothing depends on fork, nor on a guard in the user's script.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from napari_neuroembed import processes

MODULE = "napari_neuroembed.preprocessing.worker"
WORKERS_VARIABLE = "NEUROEMBED_WORKERS"
STOP_S = 10.0
"""Seconds a worker has to stop by itself."""

_log = logging.getLogger(__name__)


def count_workers(asked: int | None, n_todo: int, memory_mb: int) -> int:
    """Return how many processes to use.

    Parameters
    ----------
    asked
        By the user; None: the variable NEUROEMBED_WORKERS, or else as many as there are
        cores.
    n_todo
        Recordings to prepare.
    memory_mb
        What each may use; together they take at most half of what is free.
    """
    if asked is None:
        text = os.environ.get(WORKERS_VARIABLE, "")
        asked = int(text) if text.isdigit() else _cores()
    room = int(psutil.virtual_memory().available / 2 / (memory_mb * 2**20))
    return max(1, min(asked, n_todo, max(1, room)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Message:
    """What a worker wrote; `facts` is None when it ended.

    Parameters
    ----------
    worker
        Its number.
    facts
        ``{"event": "progress" | "done" | "error" | "log", ...}``.
    """

    worker: int
    facts: Mapping[str, Any] | None


class Workers:
    """Some worker processes of one project; a context manager that ends them.

    Parameters
    ----------
    project
        The project folder.
    n
        How many.
    """

    def __init__(self, project: Path, n: int) -> None:
        self._project = project
        self._messages: queue.Queue[Message] = queue.Queue()
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self.idle = list(range(n))
        self.busy: dict[int, str] = {}

    def give(self, name: str) -> None:
        """Let an idle worker prepare a recording."""
        worker = self.idle.pop()
        process = self._processes.get(worker) or self._start(worker)
        self.busy[worker] = name
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # it ended: its last message says so
            process.stdin.write(json.dumps(name) + "\n")
            process.stdin.flush()

    def next_message(self, timeout_s: float) -> Message | None:
        """Return what a worker says next, None when nobody says anything."""
        try:
            message = self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None
        facts = message.facts
        if facts is not None and facts["event"] == "log":
            logging.getLogger(facts["name"]).log(facts["level"], "%s", facts["text"])
            return None
        if facts is None and message.worker not in self.busy:
            self._forget(message.worker)  # another is started when it is needed
            return None
        return message

    def release(self, worker: int) -> str:
        """Make a worker idle again and return what it was given."""
        self.idle.append(worker)
        return self.busy.pop(worker)

    def replace(self, worker: int) -> tuple[str, int]:
        """Forget a worker that ended; return what it was given and its exit code."""
        code = self._forget(worker)
        return self.release(worker), code

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        """Let all stop at their next report, and end those that do not."""
        for process in self._processes.values():
            _close_input(process)
        for worker in list(self._processes):
            try:
                self._processes[worker].wait(STOP_S)
            except subprocess.TimeoutExpired:
                _log.warning("Worker %d did not stop and was ended.", worker)
                self._processes[worker].kill()
            self._forget(worker)

    def _forget(self, worker: int) -> int:
        """Clear up after a worker that ended and return its exit code."""
        process = self._processes.pop(worker)
        _close_input(process)
        return process.wait()

    def _start(self, worker: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(self._project)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=processes.one_thread_environment(),
            text=True,
            encoding="utf-8",
        )
        self._processes[worker] = process
        threading.Thread(
            target=self._listen, args=(worker, process), daemon=True
        ).start()
        return process

    def _listen(self, worker: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    self._messages.put(Message(worker, json.loads(line)))
        self._messages.put(Message(worker, None))


def _close_input(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
