"""Finished stages are kept, so that work which was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.derived import plain
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import (
    check_folder,
    read_json,
    recover_folder,
    write_folder,
    write_json,
)
from napari_neuroembed.leftovers import remove_folder
from napari_neuroembed.preprocessing.native import NativeStack

ALGORITHM_VERSION = 2
"""Raise it when the same options give other numbers than before."""

_KEY_FILE = "key.json"


class Stages:
    """One folder per stage of one recording, kept until its inputs change.

    Parameters
    ----------
    folder
        ``derived/.work/<recording>``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resumed: list[str] = []

    def get(
        self, name: str, key: Mapping[str, Any], make: Callable[[Path], None]
    ) -> Path:
        """Return the folder of a stage, made by `make` unless it is there already.

        Parameters
        ----------
        name
            Of the stage.
        key
            All that its result depends on; a stage with another key is made anew.
        make
            Called with the folder to fill.
        """
        path = self.folder / name
        digest = digest_of(key)
        recover_folder(path)
        if _is_finished(path, digest):
            self.resumed.append(name)
            return path
        if path.exists():
            remove_folder(path)
        with write_folder(path) as build:
            make(build)
            write_json(build / _KEY_FILE, {"key": digest})
        return path


def digest_of(key: Mapping[str, Any]) -> str:
    """Return the sha256 of JSON-ready values.

    Examples
    --------
    >>> digest_of({"a": 1}) == digest_of({"a": 1.5})
    False
    """
    text = json.dumps(
        {"algorithm": ALGORITHM_VERSION, **plain(key)}, sort_keys=True, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def hash_of(image: NDArray[Any]) -> str:
    """Return the sha256 of an array's shape, type and values."""
    digest = hashlib.sha256(repr((image.shape, image.dtype.str)).encode("utf-8"))
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def fingerprint(stack: NativeStack) -> str:
    """Return a hash of a stack's shape, type, validity and of three of its frames.

    Together with the fingerprints of the source files it tells whether a finished
    stage still fits; it reads three frames and not the whole file.
    """
    digest = hashlib.sha256()
    shape = tuple(int(n) for n in stack.stream.data.shape)
    digest.update(repr((shape, stack.dtype.str, stack.stream.names)).encode("utf-8"))
    digest.update(np.packbits(stack.stream.valid).tobytes())
    for frame in sorted({0, stack.n_frames // 2, stack.n_frames - 1}):
        for channel in stack.read(frame, frame + 1):
            digest.update(np.ascontiguousarray(channel).tobytes())
    return digest.hexdigest()


def _is_finished(path: Path, digest: str) -> bool:
    if not path.is_dir():
        return False
    try:
        check_folder(path)
        return bool(read_json(path / _KEY_FILE)["key"] == digest)
    except (DataError, KeyError):
        return False  # damaged or of another kind: it is made again
