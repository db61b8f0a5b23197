"""``history.csv``: one row per logged step, at most the last second can be lost."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from napari_neuroembed import files
from napari_neuroembed.errors import RunFolderError


class History:
    """Rows of numbers with the columns of the first row.

    Parameters
    ----------
    path
        The CSV file.
    keep_until
        Rows of later steps (of an interrupted run) are dropped on opening.
    """

    def __init__(self, path: Path, keep_until: int = 0) -> None:
        self.path = Path(path)
        self.columns: list[str] = []
        self._rows = files.RowWriter(self.path, lambda row: _is_until(row, keep_until))
        if self.path.stat().st_size:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                self.columns = file.readline().rstrip("\n").split(",")

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """Append the values of one step."""
        if not self.columns:
            self.columns = ["step", *values]
            self._rows.append(",".join(self.columns))
        row = {"step": step, **values}
        self._rows.append(
            ",".join(
                "" if row.get(c) is None else f"{row[c]:.9g}" for c in self.columns
            )
        )

    def close(self) -> None:
        """Sync and close the file."""
        self._rows.close()


def _is_until(row: bytes, step: int) -> bool:
    """Whether a row is the header, or of this step or an earlier one."""
    first = row.partition(b",")[0]
    return first == b"step" or (first.isdigit() and int(first) <= step)


def read_history(path: Path) -> pd.DataFrame:
    """Return the history as a table; empty when nothing was logged yet.

    A last line without an end was torn by a kill, or is being written: it is left out.

    Raises
    ------
    RunFolderError
        When the file is damaged: no text, rows of other lengths, or no numbers.
    """
    path = Path(path)
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    if not whole:
        return pd.DataFrame({"step": []})
    damage, table = "", pd.DataFrame()
    try:
        table = pd.read_csv(io.BytesIO(whole))
    except ValueError as error:  # of pandas: not UTF-8, a row longer than the first
        damage = str(error).strip()
    if not isinstance(table.index, pd.RangeIndex):
        damage = "rows have more values than columns"
    if not damage and not all(map(is_numeric_dtype, table.dtypes)):
        damage = "a value is no number"
    if not damage and "step" not in table:
        damage = "there is no column 'step'"
    if damage:
        raise RunFolderError(
            f"{path} cannot be read as the history of a training: {damage}. Delete it "
            "to see the run without its history, or train again."
        )
    return table
