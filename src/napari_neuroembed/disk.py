"""How much room the disk has, and what to say when it has too little."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from napari_neuroembed.errors import DiskError

_CHUNK = 1 << 20
_REFUSALS = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EFBIG")
    if hasattr(errno, name)
)


def reserve(path: Path, n_bytes: int) -> None:
    """Create `path` with `n_bytes` reserved on disk, so that a full disk shows now.

    Filling a sparse memory map on a full disk would end the process by SIGBUS.

    Raises
    ------
    DiskError
        When the disk has not that much room.
    """
    path = Path(path)
    try:
        with path.open("wb") as file:
            if hasattr(os, "posix_fallocate") and n_bytes:
                os.posix_fallocate(file.fileno(), 0, n_bytes)
            else:
                _fill_with_zeros(file, n_bytes)
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise cannot_write(path, error, f"{n_bytes:,}") from error


def create_exclusively(path: Path, content: bytes) -> bool:
    """Create a file that must not be there yet, e.g. a lock.

    Returns
    -------
    bool
        False when it is there; nothing is changed then.

    Raises
    ------
    DiskError
        When the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            _write_or_remove(file, path, content)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def _write_or_remove(file: IO[bytes], path: Path, content: bytes) -> None:
    """Leave no empty lock, which would be taken for somebody else's."""
    try:
        file.write(content)
        file.flush()
    except OSError:
        path.unlink(missing_ok=True)
        raise


def free_bytes(path: Path) -> int:
    """Return the free bytes of the disk that holds `path` or its nearest parent."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def refuse_too_small(folder: Path, n_bytes: int, advice: str) -> None:
    """Refuse work for which a disk has not enough room, before it begins.

    Raises
    ------
    DiskError
        Naming the folder, the bytes needed and those free.
    """
    free = free_bytes(folder)
    if n_bytes > free:
        raise DiskError(
            f"{folder}: {n_bytes:,} bytes are needed, but only {free:,} are free. "
            f"{advice}"
        )


def bytes_of(path: Path) -> int:
    """Return the size of a file or of all files in a folder, as far as it is known."""
    total = 0
    for file in (path, *path.rglob("*")):
        with contextlib.suppress(OSError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def _fill_with_zeros(file: IO[bytes], n_bytes: int) -> None:
    zeros = bytes(_CHUNK)
    for start in range(0, n_bytes, _CHUNK):
        file.write(zeros[: n_bytes - start])


def is_foreign(error: OSError, folder: Path) -> bool:
    """Whether the error is about a file outside the folder that is written to."""
    if not isinstance(error.filename, str | os.PathLike):
        return False
    place = Path(os.path.abspath(error.filename))  # noqa: PTH100 - no links followed
    return Path(os.path.abspath(folder)) not in (place, *place.parents)  # noqa: PTH100


@contextlib.contextmanager
def disk_errors_told() -> Iterator[None]:
    """Turn what the disk or its permissions refuse, anywhere, into a plain error.

    Raises
    ------
    DiskError
        Naming file and reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS or error.filename is None:
            raise
        raise DiskError(
            f"{error.filename}: {error.strerror}. {_advice(error)}"
        ) from error


def cannot_write(path: Path, error: OSError, needed: str = "") -> DiskError:
    """Return the error that says what could not be written and what to do.

    Parameters
    ----------
    path
        File or folder.
    error
        What the system said.
    needed
        How many bytes, e.g. ``more than 1,000``.
    """
    room = [f"{needed} bytes are needed"] if needed else []
    with contextlib.suppress(OSError):  # the folder may be unreadable as well
        room.append(f"{free_bytes(path.parent):,} bytes are free in {path.parent}")
    return DiskError(
        f"Cannot write {path}: {error.strerror or error} "
        f"({', '.join(room) or 'room unknown'}). What was there before is unchanged. "
        f"{_advice(error)}"
    )


def _advice(error: OSError) -> str:
    is_forbidden = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    todo = "Fix the permissions" if is_forbidden else "Free some space"
    return f"{todo}, then run the same command again."
