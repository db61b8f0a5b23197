"""Reader `json`: scalars as a list of {"name": ..., "value": [...]}."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.data.size_cap import largest
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import TableOptions

MAX_BYTES = 256 << 20
_BYTES_PER_LETTER = 40
"""Memory that the smallest of lists takes, for each letter of the text."""


class JsonReader:
    """One value per frame and signal, as the Thunder project stores covariates."""

    name = "json"
    kinds: tuple[Kind, ...] = ("scalar", "trace")
    options = TableOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.85 for a list of objects with a name and a value."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        with source.path.open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
        if head.startswith(b"[") and b'"name"' in head and b'"value"' in head:
            return 0.85, "is a JSON list of names and values"
        return 0.0, "is no JSON list of names and values"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the file."""
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
        """Read the file."""
        del salvage
        return read_signals(self._load(source, options), rate_hz, accept)

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(TableOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader json takes one file.")
        signals = _signals(source)
        chosen = told.columns or tuple(signals)
        missing = [c for c in chosen if c not in signals]
        if missing:
            raise DataError(
                f"{source.name} has no signal {missing[0]!r}. Signals: "
                f"{', '.join(signals)}. [json.signals]"
            )
        lengths = {c: len(signals[c][0]) for c in chosen}
        n = min(lengths.values())
        problems = []
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{c} {k:,}" for c, k in lengths.items())
            text = f"its signals have different lengths: {listed}. Export them again."
            problems.append(Problem("json.lengths", "error", text, source.name))
        units = [signals[c][1] for c in chosen]
        known = ", ".join(dict.fromkeys(u for u in units if u))
        return Signals(
            name=source.name,
            kind="scalar" if told.kind != "trace" else "trace",
            data=np.stack([signals[c][0][:n] for c in chosen], axis=1),
            names=chosen,
            unit=told.unit or known,
            facts={"units": dict(zip(chosen, units, strict=True))},
            problems=tuple(problems),
        )


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON, a missing value is null")


def _numbers(value: Any) -> Any:
    """Return a list of numbers and nulls as an array, or None when it is none."""
    if not isinstance(value, list):
        return None
    if any(
        not isinstance(v, int | float | None) or v is True or v is False for v in value
    ):
        return None
    try:
        return np.array(value, dtype=np.float64)
    except OverflowError:  # a whole number of 400 digits
        return None


def _signals(source: Source) -> dict[str, tuple[Any, str]]:
    """Return values and unit of every signal."""
    path = source.path
    limit = min(MAX_BYTES, largest() // _BYTES_PER_LETTER)
    if path.stat().st_size > limit:
        raise DataError(
            f"{path} has {path.stat().st_size:,} bytes; the limit for JSON is "
            f"{limit:,}. Save the numbers as npz. [size.cap]"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read as JSON ({error}); it is cut or damaged. Copy it "
            "again. [json.unreadable]"
        ) from error
    found: dict[str, tuple[Any, str]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not {"name", "value"} <= set(entry):
            break
        values = _numbers(entry["value"])
        if values is None or str(entry["name"]) in found:
            break
        found[str(entry["name"])] = (values, str(entry.get("unit", "")))
    else:
        if found:
            return found
    raise DataError(
        f'{path}: expected a list such as [{{"name": "speed", "value": [0.1, '
        f'0.2], "unit": "cm/s"}}] with every name once; signal {len(found)} is not of '
        "that form. [json.signals]"
    )
