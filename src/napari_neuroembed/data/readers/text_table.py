"""Text files of columns, whatever their encoding and separator."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.size_cap import largest
from napari_neuroembed.errors import DataError

MAX_BYTES = 1 << 30
MAX_COLUMNS = 50_000
_BYTES_PER_LETTER = 8
"""Memory that a table takes while it is read, for each letter."""
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Text:
    """The decoded text of a file."""

    path: Path
    content: str
    separator: str
    problems: tuple[Problem, ...]

    @property
    def first_line(self) -> str:
        """What a message shows of the file."""
        return self.content.split("\n", 1)[0].strip()[:120]

    def rows(self, n: int) -> list[list[str]]:
        """Return the cells of the first `n` lines.

        Raises
        ------
        DataError
            When a cell is longer than any is, or there are more columns than 50,000.
        """
        lines = io.StringIO(self.content)
        reader = csv.reader(lines, delimiter=self.separator)
        try:
            rows = [row for row, _ in zip(reader, range(n), strict=False)]
        except csv.Error as error:
            raise DataError(
                f"{self.path}, line {reader.line_num}: {error}. Export it again. "
                "[csv.rows]"
            ) from error
        widest = max(map(len, rows), default=0)
        if widest > MAX_COLUMNS:
            raise DataError(
                f"{self.path} has {widest:,} columns; the limit is {MAX_COLUMNS:,}. "
                "Save the numbers as npz. [size.cap]"
            )
        return rows


def read_text(path: Path, separator: str = "") -> Text:
    """Decode a text file and find its separator.

    UTF-8 with or without mark, UTF-16 with mark, and Latin-1 with a warning.

    Raises
    ------
    DataError
        When the file is empty, longer than 1 GB, or no text.
    """
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{path} is empty. Export it again. [csv.empty]")
    limit = min(MAX_BYTES, largest() // _BYTES_PER_LETTER)
    if size > limit:
        raise DataError(
            f"{path} has {size:,} bytes; the limit for text is {limit:,}. Save the "
            "numbers as npz. [size.cap]"
        )
    raw = path.read_bytes()
    content, problems = _decode(raw, path)
    if "\0" in content[:10_000]:
        raise DataError(
            f"{path} is no text: it holds zero bytes. Check which file was meant. "
            "[csv.header]"
        )
    content = content.lstrip("\r\n")
    if not content.strip():
        raise DataError(f"{path} holds no line. Export it again. [csv.empty]")
    first = content.split("\n", 1)[0]
    found = max(_SEPARATORS, key=first.count)
    return Text(path, content, separator or found, problems)


def _decode(raw: bytes, path: Path) -> tuple[str, tuple[Problem, ...]]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16"), ()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} begins like UTF-16, but byte {error.start:,} is none: it is "
                "cut or damaged. Export it again. [csv.rows]"
            ) from error
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        text = (
            f"byte {error.start:,} is no UTF-8; the text was read as Latin-1, so check "
            "names with accents. Save it as UTF-8 to be sure."
        )
        problem = Problem("csv.encoding", "warning", text, str(path))
        return raw.decode("latin-1"), (problem,)


def read_cells(text: Text, n_header: int) -> pd.DataFrame:
    """Return all cells below the header, numbers where a column has only numbers.

    Parameters
    ----------
    text
        The decoded file.
    n_header
        Number of lines above the first row.

    Raises
    ------
    DataError
        When there is no row, or a row has more cells than the header (naming its
        line).
    """
    width = len(text.rows(1)[0])
    _same_width(text, width)
    decimal = "."
    if text.separator == ";" and "." not in "".join(text.content.split("\n", 6)[1:6]):
        decimal = ","
    try:
        cells = pd.read_csv(
            io.StringIO(text.content),
            sep=text.separator,
            header=None,
            skiprows=n_header,
            decimal=decimal,
            index_col=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError as error:
        raise DataError(
            f'{text.path} has no row below "{text.first_line}". Export it again. '
            "[csv.empty]"
        ) from error
    except (pd.errors.ParserError, ValueError) as error:
        raise _irregular(text, str(error).strip().splitlines()[-1]) from error
    if cells.shape[1] != width:
        reason = f"the header has {width} cells, the first row {cells.shape[1]}"
        raise _irregular(text, reason)
    return cells


def _same_width(text: Text, width: int) -> None:
    """Refuse rows with fewer cells than the header, such as the last of a cut file.

    Raises
    ------
    DataError
        Naming the first such line.
    """
    if '"' in text.content:
        return  # a cell may hold a separator or a line end; pandas counts those
    for number, line in enumerate(text.content.split("\n"), start=1):
        found = line.count(text.separator) + 1
        if found < width and line.strip():
            raise _irregular(
                text,
                f"line {number} has {found} cells, the header {width}; the file may be "
                "cut there",
            )


def _irregular(text: Text, reason: str) -> DataError:
    return DataError(
        f"{text.path} is no regular table: {reason}. Its first line is "
        f'"{text.first_line}". Every row needs as many cells as the header. [csv.rows]'
    )


def not_numbers(table: pd.DataFrame, path: Path, n_header: int) -> list[Problem]:
    """Return the first cell of every column that is no number (five at most)."""
    problems: list[Problem] = []
    for column in table.columns:
        values = table[column]
        if pd.api.types.is_numeric_dtype(values):
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        bad = (numbers.isna() & values.notna()).to_numpy().nonzero()[0]
        if bad.size and len(problems) < 5:
            name = column if isinstance(column, str) else "/".join(map(str, column))
            text = (
                f"line {bad[0] + n_header + 1}, column {name}: "
                f"{str(values.iloc[bad[0]])[:40]!r} is no number "
                f"({bad.size:,} such cells). Correct it, or take other columns with "
                "columns: [...]."
            )
            problems.append(Problem("csv.number", "error", text, str(path)))
    return problems
