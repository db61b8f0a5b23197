"""Reader `deeplabcut_h5`: the h5 of a DeepLabCut analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.data.hdf5 import Hdf5File, is_hdf5, open_hdf5
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.deeplabcut.columns import (
    filtered_twin,
    frame_times,
    one_animal,
    points,
    refuse_labels,
    training_labels,
)
from napari_neuroembed.data.readers.pandas_hdf5 import (
    find_tables,
    read_levels,
    read_table,
)
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import DeepLabCutOptions

_USUAL = ("df_with_missing", "tracks")
"""What DeepLabCut calls its table: single frames, and stitched tracks."""


class DeepLabCutH5Reader:
    """A table of pandas in HDF5, read by its labels, nothing of it is run."""

    name = "deeplabcut_h5"
    kinds: tuple[Kind, ...] = ("pose",)
    options = DeepLabCutOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.95 for HDF5 with columns labelled bodyparts and coords."""
        if len(source.paths) > 1 or not is_hdf5(source.path):
            return 0.0, "is not one HDF5 file"
        try:
            with open_hdf5(source.path) as file:
                group = _choose(file)
        except DataError:
            return 0.0, "has no columns labelled bodyparts and coords"
        return 0.95, f"has columns labelled bodyparts and coords in {group}"

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
        unacceptable = {"pose.individuals", "time.not_increasing"}
        signals = self._load(source, options, rate_hz)
        return read_signals(signals, rate_hz, accept - unacceptable)

    def _load(
        self, source: Source, options: Mapping[str, Any], rate_hz: float | None = None
    ) -> Signals:
        told = parse_options(DeepLabCutOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader {self.name} takes one file.")
        with open_hdf5(source.path) as file:
            group = _choose(file)
            refuse_labels(source)
            found = read_table(file, group)
        if found.rows is None:
            raise training_labels(source)
        labels = pd.MultiIndex.from_tuples(found.columns, names=list(found.levels))
        table = pd.DataFrame(found.values, columns=labels)
        table, problems = one_animal(table, told.individual, source.name)
        data, names, confidence = points(table, source.name)
        rows = found.rows.astype(np.float64)
        times, more = frame_times(rows, source.name, rate_hz)
        return Signals(
            name=source.name,
            kind="pose",
            data=data,
            names=names,
            unit=told.unit,
            times_s=times,
            confidence=confidence,
            facts={"scorer": str(table.columns[0][0]), "points": len(names)},
            problems=(*filtered_twin(source), *problems, *more),
        )


def _choose(file: Hdf5File) -> str:
    """Return the group with columns of body parts.

    Raises
    ------
    DataError
        When there is none, or more than one, or the labels are damaged.
    """
    found, errors = [], []
    for group in find_tables(file):
        try:
            levels = set(read_levels(file, group))
        except DataError as error:
            errors.append(error)
            continue
        if {"bodyparts", "coords"} <= levels:
            found.append(group)
    if errors and not found:
        raise errors[0]
    usual = [group for group in found if group in _USUAL]
    if len(found) == 1 or len(usual) == 1:
        return (usual or found)[0]
    listed = ", ".join(found or file.groups) or "nothing"
    raise DataError(
        f"{file.path}: expected one table with columns labelled bodyparts and coords, "
        f"found {len(found)} ({listed}). Is this a DeepLabCut file? Give the h5 that "
        "analyze_videos made. [pose.header]"
    )
