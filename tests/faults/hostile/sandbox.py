"""Open hostile files in processes of their own, under limits, one after the other.

A server imports the readers once and forks for every trial, so that a trial costs
milliseconds. The child may use 2 GiB of address space and 10 s of processor time; what
it says, how it ended and how much memory it touched come back as a :class:`Report`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from napari_neuroembed.data import size_cap

ROOT = Path(__file__).resolve().parents[3]
LIMIT_BYTES = 2 << 30
LIMIT_S = 10
"""Seconds of processor time; a busy machine does not turn work into a hang."""
SLEEPING_S = 60
"""Seconds by the clock after which a child that uses no processor is a hang too."""
CAP_BYTES = 64 << 20
"""The declared cap of a trial: the largest thing that may be made of a file."""


@dataclass(frozen=True)
class Report:
    """How a trial ended.

    Parameters
    ----------
    end
        ``done``, ``hang`` or ``crash``.
    told
        What the trial returned.
    trace
        Of a crash: the traceback or the signal.
    peak_bytes
        Memory touched above what the process had at its start.
    """

    end: str
    told: dict[str, Any] = field(default_factory=dict)
    trace: str = ""
    peak_bytes: int = 0


class Sandbox:
    """The server, as its user sees it; a context manager.

    Parameters
    ----------
    preload
        Modules that trials need; loaded before the first fork.
    limit_s
        Seconds of processor time of a trial.
    quiet
        Whether what trials print is left out.
    """

    def __init__(
        self, preload: Sequence[str], limit_s: int = LIMIT_S, *, quiet: bool = False
    ) -> None:
        paths = [str(ROOT / "src"), str(ROOT)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        server = "tests.faults.hostile.sandbox"
        self._server = subprocess.Popen(
            [sys.executable, "-m", server, str(limit_s), *preload],
            env=env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
        )

    def run(self, trial: str, **arguments: Any) -> Report:
        """Call ``module:function`` in a child.

        Parameters
        ----------
        trial
            A function that returns a dict of JSON values.
        **arguments
            Its arguments, JSON values.
        """
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([trial, arguments]) + "\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError("the server of the sandbox ended")
        return Report(**json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.__exit__(kind, error, trace)


def _serve(limit_s: int, preload: Sequence[str]) -> None:
    for name in preload:
        importlib.import_module(name)
    out = os.dup(1)
    os.dup2(2, 1)  # what a child prints must not mix with the answers
    for line in sys.stdin:
        trial, arguments = json.loads(line)
        answer = json.dumps(_try(trial, arguments, limit_s)) + "\n"
        os.write(out, answer.encode())


def _try(trial: str, arguments: dict[str, Any], limit_s: int) -> dict[str, Any]:
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        _child(trial, arguments, limit_s, writable)
    os.close(writable)
    content = _listen(readable, child)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if content is None or code == -signal.SIGXCPU:
        return {"end": "hang", "trace": f"ended after {limit_s} s ({code})"}
    if code != 0 or not content:
        return {"end": "crash", "trace": content.decode() or f"exit code {code}"}
    told = json.loads(content)
    start = told.pop("start_bytes")
    return {"end": "done", "told": told, "peak_bytes": usage.ru_maxrss * 1024 - start}


def _listen(readable: int, child: int) -> bytes | None:
    """Return all that a child writes, or None when it never ends."""
    content = b""
    stop = time.monotonic() + SLEEPING_S
    with open(readable, "rb", buffering=0) as pipe:
        while True:
            left = stop - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                os.kill(child, signal.SIGKILL)
                return None
            piece = pipe.read(1 << 20)
            if not piece:
                return content
            content += piece


def _child(trial: str, arguments: dict[str, Any], limit_s: int, out: int) -> None:
    """Run one trial and leave; never returns."""
    import resource

    code = 1
    try:
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
        used = int(time.process_time()) + limit_s
        resource.setrlimit(resource.RLIMIT_CPU, (used, used + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        size_cap.CEILING = CAP_BYTES
        module, _, name = trial.partition(":")
        told = getattr(importlib.import_module(module), name)(**arguments)
        content = json.dumps({"start_bytes": start, **told})
        code = 0
    except BaseException:  # noqa: BLE001 - what the trial did not foresee is a crash
        content = traceback.format_exc()
    with open(out, "wb") as pipe:
        pipe.write(content.encode())
    os._exit(code)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2:])
