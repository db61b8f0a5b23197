"""The only ways bytes reach the disk: whole files, whole folders, whole lines.

Nothing is overwritten in place. A reader sees the old file or the new one, never a
mix, whenever the process is killed (measured: plain ``np.save`` onto the same path was
torn in 25 of 25 kills, write-and-rename in 0 of 25).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from napari_neuroembed.disk import (
    bytes_of,
    cannot_write,
    free_bytes,
    is_foreign,
    reserve,
)
from napari_neuroembed.errors import DataError, NewerError
from napari_neuroembed.leftovers import (
    OLD,
    PARTIAL,
    beside,
    followed,
    recover_folder,
    recover_inside,
    settle,
)

__all__ = [
    "MANIFEST",
    "PARTIAL",
    "RowWriter",
    "append_row",
    "check_folder",
    "free_bytes",
    "json_text",
    "manifest_entries",
    "new_folder",
    "open_log",
    "read_json",
    "recover_folder",
    "recover_inside",
    "reserve",
    "settle",
    "sha256_of",
    "unchanged",
    "utc_now",
    "write_bytes",
    "write_file",
    "write_folder",
    "write_json",
    "write_text",
]

MANIFEST = "manifest.json"
MAX_JSON_BYTES = 256 << 20
_CHUNK = 1 << 20
_SCHEMA_VERSION = 1
_log = logging.getLogger(__name__)


def utc_now() -> str:
    """Return the present time as ``2026-03-01T12:00:00.123Z``."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


def write_file(
    path: Path, writer: Callable[[Path], None], *, n_bytes: int | None = None
) -> None:
    """Write one file so that it is there whole or not at all.

    Parameters
    ----------
    path
        The file to make or replace. Its folder is made when missing.
    writer
        Called with a temporary path in the same folder; must create exactly that
        file. Hand an open file to libraries that add an ending of their own
        (``np.save``).
    n_bytes
        Size of the file where it is known before, for the message of a full disk.

    Raises
    ------
    DiskError
        When the disk is full or the folder cannot be written. An existing file at
        `path` is then unharmed.

    Notes
    -----
    A link is followed: the file it points to is replaced, the link stays. The
    permissions of a file that is replaced are kept.
    """
    path = followed(path)
    temporary = beside(path, PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer(temporary)
        _sync(temporary)
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)  # noqa: PTH105 - the name says what matters
        _sync_folder(path.parent)
    except OSError as error:
        if is_foreign(error, path.parent):
            raise
        raise _full(path, temporary, error, n_bytes) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all."""
    write_file(
        path,
        lambda temporary: _write_all(temporary, content),
        n_bytes=len(content),
    )


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8, line ends unchanged, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON, whole or not at all.

    Raises
    ------
    ValueError
        For NaN and infinity, which are no JSON.
    DiskError
        When the file cannot be written.
    """
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """Return what :func:`write_json` writes."""
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    return text + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file of ours.

    Raises
    ------
    DataError
        When the file is missing, cannot be opened or is no JSON (NaN is none).
    """
    try:
        size = Path(path).stat().st_size
        if size > MAX_JSON_BYTES:
            raise DataError(f"{path} has {size:,} bytes, too many to be ours.")
        text = Path(path).read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not readable as JSON: {error}.") from error


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Build a folder that will grow, and move it in with its first files.

    Yields the temporary folder to fill. It gets no manifest, and nothing is replaced.

    Raises
    ------
    FileExistsError
        When there is something at `path`.
    DataError
        When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    build = beside(path, PARTIAL)
    try:
        build.mkdir(parents=True)
        yield build
        for file in build.iterdir():
            _sync(file)
        _move_in(build, path)
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _full(path, build, error) from error
    finally:
        shutil.rmtree(build, ignore_errors=True)


Manifest = dict[str, Any]
"""Content of a ``manifest.json``: `schema_version`, `written_utc`, `files`."""


@contextlib.contextmanager
def write_folder(
    path: Path,
    *,
    replace: bool = True,
    manifest: Callable[[Manifest], Manifest] = dict,
) -> Iterator[Path]:
    """Build a folder beside its place and move it in when it is complete.

    Yields the temporary folder to fill. On leaving without an error every file is
    synced, ``manifest.json`` with all sizes and sha256 is written last, and the folder
    is renamed once. On any error a folder at `path` is unharmed and the temporary one
    is removed.

    Parameters
    ----------
    path
        The folder to make.
    replace
        Replace what such a call made at `path` before; files that somebody else put
        there are kept.
    manifest
        Given what ``manifest.json`` will hold, returns it with more facts; may refuse
        by an error, which leaves everything as it was.

    Raises
    ------
    FileExistsError
        When there is something at `path` and `replace` is False.
    DataError
        When the folder at `path` was not made here, or by a newer version.
    DiskError
        When the disk is full or the folder cannot be written. An operating system
        error about a file elsewhere, e.g. a source that vanished, is passed on as it
        is.
    """
    path = followed(path)
    build = beside(path, PARTIAL)
    kept = _added_files(path) if replace else []
    try:
        build.mkdir(parents=True)
        yield build
        write_json(build / MANIFEST, manifest(_manifest(build)))
        if replace:
            _carry_over(path, kept, build)
            _swap_in(build, path)
        else:
            _move_in(build, path)
            _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        if is_foreign(error, path.parent):
            raise
        raise _full(path, build, error) from error
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
        Naming the file that is missing, shorter, longer or different, or the manifest
        when it is none of ours.
    """
    path = Path(path)
    for name, entry in manifest_entries(path / MANIFEST).items():
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


