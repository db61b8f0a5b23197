"""``neuroembed preview``: one long-lived process that computes what a window shows.

Requests and answers are JSON lines (:mod:`napari_neuroembed.jobs.preview_lines`),
arrays files in a private folder that goes with the process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Any

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from napari_neuroembed.api.preview_augment import KINDS, AugmentPreview
from napari_neuroembed.api.preview_inbox import Inbox, Outbox, Request
from napari_neuroembed.api.preview_preprocess import PreprocessPreview, checked
from napari_neuroembed.api.preview_sources import Answer, FieldError, Sources
from napari_neuroembed.api.synthetic import versions
from napari_neuroembed.data.derived import plain
from napari_neuroembed.disk import disk_errors_told
from napari_neuroembed.errors import Cancelled, NeuroembedError
from napari_neuroembed.jobs.preview_folder import PreviewFolder
from napari_neuroembed.jobs.preview_lines import (
    ASKS,
    MAX_ARRAY_BYTES,
    MAX_LINE_BYTES,
    PROTOCOL,
    AugmentAsk,
    PreprocessAsk,
)

_log = logging.getLogger(__name__)

KEPT_ANSWERS = 2
"""Answers of one ask whose arrays lie in the folder at the same time."""


class Previews:
    """Answers requests, one at a time.

    Parameters
    ----------
    project
        The project folder, if there is one.
    folder
        Of the arrays.
    inbox
        Asked whether to go on.
    """

    def __init__(
        self, project: Path | None, folder: PreviewFolder, inbox: Inbox
    ) -> None:
        self._folder, self._inbox = folder, inbox
        self._sources = Sources(project, folder)
        self._preprocess = PreprocessPreview(self._sources)
        self._augment = AugmentPreview(self._sources, self._preprocess)
        self._answered: dict[str, deque[list[str]]] = {}
        self._n = 0

    def result(self, request: Request) -> dict[str, Any]:
        """Return the result of a request, its arrays in the folder.

        Raises
        ------
        NeuroembedError
            With a message for the user.
        Cancelled
            When nobody waits any more.
        """
        ask = checked(ASKS[request.ask], request.fields, "")
        if isinstance(ask, PreprocessAsk):
            return self._laid(request.ask, self._preprocess.answer(ask, self._go_on))
        if isinstance(ask, AugmentAsk):
            return self._laid(request.ask, self._augment.answer(ask, self._go_on))
        if request.ask == "hello":
            return self._hello()
        return versions() if request.ask == "versions" else {}

    def forget(self, fields: dict[str, Any]) -> None:
        """Delete the array that an answered request gave."""
        if isinstance(name := fields.get("array"), str):
            self._folder.remove(name)

    def _hello(self) -> dict[str, Any]:
        path = self._sources.path
        return {
            "protocol": PROTOCOL,
            "folder": str(self._folder.path),
            "project": None if path is None else str(path),
            "pid": os.getpid(),
            "kinds": list(KINDS),
            "max_line_bytes": MAX_LINE_BYTES,
            "max_array_bytes": MAX_ARRAY_BYTES,
        }

    def _laid(self, ask: str, answer: Answer) -> dict[str, Any]:
        """Lay the arrays of an answer into the folder, and drop those of older ones."""
        self._n += 1
        kept = self._answered.setdefault(ask, deque())
        while len(kept) >= KEPT_ANSWERS:
            for name in kept.popleft():
                self._folder.remove(name)
        names = {key: f"out-{self._n}-{key}.npy" for key in answer.arrays}
        kept.append(list(names.values()))
        for key, array in answer.arrays.items():
            self._folder.save(names[key], array)
        facts: dict[str, Any] = plain(answer.facts)
        return {**facts, "arrays": names}

    def _go_on(self, stage: str, done: int, total: int, message: str = "") -> None:
        del stage, done, total, message
        if self._inbox.is_closed:
            raise Cancelled("The preview process was asked to stop.")


def serve(lines: IO[bytes], out: IO[bytes], project: Path | None = None) -> int:
    """Answer requests until the input ends, or `stop` is asked for.

    Parameters
    ----------
    lines
        Requests; binary.
    out
        Answers, nothing else; binary.
    project
        The project folder, if there is one.

    Returns
    -------
    int
        0.
    """
    _one_thread()
    folder = PreviewFolder.make()
    with contextlib.ExitStack() as stack:
        stack.callback(folder.close)
        stack.enter_context(_sigterm_ends())
        outbox = Outbox(out)
        inbox = Inbox(lines, outbox)
        previews = Previews(project, folder, inbox)
        stack.callback(inbox.close)
        with contextlib.suppress(_Ended):
            _answer_all(inbox, outbox, previews)
    return 0


def _answer_all(inbox: Inbox, outbox: Outbox, previews: Previews) -> None:
    while not outbox.is_closed.is_set() and (request := inbox.next()) is not None:
        if request.ask == "stop":
            inbox.close()
        _answer(request, outbox, previews)
        previews.forget(request.fields)


def _answer(request: Request, outbox: Outbox, previews: Previews) -> None:
    try:
        with disk_errors_told():
            result = previews.result(request)
    except Cancelled as stopped:
        outbox.error(request.id, "stopped", str(stopped))
    except FieldError as error:
        outbox.error(
            request.id,
            "mistake",
            str(error),
            field=error.field,
            problems=error.problems,
        )
    except NeuroembedError as error:
        outbox.error(request.id, "mistake", str(error))
    except MemoryError:
        text = "There is not enough memory for this preview. Ask for fewer frames."
        outbox.error(request.id, "mistake", text)
    except Exception as error:  # noqa: BLE001 - the window must live on, and the log has it all
        _log.exception("Request %s (%s) failed.", request.id, request.ask)
        text = f"Internal error: {type(error).__name__}: {error}"
        outbox.error(request.id, "internal", text)
    else:
        outbox.result(request.id, result)


class _Ended(BaseException):
    """A signal asked to end; nothing but the clearing up may come in between."""


@contextlib.contextmanager
def _sigterm_ends() -> Iterator[None]:
    """Let SIGTERM end the process by way of its clearing up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise _Ended

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _one_thread() -> None:
    """Leave the cores to the window: one thread for torch and for BLAS."""
    torch.set_num_threads(1)
    threadpool_limits(1)


@contextlib.contextmanager
def own_output() -> Iterator[IO[bytes]]:
    """Keep standard output for answers: whatever else is printed goes to errors.

    Also what a C library prints, which knows the number of the file and not `sys`.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    printed, sys.stdout = sys.stdout, sys.stderr
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(kept), "wb") as out:
            yield out
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        sys.stdout = printed
