"""Text tables of labels: encoding, separator, cells with their line numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.size_cap import largest
from napari_neuroembed.errors import DataError

SEPARATORS = (",", ";", "\t")
"""What may stand between two cells."""

MAX_BYTES = 256 * 1024**2
"""A label file larger than this is refused."""

_BYTES_PER_LETTER = 40
"""Memory that a table takes while it is read, for each letter."""


@dataclass(frozen=True)
class TextTable:
    """The cells of a text file.

    Parameters
    ----------
    path
        The file.
    separator
        What stands between cells; empty for a single column.
    header
        Cells of the first line.
    rows
        Cells of the lines after it; blank lines left out.
    lines
        Number of the line of each row, as an editor counts.
    problems
        What was noticed.
    """

    path: Path
    separator: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    problems: tuple[Problem, ...] = ()


def read_table(
    path: Path, separator: str | None = None, *, n_rows: int | None = None
) -> TextTable:
    """Read a text table.

    Parameters
    ----------
    path
        The file.
    separator
        What stands between cells; None: whichever of comma, semicolon and tab is most
        frequent in the first line.
    n_rows
        Read only so many rows after the header; None: all.

    Raises
    ------
    DataError
        When the file is missing, empty, too large or no text.
    """
    text, problems = read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if separator is None:
        counts = {sign: first.count(sign) for sign in SEPARATORS}
        separator = max(counts, key=lambda sign: counts[sign])
        separator = separator if counts[separator] else ""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator or ",")
    cells, lines = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                cells.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
            if n_rows is not None and len(cells) > n_rows:
                break
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.") from error
    if not cells:
        raise DataError(f"{path} is empty; expected a table of labels.")
    return TextTable(
        path, separator, tuple(cells[0]), cells[1:], lines[1:], tuple(problems)
    )


def read_text(path: Path) -> tuple[str, list[Problem]]:
    """Return the text of a file and what was noticed about its encoding.

    UTF-8 (with or without byte-order mark) and UTF-16 with one; anything else is read
    as Latin-1 with a warning.

    Raises
    ------
    DataError
        When the file is missing, too large or no text.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} is not there.")
    limit = min(MAX_BYTES, largest() // _BYTES_PER_LETTER)
    if path.stat().st_size > limit:
        raise DataError(
            f"{path} has {path.stat().st_size:,} bytes; label files may have {limit:,}."
        )
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), []
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} begins like UTF-16, but byte {error.start:,} is none: it is "
                "cut or damaged. Export the labels again."
            ) from error
    if content.startswith(b"\x80"):
        raise DataError(f"{path} is no text file. {_about_pickle(content, path.name)}")
    if b"\0" in content[:65536]:
        raise DataError(
            f"{path} is no text file. Binary files are never opened; export the labels "
            "as CSV."
        )
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        text = f"{path} is not UTF-8 (byte {error.start}); read as Latin-1."
        return content.decode("latin-1"), [Problem("text.encoding", "warning", text)]


def _about_pickle(content: bytes, name: str) -> str:
    """Say why a pickle is not read, by the rules of the one that runs no code."""
    from napari_neuroembed.data.unpickle import load_pickle_bytes

    try:
        load_pickle_bytes(content, name)
    except DataError as error:
        return str(error)
    return f"{name} is a pickle of plain data; export the labels as CSV. [pickle.class]"
