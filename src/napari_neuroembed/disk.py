"""How much room the disk has, and what to say when it has too little."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import IO

from napari_neuroembed.errors import DataError

_CHUNK = 1 << 20


def reserve(path: Path, n_bytes: int) -> None:
    """Create `path` with `n_bytes` reserved on disk, so that a full disk shows now.

    Filling a sparse memory map on a full disk would end the process by SIGBUS.

    Raises
    ------
    DataError
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
        raise cannot_write(path, error, f" for {n_bytes:,} bytes") from error


def create_exclusively(path: Path, content: bytes) -> bool:
    """Create a file that must not be there yet, e.g. a lock.

    Returns
    -------
    bool
        False when it is there; nothing is changed then.

    Raises
    ------
    DataError
        When the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def free_bytes(path: Path) -> int:
    """Return the free bytes of the disk that holds `path` or its nearest parent."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


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


def cannot_write(path: Path, error: OSError, what: str = "") -> DataError:
    """Return the error that says what could not be written and what to do."""
    reason = error.strerror or str(error)
    return DataError(
        f"Cannot write {path}{what}: {reason} ({free_bytes(path.parent):,} bytes "
        "free). What was there before is unchanged. Free some space or fix the "
        "permissions, then run the same command again."
    )
