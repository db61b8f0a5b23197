"""Commands that start at once, because they are forked, and can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Condition = Callable[[], object]


class Forks:
    """The process of ``forked_commands.py``, which forks a command per line."""

    def __init__(self) -> None:
        folders = (ROOT / "src", ROOT)
        path = os.pathsep.join(map(str, folders))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/faults/forked_commands.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self.answer() == "ready"

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, *argv: object) -> int:
        """Run a command to its end and return its exit code."""
        self.begin(*argv)
        return int(self.answer())

    def seconds_of(self, *argv: object) -> float:
        """Return how long a command takes that ends well."""
        begun_s = time.monotonic()
        assert self.run(*argv) == 0
        return time.monotonic() - begun_s

    def run_killed(self, *argv: object, after: Condition, delay_s: float) -> bool:
        """Kill a command `delay_s` after something happened; False: it was done."""
        code = self.run_signalled(
            *argv, after=after, delay_s=delay_s, number=signal.SIGKILL
        )
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def run_signalled(
        self,
        *argv: object,
        after: Condition,
        delay_s: float,
        number: signal.Signals,
        times: int = 1,
    ) -> int:
        """Send a signal `delay_s` after something happened; return the exit code."""
        pid = self.begin(*argv)
        begun_s = time.monotonic()
        while not after() and time.monotonic() - begun_s < 30:
            time.sleep(0.001)
        time.sleep(delay_s)
        for _ in range(times):
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, number)
            time.sleep(0.02 * (times - 1))
        return int(self.answer())

    def begin(self, *argv: object) -> int:
        """Start a command and return its process number; :meth:`answer` follows."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([str(word) for word in argv]) + "\n")
        self.process.stdin.flush()
        return int(self.answer())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def list_names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*")}


def has_new(folder: Path, known: set[str]) -> bool:
    return not list_names(folder) <= known


def unfinished(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.suffix in (".partial", ".old")]
