"""What is left when the process that writes is killed: ours beside other writers.

Every writer rewrites 25 MB over and over in a process of its own and is killed after
the same time as all others; then what lies on the disk is read.
"""

from __future__ import annotations

import collections
import importlib.metadata
import importlib.util
import os
import random
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.crash_writers import SHAPE, WRITERS, SilentlyWrongError, Writer
from benchmarks.measure import Result, Row, Settings, cpu_seconds

KILLS = 25
LONGEST_S = 0.3
"""Longest time between the end of a writer's first write and the kill."""


def run(settings: Settings) -> Result:
    """Kill every writer in turn, the same number of times at the same moments."""
    return compare(WRITERS, 4 if settings.quick else KILLS)


def compare(writers: tuple[Writer, ...], n_kills: int, seed: int = 0) -> Result:
    """Kill writers `n_kills` times each.

    Parameters
    ----------
    writers
        Whom; a peer whose module is missing gets a row that says so.
    n_kills
        How often each; all at the same delays.
    seed
        Of the delays.
    """
    absent = [w.name for w in writers if w.needs and not _is_here(w.needs)]
    delays = random.Random(seed)
    counts: dict[str, collections.Counter[str]] = {
        w.name: collections.Counter() for w in writers
    }
    cpu_s = dict.fromkeys(counts, 0.0)
    for _ in range(n_kills):
        delay_s = delays.uniform(0.0, LONGEST_S)
        for writer in writers:
            if writer.name not in absent and hasattr(os, "fork"):
                before_s = cpu_seconds()
                counts[writer.name].update(kill_once(writer, delay_s))
                cpu_s[writer.name] += cpu_seconds() - before_s
    rows = [
        _skipped(w)
        if w.name in absent or not hasattr(os, "fork")
        else _row(w, n_kills, counts[w.name], cpu_s[w.name])
        for w in writers
    ]
    return Result(
        rows,
        parameters={
            "kills": n_kills,
            "latest kill, s": LONGEST_S,
            "array, MB": round(4 * SHAPE[0] * SHAPE[1] * SHAPE[2] / 1e6, 1),
        },
    )


def kill_once(writer: Writer, delay_s: float) -> list[str]:
    """Let a process write, kill it, and return what is wrong with what it left."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        acknowledged = _write_until_killed(writer, folder, delay_s)
        try:
            found = writer.read(folder)
        except SilentlyWrongError:
            return ["torn", "silent"]
        except Exception:  # noqa: BLE001 - each library has its own for a torn file
            return ["torn"]
        return ["lost"] if found < acknowledged else []


def _write_until_killed(writer: Writer, folder: Path, delay_s: float) -> int:
    """Return the last version whose write had returned when the kill came."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for _ in writer.write(folder):
                os.write(theirs, b".")
        finally:
            os._exit(1)
    os.close(theirs)
    n_done = len(os.read(ours, 1))
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while more := os.read(ours, 1 << 16):
        n_done += len(more)
    os.close(ours)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise RuntimeError(f"{writer.name} ended by itself after {n_done} writes.")
    return n_done


def _row(writer: Writer, n_kills: int, counts: Mapping[str, int], cpu_s: float) -> Row:
    is_peer = bool(writer.needs)
    wrong = counts["torn"] + counts["lost"]
    return Row(
        _name(writer),
        is_peer,
        value=float(wrong),
        unit=f"of {n_kills} kills lost something",
        cpu_s=cpu_s,
        error=float(wrong),
        error_unit="torn or lost",
        error_limit=None if is_peer else 0.0,
        repeats=n_kills,
        counts={
            "torn or unreadable": counts["torn"],
            "of these opened silently": counts["silent"],
            "whole but older than acknowledged": counts["lost"],
        },
    )


def _skipped(writer: Writer) -> Row:
    reason = (
        f"{writer.needs} is not installed: pip install 'napari-neuroembed[bench]'"
        if hasattr(os, "fork")
        else "this system does not fork"
    )
    return Row(
        _name(writer), bool(writer.needs), None, "", status="skipped", reason=reason
    )


def _name(writer: Writer) -> str:
    if not writer.needs or not _is_here(writer.needs):
        return writer.name
    return f"{writer.name} {importlib.metadata.version(writer.needs).partition('+')[0]}"


def _is_here(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
