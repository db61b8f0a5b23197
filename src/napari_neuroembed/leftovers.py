"""The hidden names of unfinished things, and what to do with them after a crash."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import secrets
import shutil
import time
from pathlib import Path

from napari_neuroembed import processes
from napari_neuroembed.disk import cannot_write

PARTIAL = ".partial"
"""Ending of a file or folder that is being written."""

OLD = ".old"
"""Ending of a folder that was moved aside and is about to be replaced."""

FOREIGN_AGE_S = {PARTIAL: 24 * 3600.0, OLD: 60.0}
"""Another computer's process is taken for gone when its thing lay still this long."""


def recover_folder(path: Path) -> None:
    """Undo what a killed ``write_folder`` or ``write_file`` left beside `path`.

    A folder that was moved aside and never replaced is put back; unfinished
    ``.partial`` files and folders of processes that are gone are deleted. What another
    process is writing at this moment is left alone.
    """
    path = followed(path)
    if not path.parent.is_dir():
        return
    name = glob.escape(f".{path.name}.")
    left = [p for p in path.parent.glob(f"{name}*") if _is_leftover(p)]
    moved = sorted(p for p in left if p.name.endswith(OLD))
    if moved and not path.exists():
        left.remove(moved[-1])
        _put_back(moved[-1], path)
    for leftover in left:
        _remove(leftover)


def recover_inside(folder: Path) -> None:
    """Undo what killed processes left in a folder, whatever the name was to be."""
    names = {
        p.name.rsplit(".", 3)[0].removeprefix(".")
        for p in Path(folder).glob(".*")
        if p.suffix in (PARTIAL, OLD)
    }
    for name in names - {""}:
        recover_folder(Path(folder) / name)


def settle(path: Path, wait_s: float = 2.0) -> None:
    """Let a replacement that another process is in the midst of come to its end.

    What a killed process moved aside is put back.
    """
    stop_s = time.monotonic() + wait_s
    while not path.exists():
        recover_folder(path)
        if time.monotonic() > stop_s or not _moved_aside(path):
            return
        time.sleep(0.02)


def remove_folder(path: Path) -> None:
    """Delete a folder so that a kill on the way leaves no half of it in its place."""
    doomed = beside(path, PARTIAL)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def followed(path: Path) -> Path:
    """Return where a link leads, or the path itself."""
    path = Path(path)
    return path.resolve() if path.is_symlink() else path


def beside(path: Path, ending: str) -> Path:
    """Return a hidden name beside `path` that tells whose it is."""
    mark_ms = round(processes.start_mark() * 1000)
    owner = f"{_host_tag()}-{os.getpid()}-{mark_ms}"
    stamp = f"{time.time_ns()}-{secrets.token_hex(2)}"
    return path.with_name(f".{path.name}.{owner}.{stamp}{ending}")


def _host_tag() -> str:
    return hashlib.sha256(processes.host().encode()).hexdigest()[:6]


def _is_leftover(path: Path) -> bool:
    """Whether `path` is an unfinished or moved thing whose owner is gone."""
    ending = path.suffix
    parts = path.name.split(".")
    if ending not in (PARTIAL, OLD) or len(parts) < 5:
        return False
    owner = parts[-3].split("-")
    stamp = parts[-2].partition("-")[0]
    if len(owner) != 3 or not all(map(str.isdigit, (*owner[1:], stamp))):
        return False
    host, pid, mark_ms = owner
    if host == _host_tag():
        return not processes.is_running(int(pid), int(mark_ms) / 1000)
    named_s = int(stamp) / 1e9
    touched_s = max(named_s, _last_change(path)) if ending == PARTIAL else named_s
    return time.time() - touched_s > FOREIGN_AGE_S[ending]


def _last_change(path: Path) -> float:
    newest = 0.0
    for entry in (path, *path.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, entry.lstat().st_mtime)
    return newest


def _moved_aside(path: Path) -> bool:
    return any(path.parent.glob(f"{glob.escape(f'.{path.name}.')}*{OLD}"))


def _put_back(moved: Path, path: Path) -> None:
    try:
        moved.rename(path)
    except OSError as error:
        if not path.exists():
            raise cannot_write(path, error) from error


def _remove(path: Path) -> None:
    """Remove a leftover as far as it can be; what stays is tried again next time."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
