"""Read the parquet tables of a run folder, which may be a stranger's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from napari_neuroembed.data.size_cap import largest
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.store.schema import DISTANCE_COLUMNS

MAX_COLUMNS = 1000
_FAILURES = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of numbers, texts and truth values.

    Parameters
    ----------
    path
        A parquet file.

    Raises
    ------
    RunFolderError
        When it is missing, damaged, holds other things than numbers and texts, or
        would need more memory than a file may: a kilobyte of parquet can say that a
        value comes a thousand million times.
    """
    path = Path(path)
    if not path.is_file():
        raise RunFolderError(f"{path} is missing. Make it again.")
    try:
        with pq.ParquetFile(path) as file:
            texts = _check(path, file)
            table = pq.read_table(path, read_dictionary=texts, memory_map=False)
        frame: pd.DataFrame = _decoded(path, table, texts).to_pandas(
            ignore_metadata=True
        )
    except _FAILURES as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise RunFolderError(
            f"{path} cannot be read as a table ({reason}). Make it again."
        ) from error
    return frame


def _check(path: Path, file: pq.ParquetFile) -> list[str]:
    """Return the columns of text; refuse what is too large or no plain value."""
    schema, about = file.schema_arrow, file.metadata
    odd = [
        f"{field.name} ({field.type})" for field in schema if not _is_plain(field.type)
    ]
    if odd or len(schema) > MAX_COLUMNS or len(set(schema.names)) < len(schema):
        raise RunFolderError(
            f"{path} has {len(schema):,} columns, expected at most {MAX_COLUMNS:,} of "
            f"numbers and texts with names of their own; found {', '.join(odd[:3])}."
        )
    stored = sum(
        about.row_group(i).total_byte_size for i in range(about.num_row_groups)
    )
    needed = max(stored, 0) + 16 * about.num_rows * max(len(schema), 1)
    if needed > largest() or about.num_rows < 0:
        raise RunFolderError(
            f"{path} declares {about.num_rows:,} rows of {len(schema)} columns, about "
            f"{needed:,} bytes; the limit is {largest():,}. [size.cap]"
        )
    return [field.name for field in schema if _is_text(field.type)]


def _decoded(path: Path, table: pa.Table, texts: list[str]) -> pa.Table:
    """Write out texts that were read coded, each once, when that is not too much."""
    for name in texts:
        longest = max(
            (
                pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
                for chunk in table[name].chunks
            ),
            default=0,
        )
        if longest * len(table) > largest():
            raise RunFolderError(
                f"{path}: the column {name} holds {len(table):,} texts of up to "
                f"{longest:,} letters; the limit is {largest():,} bytes. [size.cap]"
            )
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(pa.large_string()))
    return table


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
        or _is_text(kind)
    )


def read_distances(evaluation: Path) -> pd.DataFrame:
    """Return the distances between animals of an evaluation.

    One from before there were any has none.
    """
    path = evaluation / "distances.parquet"
    if not path.exists():
        return pd.DataFrame(columns=list(DISTANCE_COLUMNS))
    return read_table(path)


def read_scores(path: Path) -> pd.DataFrame:
    """Read a ``scores.csv``; an empty field is a missing number, or no text."""
    return pd.read_csv(path, keep_default_na=False, na_values={**_NUMERIC_NA})


_NUMERIC_NA = {
    column: [""]
    for column in (
        "fraction", "draw", "fold", "value", "low", "high", "chance", "p",
        "critical", "detectable", "n_fit", "n_test", "n_classes", "seed",
    )
}  # fmt: skip
