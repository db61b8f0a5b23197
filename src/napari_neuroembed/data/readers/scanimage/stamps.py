"""Number and time of every page, as ScanImage stamps them into its description."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.index_cache import index_file
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.index import WORTH_KEEPING
from napari_neuroembed.data.readers.tiff.page_texts import page_texts
from napari_neuroembed.files import write_file

VERSION = 1
_NUMBER = re.compile(rb"(?:frameNumberAcquisition|Frame Number)\s*=\s*(\d{1,15})\b")
_OTHER_NUMBER = re.compile(rb"frameNumbers\s*=\s*(\d{1,15})\b")
_TIME = re.compile(
    rb"(?:frameTimestamps_sec|Frame Timestamp\(s\))\s*=\s*"
    rb"([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)"
)


@dataclass(frozen=True)
class Stamps:
    """Stamps of all pages of some files, in their order.

    Parameters
    ----------
    number
        Number of the frame within its acquisition, from 1; -1 where there is none.
    time_s
        When the frame began, seconds from the start of the acquisition; NaN where
        there is none.
    """

    number: NDArray[np.int64]
    time_s: NDArray[np.float64]

    @property
    def has_numbers(self) -> bool:
        """Whether every page has a number."""
        return bool((self.number >= 0).all())

    @property
    def has_times(self) -> bool:
        """Whether every page has a time."""
        return bool(np.isfinite(self.time_s).all())


def read_stamps(directories: Sequence[Directory], cache: Path | None) -> Stamps:
    """Read the stamps of all pages, from the cache when the files are unchanged.

    Parameters
    ----------
    directories
        The files, walked.
    cache
        Folder of index files; None keeps nothing.
    """
    n = sum(len(d.images) for d in directories)
    if cache is None or n < WORTH_KEEPING:
        return _read(directories)
    index = index_file(cache, [d.path for d in directories], f"scanimage {VERSION}")
    found = _load(index, n)
    if found is None:
        found = _read(directories)
        number, time_s = found.number, found.time_s

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.savez(file, number=number, time_s=time_s)

        write_file(index, save)
    return found


def parse_stamps(texts: Iterable[bytes]) -> Stamps:
    r"""Find number and time in the descriptions of pages.

    Examples
    --------
    >>> parse_stamps([b"frameNumbers = 7\nframeTimestamps_sec = 0.25"])
    Stamps(number=array([7]), time_s=array([0.25]))
    """
    numbers: list[int] = []
    times: list[float] = []
    for text in texts:
        number = _NUMBER.search(text) or _OTHER_NUMBER.search(text)
        time = _TIME.search(text)
        numbers.append(int(number.group(1)) if number else -1)
        times.append(float(time.group(1)) if time else np.nan)
    return Stamps(np.array(numbers, dtype=np.int64), np.array(times, dtype=np.float64))


def _read(directories: Sequence[Directory]) -> Stamps:
    return parse_stamps(text for d in directories for text in page_texts(d))


def _load(index: Path, n: int) -> Stamps | None:
    """Return the kept stamps, or None when there are none that can be read."""
    try:
        with index.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            found = Stamps(kept["number"], kept["time_s"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
    is_whole = found.number.shape == found.time_s.shape == (n,)
    return found if is_whole and found.number.dtype == np.int64 else None
