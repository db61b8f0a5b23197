"""One process at a time prepares a recording, or trains a run."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_neuroembed import processes
from napari_neuroembed.disk import create_exclusively
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import read_json, utc_now
from napari_neuroembed.leftovers import beside

UNWRITTEN_S = 10.0
"""A lock without content is taken for that of a killed process after this time."""

STALE = ".stale"


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Parameters
    ----------
    pid, process_start_s, host
        The process; a number alone proves nothing.
    since_utc
        When it began.
    """

    pid: int
    process_start_s: float
    host: str
    since_utc: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since_utc}"

    def is_gone(self) -> bool:
        """Whether the process has ended, as far as this computer can know."""
        if self.host != processes.host():
            return False
        return not processes.is_running(self.pid, self.process_start_s)


@contextlib.contextmanager
def working_alone(folder: Path, what: str) -> Iterator[None]:
    """Hold ``.<name>.lock`` beside a folder while something is made of it.

    The lock of a process of this computer that has ended is taken over.

    Parameters
    ----------
    folder
        What is worked on; need not exist.
    what
        Beginning of the message to whoever comes second, e.g. ``Run 'first' is being
        trained``.

    Raises
    ------
    DataError
        Naming the process that holds it.
    """
    path = lock_beside(folder)
    mine = Holder(os.getpid(), processes.start_mark(), processes.host(), utc_now())
    content = json.dumps(asdict(mine)).encode("utf-8")
    if not create_exclusively(path, content):
        _clear_stale(path)
        if not create_exclusively(path, content):
            raise DataError(_refusal(path, what))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def lock_beside(folder: Path) -> Path:
    """Return where the lock of a folder lies."""
    return folder.with_name(f".{folder.name}.lock")


def holder_of(path: Path) -> Holder | None:
    """Return who holds a lock; None when there is none or nobody can be read."""
    try:
        return Holder(**read_json(path))
    except (DataError, TypeError):
        return None


def _clear_stale(path: Path) -> None:
    """Move a lock away whose process has ended.

    Two processes may find the same one: whoever moved away what is not stale puts it
    back.
    """
    if not _is_stale(path):
        return
    aside = beside(path, STALE)
    with contextlib.suppress(OSError):
        path.rename(aside)
        if _is_stale(aside):
            aside.unlink()
        else:
            aside.rename(path)


def _is_stale(path: Path) -> bool:
    holder = holder_of(path)
    if holder is not None:
        return holder.is_gone()
    try:
        return time.time() - path.stat().st_mtime > UNWRITTEN_S
    except OSError:
        return False


def _refusal(path: Path, what: str) -> str:
    holder = holder_of(path)
    who = "another process" if holder is None else str(holder)
    text = f"{what} by {who}."
    if holder is not None and holder.host != processes.host():
        return f"{text} If that process has ended, delete {path}."
    return f"{text} Wait for it, then run the same command again."
