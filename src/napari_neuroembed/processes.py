"""Processes, the same on Linux, macOS and Windows: start, recognise, end."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

_SAME_START_S = 1.5
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def host() -> str:
    """Return the name of this computer."""
    return platform.node()


def start_mark(pid: int | None = None) -> float:
    """Return when a process started, a number that later clock changes do not move.

    Parameters
    ----------
    pid
        The process; default this one.

    Returns
    -------
    float
        Seconds since the computer started on Linux, whose kernel counts that way;
        seconds since 1970 elsewhere.

    Raises
    ------
    psutil.NoSuchProcess
        When there is no such process.
    """
    booted = psutil.boot_time()  # first: older psutil adds the one it saw last
    created = psutil.Process(pid).create_time()
    return created - booted if psutil.LINUX else created


def find(pid: int, mark: float) -> psutil.Process | None:
    """Return the process with this number that started at `mark`, or None.

    A number alone proves nothing: systems give it to a later process.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if abs(start_mark(pid) - mark) > _SAME_START_S:
            return None
    except psutil.Error:
        return None
    return process


def is_running(pid: int, mark: float) -> bool:
    """Whether the process that started at `mark` may still run.

    Where the system hides other users' processes, one of this number counts as it.
    """
    if not psutil.pid_exists(pid):
        return False
    try:
        process = psutil.Process(pid)
        is_zombie = process.status() == psutil.STATUS_ZOMBIE
        return not is_zombie and abs(start_mark(pid) - mark) <= _SAME_START_S
    except psutil.Error:
        return psutil.pid_exists(pid)


def end(process: psutil.Process) -> None:
    """End a process and what it started, at once.

    Notes
    -----
    psutil compares start times before it signals, so a number that was given away
    meanwhile is safe.
    """
    try:
        family = [*process.children(recursive=True), process]
    except psutil.Error:
        family = [process]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)


def spawn(
    command: Sequence[str],
    *,
    log: IO[bytes],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one, without a shell.

    Parameters
    ----------
    command
        Program and arguments.
    log
        Receives what the process prints.
    folder
        Working folder; default the present one.
    environment
        All its environment variables; default those of this process.
    """
    group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=dict(os.environ if environment is None else environment),
        start_new_session=True,
        creationflags=group,
    )


def one_thread_environment() -> dict[str, str]:
    """Return an environment of one thread that finds this very package."""
    here = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path}
