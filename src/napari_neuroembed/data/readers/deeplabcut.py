"""Reader `deeplabcut`: the csv of a DeepLabCut analysis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
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

_SPATIAL = ("x", "y", "z")


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
        unacceptable = {"pose.individuals", "csv.number"}
        return read_signals(self._load(source, options), rate_hz, accept - unacceptable)

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(DeepLabCutOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader deeplabcut takes one file.")
        text = read_text(source.path)
        levels = _levels(text)
        table = read_cells(text, len(levels))
        rows = table.iloc[:, 0]
        if rows.astype(str).str.contains(r"[/\\]|\.png", regex=True).any():
            raise DataError(
                f"{source.path} holds training labels (image names as rows), not the "
                "tracking of a video. Give the csv that analyze_videos made. "
                "[pose.header]"
            )
        table = table.iloc[:, 1:]
        table.columns = pd.MultiIndex.from_arrays(
            [[cell.strip() for cell in row[1:]] for row in text.rows(len(levels))],
            names=[name.lower() for name in levels],
        )
        problems = list(text.problems) + _filtered(source)
        table, more = _individual(table, told.individual, source.name)
        problems += more + not_numbers(table, source.path, len(levels))
        data, names, confidence = _points(table, source.name)
        return Signals(
            name=source.name,
            kind="pose",
            data=data,
            names=names,
            unit=told.unit,
            confidence=confidence,
            facts={"scorer": str(table.columns[0][0]), "points": len(names)},
            problems=tuple(problems),
        )


def _levels(text: Text) -> list[str]:
    """Return the names of the header rows.

    Raises
    ------
    DataError
        When none of the first five is ``coords``, or it is a file of training labels.
    """
    first = [row[0].strip() if row else "" for row in text.rows(5)]
    lower = [name.lower() for name in first]
    if "coords" not in lower or "bodyparts" not in lower:
        raise DataError(
            f"{text.path}: no 'coords' header row in the first five lines; is this a "
            f'DeepLabCut file? First line: "{text.first_line}". For columns such as '
            "nose_x, nose_y use the reader csv. [pose.header]"
        )
    if text.path.name.startswith("CollectedData"):
        raise DataError(
            f"{text.path} holds training labels, not the tracking of a video. Give the "
            "csv that analyze_videos made. [pose.header]"
        )
    return first[: lower.index("coords") + 1]


def _filtered(source: Source) -> list[Problem]:
    """Return a warning when the file exists filtered and unfiltered."""
    stem = source.path.stem
    plain = re.sub(r"_filtered$", "", stem)
    other = plain if stem != plain else f"{stem}_filtered"
    if not source.path.with_name(f"{other}.csv").exists():
        return []
    text = f"{other}.csv exists too; check that {source.path.name} is the one you want."
    return [Problem("pose.filtered", "warning", text, source.name)]


def _individual(
    table: pd.DataFrame, wanted: str | None, name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep the columns of one animal."""
    if "individuals" not in table.columns.names:
        if wanted is None:
            return table, []
        text = f"the file has one animal only, so individual {wanted!r} is not in it."
        return table, [Problem("pose.individuals", "error", text, name)]
    found = table.columns.get_level_values("individuals").astype(str)
    names = [n for n in dict.fromkeys(found) if n != "single"]
    if wanted is None and len(names) == 1:
        wanted = names[0]
    if wanted in names:
        return table.loc[:, found == wanted], []
    text = (
        f"the file holds {len(names)} animals: {', '.join(names)}. Say which with "
        f"--individual {names[0] if names else '...'}"
        + (f"; {wanted!r} is none of them." if wanted else ".")
    )
    keep = names[0] if names else found[0]
    problem = Problem("pose.individuals", "error", text, name)
    return table.loc[:, found == keep], [problem]


def _points(
    table: pd.DataFrame, name: str
) -> tuple[NDArray[np.float64], tuple[str, ...], NDArray[np.float64] | None]:
    """Return (time, point, dimension), names and confidence, by column labels."""
    parts = table.columns.get_level_values("bodyparts").astype(str)
    coords = table.columns.get_level_values("coords").astype(str)
    table = table.set_axis(pd.MultiIndex.from_arrays([parts, coords]), axis=1)
    names = tuple(dict.fromkeys(parts))
    axes = [a for a in _SPATIAL if a in set(coords)]
    odd = [p for p in names if any((p, a) not in table.columns for a in axes)]
    if odd or len(axes) < 2 or table.columns.has_duplicates:
        text = (
            f"expected columns x and y for every body part; {', '.join(odd) or 'all'} "
            "do not have them once each."
        )
        raise DataError(f"{name}: {text} [pose.header]")
    numbers = table.apply(pd.to_numeric, errors="coerce")
    data = np.stack(
        [numbers[[(p, a) for a in axes]].to_numpy(np.float64) for p in names], axis=1
    )
    confidence = None
    if all((p, "likelihood") in table.columns for p in names):
        columns = [(p, "likelihood") for p in names]
        confidence = numbers[columns].to_numpy(np.float64)
    return data, names, confidence
