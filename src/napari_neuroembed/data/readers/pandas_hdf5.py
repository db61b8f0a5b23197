"""Tables that pandas wrote into HDF5, read by their column labels without pandas.

pandas and PyTables unpickle attributes as soon as they open a file. Here only the
labels of columns go through the restricted unpickler; numbers are read as numbers.
Both layouts are known: ``table`` (one compound data set) and ``fixed`` (a matrix per
type of number).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.hdf5 import Hdf5File
from napari_neuroembed.data.unpickle import load_pickle_bytes
from napari_neuroembed.errors import DataError

Labels = tuple[str, ...]
_TABLE, _FIXED = "frame_table", "frame"


@dataclass(frozen=True)
class LabelledTable:
    """Numbers with a label of several levels per column.

    Parameters
    ----------
    levels
        Names of the levels, e.g. ``("scorer", "bodyparts", "coords")``.
    columns
        One label per column.
    rows
        Number of each row, int64; None when rows are called by something else, and
        then the rest may be empty.
    values
        (row, column), float64.
    """

    levels: Labels
    columns: tuple[Labels, ...]
    rows: NDArray[np.int64] | None
    values: NDArray[np.float64]


def find_tables(file: Hdf5File) -> list[str]:
    """Return the groups that hold a table of pandas."""
    return [
        name
        for name in file.groups
        if _text(file.attribute(name, "pandas_type")) in (_TABLE, _FIXED)
    ]


def read_levels(file: Hdf5File, group: str) -> Labels:
    """Return the names of the levels of the column labels, lower case.

    Raises
    ------
    DataError
        When the columns have one plain name each, or the labels are damaged.
    """
    if _text(file.attribute(group, "pandas_type")) == _TABLE:
        info = _unpickled(file, group, "info")
        about = info.get(1) if isinstance(info, dict) else None
        names = about.get("names") if isinstance(about, dict) else None
    else:
        n = file.attribute(group, "axis0_nlevels")
        names = [
            _text(file.attribute(f"{group}/axis0_level{i}", "name"))
            for i in range(min(int(n), 16) if isinstance(n, int) else 0)
        ]
    if not isinstance(names, list | tuple) or not names:
        raise DataError(
            f"{file.path}: the columns of '{group}' have no levels such as bodyparts "
            "and coords. [hdf5.content]"
        )
    return tuple(str(name).lower() for name in names)


def read_table(file: Hdf5File, group: str) -> LabelledTable:
    """Read a table with all its columns.

    Raises
    ------
    DataError
        When labels and numbers do not belong together, or something is damaged.
    """
    levels = read_levels(file, group)
    if _text(file.attribute(group, "pandas_type")) == _TABLE:
        rows, blocks = _table_blocks(file, group)
    else:
        rows, blocks = _fixed_blocks(file, group, len(levels))
    columns: list[Labels] = []
    if rows is None and not blocks:
        return LabelledTable(levels, (), None, np.empty((0, 0)))
    for labels, values in blocks:
        n_rows = values.shape[0] if rows is None else rows.size
        if values.ndim != 2 or values.shape != (n_rows, len(labels)):
            raise DataError(
                f"{file.path}: '{group}' has {len(labels)} labels for numbers of shape "
                f"{values.shape}; it is damaged. [hdf5.damaged]"
            )
        columns += labels
    if any(len(label) != len(levels) for label in columns) or not columns:
        raise DataError(
            f"{file.path}: the labels of the columns of '{group}' do not have the "
            f"levels {', '.join(levels)}. [hdf5.damaged]"
        )
    joined = np.concatenate([v.astype(np.float64) for _, v in blocks], axis=1)
    return LabelledTable(levels, tuple(columns), rows, joined)


_Blocks = list[tuple[list[Labels], NDArray[Any]]]


def _table_blocks(
    file: Hdf5File, group: str
) -> tuple[NDArray[np.int64] | None, _Blocks]:
    """Read the layout `table`; text rows make the numbers unreadable, which is said."""
    name = f"{group}/table"
    if _text(file.attribute(name, "index_kind")) != "integer":
        return None, []
    fields = file.table(name)
    blocks: _Blocks = []
    for field, values in fields.items():
        if field == "index":
            continue
        found = _unpickled(file, name, f"{field}_kind")
        labels = [_label(label) for label in found] if isinstance(found, list) else []
        blocks.append((labels, values.reshape(len(values), -1)))
    rows = fields.get("index")
    return None if rows is None else rows.astype(np.int64), blocks


def _fixed_blocks(
    file: Hdf5File, group: str, n_levels: int
) -> tuple[NDArray[np.int64] | None, _Blocks]:
    rows = None
    if _text(file.attribute(group, "axis1_variety")) == "regular":
        kind = _text(file.attribute(f"{group}/axis1", "kind"))
        rows = file.numbers(f"{group}/axis1") if kind == "integer" else None
    blocks: _Blocks = []
    n_blocks = file.attribute(group, "nblocks")
    for i in range(min(n_blocks, 64) if isinstance(n_blocks, int) else 0):
        block = f"{group}/block{i}"
        values = file.numbers(f"{block}_values")
        if not file.attribute(f"{block}_values", "transposed"):
            values = values.T
        codes = [
            (
                file.texts(f"{block}_items_level{k}"),
                file.numbers(f"{block}_items_label{k}"),
            )
            for k in range(n_levels)
        ]
        bad = any(
            c.size and (c.min() < 0 or c.max() >= len(texts)) for texts, c in codes
        )
        if bad or len({c.size for _, c in codes}) > 1:
            raise DataError(
                f"{file.path}: the labels of '{block}' are damaged. [hdf5.damaged]"
            )
        labels = [[texts[int(j)] for j in c] for texts, c in codes]
        blocks.append((list(zip(*labels, strict=True)), values))
    return None if rows is None else rows.astype(np.int64), blocks


def _unpickled(file: Hdf5File, owner: str, attribute: str) -> Any:
    """Return what PyTables pickled into an attribute: lists, tuples, dicts, texts."""
    stored = file.attribute(owner, attribute)
    if isinstance(stored, str):
        stored = stored.encode("latin1")
    if not isinstance(stored, bytes):
        raise DataError(
            f"{file.path}: '{owner}' has no labels ({attribute}). [hdf5.content]"
        )
    return load_pickle_bytes(stored, f"{file.path} ({owner}@{attribute})")


def _label(label: Any) -> Labels:
    return tuple(str(part) for part in label) if isinstance(label, tuple) else ()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
