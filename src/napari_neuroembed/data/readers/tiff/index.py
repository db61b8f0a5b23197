"""Keep the page index of large files, so that it is made once."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.readers.index_cache import index_file
from napari_neuroembed.data.readers.tiff.directory import PAGE, Directory
from napari_neuroembed.data.readers.tiff.ifd import read_directory
from napari_neuroembed.files import write_file

VERSION = 2
WORTH_KEEPING = 1000
"""Files with fewer pages in all are walked again each time (about 10 ms)."""


def read_directories(
    paths: Sequence[Path], cache: Path | None = None, *, described: bool = True
) -> tuple[Directory, ...]:
    """Return the directories of all files, from the cache when they are unchanged.

    Parameters
    ----------
    paths
        TIFF files.
    cache
        Folder for index files; None keeps nothing. An index belongs to the names,
        sizes and modification times of the files: when one changes, all are walked
        again and the old index is never read. It can be deleted at any time.
    described
        Keep the descriptions of the files.

    Raises
    ------
    DataError
        When a file is no TIFF or has no readable page.
    """
    if cache is None:
        return tuple(read_directory(path, described=described) for path in paths)
    index = index_file(cache, paths, f"tiff {VERSION}{'' if described else ' bare'}")
    found = _load(index, paths)
    if found is not None:
        return found
    directories = tuple(read_directory(path, described=described) for path in paths)
    if sum(len(d.pages) for d in directories) >= WORTH_KEEPING:
        write_file(index, lambda temporary: _save(temporary, directories))
    return directories


def _save(path: Path, directories: Sequence[Directory]) -> None:
    texts: list[dict[str, Any]] = [
        {
            "file_bytes": d.file_bytes,
            "byteorder": d.byteorder,
            "description": d.description,
            "software": d.software,
            "series": _runs(d.series),
            "pixels_per_unit": d.pixels_per_unit,
            "has_pyramid": d.has_pyramid,
            "spent": d.spent,
            "last": d.last,
            "broken": d.broken,
            "orphan": d.orphan,
            "n_pages": len(d.pages),
        }
        for d in directories
    ]
    note = np.frombuffer(json.dumps(texts).encode("utf-8"), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, texts=note, pages=np.concatenate([d.pages for d in directories]))


def _load(index: Path, paths: Sequence[Path]) -> tuple[Directory, ...] | None:
    """Return the kept index, or None when there is none that can be read."""
    try:
        with index.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            texts = json.loads(bytes(kept["texts"]).decode("utf-8"))
            pages = kept["pages"]
        if pages.dtype != PAGE or len(texts) != len(paths):
            return None
        directories = []
        start = 0
        for path, text in zip(paths, texts, strict=True):
            stop = start + text.pop("n_pages")
            series = tuple(t for t, n in text.pop("series") for _ in range(n))
            directories.append(
                Directory(path=path, pages=pages[start:stop], series=series, **text)
            )
            start = stop
        return tuple(directories)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def _runs(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Return equal neighbours once, with their number."""
    runs: list[tuple[str, int]] = []
    for text in texts:
        if runs and runs[-1][0] == text:
            runs[-1] = (text, runs[-1][1] + 1)
        else:
            runs.append((text, 1))
    return runs
