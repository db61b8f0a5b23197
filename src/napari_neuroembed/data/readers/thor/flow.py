"""Reader `thor_flow`: ``OptFlow.txt``, what two ball sensors saw."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import OpticFlowOptions

NAMES = ("sensor0_x", "sensor0_y", "sensor1_x", "sensor1_y")
_ROW = re.compile(rb"\s*-?\d+(\s*,\s*-?\d+){4}\s*")
_MAX_BYTES = 1 << 30
_ENDS = (-128, 127)


class OpticFlowReader:
    """Rows of four movements, whole numbers, and the clock of the micro-controller.

    Rows in which all four stand at the end of their range (-128 or 127), as they do
    until the sensors have started, are marked missing. The clock has no unit in the
    file, so the time of the rows comes from a line of the ThorSync file (OpFlow) or
    from you.
    """

    name = "thor_flow"
    kinds: tuple[Kind, ...] = ("scalar", "trace")
    options = OpticFlowOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.9 for a text whose first rows are five whole numbers."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        with source.path.open("rb") as file:
            lines = file.read(2048).splitlines()[:-1][:8]
        if len(lines) > 1 and all(_ROW.fullmatch(line) for line in lines):
            return 0.9, "rows of five whole numbers"
        return 0.0, "does not begin with rows of five whole numbers"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the rows (a text has no header that would tell their number)."""
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
        """Read the rows; with `salvage` those before the first broken one."""
        signals = self._load(source, options)
        forgiven = accept - {"csv.number"} | ({"csv.number"} if salvage else set())
        return read_signals(signals, rate_hz, frozenset(forgiven))

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(OpticFlowOptions, options, self.name, self.kinds)
        rows, problems = _rows(source)
        values = rows[:, :4].astype(np.float64)
        at_end = np.isin(rows[:, :4], _ENDS).all(axis=1)
        values[at_end] = np.nan
        return Signals(
            name=source.name,
            kind=told.kind or "scalar",
            data=values,
            names=NAMES,
            unit=told.unit or "counts",
            facts={"at_end_of_range": int(at_end.sum())},
            problems=tuple(problems),
        )


def _rows(source: Source) -> tuple[NDArray[np.int64], list[Problem]]:
    """Return the rows up to the first that is broken, and what is broken."""
    path = source.path
    if len(source.paths) > 1 or not path.is_file():
        raise DataError(f"{source.name}: the reader thor_flow takes one file.")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{path} has more than {_MAX_BYTES:,} bytes. [size.cap]")
    lines = path.read_bytes().splitlines()
    bad = next((i for i, line in enumerate(lines) if not _ROW.fullmatch(line)), None)
    good = lines if bad is None else lines[:bad]
    if len(good) < 2:
        seen = lines[0][:60].decode("latin-1") if lines else ""
        raise DataError(
            f"{path}: expected rows of five whole numbers (four movements, a clock), "
            f'found "{seen}". [csv.header]'
        )
    try:
        rows = np.array([line.split(b",") for line in good], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path}: {error}. [csv.number]") from error
    if bad is None:
        return rows, []
    seen = lines[bad][:60].decode("latin-1")
    text = (
        f'line {bad + 1}: expected five whole numbers, found "{seen}"; {bad:,} of '
        f"{len(lines):,} lines come before it. Copy the file again, or --salvage keeps "
        "those."
    )
    return rows, [Problem("csv.number", "error", text, str(path))]
