"""Reader `deeplabcut`: the csv of a DeepLabCut analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.deeplabcut.columns import (
    filtered_twin,
    frame_times,
    one_animal,
    points,
    refuse_labels,
    training_labels,
)
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.readers.text_table import (
    Text,
    not_numbers,
    read_cells,
    read_text,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import DeepLabCutOptions


class DeepLabCutReader:
    """Header rows scorer, (individuals,) bodyparts, coords; read by their labels."""

    name = "deeplabcut"
    kinds: tuple[Kind, ...] = ("pose",)
    options = DeepLabCutOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.95 for a text with header rows scorer and coords."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        with source.path.open("rb") as file:
            lines = file.read(65536).decode("latin-1").splitlines()[:5]
        first = [line.split(",")[0].strip().lower() for line in lines]
        if "coords" in first:
            return 0.95, "has a header row 'coords'"
        return 0.0, "has no header row 'coords'"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the table."""
        return describe_signals(self._load(source, options))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Read the table; the file has no rate, so it must be given."""
        del salvage
        unacceptable = {"pose.individuals", "csv.number", "time.not_increasing"}
        signals = self._load(source, options, rate_hz)
        return read_signals(signals, rate_hz, accept - unacceptable)

    def _load(
        self, source: Source, options: Mapping[str, Any], rate_hz: float | None = None
    ) -> Signals:
        told = parse_options(DeepLabCutOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader deeplabcut takes one file.")
        text = read_text(source.path)
        levels = _levels(text)
        refuse_labels(source)
        table = read_cells(text, len(levels))
        rows = table.iloc[:, 0]
        if rows.astype(str).str.contains(r"[/\\]|\.png", regex=True).any():
            raise training_labels(source)
        table = table.iloc[:, 1:]
        table.columns = pd.MultiIndex.from_arrays(
            [[cell.strip() for cell in row[1:]] for row in text.rows(len(levels))],
            names=[name.lower() for name in levels],
        )
        problems = [*text.problems, *filtered_twin(source)]
        table, more = one_animal(table, told.individual, source.name)
        problems += more + not_numbers(table, source.path, len(levels))
        data, names, confidence = points(table, source.name)
        numbers = pd.to_numeric(rows, errors="coerce").to_numpy(np.float64)
        times, more = frame_times(numbers, source.name, rate_hz)
        problems += more
        return Signals(
            name=source.name,
            kind="pose",
            data=data,
            names=names,
            unit=told.unit,
            times_s=times,
            confidence=confidence,
            facts={"scorer": str(table.columns[0][0]), "points": len(names)},
            problems=tuple(problems),
        )


def _levels(text: Text) -> list[str]:
    """Return the names of the header rows.

    Raises
    ------
    DataError
        When none of the first five is ``coords``.
    """
    first = [row[0].strip() if row else "" for row in text.rows(5)]
    lower = [name.lower() for name in first]
    if "coords" not in lower or "bodyparts" not in lower:
        raise DataError(
            f"{text.path}: no 'coords' header row in the first five lines; is this a "
            f'DeepLabCut file? First line: "{text.first_line}". For columns such as '
            "nose_x, nose_y use the reader csv. [pose.header]"
        )
    return first[: lower.index("coords") + 1]
