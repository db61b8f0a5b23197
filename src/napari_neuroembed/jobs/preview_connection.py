"""One preview process from its start to its end, and what is waited for."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed import processes
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.jobs.preview_folder import PreviewFolder
from napari_neuroembed.jobs.preview_lines import MAX_LINE_BYTES, PROTOCOL

START_S = 120.0
"""Seconds a process may take until it answers for the first time."""

STOP_S = 2.0
"""Seconds it has to end by itself."""

_LAST_LINES = 12
_MISTAKE = 2
_SAYS = "neuroembed: "
_log = logging.getLogger(__name__)


class PreviewError(NeuroembedError):
    """A preview that came to nothing.

    Parameters
    ----------
    message
        For the user.
    kind
        ``mistake``, ``internal``, or ``ended``: the process ended.
    field
        Name of the field that is wrong, e.g. ``preprocessing.dff.window_frames``.
    problems
        Every wrong field with its sentence.
    """

    def __init__(
        self,
        message: str,
        kind: str = "ended",
        field: str | None = None,
        problems: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.field, self.problems = kind, field, dict(problems or {})


@dataclass(frozen=True, eq=False)
class PreviewAnswer:
    """What came of a request.

    Parameters
    ----------
    facts
        Plain values by name.
    arrays
        Memory maps by name, read-only; nothing is read before it is used.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Asked:
    """A request and who waits for its answer."""

    ask: str
    fields: Mapping[str, Any]
    future: Future[PreviewAnswer] = field(default_factory=Future)


