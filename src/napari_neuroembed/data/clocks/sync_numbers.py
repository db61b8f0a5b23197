"""One number per frame, from the file that a sync names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.array_header import no_objects, read_header
from napari_neuroembed.data.readers.npz import list_arrays, load_array
from napari_neuroembed.data.readers.text_table import read_text
from napari_neuroembed.data.unpickle import load_pickle
from napari_neuroembed.errors import DataError

MAX_BYTES = 1 << 30
_TEXT = (".txt", ".csv", ".tsv")


def read_numbers(path: Path, column: str | None = None) -> NDArray[np.float64]:
    """Read one column of numbers.

    Parameters
    ----------
    path
        npy, npz, csv, tsv or plain text with one number per line, or a pickle of plain
        numbers (MC2P). Object arrays are refused: a pickle can run code.
    column
        Array of an npz or column of a table; needed when there are several.

    Returns
    -------
    array, shape (n,), float64
        NaN where the file says ``nan`` or nothing. An int64 minimum (what NaN becomes
        when cast to an integer) arrives as a large negative number.

    Raises
    ------
    DataError
        When the file cannot be read, is too large, or holds several columns and none
        was named.
    """
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} has more than {MAX_BYTES:,} bytes [size.cap].")
    if path.suffix == ".npy":
        values = _read_npy(path)
    elif path.suffix == ".npz":
        values = _read_npz(path, column)
    elif path.suffix.lower() in _TEXT:
        values = _read_text(path, column)
    elif path.suffix == ".pkl":
        values = _read_pickle(path)
    else:
        raise DataError(
            f"{path}: expected npy, npz, csv, tsv, txt or pkl for a sync, found "
            f"{path.suffix or 'no ending'}."
        )
    values = np.squeeze(values)
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise DataError(
            f"{path}: expected one number per frame, found shape {values.shape} of "
            f"{values.dtype}."
        )
    return values.astype(np.float64)


def _read_npy(path: Path) -> NDArray[np.generic]:
    with path.open("rb") as file:
        header = read_header(file, str(path))
    no_objects(header, str(path))
    found = path.stat().st_size - header.offset
    if found != header.n_bytes:
        raise DataError(
            f"{path} must hold {header.n_bytes:,} bytes for {header} and has "
            f"{found:,}. Copy it again. [npy.truncated]"
        )
    values: NDArray[np.generic] = np.load(path, allow_pickle=False)
    return values


def _read_npz(path: Path, column: str | None) -> NDArray[np.generic]:
    arrays = list_arrays(path)
    name = choose(path, list(arrays), column)
    no_objects(arrays[name], f"array {name!r} in {path}")
    return load_array(path, name)


def _read_pickle(path: Path) -> NDArray[np.generic]:
    """Read numbers of a pickle, or of an array that is only named so."""
    with path.open("rb") as file:
        is_array = file.read(6) == b"\x93NUMPY"
    if is_array:
        return _read_npy(path)
    content = load_pickle(path)
    if not isinstance(content, np.ndarray | list | tuple):
        raise DataError(
            f"{path} holds a {type(content).__name__}, expected one number per frame. "
            "Export it as npy."
        )
    try:
        return np.asarray(content)
    except ValueError as error:
        raise DataError(
            f"{path} holds lists of unequal lengths, expected one number per frame."
        ) from error


def _read_text(path: Path, column: str | None) -> NDArray[np.generic]:
    lines = [line for line in read_text(path).content.splitlines() if line.strip()]
    separator = next((s for s in "\t;," if s in lines[0]), ",")
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise DataError(f"{path} is no regular table: {error}. [csv.rows]") from error
    names = [f"column {n}" for n in range(len(rows[0]))]
    if not all(_is_number(cell) for cell in rows[0]):
        names = [cell.strip() for cell in rows.pop(0)]
    index = names.index(choose(path, names, column))
    values = np.empty(len(rows))
    for n, row in enumerate(rows):
        cell = row[index].strip() if index < len(row) else ""
        if not _is_number(cell):
            raise DataError(f"{path} row {n + 1}: {cell!r} is no number.")
        values[n] = float(cell) if cell else np.nan
    return values


def choose(path: Path, names: list[str], wanted: str | None) -> str:
    """Return the wanted name, or the only one.

    Raises
    ------
    DataError
        Listing the names, when the choice is open or the wanted one is not there.
    """
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    found = f"no {wanted!r}" if wanted else "several"
    raise DataError(
        f"{path} holds {found} among {', '.join(names[:20])}. Say which one with "
        "column: in the sync of project.yaml."
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
