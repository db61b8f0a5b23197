"""One number per frame, from the file that a sync names."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError

MAX_BYTES = 1 << 30
_TEXT = (".txt", ".csv", ".tsv")


def read_numbers(path: Path, column: str | None = None) -> NDArray[np.float64]:
    """Read one column of numbers.

    Parameters
    ----------
    path
        npy, npz, csv, tsv or plain text with one number per line. Object arrays are
        refused: a pickle can run code.
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
    else:
        raise DataError(
            f"{path}: expected npy, npz, csv, tsv or txt for a sync, found "
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
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} is no plain numpy array: {error}.") from error
    if not isinstance(values, np.ndarray):
        raise DataError(f"{path} is an npz archive with the ending .npy; rename it.")
    return values


def _read_npz(path: Path, column: str | None) -> NDArray[np.generic]:
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(member.file_size for member in archive.infolist())
        if declared > MAX_BYTES:
            raise DataError(f"{path} unpacks to {declared:,} bytes [size.cap].")
        with np.load(path, allow_pickle=False) as arrays:
            name = choose(path, list(arrays.files), column)
            values = np.asarray(arrays[name])
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no plain npz: {error}.") from error
    return values


def _read_text(path: Path, column: str | None) -> NDArray[np.generic]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty.")
    separator = next((s for s in "\t;," if s in lines[0]), ",")
    rows = list(csv.reader(lines, delimiter=separator))
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
