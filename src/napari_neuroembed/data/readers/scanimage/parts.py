"""Acquisitions that ScanImage cut into several files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Source, natural_key
from napari_neuroembed.data.readers.scanimage.stamps import Stamps
from napari_neuroembed.data.readers.tiff.directory import Directory

_SUFFIXES = (".tif", ".tiff")
_NAME = re.compile(r"^(?P<base>.*?)_(?P<acquisition>\d{5})(?:_(?P<file>\d{5}))?$")


def list_parts(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the TIFFs of a folder or of a list, by acquisition and file number.

    Examples
    --------
    >>> parts = [Path("a_00001_00010.tif"), Path("a_00001_00009.tif")]
    >>> [path.name for path in list_parts(parts)]
    ['a_00001_00009.tif', 'a_00001_00010.tif']
    """
    if len(paths) == 1 and paths[0].is_dir():
        paths = [
            p
            for p in paths[0].iterdir()
            if p.suffix.lower() in _SUFFIXES and not p.name.startswith(".")
        ]
    return tuple(sorted(paths, key=lambda p: natural_key(p.name)))


def part_problems(
    paths: Sequence[Path],
    directories: Sequence[Directory],
    stamps: Stamps,
    source: Source,
) -> list[Problem]:
    """Return what speaks against these files being one whole acquisition."""
    name = source.name
    problems = []
    bases = {match.group("base") for p in paths if (match := _NAME.match(p.stem))}
    if len(bases) > 1 or (bases and any(not _NAME.match(p.stem) for p in paths)):
        others = sorted({_pattern(p) for p in paths})
        text = (
            f"its {len(paths)} files belong to different acquisitions. One recording "
            f"is one of them; give {' or '.join(others[:4])}."
        )
        problems.append(Problem("scanimage.parts", "error", text, name))
    missing = _missing(paths)
    if missing:
        text = (
            f"parts of the acquisition lie beside it or are missing: {missing}. Give "
            f"all with '{paths[0].parent / _pattern(paths[0])}', or take this part "
            "alone with --accept scanimage.parts --why '...'."
        )
        problems.append(Problem("scanimage.parts", "error", text, name))
    first = int(stamps.number[0]) if stamps.has_numbers else 1
    if first > 1 and not missing and _steps(stamps) < first:
        text = (
            f"its first frame is number {first} of the acquisition, so that an earlier "
            "part is missing. Give it too, or take this part alone with --accept "
            "scanimage.parts --why '...'."
        )
        problems.append(Problem("scanimage.parts", "error", text, name))
    if len({d.software for d in directories if d.software.startswith("SI.")}) > 1:
        problems += _other_settings(directories, name)
    return problems


def _other_settings(directories: Sequence[Directory], name: str) -> list[Problem]:
    """Return the first file whose pages are ordered in another way."""
    keys = ("SI.hChannels.channelSave", "SI.hStackManager.")

    def relevant(directory: Directory) -> list[str]:
        lines = directory.software.splitlines()
        return [
            line
            for line in lines
            if line.startswith(keys) and not line.startswith(f"{keys[1]}z")
        ]

    first = relevant(directories[0])
    for directory in directories:
        lines = relevant(directory)
        if lines != first:
            odd = [line for line in lines if line not in first] or lines
            text = (
                f"{directory.path.name} was recorded with other settings than "
                f"{directories[0].path.name} ({', '.join(odd)[:80]}). Give the files "
                "of one acquisition."
            )
            return [Problem("scanimage.parts", "error", text, name)]
    return []


def _missing(paths: Sequence[Path]) -> str:
    """Name parts between or beside the given ones, of the same acquisition."""
    given: dict[tuple[Path, str, str], set[int]] = {}
    for path in paths:
        match = _NAME.match(path.stem)
        if match and match.group("file"):
            key = (path.parent, match.group("base"), match.group("acquisition"))
            given.setdefault(key, set()).add(int(match.group("file")))
    absent = []
    for (folder, base, acquisition), numbers in given.items():
        beside = {
            int(match.group("file"))
            for p in folder.glob(f"{_escaped(base)}_{acquisition}_*")
            if p.suffix.lower() in _SUFFIXES
            and (match := _NAME.match(p.stem))
            and match.group("file")
        }
        wanted = set(range(min(numbers), max(numbers) + 1)) | beside
        absent += [f"{base}_{acquisition}_{n:05d}" for n in sorted(wanted - numbers)]
    more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
    return ", ".join(absent[:3]) + more


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


def _pattern(path: Path) -> str:
    match = _NAME.match(path.stem)
    if not match:
        return path.name
    tail = "_*" if match.group("file") else ""
    return f"{match.group('base')}_{match.group('acquisition')}{tail}{path.suffix}"


def _steps(stamps: Stamps) -> int:
    """Return the usual step of the frame numbers, more than 1 with averaging."""
    steps = np.diff(stamps.number)
    steps = steps[steps > 0]
    return int(np.median(steps)) if steps.size else 1