@contextlib.contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Make sure that what is read of a folder of ours is all of one making.

    Raises
    ------
    DataError
        When another process replaced the folder meanwhile.
    """
    before = _stamp_of(path)
    yield
    if _stamp_of(path) != before:
        raise DataError(
            f"{path} was replaced while it was read, by a command that makes it again. "
            "Run the same command again."
        )


def manifest_entries(path: Path) -> dict[str, dict[str, Any]]:
    """Return size and sha256 of every file that a ``manifest.json`` names.

    Raises
    ------
    NewerError
        When it is of a newer version.
    DataError
        When it is missing, damaged or none of ours.
    """
    content = read_json(path)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise DataError(f"{path} is no manifest of ours: it has no schema_version.")
    if version > _SCHEMA_VERSION:
        raise NewerError(
            f"{path} has schema_version {version}, this program knows up to "
            f"{_SCHEMA_VERSION}. Use the newer neuroembed that wrote it."
        )
    entries = content.get("files")
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.items())):
        raise DataError(f"{path} is damaged: its list of files is not as written.")
    return entries


class RowWriter:
    """Append whole lines to a text file; at most the last second can be lost.

    Parameters
    ----------
    path
        File to append to; a last line without line end is cut off first, with a
        warning in the log.
    keep
        Says of a line whether it stays; last lines that do not are cut off as well.
        Only the end of the file is read.

    Raises
    ------
    DiskError
        When the file cannot be opened or written.
    """

    def __init__(
        self, path: Path, keep: Callable[[bytes], bool] = lambda _: True
    ) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _cut_end(self.path, keep)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._synced = time.monotonic()

    def append(self, row: str) -> None:
        """Append one line.

        Raises
        ------
        ValueError
            When `row` holds a line end.
        DataError
            When the disk is full; the file then ends with the line before.
        """
        if "\n" in row:
            raise ValueError(f"One row is one line, found {row!r}.")
        size = os.fstat(self._file.fileno()).st_size
        try:
            rest = memoryview(row.encode("utf-8") + b"\n")
            while rest:
                rest = rest[self._file.write(rest) :]
            if time.monotonic() - self._synced > 1.0:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(size)
            raise cannot_write(self.path, error) from error

    def close(self) -> None:
        """Sync and close."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            self._file.close()

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def append_row(path: Path, row: str) -> None:
    """Append one whole line to a text file and close it."""
    with RowWriter(path) as rows:
        rows.append(row)


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending, for output that no one parses.

    A job's log is the one file here that may end within a line.

    Raises
    ------
    DataError
        When the file cannot be opened.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab", buffering=0)
    except OSError as error:
        raise cannot_write(path, error) from error


