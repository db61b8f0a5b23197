"""Reader `npy`: one NumPy array, memory-mapped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.array_header import no_objects, read_header
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.npz import kind_of, shaped
from napari_neuroembed.data.readers.signals import (
    Signals,
    array_problems,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import ArrayOptions

_MAGIC = b"\x93NUMPY"


class NpyReader:
    """One array: images, poses, traces or scalars, as option `kind` says."""

    name = "npy"
    kinds: tuple[Kind, ...] = ("pose", "trace", "scalar", "neural")
    options = ArrayOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.9 for a file that begins like a NumPy array."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        with source.path.open("rb") as file:
            if file.read(6) == _MAGIC:
                return 0.9, "begins like a NumPy array"
        return 0.0, "does not begin like a NumPy array"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the header and, up to 64 MB, the values."""
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
        """Map the array; with `salvage` only its whole frames."""
        signals = self._load(source, options)
        forgiven = accept | ({"npy.truncated"} if salvage else set())
        return read_signals(signals, rate_hz, frozenset(forgiven))

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(ArrayOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader npy takes one file.")
        data, problems = _map(source)
        kind = kind_of(told, data.shape)
        doubts = array_problems(source.name, data.shape, kind, told.transpose)
        data = shaped(data, told, kind, source.name)
        if told.names and len(told.names) != data.shape[1]:
            text = f"{len(told.names)} names for {data.shape[1]} channels or points."
            problems.append(Problem("array.names", "error", text, source.name))
        return Signals(
            name=source.name,
            kind=kind,
            data=data,
            names=told.names,
            unit=told.unit or ("counts" if kind == "neural" else ""),
            problems=(*problems, *doubts),
        )


def _map(source: Source) -> tuple[NDArray[Any], list[Problem]]:
    """Return the values as a memory map, cut to whole frames when the file is cut."""
    path, problems = source.path, []
    with path.open("rb") as file:
        header = read_header(file, str(path))
    no_objects(header, f"{path}")
    if not header.shape or 0 in header.shape:
        raise DataError(f"{path} holds {header}; expected frames. [array.axes]")
    shape, found = header.shape, path.stat().st_size - header.offset
    if found != header.n_bytes:
        frame = math.prod(shape[1:]) * header.dtype.itemsize
        n = 0 if header.fortran else min(found // frame, shape[0])
        text = (
            f"it must hold {header.n_bytes:,} bytes for {header} and has {found:,}; "
            f"the last complete frame is {n - 1} of {shape[0]:,}. Copy it again, or "
            "open the whole frames with --salvage."
        )
        if found > header.n_bytes or n < 2:
            raise DataError(f"{path}: {text} [npy.truncated]")
        problems.append(Problem("npy.truncated", "error", text, source.name))
        shape = (n, *shape[1:])
    values: NDArray[Any] = np.memmap(
        path,
        dtype=header.dtype,
        mode="r",
        offset=header.offset,
        shape=shape,
        order="F" if header.fortran else "C",
    )
    return values, problems
