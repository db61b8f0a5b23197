"""Files that hold one frame each: their numbers, groups and missing ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import natural_key

_PREVIEW = re.compile(r"preview|thumb|_MC_", re.IGNORECASE)


def list_frames(
    folder: Path, suffixes: Sequence[str], pattern: str = ""
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return the frame files of a folder in natural order, and what was left out.

    Previews and thumbnails (``ChanA_Preview.tif``) and hidden files are left out.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("f10.tif", "f9.tif", "f_Preview.tif"):
    ...     (folder / name).touch()
    >>> frames, left_out = list_frames(folder, [".tif"])
    >>> [p.name for p in frames], left_out
    (['f9.tif', 'f10.tif'], ('f_Preview.tif',))
    """
    found = sorted(
        (
            p
            for p in (folder.glob(pattern) if pattern else folder.iterdir())
            if p.suffix.lower() in suffixes and not p.name.startswith(".")
        ),
        key=lambda p: natural_key(p.name),
    )
    left_out = tuple(p.name for p in found if not pattern and _PREVIEW.search(p.name))
    return tuple(p for p in found if p.name not in left_out), left_out


def text_pattern(name: str) -> str:
    """Return a name with its numbers replaced by ``*``.

    Examples
    --------
    >>> text_pattern("ChanA_0001_0017.tif")
    'ChanA_*_*.tif'
    """
    return re.sub(r"\d+", "*", name)


def frame_numbers(names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the number of every frame, or None when names do not tell.

    The frame number is the last number of a name that changes; names whose text
    differs, or with two changing numbers, do not tell.
    """
    fields = [[int(n) for n in re.findall(r"\d+", name)] for name in names]
    if len({text_pattern(name) for name in names}) != 1 or not fields[0]:
        return None
    table = np.array([[min(n, 1 << 62) for n in row] for row in fields])
    varies = np.flatnonzero((table != table[0]).any(axis=0))
    if len(varies) != 1:
        return None
    numbers: NDArray[np.int64] = table[:, varies[0]]
    return numbers


def missing_frames(name: str, names: Sequence[str]) -> list[Problem]:
    """Return the problem ``folder.missing_frames`` when numbering jumps."""
    numbers = frame_numbers(names)
    if numbers is None or len(numbers) < 2:
        return []
    steps = np.diff(numbers)
    lost = int((steps - 1).sum())
    if not lost:
        return []
    first: list[int] = []
    for at in np.flatnonzero(steps > 1):
        stop = min(int(numbers[at + 1]), int(numbers[at]) + 4)
        first += range(int(numbers[at]) + 1, stop)
        if len(first) >= 3:
            break
    shown = ", ".join(str(n) for n in first[:3])
    text = (
        f"{lost:,} frame numbers are missing between {numbers[0]} and {numbers[-1]} "
        f"(first: {shown}); found {len(numbers):,} files. Copy the missing files, or "
        "let them be gaps in time with --accept folder.missing_frames --why '...'."
    )
    return [Problem("folder.missing_frames", "error", text, name)]


def gap_times(
    names: Sequence[str], n_frames: int, rate_hz: float
) -> NDArray[np.float64] | None:
    """Return frame centres that leave a gap for every missing number, or None.

    Each frame keeps the time its number gives; nothing moves up into a gap.
    """
    numbers = frame_numbers(names)
    if numbers is None or len(numbers) != n_frames or np.all(np.diff(numbers) == 1):
        return None
    times: NDArray[np.float64] = (numbers - numbers[0] + 0.5) / rate_hz
    return times