def sha256_of(path: Path, listen: Callable[[], None] | None = None) -> str:
    """Return the sha256 of a file's content; `listen` is called after every MiB."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if listen is not None:
                listen()
    return digest.hexdigest()


def _write_all(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _manifest(folder: Path) -> Manifest:
    files = {}
    for entry in sorted(folder.rglob("*")):
        if entry.is_dir():
            _sync_folder(entry)
        else:
            _sync(entry)
            name = entry.relative_to(folder).as_posix()
            size = entry.stat().st_size
            files[name] = {"bytes": size, "sha256": sha256_of(entry)}
    return {"schema_version": _SCHEMA_VERSION, "written_utc": utc_now(), "files": files}


def _full(
    path: Path, built: Path, error: OSError, n_bytes: int | None = None
) -> DataError:
    """Say what could not be written, and how large it is or was so far."""
    size = bytes_of(built) if n_bytes is None else n_bytes
    with contextlib.suppress(OSError):  # so that its room counts as free
        shutil.rmtree(built) if built.is_dir() else built.unlink(missing_ok=True)
    at_least = "at least " if n_bytes is None else ""
    return cannot_write(path, error, f"{at_least}{size:,}" if size else "")


def _added_files(path: Path) -> list[Path]:
    """Return what somebody else put into a folder of ours that will be replaced.

    Raises
    ------
    DataError
        When the folder is not ours, so that replacing it would lose what it holds.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return []
    try:
        ours = {MANIFEST, *manifest_entries(path / MANIFEST)}
    except DataError as error:
        raise DataError(
            f"{path} would be replaced, but cannot be told to be neuroembed's own: "
            f"{error} Move it away, then run the same command again."
        ) from error
    names = (p.relative_to(path) for p in path.rglob("*") if not p.is_dir())
    return [name for name in names if name.as_posix() not in ours]


def _carry_over(path: Path, names: list[Path], build: Path) -> None:
    for name in names:
        if not (build / name).exists():
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path / name, build / name, follow_symlinks=False)
            if not (build / name).is_symlink():
                _sync(build / name)


def _is_entry(item: tuple[str, Any]) -> bool:
    name, entry = item
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or not isinstance(entry, dict):
        return False
    return isinstance(entry.get("bytes"), int) and isinstance(entry.get("sha256"), str)


def _move_in(build: Path, path: Path) -> None:
    """Rename a folder to a name that is free; the system refuses one with files."""
    try:
        build.rename(path)
    except OSError as error:
        if path.exists():
            raise FileExistsError(path) from error
        raise


def _swap_in(build: Path, path: Path) -> None:
    old = beside(path, OLD)
    if path.exists():
        path.rename(old)
    try:
        build.rename(path)
    except OSError:
        with contextlib.suppress(OSError):  # not there, or somebody else's is now
            old.rename(path)
        raise
    _sync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _stamp_of(path: Path) -> bytes:
    try:
        return (path / MANIFEST).read_bytes()
    except OSError:
        return b""


def _sync(path: Path) -> None:
    with path.open("rb+" if os.name == "nt" else "rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a rename durable; Windows has no handle for a folder.

    By now the rename has happened, and some network drives know no sync of folders, so
    a failure is no error: only a power cut within seconds could still undo it.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        _log.warning("%s could not be synced: %s.", path, error.strerror)


def _cut_end(path: Path, keep: Callable[[bytes], bool]) -> None:
    """Cut off last lines that are torn or not to be kept, from the end backwards.

    A file only gets shorter by this, at the end of a line, in one call.
    """
    if not path.exists():
        return
    end = size = path.stat().st_size
    torn = 0
    for start, line in _lines_backwards(path, size):
        is_whole = line.endswith(b"\n")
        if is_whole and keep(line):
            break
        torn += 0 if is_whole else len(line)
        end = start
    if torn:
        _log.warning(
            "%s: a last line of %d bytes without line end was cut off.", path, torn
        )
    if end < size:
        os.truncate(path, end)


def _lines_backwards(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield place and content of every line, the last one first."""
    start, rest = size, b""
    with path.open("rb") as file:
        while start:
            length = min(_CHUNK, start)
            start -= length
            file.seek(start)
            *lines, last = (file.read(length) + rest).split(b"\n")
            lines = [line + b"\n" for line in lines] + ([last] if last else [])
            end = start + sum(map(len, lines))
            rest = lines.pop(0)
            for line in reversed(lines):
                end -= len(line)
                yield end, line
    if rest:
        yield 0, rest
