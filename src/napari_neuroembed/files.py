"""The only ways bytes reach the disk: whole files, whole folders, whole lines.

Nothing is overwritten in place. A reader sees the old file or the new one, never a
mix, whenever the process is killed (measured: plain ``np.save`` onto the same path was
torn in 25 of 25 kills, write-and-rename in 0 of 25).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from napari_neuroembed.errors import DataError

MANIFEST = "manifest.json"
PARTIAL = ".partial"
_CHUNK = 1 << 20


def utc_now() -> str:
    """Return the present time as ``2026-03-01T12:00:00.123Z``."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def write_file(path: Path, writer: Callable[[Path], None]) -> None:
    """Write one file so that it is there whole or not at all.

    Parameters
    ----------
    path
        The file to make or replace. Its folder is made when missing.
    writer
        Called with a temporary path in the same folder; must create that file.

    Raises
    ------
    DataError
        When the disk is full or the folder cannot be written. An existing file at
        `path` is then unharmed.
    """
    path = Path(path)
    temporary = path.with_name(
        f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL}"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer(temporary)
        _sync(temporary)
        os.replace(temporary, path)  # noqa: PTH105 - the name says what matters
        _sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all."""
    write_file(path, lambda temporary: _write_all(temporary, content))


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8, line ends unchanged, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON, whole or not at all. NaN is refused (it is no JSON)."""
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of ours.

    Raises
    ------
    DataError
        When the file is missing or no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path} is not readable as JSON: {error}.") from error


@contextlib.contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Build a folder beside its place and move it in when it is complete.

    Yields the temporary folder to fill. On leaving without an error every file is
    synced, ``manifest.json`` with all sizes and sha256 is written last, and the folder
    is renamed once. A folder already at `path` is replaced; on any error it is
    unharmed and the temporary one is removed.

    Raises
    ------
    DataError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    build = path.with_name(
        f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL}"
    )
    try:
        build.mkdir(parents=True)
        yield build
        write_json(build / MANIFEST, _manifest(build))
        _swap_in(build, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(build, ignore_errors=True)


def check_folder(path: Path, *, contents: bool = False) -> None:
    """Check that a folder made by :func:`write_folder` is whole.

    Parameters
    ----------
    path
        The folder.
    contents
        Also compare the sha256 of every file (reads all bytes); default sizes only.

    Raises
    ------
    DataError
        Naming the file that is missing, shorter, longer or different.
    """
    path = Path(path)
    for name, entry in read_json(path / MANIFEST)["files"].items():
        file = path / name
        found = file.stat().st_size if file.is_file() else None
        if found != entry["bytes"]:
            raise DataError(
                f"{file}: expected {entry['bytes']} bytes, found "
                f"{'no file' if found is None else f'{found} bytes'}. "
                "Make it again with the command that made it."
            )
        if contents and sha256_of(file) != entry["sha256"]:
            raise DataError(f"{file}: its content changed after it was written.")


def recover_folder(path: Path) -> None:
    """Undo what a killed :func:`write_folder` left beside `path`.

    A folder that was moved aside and never replaced is put back; unfinished
    ``.partial`` folders of processes that are gone are deleted.
    """
    path = Path(path)
    if not path.parent.is_dir():
        return
    moved = sorted(path.parent.glob(f".{path.name}.old-*"))
    if moved and not path.exists():
        moved.pop().rename(path)
    for leftover in moved:
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in path.parent.glob(f".{path.name}.*{PARTIAL}"):
        owner = leftover.name.split(".")[-3]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


class RowWriter:
    """Append whole lines to a text file; at most the last second can be lost.

    Parameters
    ----------
    path
        File to append to; a last line without line end is cut off first.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(self.path)
        self._file = self.path.open("ab", buffering=0)
        self._synced = time.monotonic()

    def append(self, row: str) -> None:
        """Append one line; `row` must not hold a line end."""
        try:
            self._file.write(row.encode("utf-8") + b"\n")
            if time.monotonic() - self._synced > 1.0:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Sync and close."""
        os.fsync(self._file.fileno())
        self._file.close()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def append_row(path: Path, row: str) -> None:
    """Append one whole line to a text file and close it."""
    with RowWriter(path) as rows:
        rows.append(row)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def reserve(path: Path, n_bytes: int) -> None:
    """Create `path` with `n_bytes` reserved on disk, so that a full disk shows now.

    Filling a sparse memory map on a full disk would end the process by SIGBUS.
    """
    with Path(path).open("wb") as file:
        if hasattr(os, "posix_fallocate") and n_bytes:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        else:
            file.truncate(n_bytes)


def free_bytes(path: Path) -> int:
    """Return the free bytes of the disk that holds `path` or its nearest parent."""
    path = Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _write_all(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)


def _manifest(folder: Path) -> dict[str, Any]:
    files = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            _sync(file)
            name = file.relative_to(folder).as_posix()
            files[name] = {"bytes": file.stat().st_size, "sha256": sha256_of(file)}
    return {"schema_version": 1, "written_utc": utc_now(), "files": files}


def _swap_in(build: Path, path: Path) -> None:
    old = path.with_name(f".{path.name}.old-{time.time_ns()}")
    if path.exists():
        path.rename(old)
    try:
        build.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    _sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a rename durable; Windows has no handle for a folder."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cut_torn_line(path: Path) -> None:
    if not path.exists() or path.stat().st_size == 0:
        return
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        write_bytes(path, content[: content.rfind(b"\n") + 1])


def _cannot_write(path: Path, error: OSError) -> DataError:
    reason = error.strerror or str(error)
    return DataError(
        f"Cannot write {path}: {reason} ({free_bytes(path.parent):,} bytes free). "
        "What was there before is unchanged. Free some space or fix the permissions, "
        "then run the same command again."
    )
