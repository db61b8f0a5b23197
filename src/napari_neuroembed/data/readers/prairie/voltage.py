"""Reader `prairie_voltage`: what was recorded beside the frames of Prairie View."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.prairie.frames import choose_frames
from napari_neuroembed.data.readers.prairie.scan import find_scan, is_scan, read_scan
from napari_neuroembed.data.readers.rates import RateClaim
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.readers.text_table import (
    not_numbers,
    read_cells,
    read_text,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.data.xml_text import read_xml
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import PrairieOptions, PrairieVoltageOptions

_TIME = "Time(ms)"
_MAX_SETTINGS_BYTES = 16 << 20


class PrairieVoltageReader:
    """A ``*_VoltageRecording_*.csv`` of Prairie View, on the clock of its frames."""

    name = "prairie_voltage"
    kinds: tuple[Kind, ...] = ("scalar",)
    options = PrairieVoltageOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.97 for a table whose first column is ``Time(ms)``."""
        path = source.path
        if len(source.paths) > 1 or not path.is_file():
            return 0.0, "is not one file"
        with path.open("rb") as file:
            head = file.read(64)
        if head.lstrip(b"\xef\xbb\xbf").startswith(_TIME.encode()):
            return 0.97, f"its first column is {_TIME}"
        return 0.0, f"its first column is not {_TIME}"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the table and the XML beside it."""
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
        """Read the table; seconds count from the first frame where the XML says so."""
        del salvage
        signals = self._load(source, options)
        return read_signals(signals, rate_hz, accept - {"csv.number"})

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(PrairieVoltageOptions, options, self.name, self.kinds)
        path = source.path
        table, problems = _table(path, told)
        seconds = pd.to_numeric(table[_TIME], errors="coerce").to_numpy(np.float64)
        seconds = seconds / 1000
        values = table.drop(columns=[_TIME])
        problems += not_numbers(table, path, 1)
        claims, more = _settings(path, len(table))
        start_s, zero, notes = _start(path, told)
        step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
        times: NDArray[np.float64] | None = None
        if start_s is not None:
            times = start_s + seconds + step / 2
        elif step > 0:
            claims = (RateClaim(1 / step, f"column {_TIME}"), *claims)
        return Signals(
            name=str(path),
            kind="scalar",
            data=values.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64),
            names=tuple(map(str, values.columns)),
            unit="V",
            times_s=times,
            claims=claims,
            facts={"zero": zero},
            problems=(*problems, *more, *notes),
        )


def _table(
    path: Path, told: PrairieVoltageOptions
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read the time and the wanted signals.

    Raises
    ------
    DataError
        When it is no such table, or lacks a wanted column.
    """
    text = read_text(path)
    header = [cell.strip() for cell in text.rows(1)[0]]
    if header[0] != _TIME or len(header) < 2 or len(set(header)) < len(header):
        raise DataError(
            f"{path} is no voltage recording of Prairie View: its first column must be "
            f"{_TIME} and others must follow, each once; its first line is "
            f'"{text.first_line}". [csv.header]'
        )
    table = read_cells(text, 1).set_axis(header, axis=1)
    missing = [column for column in told.columns if column not in table]
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r}. Columns: {', '.join(header[1:])}. "
            "[csv.header]"
        )
    wanted = [_TIME, *told.columns] if told.columns else header
    return table[wanted], list(text.problems)


def _settings(path: Path, n: int) -> tuple[tuple[RateClaim, ...], list[Problem]]:
    """Return the rate that the XML of the same name states, and what is wrong."""
    beside = path.with_suffix(".xml")
    if not beside.is_file():
        return (), []
    root = read_xml(beside, max_bytes=_MAX_SETTINGS_BYTES)
    found: dict[str, float] = {}
    for element in root.iter():
        if element.tag in ("Rate", "SamplesAcquired"):
            found.setdefault(str(element.tag), _number(element.text))
    rate, samples = found.get("Rate", math.nan), found.get("SamplesAcquired", math.nan)
    claims: tuple[RateClaim, ...] = ()
    if math.isfinite(rate) and rate > 0:
        claims = (RateClaim(rate, f"Rate in {beside.name}"),)
    if not math.isfinite(samples) or samples in (0, n):
        return claims, []
    text = (
        f"{beside.name} says that {samples:,.0f} samples were taken, the table has "
        f"{n:,}; it may be cut. Copy it again, or take those that are there with "
        "--accept prairie.voltage --why '...'."
    )
    return claims, [Problem("prairie.voltage", "error", text, str(path))]


def _start(
    path: Path, told: PrairieVoltageOptions
) -> tuple[float | None, str, list[Problem]]:
    """Return when it started, seconds after the first frame, and how that is known."""
    found = [p for p in path.parent.glob("*.xml") if is_scan(p)]
    if not found:
        return None, "its own start, as no XML of a scan lies beside it", []
    place = find_scan(path.parent)
    assert place is not None
    scan = read_scan(place)
    own = [v for v in scan.voltages if v.file == path.name]
    if len(own) != 1 or not scan.cycles or not math.isfinite(own[0].absolute_s):
        return None, f"its own start, as {place.name} does not say when", []
    chosen = choose_frames(scan, PrairieOptions(cycle=told.cycle, plane=0))
    asked = [p for p in chosen.problems if p.id == "prairie.cycles"]
    first = chosen.frames[0].absolute_s if chosen.frames else math.nan
    if not math.isfinite(first):
        return None, f"its own start, as {place.name} has no times of frames", asked
    return own[0].absolute_s - first, f"the first frame of {place.name}", asked


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
