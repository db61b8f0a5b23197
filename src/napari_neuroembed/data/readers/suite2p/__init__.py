"""Reader `suite2p`: traces and regions of one plane of a suite2p folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.array_header import no_objects, read_header
from napari_neuroembed.data.readers.base import (
    Description,
    Source,
    natural_key,
    parse_options,
)
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.readers.suite2p.regions import read_regions
from napari_neuroembed.data.readers.suite2p.settings import read_settings
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import Suite2pOptions


@dataclass(frozen=True)
class NeuropilCorrected:
    """F - coefficient * Fneu of the chosen regions, (time, region), read when indexed.

    suite2p stores (region, time); both files stay memory maps.
    """

    fluorescence: NDArray[Any]
    neuropil: NDArray[Any]
    coefficient: float
    rois: NDArray[np.int64]
    first: int
    stop: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(time, region)."""
        return (self.stop - self.first, len(self.rois))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def __getitem__(self, key: Any, /) -> NDArray[np.float32]:
        time, *rest = key if isinstance(key, tuple) else (key,)
        if time is Ellipsis:
            time = slice(None)
        frames = np.arange(self.first, self.stop)[time]
        flat = np.atleast_1d(frames)
        if not flat.size:
            return np.empty((0, len(self.rois)), dtype=np.float32)[(slice(None), *rest)]
        low, high = int(flat.min()), int(flat.max()) + 1
        inner = flat - low
        cells = np.asarray(self.fluorescence[:, low:high])[self.rois][:, inner]
        around = np.asarray(self.neuropil[:, low:high])[self.rois][:, inner]
        traces = (cells - np.float32(self.coefficient) * around).T
        out = np.ascontiguousarray(traces, dtype=np.float32)
        return out[(0 if np.ndim(frames) == 0 else slice(None), *rest)]


