"""What lies in a folder of the MC2P data set: animals, recordings, files, frames."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.clocks import frame_map
from napari_neuroembed.data.clocks.sync_numbers import read_numbers
from napari_neuroembed.data.readers.base import natural_key
from napari_neuroembed.data.readers.mc2p import whole_frames
from napari_neuroembed.data.readers.mc2p.names import (
    IMAGES,
    ROLES,
    files_by_role,
    is_pickle,
)
from napari_neuroembed.errors import DataError

NAME = re.compile(r"(?P<date>\d{6})_(?P<genotype>.+)_Fly(?P<fly>\d+)_(?P<number>\d{3})")
PATTERN = "<YYMMDD>_<genotype>_Fly<k>_<nnn>"
_DEPTH = 3
_MOST_FOLDERS = 5000


@dataclass(frozen=True)
class Mc2pName:
    """What the name of a folder says.

    Parameters
    ----------
    recording
        The whole name.
    animal
        Without the number.
    date, genotype, fly, number
        Its parts, as they are written.
    """

    recording: str
    animal: str
    date: str
    genotype: str
    fly: int
    number: str


@dataclass(frozen=True)
class Mc2pRecording:
    """One folder.

    Parameters
    ----------
    path
        The folder.
    name
        What it is called says; None when it is called otherwise.
    files
        Files by their role; ``""``: those that nothing is made of.
    """

    path: Path
    name: Mc2pName | None
    files: Mapping[str, tuple[Path, ...]]

    @property
    def id(self) -> str:
        """What messages call it."""
        return self.path.name

    def one(self, role: str) -> Path | None:
        """Return the file of a role, None when there is none or it is in doubt.

        Of a headerless file and a pickle the headerless one is taken, as the public
        loader does; of two synchronisations that say the same, either.
        """
        found = self.files.get(role, ())
        plain = [path for path in found if path.suffix == ".mm"]
        if len(plain) == 1:
            return plain[0]
        if len(found) > 1 and not (role == "sync" and _say_the_same(found)):
            return None
        return found[0] if found else None


@dataclass(frozen=True)
class Mc2pFrames:
    """How many frames the files of a recording hold, by their sizes.

    Parameters
    ----------
    images, poses
        Frames; None when the file is missing, cut, or no row of frames.
    mapped
        Values of the synchronisation.
    unmapped
        Those that name no image.
    poses_per_image
        Frames of the camera for one image, by the synchronisation; None without it.
    """

    images: int | None
    poses: int | None
    mapped: int | None = None
    unmapped: int = 0
    poses_per_image: float | None = None


def split_name(where: str | Path) -> Mc2pName | None:
    """Return what the name of a folder says; separators at its end do not matter.

    Examples
    --------
    >>> split_name("data/200901_G23xU1_Fly1_003/").animal
    '200901_G23xU1_Fly1'
    >>> split_name("data/fly1") is None
    True
    """
    name = re.split(r"[/\\]", str(where).rstrip("/\\"))[-1]
    found = NAME.fullmatch(name)
    if found is None:
        return None
    return Mc2pName(
        recording=name,
        animal=name.rpartition("_")[0],
        date=found["date"],
        genotype=found["genotype"],
        fly=int(found["fly"]),
        number=found["number"],
    )


def find_recordings(folder: Path) -> list[Mc2pRecording]:
    """Return the recordings in a folder, which may be one itself, in natural order.

    A folder counts when it holds images of the data set, or is called as its folders
    are.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    own = recording_in(folder)
    if own is not None:
        return [own]
    inside = map(recording_in, _folders(folder))
    found = [one for one in inside if one is not None]
    return sorted(found, key=lambda one: natural_key(one.id))


def measure(
    recording: Mc2pRecording, images: str, pose: str, *, salvage: bool = False
) -> Mc2pFrames:
    """Count frames by the sizes of files, and look at the synchronisation.

    Parameters
    ----------
    recording
        See :func:`find_recordings`.
    images, pose
        Roles that are used.
    salvage
        Count the whole frames of files that were cut; else they count nothing.
    """
    n_images = _frames(recording.one(images), images, salvage)
    n_poses = _frames(recording.one(pose), pose, salvage)
    sync = recording.one("sync")
    if sync is None:
        return Mc2pFrames(n_images, n_poses)
    try:
        values = read_numbers(sync)
    except DataError:
        return Mc2pFrames(n_images, n_poses)
    index, _ = frame_map.read_map(values, np.iinfo(np.int64).max, str(sync))
    return Mc2pFrames(
        n_images,
        values.size if n_poses is None else n_poses,
        values.size,
        int((index < 0).sum()),
        _poses_per_image(index),
    )


def common_role(recordings: Sequence[Mc2pRecording], roles: Sequence[str]) -> str:
    """Return the first role that most recordings have, e.g. of :data:`IMAGES`."""
    return max(roles, key=lambda role: sum(role in one.files for one in recordings))


def _say_the_same(paths: Sequence[Path]) -> bool:
    try:
        first, *others = map(read_numbers, paths)
    except DataError:
        return False
    return all(np.array_equal(first, other, equal_nan=True) for other in others)


def _poses_per_image(index: NDArray[np.int64]) -> float | None:
    """Return camera frames per image, from one change of image to another."""
    known = index[index >= 0]
    changes = np.flatnonzero(np.diff(known) > 0) + 1
    if changes.size < 2:
        return None
    first, last = int(changes[0]), int(changes[-1])
    return (last - first) / int(known[last] - known[first])


def _frames(path: Path | None, role: str, salvage: bool) -> int | None:
    frame = ROLES[role].frame
    if path is None or frame is None or is_pickle(path):
        return None
    n, rest = whole_frames(path, frame)
    return n if n and (salvage or not rest) else None


def recording_in(folder: Path) -> Mc2pRecording | None:
    """Return what a folder itself is, None when it is no recording of the data set."""
    files = files_by_role(folder)
    name = split_name(folder)
    if name is None and not set(files) & set(IMAGES):
        return None
    return Mc2pRecording(folder, name, files)


def _folders(base: Path) -> Iterator[Path]:
    for seen, (place, folders, _) in enumerate(os.walk(base)):
        depth = len(Path(place).relative_to(base).parts)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if seen >= _MOST_FOLDERS:
            return
        if depth:
            yield Path(place)
        if depth >= _DEPTH:
            folders.clear()
