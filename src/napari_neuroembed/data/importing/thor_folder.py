"""What lies in a ThorLabs folder: images, clocks, cameras, ball, poses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from napari_neuroembed.data.readers.thor.capture import NAME as CAPTURE
from napari_neuroembed.data.readers.thor.capture import is_capture
from napari_neuroembed.data.readers.thor.experiment import NAME as XML
from napari_neuroembed.data.readers.thor.experiment import find_experiment
from napari_neuroembed.data.readers.thor.raw import is_raw_part
from napari_neuroembed.data.readers.thor.sync_file import is_sync_file, sync_files

_DEPTH = 5
_MOST_FOLDERS = 5000
_POSE = re.compile(
    r"pose_result.*|.*joint_angles.*|.*DLC.*|.*\.slp|df3d.*|.*pose.*", re.IGNORECASE
)
_POSE_SUFFIXES = frozenset({".pkl", ".h5", ".csv", ".npz", ".npy", ".slp"})
_FLOW = re.compile(r"OptFlow.*\.txt", re.IGNORECASE)
_FILM = frozenset({".mp4", ".avi", ".mkv"})


@dataclass(frozen=True)
class ThorFolder:
    """A ThorLabs recording and what was found with it.

    Parameters
    ----------
    base
        The folder that was searched.
    images
        Folders with an Experiment.xml; one when it is clear which is meant.
    others
        Images that lie there too, but were not asked for.
    syncs, captures, flows, poses, films
        ThorSync files, capture_metadata.json, OptFlow.txt, and files that look like
        poses and films by their names.
    """

    base: Path
    images: tuple[Path, ...]
    others: tuple[Path, ...] = ()
    syncs: tuple[Path, ...] = ()
    captures: tuple[Path, ...] = ()
    flows: tuple[Path, ...] = ()
    poses: tuple[Path, ...] = ()
    films: tuple[Path, ...] = ()

    def short(self, path: Path) -> str:
        """Return a path as people call it here."""
        inside = path.is_relative_to(self.base) and path != self.base
        return path.relative_to(self.base).as_posix() if inside else str(path)


def find_thor(where: Path) -> ThorFolder | None:
    """Return what is in a ThorLabs folder, or None when it is none.

    Parameters
    ----------
    where
        A ThorImage folder, its Experiment.xml or raw file (what lies beside it is
        looked at too), or a folder above it, up to five levels.
    """
    if where.is_file() and is_raw_part(where):
        where = where.parent
    if not where.is_dir():
        return None
    where = where.resolve()
    if find_experiment(where) is not None:
        return _sort(where.parent, (where,))
    found = [folder for folder, _ in _walk(where, XML)]
    images = tuple(f for f in found if find_experiment(f) is not None)
    return _sort(where, images) if images else None


def find_sync(where: Path) -> tuple[Path, ...]:
    """Return the ThorSync files that a path means: itself, or those in the folder."""
    if where.is_dir():
        return tuple(sync_files(where))
    return (where,) if is_sync_file(where) else ()


@dataclass
class _Sorted:
    others: list[Path] = field(default_factory=list)
    syncs: list[Path] = field(default_factory=list)
    captures: list[Path] = field(default_factory=list)
    flows: list[Path] = field(default_factory=list)
    poses: list[Path] = field(default_factory=list)
    films: list[Path] = field(default_factory=list)


def _sort(base: Path, images: tuple[Path, ...]) -> ThorFolder:
    """Sort the files below a folder; the images themselves are left alone."""
    found = _Sorted()
    for folder, files in _walk(base):
        is_other = folder not in images and find_experiment(folder) is not None
        if is_other:
            found.others.append(folder)
        if folder in images or is_other:
            names = {p.name for p in sync_files(folder)}
            files = [name for name in files if name in names]
        for name in files:
            _take(found, folder / name)
    lists = {key: tuple(sorted(value)) for key, value in vars(found).items()}
    return ThorFolder(base, images, **lists)


def _take(found: _Sorted, path: Path) -> None:
    name = path.name
    if path.suffix.lower() == ".h5" and is_sync_file(path):
        found.syncs.append(path)
    elif name == CAPTURE and is_capture(path):
        found.captures.append(path)
    elif _FLOW.fullmatch(name):
        found.flows.append(path)
    elif path.suffix.lower() in _FILM:
        found.films.append(path)
    elif path.suffix.lower() in _POSE_SUFFIXES and _POSE.fullmatch(name):
        found.poses.append(path)


def _walk(base: Path, wanted: str | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Yield visible folders with their files, or those that hold a wanted file."""
    for seen, (place, folders, files) in enumerate(os.walk(base)):
        folder = Path(place)
        depth = len(folder.relative_to(base).parts)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        if depth >= _DEPTH:
            folders.clear()
        if seen >= _MOST_FOLDERS:
            return
        if wanted is None or wanted in files:
            yield folder, [name for name in files if not name.startswith(".")]