class Suite2pReader:
    """Traces F - 0.7 Fneu of the regions that suite2p calls cells."""

    name = "suite2p"
    kinds: tuple[Kind, ...] = ("trace",)
    options = Suite2pOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.95 for a folder with F.npy and Fneu.npy."""
        planes = _planes(source.path) if source.path.is_dir() else []
        if planes:
            return 0.95, f"holds F.npy and Fneu.npy of {len(planes)} planes"
        return 0.0, "is no folder with F.npy and Fneu.npy"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the headers, iscell and the settings."""
        signals = self._load(source, options)
        return replace(describe_signals(signals), place=Path(signals.name))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the traces lazily, with the pixels of their regions."""
        del salvage
        signals = self._load(source, options)
        if not any(problem.severity == "error" for problem in signals.problems):
            signals = _with_pixels(signals)
        return read_signals(signals, rate_hz, accept - {"suite2p.lengths"})

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(Suite2pOptions, options, self.name, self.kinds)
        plane = _choose_plane(source, told)
        cells, around = _open(plane / "F.npy"), _open(plane / "Fneu.npy")
        flags = _open(plane / "iscell.npy")
        problems = _lengths(plane, cells, around, flags)
        if problems:
            rois = np.arange(min(len(cells), len(around)))
        else:
            chosen = np.ones(len(flags)) if told.all_rois else flags[:, 0]
            rois = np.flatnonzero(chosen)
        if not rois.size:
            raise DataError(
                f"{plane}: suite2p calls none of {len(flags):,} regions a cell. Choose "
                "some in suite2p, or take all with all_rois: true. [suite2p.lengths]"
            )
        settings = read_settings(plane)
        frames = min(cells.shape[1], around.shape[1])
        values = {} if problems else settings.values
        first, stop, parts, notes = _part(plane, values, told, frames)
        notes.append(_taken(plane, len(cells), rois.size, told))
        return Signals(
            name=str(plane),
            kind="trace",
            data=NeuropilCorrected(cells, around, told.neuropil, rois, first, stop),
            names=tuple(f"roi{i}" for i in rois),
            unit="counts",
            claims=settings.claims,
            facts={
                "plane": plane.name,
                "rois": len(cells),
                "cells": int(rois.size),
                "trace": f"F - {told.neuropil:g} Fneu",
                "parts": list(parts),
                "image_shape": settings.image_shape,
            },
            problems=(*problems, *settings.problems, *notes),
        )


def _taken(plane: Path, n: int, n_taken: int, told: Suite2pOptions) -> Problem:
    """Say which traces are taken and how they were made."""
    which = "all are taken" if told.all_rois else "those suite2p calls cells"
    text = (
        f"{n_taken:,} of {n:,} regions ({which}), each F - {told.neuropil:g} Fneu. "
        "Other choices: all_rois, neuropil."
    )
    return Problem("suite2p.taken", "note", text, str(plane))


def _with_pixels(signals: Signals) -> Signals:
    """Add the footprints of the chosen regions, or why there are none."""
    traces = signals.data
    assert isinstance(traces, NeuropilCorrected)
    found, problems = read_regions(
        Path(signals.name), len(traces.fluorescence), signals.facts["image_shape"]
    )
    return replace(
        signals,
        footprints=None if found is None else found.take(traces.rois),
        problems=(*signals.problems, *problems),
    )


def _planes(folder: Path) -> list[Path]:
    """Return the plane folders, which hold F.npy and Fneu.npy."""
    places = [folder, folder / "suite2p"]
    found = [
        p
        for place in places
        for p in (place, *place.glob("plane*"))
        if (p / "F.npy").is_file() and (p / "Fneu.npy").is_file()
    ]
    return sorted(set(found), key=lambda p: natural_key(str(p)))


def _choose_plane(source: Source, told: Suite2pOptions) -> Path:
    planes = _planes(source.path) if source.path.is_dir() else []
    if not planes:
        raise DataError(
            f"{source.path}: expected a suite2p folder with plane0/F.npy and "
            "plane0/Fneu.npy, found neither. Give the folder called suite2p or one of "
            "its planes. [suite2p.plane]"
        )
    if told.plane is not None:
        planes = [p for p in planes if p.name == f"plane{told.plane}"] or planes
        if len(planes) == 1:
            return planes[0]
    if len(planes) > 1:
        raise DataError(
            f"{source.path} holds {len(planes)} planes: "
            f"{', '.join(p.name for p in planes)}. They were recorded in turn, each on "
            "its own clock; say which one with plane: 0. [suite2p.plane]"
        )
    return planes[0]


def _open(path: Path) -> NDArray[Any]:
    """Map a plain npy array after checking its size.

    Raises
    ------
    DataError
        When it is missing, an object array, cut, or not two-dimensional.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing. Run suite2p again. [suite2p.lengths]")
    with path.open("rb") as file:
        header = read_header(file, str(path))
    no_objects(header, str(path))
    found = path.stat().st_size - header.offset
    if found != header.n_bytes or len(header.shape) != 2 or not header.is_number:
        raise DataError(
            f"{path} is {header}, {header.n_bytes:,} bytes, and holds {found:,} bytes; "
            "expected a whole table of numbers. Run suite2p again. [suite2p.lengths]"
        )
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _lengths(
    plane: Path, cells: NDArray[Any], around: NDArray[Any], flags: NDArray[Any]
) -> list[Problem]:
    if cells.shape == around.shape and len(flags) == len(cells):
        return []
    text = (
        f"F has {cells.shape[0]:,} regions x {cells.shape[1]:,} frames, Fneu "
        f"{around.shape[0]:,} x {around.shape[1]:,}, iscell {len(flags):,} regions; "
        "expected equal numbers. Run suite2p's last step again."
    )
    return [Problem("suite2p.lengths", "error", text, str(plane))]


def _part(
    plane: Path, ops: Mapping[str, Any], told: Suite2pOptions, n: int
) -> tuple[int, int, tuple[int, ...], list[Problem]]:
    """Return which frames belong to the wanted recording."""
    by_folder = ops.get("frames_per_folder")
    counts = by_folder if by_folder is not None else ops.get("frames_per_file", (n,))
    parts = tuple(int(k) for k in np.asarray(counts).ravel())
    if sum(parts) != n:
        raise DataError(
            f"{plane}: ops names {len(parts)} recordings with {sum(parts):,} frames in "
            f"all, the traces have {n:,}. Run suite2p again. [suite2p.lengths]"
        )
    if len(parts) == 1 and not told.part:
        return 0, n, parts, []
    listed = ", ".join(f"part {i} has {k:,}" for i, k in enumerate(parts[:8]))
    if told.part is None and by_folder is None:
        text = (
            f"the traces come from {len(parts)} files in a row ({listed} frames) and "
            "are taken as one recording; if they are several, say which: part: 0."
        )
        return 0, n, parts, [Problem("suite2p.part", "warning", text, str(plane))]
    if told.part is None or told.part >= len(parts):
        raise DataError(
            f"{plane} holds {len(parts)} recordings in a row ({listed} frames). Import "
            "them one by one; say which with part: 0. [suite2p.part]"
        )
    first = sum(parts[: told.part])
    return first, first + parts[told.part], parts, []
