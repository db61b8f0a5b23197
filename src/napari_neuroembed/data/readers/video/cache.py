"""Keep the timestamps of large videos, so that their packets are walked once."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np

from napari_neuroembed.data.readers.index_cache import index_file
from napari_neuroembed.data.readers.video.index import VideoIndex, read_index
from napari_neuroembed.files import write_file

VERSION = "video 1"
WORTH_KEEPING = 32 << 20
"""Smaller files are walked again each time."""


def cached_index(path: Path, cache: Path | None = None) -> VideoIndex:
    """Return the timestamps of a video, from the cache when the file is unchanged.

    Parameters
    ----------
    path
        The video.
    cache
        Folder for index files; None keeps nothing.

    Raises
    ------
    DataError
        As :func:`napari_neuroembed.data.readers.video.index.read_index`.
    """
    if cache is None or not path.is_file() or path.stat().st_size < WORTH_KEEPING:
        return read_index(path)
    kept = index_file(cache, [path], VERSION)
    found = load_index(kept, path)
    if found is None:
        found = read_index(path)
        save_index(kept, found)
    return found


def save_index(kept: Path, index: VideoIndex) -> None:
    """Write an index."""
    values = dataclasses.asdict(index)
    arrays = {name: values.pop(name) for name in ("pts", "keyframe")}
    del values["path"]
    note = np.frombuffer(json.dumps(values).encode("utf-8"), dtype=np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, note=note, **arrays)

    write_file(kept, write)


def load_index(kept: Path, path: Path) -> VideoIndex | None:
    """Return a kept index of `path`, or None when there is none that can be read."""
    try:
        with kept.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            values = json.loads(bytes(arrays["note"]).decode("utf-8"))
            return VideoIndex(
                path=path,
                pts=arrays["pts"].astype(np.int64),
                keyframe=arrays["keyframe"].astype(bool),
                **values,
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
