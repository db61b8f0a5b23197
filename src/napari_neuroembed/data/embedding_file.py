"""Somebody else's embedding: an array of numbers with a row per frame."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.array_header import no_objects, read_header
from napari_neuroembed.data.readers.labels.text import read_text
from napari_neuroembed.data.readers.npz import list_arrays, load_array
from napari_neuroembed.errors import DataError

_NPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"
_BETWEEN = re.compile(r"[,;\t ]\s*")
SHOWN = 5
"""Lines spelled out in one message."""


def read_embedding_file(path: Path, key: str | None = None) -> NDArray[np.float32]:
    """Read an embedding from npy, npz or text; which of them is seen.

    Parameters
    ----------
    path
        npy or npz, or text with a row per line, its numbers apart by commas,
        semicolons, tabs or blanks, and one line of names at most.
    key
        Name of the array in an npz that holds several.

    Returns
    -------
    array, shape (n_rows, dim), float32

    Raises
    ------
    DataError
        When it is missing, damaged, of objects, of other numbers of axes, or the array
        of an npz is not clear.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} is not there.")
    with path.open("rb") as file:
        begin = file.read(len(_NPY))
    if begin.startswith(_NPY):
        values = _from_npy(path)
    elif begin.startswith(_ZIP):
        values = load_array(path, _choose(path, key))
    else:
        values = _from_text(path)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.dtype.kind not in "biuf" or 0 in values.shape:
        raise DataError(
            f"{path} holds numbers of shape {values.shape} {values.dtype}; expected a "
            "row per frame and a column per dimension of the embedding."
        )
    return np.ascontiguousarray(values, dtype=np.float32)


def _from_npy(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        header = read_header(file, str(path))
    no_objects(header, str(path))
    found = path.stat().st_size - header.offset
    if found != header.n_bytes:
        raise DataError(
            f"{path} must hold {header.n_bytes:,} bytes for {header} and has "
            f"{found:,}. Copy it again. [npy.truncated]"
        )
    loaded: NDArray[Any] = np.load(path, allow_pickle=False)
    return loaded


def _choose(path: Path, key: str | None) -> str:
    members = list_arrays(path)
    tables = [name for name, header in members.items() if len(header.shape) == 2]
    wanted = key if key is not None else (tables[0] if len(tables) == 1 else None)
    if wanted not in members:
        listed = ", ".join(f"{name} {header}" for name, header in members.items())
        raise DataError(
            f"{path} holds the arrays {listed or 'none'}. Say which is the embedding "
            "with --embedding-key NAME."
        )
    no_objects(members[wanted], f"{wanted!r} in {path}")
    return wanted


def _from_text(path: Path) -> NDArray[np.float64]:
    text, _ = read_text(path)
    lines = [(k, line.strip()) for k, line in enumerate(text.splitlines(), start=1)]
    lines = [(k, line) for k, line in lines if line]
    rows = [(k, _numbers(line)) for k, line in lines]
    if rows and rows[0][1] is None:
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path} holds no numbers.")
    width = len(rows[0][1] or ())
    wrong = [k for k, numbers in rows if numbers is None or len(numbers) != width]
    if wrong or not width:
        listed = ", ".join(map(str, wrong[:SHOWN])) + (" ..." * (len(wrong) > SHOWN))
        raise DataError(
            f"{path}: {len(wrong)} of {len(rows)} lines are not {width} numbers (line "
            f"{listed}). Expected a row per frame and a column per dimension."
        )
    return np.array([numbers for _, numbers in rows], dtype=np.float64)


def _numbers(line: str) -> list[float] | None:
    try:
        return [float(cell) for cell in _BETWEEN.split(line)]
    except ValueError:
        return None
