"""Requests of a preview process: read, checked, queued; the newest of a kind wins."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import IO, Any

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.jobs.preview_lines import (
    ASKS,
    MAX_LINE_BYTES,
    NEWEST_WINS,
)

_LONGEST_ID = 100
_PARENT_S = 1.0
_SHOWN = 80

Id = int | str | None


@dataclass(frozen=True)
class Request:
    """One request.

    Parameters
    ----------
    id
        What its answer is told apart by.
    ask
        What is asked for, one of `ASKS`.
    fields
        Everything else, not yet checked.
    """

    id: Id
    ask: str
    fields: dict[str, Any]


class Outbox:
    """Writes answers, one line each, from any thread.

    Parameters
    ----------
    file
        Where to; binary.

    Attributes
    ----------
    is_closed
        Nobody reads any more.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.is_closed = threading.Event()

    def result(self, id_: Id, result: dict[str, Any]) -> None:
        """Answer a request."""
        self._line({"id": id_, "ok": True, "result": result})

    def error(
        self,
        id_: Id,
        kind: str,
        message: str,
        *,
        field: str | None = None,
        problems: dict[str, str] | None = None,
    ) -> None:
        """Answer a request that came to nothing."""
        about = {"kind": kind, "message": message, "field": field}
        error = {**about, "problems": problems or {}}
        self._line({"id": id_, "ok": False, "error": error})

    def _line(self, answer: dict[str, Any]) -> None:
        line = json.dumps(answer, allow_nan=False).encode("ascii") + b"\n"
        with self._lock:
            try:
                self._file.write(line)
                self._file.flush()
            except (OSError, ValueError):  # ValueError: closed on our side
                self.is_closed.set()


class Inbox:
    """Requests in the order in which they are worked on.

    Parameters
    ----------
    lines
        Binary input; a thread reads it to its end.
    outbox
        Where refusals and what was superseded are answered.

    Notes
    -----
    Two minutes of moving a slider must not be worked through one after the other: of
    the asks `NEWEST_WINS` only the newest queued one stays, the one before is answered
    with `superseded` at once. What is being worked on is finished. At the end of the
    input, when the parent is gone, or after `stop`, what is queued of them is answered
    with `stopped`.
    """

    def __init__(self, lines: IO[bytes], outbox: Outbox) -> None:
        self._outbox = outbox
        self._queue: deque[Request] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()
        threading.Thread(target=self._watch_parent, daemon=True).start()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can come, or nobody would read the answer."""
        return self._is_closed or self._outbox.is_closed.is_set()

    def next(self) -> Request | None:
        """Return the next request; wait for one; None when no more can come."""
        with self._changed:
            while not self._queue:
                if self._is_closed:
                    return None
                self._changed.wait()
            return self._queue.popleft()

    def put(self, request: Request) -> None:
        """Queue a request."""
        dropped: list[Request] = []
        with self._changed:
            if request.ask in NEWEST_WINS:
                dropped = self._take(request.ask)
            self._queue.append(request)
            self._changed.notify_all()
        for old in dropped:
            text = f"A newer request for {old.ask} came before its turn."
            self._outbox.error(old.id, "superseded", text)

    def close(self) -> None:
        """Take no more; what costs time and is still queued is answered `stopped`."""
        with self._changed:
            self._is_closed = True
            dropped = [old for ask in NEWEST_WINS for old in self._take(ask)]
            self._changed.notify_all()
        for old in dropped:
            text = "The preview process was asked to stop before its turn."
            self._outbox.error(old.id, "stopped", text)

    def _take(self, ask: str) -> list[Request]:
        """Take all requests for `ask` out of the queue."""
        found = [old for old in self._queue if old.ask == ask]
        self._queue = deque(old for old in self._queue if old.ask != ask)
        return found

    def _listen(self, lines: IO[bytes]) -> None:
        while not self._is_closed:
            line = lines.readline(MAX_LINE_BYTES + 1)
            if not line:
                break
            if len(line) > MAX_LINE_BYTES:
                _skip_line(lines, line)
                text = (
                    f"A request has at most {MAX_LINE_BYTES:,} bytes; this one is "
                    "longer. Arrays belong into the folder that `hello` names."
                )
                self._outbox.error(None, "mistake", text)
            elif line.strip():
                self._receive(line)
        self.close()

    def _receive(self, line: bytes) -> None:
        id_: Id = None
        try:
            content = _object_of(line)
            id_ = _id_of(content)
            self.put(_request_of(id_, content))
        except ConfigError as error:
            self._outbox.error(id_, "mistake", str(error))

    def _watch_parent(self) -> None:
        """Close when the parent is gone though somebody else holds our input open."""
        parent = os.getppid()
        while not self._is_closed:
            time.sleep(_PARENT_S)
            if os.getppid() != parent:
                self.close()


def _skip_line(lines: IO[bytes], part: bytes) -> None:
    while part and not part.endswith(b"\n"):
        part = lines.readline(MAX_LINE_BYTES)


def _object_of(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise ConfigError(
            f"A request is one JSON object in one line; this is none: {reason}."
        ) from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"A request is one JSON object in one line; found {_short(content)}."
        )
    return content


def _id_of(content: dict[str, Any]) -> Id:
    id_ = content.pop("id", None)
    if isinstance(id_, int) and not isinstance(id_, bool):
        return id_
    if isinstance(id_, str) and len(id_) <= _LONGEST_ID:
        return id_
    raise ConfigError(
        f"A request has an `id`, a whole number or up to {_LONGEST_ID} letters; found "
        f"{_short(id_)}."
    )


def _request_of(id_: Id, content: dict[str, Any]) -> Request:
    ask = content.pop("ask", None)
    if not isinstance(ask, str) or ask not in ASKS:
        raise ConfigError(
            f"A request has an `ask`, one of {', '.join(ASKS)}; found {_short(ask)}."
        )
    return Request(id_, ask, content)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