class PreviewConnection:
    """One process; ends, but does not begin again.

    Parameters
    ----------
    command
        Program and arguments.

    Attributes
    ----------
    has_ended
        The process is gone.

    Raises
    ------
    PreviewError
        When it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=processes.one_thread_environment(),
                start_new_session=True,
            )
        except OSError as error:
            text = f"The preview process cannot be started: {error}."
            raise PreviewError(text) from error
        self.has_ended = False
        self._lock = threading.Lock()
        self._waiting: dict[int, Asked] = {}
        self._numbers = itertools.count(1)
        self._folder: PreviewFolder | None = None
        self._ready = threading.Event()
        self._is_ending = False
        self._reason: PreviewError | None = None
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._errors = _thread("errors", self._read_errors)
        self._reader = _thread("reader", self._read_answers)
        self._write('{"id": 0, "ask": "hello"}')

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait for the first answer.

        Raises
        ------
        PreviewError
            When the process ended before, took too long, or is of another version.
        """
        if not self._ready.wait(START_S):
            self.end(0.0)
            raise PreviewError(
                f"The preview process was silent for {START_S:g} s and was ended."
            )
        if self._folder is None:
            raise self._reason or PreviewError("The previews were closed.")

    def send(self, asked: Asked) -> None:
        """Lay the array of a request into the folder and write the request."""
        if asked.future.cancelled():
            return
        number = next(self._numbers)
        try:
            line = self._line(number, asked)
        except PreviewError as error:
            fail([asked], error)
            return
        with self._lock:
            self._waiting[number] = asked
            is_gone = self.has_ended
        if is_gone:
            self._fail_waiting()
        else:
            self._write(line)

    def end(self, within_s: float = STOP_S) -> None:
        """Let the process end by itself, or end it; what waits is cancelled."""
        self._is_ending = True
        if not self._ready.is_set():
            within_s = 0.0  # it still loads its libraries, and listens to nobody
        self._close_input()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in (self._reader, self._errors):
            thread.join(STOP_S)

    def _line(self, number: int, asked: Asked) -> str:
        """Return a request as its line, with the array laid into the folder."""
        assert self._folder is not None
        fields = dict(asked.fields)
        if fields.get("array") is not None:
            name = f"in-{number}.npy"
            try:
                self._folder.save(name, np.asarray(fields["array"]))
            except DataError as error:
                raise PreviewError(str(error), "mistake", "array") from error
            except Exception as error:  # a lazy layer runs whatever it is made of
                text = f"The array cannot be read: {type(error).__name__}: {error}"
                raise PreviewError(text, "mistake", "array") from error
            fields["array"] = name
        try:
            about = {**fields, "id": number, "ask": asked.ask}
            line = json.dumps(about, allow_nan=False, default=_json)
        except (TypeError, ValueError) as error:
            text = f"The request cannot be written as JSON: {error}."
            raise PreviewError(text, "mistake") from error
        if len(line) >= MAX_LINE_BYTES:
            raise PreviewError(
                f"A request has at most {MAX_LINE_BYTES:,} bytes, this one "
                f"{len(line):,}.",
                "mistake",
            )
        return line

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        rest = memoryview(line.encode("ascii") + b"\n")
        with contextlib.suppress(OSError, ValueError):  # it ended: the reader tells
            while rest:
                rest = rest[self._process.stdin.write(rest) :]

    def _close_input(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with io.BufferedReader(self._process.stderr) as lines:  # type: ignore[type-var]
            for line in lines:
                text = line.decode("utf-8", errors="replace").rstrip()
                self._last_lines.append(text)
                _log.debug("preview: %s", text)

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        with io.BufferedReader(self._process.stdout) as lines:  # type: ignore[type-var]
            for line in lines:
                if line.endswith(b"\n"):  # a torn one is none
                    self._take(line)
        self._process.wait()
        self._errors.join(STOP_S)
        self._close_input()
        self._reason = self._reason or self._why()
        with self._lock:
            self.has_ended = True
            is_unseen = not self._waiting and self._process.returncode != 0
        if self._folder is not None:
            self._folder.close()
            if is_unseen and not self._is_ending:
                _log.warning("%s", self._reason)
        self._ready.set()
        self._fail_waiting()

    def _take(self, line: bytes) -> None:
        """Give one answer to whom it belongs."""
        try:
            answer = json.loads(line)
            number, is_ok = answer["id"], answer["ok"]
            found = answer["result"] if is_ok else answer["error"]
        except (ValueError, KeyError, TypeError):
            _log.warning("The preview process wrote no answer: %r", line[:200])
            return
        if number == 0:
            self._greet(found)
            return
        with self._lock:
            asked = self._waiting.pop(number, None)
        if asked is None:
            _log.warning("The preview process says: %s", found)
        elif is_ok:
            self._deliver(asked, found)
        elif found["kind"] in ("superseded", "stopped"):
            asked.future.cancel()
        else:
            error = PreviewError(
                found["message"], found["kind"], found["field"], found["problems"]
            )
            fail([asked], error)

    def _greet(self, hello: Mapping[str, Any]) -> None:
        if hello.get("protocol") != PROTOCOL:
            self._reason = PreviewError(
                f"The preview process speaks protocol {hello.get('protocol')}, this "
                f"one {PROTOCOL}: two versions of neuroembed are mixed. Start again."
            )
            self._close_input()
            return
        self._folder = PreviewFolder(Path(hello["folder"]))
        self._ready.set()

    def _deliver(self, asked: Asked, result: dict[str, Any]) -> None:
        assert self._folder is not None
        names = result.pop("arrays", {})
        try:
            arrays = {key: self._folder.load(name) for key, name in names.items()}
        except (DataError, OSError) as error:
            fail([asked], PreviewError(str(error), "internal"))
            return
        with contextlib.suppress(InvalidStateError):  # cancelled meanwhile
            asked.future.set_result(PreviewAnswer(result, arrays))

    def _fail_waiting(self) -> None:
        with self._lock:
            waiting = [self._waiting[number] for number in sorted(self._waiting)]
            self._waiting.clear()
        fail(waiting, None if self._is_ending else self._reason)

    def _why(self) -> PreviewError:
        """Say how the process ended, with its last lines."""
        code = self._process.returncode
        lines = list(self._last_lines)
        said = [i for i, line in enumerate(lines) if line.startswith(_SAYS)]
        if code == _MISTAKE and said:
            text = "\n".join(lines[said[-1] :]).removeprefix(_SAYS)
            return PreviewError(text, "mistake")
        how = (
            f"was ended by signal {-code}" if code < 0 else f"ended (exit code {code})"
        )
        head = f"The preview process {how}. It is started again when it is needed."
        return PreviewError("\n".join([head, *lines]))


def fail(waiting: Sequence[Asked], error: PreviewError | None) -> None:
    """Give an error to the first that waits, and cancel the others; None: all."""
    for asked in waiting:
        if error is None or asked.future.done():
            asked.future.cancel()
            continue
        with contextlib.suppress(InvalidStateError):  # cancelled meanwhile
            asked.future.set_exception(error)
            error = None


def _thread(name: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, name=f"preview {name}", daemon=True)
    thread.start()
    return thread


def _json(value: Any) -> Any:
    """Turn numpy numbers and paths into what JSON has."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
