"""Open somebody else's bundle: everything in it is hostile until checked."""

from __future__ import annotations

import errno
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from napari_neuroembed import files
from napari_neuroembed.data.project.file import ProjectFile
from napari_neuroembed.disk import refuse_too_small
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.bundle_contents import (
    ASK_AGAIN,
    check_manifest,
)
from napari_neuroembed.store.run_folder import RunFolder

MAX_MANIFEST_BYTES = 8 << 20
MAX_LIST_BYTES = 6 << 20
"""Longest list of contents of a zip that is read."""
_END = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES = 20
_END_64 = struct.Struct("<4sQ2H2L4Q")
_IN_64 = 0xFFFFFFFF
_ENCRYPTED = 0x1
_CHUNK = 1 << 20
_FAILURES = (
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


def open_bundle(path: Path, folder: Path, report: Report = silent) -> Path:
    """Unpack a bundle into a new folder, which then is a project.

    Parameters
    ----------
    path
        The zip file that ``neuroembed bundle`` made.
    folder
        Folder to make; there must be nothing in it.
    report
        Told about every file.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DataError
        When the file is damaged, cut, no bundle, of a newer version, holds a file that
        a bundle does not, or the folder is not free. Nothing is left behind then.
    """
    path, folder = Path(path), Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not empty. Name a folder that is not there yet.")
    with _opened(path) as (archive, manifest):
        entries = check_manifest(manifest, str(path))
        infos = _members(path, archive, entries)
        total = sum(entry["bytes"] for entry in entries.values())
        refuse_too_small(folder.parent, total, "Choose another folder.")

        def checked(written: files.Manifest) -> files.Manifest:
            _compare(path, written["files"], entries)
            return dict(manifest)

        files.recover_inside(folder.absolute().parent)
        try:
            with files.write_folder(folder, replace=False, manifest=checked) as build:
                for done, (name, info) in enumerate(infos.items()):
                    listen = partial(report, "unbundle", done, len(infos), name)
                    listen()
                    _unpack(archive, info, build / name, listen)
                _check_content(path, build, str(manifest["run"]))
        except FileExistsError:
            raise DataError(f"{folder} was made by somebody else meanwhile.") from None
    report("unbundle", len(infos), len(infos), str(folder))
    return folder


def bundle_facts(path: Path) -> dict[str, Any]:
    """Return what a bundle's manifest says, without unpacking anything.

    Raises
    ------
    DataError
        When it is damaged, no bundle, or of a newer version.
    """
    with _opened(Path(path)) as (archive, manifest):
        _members(Path(path), archive, check_manifest(manifest, str(path)))
        return dict(manifest)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Any]]:
    """Give the archive and its manifest, and tell of damage in plain words."""
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    try:
        _check_end(path)
        with zipfile.ZipFile(path) as archive:
            yield archive, _manifest(path, archive)
    except (*_FAILURES, OSError) as error:
        # A place before the beginning of the file, where the list of contents lies.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise DataError(
            f"{path} is damaged, cut or no bundle of neuroembed ({error}). {ASK_AGAIN}"
        ) from error


def _check_end(path: Path) -> None:
    """Refuse a list of contents that is too long to be read, before it is read.

    A bundle ends with the plain end record of a zip without a comment.
    """
    longest = _END_64.size + _LOCATOR_BYTES + _END.size
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - longest))
        tail = file.read(longest)
    mark, *_, n_bytes, _, n_comment = _END.unpack(tail[-_END.size :])
    if mark != b"PK\5\6" or n_comment:
        raise ValueError("its end is not that of a bundle")
    lengths = [n_bytes] if n_bytes != _IN_64 else []
    if len(tail) == longest:  # the record of a large zip counts wherever it stands
        mark, *_, n_bytes, _ = _END_64.unpack(tail[: _END_64.size])
        lengths += [n_bytes] if mark == b"PK\6\6" else []
    if not lengths or max(lengths) > MAX_LIST_BYTES:
        raise ValueError("its list of contents is longer than that of any bundle")


def _manifest(path: Path, archive: zipfile.ZipFile) -> Any:
    infos = archive.infolist()
    if not infos or infos[0].filename != files.MANIFEST:
        raise DataError(
            f"{path} is no bundle of neuroembed: its first file is not "
            f"{files.MANIFEST}. Bundles are made by neuroembed bundle PROJECT RUN; "
            "packing an opened one again makes none."
        )
    _refuse_odd(path, infos[0])
    if infos[0].file_size > MAX_MANIFEST_BYTES:
        raise DataError(f"{path}: its {files.MANIFEST} is too large to be ours.")
    try:
        return json.loads(archive.read(infos[0]).decode("utf-8"))
    except RecursionError as error:
        raise DataError(
            f"{path} is no bundle of neuroembed: its {files.MANIFEST} cannot be read."
        ) from error


def _members(
    path: Path, archive: zipfile.ZipFile, entries: Mapping[str, Mapping[str, Any]]
) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name: exactly those of the manifest, plain and stored."""
    infos = archive.infolist()[1:]
    found = {info.filename: info for info in infos}
    if len(found) < len(infos) or set(found) != set(entries):
        odd = sorted(set(found) ^ set(entries))[:3]
        raise DataError(
            f"{path} holds other files than its {files.MANIFEST} names "
            f"({', '.join(map(repr, odd)) or 'one of them twice'}). {ASK_AGAIN}"
        )
    for name, info in found.items():
        _refuse_odd(path, info)
        if info.file_size != entries[name]["bytes"]:
            raise DataError(
                f"{path}: {name} has {info.file_size:,} bytes, its {files.MANIFEST} "
                f"says {entries[name]['bytes']:,}. {ASK_AGAIN}"
            )
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise DataError(f"{path} declares more bytes than it has. {ASK_AGAIN}")
    return found


def _refuse_odd(path: Path, info: zipfile.ZipInfo) -> None:
    """Refuse links, folders, passwords and compression: a bundle has none."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or info.is_dir():
        raise DataError(f"{path}: {info.filename!r} is a link or no plain file.")
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{path}: {info.filename!r} has a password; a bundle has none.")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise DataError(
            f"{path}: {info.filename!r} is compressed; files of a bundle are stored as "
            "they are. Ask for the file as neuroembed bundle wrote it."
        )


def _unpack(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    target: Path,
    listen: Callable[[], None],
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)
            listen()


def _compare(
    path: Path,
    written: Mapping[str, Mapping[str, Any]],
    entries: Mapping[str, Mapping[str, Any]],
) -> None:
    wrong = [name for name, entry in entries.items() if written.get(name) != entry]
    if wrong:
        raise DataError(
            f"{path}: {', '.join(wrong[:3])} is not what its {files.MANIFEST} says. "
            f"{ASK_AGAIN}"
        )


def _check_content(path: Path, folder: Path, run: str) -> None:
    """Make sure that what was unpacked is a project with that run."""
    try:
        ProjectFile.load(folder)
        RunFolder.open(folder / "runs" / run)
    except NeuroembedError as error:
        raise DataError(f"{path} holds no project with run {run!r}: {error}") from error
