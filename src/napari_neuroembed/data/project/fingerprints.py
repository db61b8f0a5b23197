"""How a file is recognised: size, time, and a hash of its first and last MiB.

They lie in ``.neuroembed/sources.json`` of the project, so that project.yaml stays
short enough to be edited by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.project.sources import as_source, natural_key
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import read_json, write_json

SOURCES_FILE = Path(".neuroembed") / "sources.json"
SCHEMA_VERSION = 1
_MIB = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """What a file, or a folder of files, looked like when it was imported.

    Parameters
    ----------
    source
        ``ROOT:relative/path`` of one file or folder.
    bytes
        Size; of a folder, of all its files together.
    mtime_ns
        Last change (of a folder: of its latest file), nanoseconds since 1970.
    sha256
        Of the first and the last MiB (of a folder: over those of all its files).
    n_files
        1, or the number of files in the folder.
    """

    source: str
    bytes: int
    mtime_ns: int
    sha256: str
    n_files: int = 1

    @property
    def content(self) -> tuple[int, str]:
        """What stays the same when a file is moved or copied."""
        return self.bytes, self.sha256


Records = dict[str, dict[str, list[Fingerprint]]]
"""Fingerprints by recording and stream; files of a sync are under ``<stream>:sync``."""


def fingerprint(path: Path, source: str) -> Fingerprint:
    """Take the fingerprint of a file or folder, reading at most 2 MiB per file."""
    files = files_of(path)
    stats = [file.stat() for file in files]
    size = sum(stat.st_size for stat in stats)
    latest = max((stat.st_mtime_ns for stat in stats), default=0)
    if path.is_file():
        return Fingerprint(source, size, latest, end_hash(path))
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(path).as_posix()
        digest.update(f"{name}\0{end_hash(file)}\n".encode())
    return Fingerprint(source, size, latest, digest.hexdigest(), len(files))


def end_hash(path: Path) -> str:
    """Return the sha256 of the first and the last MiB of a file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_MIB))
        if size > _MIB:
            file.seek(max(_MIB, size - _MIB))
            digest.update(file.read(_MIB))
    return digest.hexdigest()


def files_of(path: Path) -> list[Path]:
    """Return the file itself, or the visible files of a folder in natural order."""
    if path.is_file():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted((f for f in files if not f.name.startswith(".")), key=natural_key)


def take(paths: Iterable[Path], roots: Roots) -> list[Fingerprint]:
    """Take the fingerprints of several files of this machine."""
    return [fingerprint(path, as_source(path, roots)) for path in paths]


def changes(
    paths: Iterable[Path], known: Iterable[Fingerprint], roots: Roots
) -> list[str]:
    """Say how files differ from their fingerprints; an empty list when they do not.

    A file of the same size and time counts as unchanged; of another time, when its
    first and last MiB are unchanged.
    """
    expected = {entry.source: entry for entry in known}
    found = {as_source(path, roots): path for path in paths}
    texts = [f"{name} is new" for name in found if name not in expected]
    texts += [f"{name} is gone" for name in expected if name not in found]
    for name, path in found.items():
        entry = expected.get(name)
        if entry is not None:
            texts += _difference(path, entry)
    return texts


def load_records(project: Path) -> Records:
    """Read the fingerprints of a project.

    Raises
    ------
    DataError
        When the file is damaged or of a newer version.
    """
    file = Path(project) / SOURCES_FILE
    if not file.exists():
        return {}
    content = read_json(file)
    try:
        if content["schema_version"] > SCHEMA_VERSION:
            raise DataError(f"{file} is of a newer version. Update neuroembed.")
        return {
            recording: {
                stream: [Fingerprint(**entry) for entry in entries]
                for stream, entries in streams.items()
            }
            for recording, streams in content["recordings"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file} is damaged ({error}). Delete it; the fingerprints are taken "
            "again by neuroembed check."
        ) from error


def save_records(project: Path, records: Mapping[str, Any]) -> None:
    """Write the fingerprints of a project."""
    content = {
        recording: as_plain(streams) for recording, streams in sorted(records.items())
    }
    write_json(
        Path(project) / SOURCES_FILE,
        {"schema_version": SCHEMA_VERSION, "recordings": content},
    )


def as_plain(
    streams: Mapping[str, Iterable[Fingerprint]],
) -> dict[str, list[dict[str, Any]]]:
    """Return fingerprints as plain values, for JSON."""
    return {name: [vars(e) for e in entries] for name, entries in streams.items()}


def is_sync(stream: str) -> bool:
    """Whether a key of the records stands for the files of a sync."""
    return stream.endswith(":sync")


def _difference(path: Path, entry: Fingerprint) -> list[str]:
    files = files_of(path)
    stats = [file.stat() for file in files]
    size = sum(stat.st_size for stat in stats)
    if (len(files), size) != (entry.n_files, entry.bytes):
        before = f"{entry.bytes:,} bytes in {entry.n_files} file(s)"
        return [f"{entry.source} had {before}, now {size:,} in {len(files)}"]
    if max((stat.st_mtime_ns for stat in stats), default=0) == entry.mtime_ns:
        return []
    if fingerprint(path, entry.source).sha256 == entry.sha256:
        return []
    return [f"{entry.source} has the same size but another content"]
