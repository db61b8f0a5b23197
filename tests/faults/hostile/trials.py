"""What is done with a hostile file, inside the sandbox: ours, and the peers beside it.

Every trial returns ``{"outcome": "refused", "why": ...}`` or what it opened; anything
it raises but an error written for the user is a crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_neuroembed.data.readers import find_reader, get_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.errors import NeuroembedError

Told = dict[str, Any]


def nothing() -> Told:
    """Do nothing; for the cost of a trial itself."""
    return {"outcome": "opened"}


def read(
    paths: Sequence[str],
    reader: str = "",
    rate_hz: float | None = None,
    options: dict[str, Any] | None = None,
    salvage: bool = False,
    accept: Sequence[str] = (),
) -> Told:
    """Describe and open files by one of our readers, and take in every frame."""
    source = Source(tuple(Path(path) for path in paths))
    try:
        chosen = get_reader(reader) if reader else find_reader(source)
        about = chosen.describe(source, options or {})
        streams = chosen.read(
            source,
            options or {},
            rate_hz=rate_hz,
            accept=frozenset(accept),
            salvage=salvage,
        )
        (stream,) = streams.values()
        told = frames_of(stream.data, len(stream))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    ids = [problem.id for problem in about.problems]
    return {**told, "described": list(about.shape), "problems": ids}


def imread(paths: Sequence[str]) -> Told:
    """Open files as a script does: tifffile.imread."""
    try:
        stack = tifffile.imread(paths[0] if len(paths) == 1 else list(paths))
    except Exception as error:  # noqa: BLE001 - a peer may refuse by any error
        return {"outcome": "refused", "why": f"{type(error).__name__}: {error}"}
    return frames_of(np.atleast_3d(stack) if stack.ndim < 3 else stack)


def pages(paths: Sequence[str]) -> Told:
    """Decode what the tags of every page say, one by one: an independent reader."""
    found: list[str] = []
    try:
        for path in paths:
            with tifffile.TiffFile(path) as tiff:
                one = len(tiff.pages) == 1 and tiff.series[0].size > tiff.pages[0].size
                images = tiff.series[0].asarray() if one else None
                for page in images if images is not None else tiff.pages:
                    frame = page if images is not None else page.asarray()
                    found.append(_digest(frame))
    except Exception as error:  # noqa: BLE001
        return {"outcome": "refused", "why": f"{type(error).__name__}: {error}"}
    return {"outcome": "opened", "frames": found}


def frames_of(data: Any, n: int | None = None) -> Told:
    """Return number, shape, type and a digest of every frame."""
    n = data.shape[0] if n is None else n
    frames = [_digest(np.asarray(data[i])) for i in range(n)]
    shape, dtype = list(data.shape), np.dtype(data.dtype).name
    return {"outcome": "opened", "shape": shape, "dtype": dtype, "frames": frames}


def _digest(frame: Any) -> str:
    native = np.ascontiguousarray(frame)
    native = native.astype(native.dtype.newbyteorder("="), copy=False)
    return hashlib.sha256(native.tobytes()).hexdigest()[:16]
