"""Writing a text table of labels: never over somebody's file, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_neuroembed.errors import DataError
from napari_neuroembed.files import utc_now, write_bytes, write_text

FORMULA_SIGNS = ("=", "+", "-", "@")
"""A text cell that starts like this would be run by a spreadsheet."""


def write_table(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    replace: bool = False,
    spreadsheet_safe: bool = False,
) -> Path | None:
    """Write a table, whole or not at all.

    Parameters
    ----------
    path
        The file; tabs stand between its cells when it is called ``.tsv``, else commas.
    header, rows
        Its cells. Numbers are written so that reading gives the same bits.
    replace
        Whether a file that is there may be replaced; a copy of it is kept beside it.
    spreadsheet_safe
        Put an apostrophe before text that a spreadsheet would run as a formula.

    Returns
    -------
    Path or None
        The copy of the file that was replaced.

    Raises
    ------
    DataError
        When the file is there and `replace` is False.
    """
    path = Path(path)
    kept = None
    if path.exists():
        if not replace:
            raise DataError(
                f"{path} is already there. Choose another name, or replace it with "
                "--replace (a copy is kept)."
            )
        kept = path.with_name(f"{path.name}.{utc_now().replace(':', '')}.bak")
        write_bytes(kept, path.read_bytes())
    text = io.StringIO(newline="")
    separator = "\t" if path.suffix.casefold() == ".tsv" else ","
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([_safe(cell) if spreadsheet_safe else cell for cell in row])
    write_text(path, text.getvalue())
    return kept


def _safe(cell: Any) -> Any:
    if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS):
        return f"'{cell}"
    return cell
