"""Reader `npz`: poses, traces and scalars saved with numpy.savez."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.array_header import (
    ArrayHeader,
    no_objects,
    read_header,
)
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.rates import RateClaim
from napari_neuroembed.data.readers.signals import (
    Signals,
    array_problems,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.data.size_cap import MAX_RATIO, largest
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import ArrayOptions

RATE_KEYS = ("rate_hz", "fps")
TIME_KEYS = ("times_s", "time_s")
NAME_KEYS = ("names", "joints", "neuron_names", "columns")
UNIT_KEYS = ("units", "unit")
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
)
"""What zipfile raises for archives that are damaged, encrypted or of another kind."""


class NpzReader:
    """Arrays of an npz file: one with the data, others with rate, times and names."""

    name = "npz"
    kinds: tuple[Kind, ...] = ("pose", "trace", "scalar")
    options = ArrayOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.9 for a zip file whose members are all arrays."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        try:
            with zipfile.ZipFile(source.path) as archive:
                names = archive.namelist()
        except ZIP_ERRORS:
            return 0.0, "is no zip file of arrays"
        if names and all(name.endswith(".npy") for name in names):
            return 0.9, f"holds the arrays {', '.join(n[:-4] for n in names[:6])}"
        return 0.0, "is a zip file, but not of arrays"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the headers and, up to 64 MB, the chosen array."""
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
        """Read the chosen array."""
        del salvage
        return read_signals(self._load(source, options, accept), rate_hz, accept)

    def _load(
        self,
        source: Source,
        options: Mapping[str, Any],
        accept: frozenset[str] = frozenset(),
    ) -> Signals:
        told = parse_options(ArrayOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader npz takes one file.")
        members = list_arrays(source.path, accept)
        key = choose(members, told, source.name)
        return _signals(source, told, members, key)


def list_arrays(
    path: Path, accept: frozenset[str] = frozenset()
) -> dict[str, ArrayHeader]:
    """Return the headers of all arrays of an npz, nothing decompressed.

    Raises
    ------
    DataError
        When the file is no npz, is cut, or would grow beyond the limits.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _caps(path, infos, accept)
            for info in infos:
                if not _is_member(info.filename):
                    raise DataError(
                        f"{path} holds {info.filename!r}, which numpy.savez would not "
                        "have written. [npz.unreadable]"
                    )
                with archive.open(info) as member:
                    header = read_header(member, f"{info.filename[:-4]!r} in {path}")
                if not header.dtype.hasobject and (
                    header.offset + header.n_bytes != info.file_size
                ):
                    raise DataError(
                        f"{path}: {info.filename[:-4]!r} is {header}, "
                        f"{header.n_bytes:,} bytes, but {info.file_size:,} bytes are "
                        "stored with its header. Save it again. [npz.unreadable]"
                    )
                if info.filename[:-4] in found:
                    raise DataError(
                        f"{path} holds {info.filename!r} twice. Save it again. "
                        "[npz.unreadable]"
                    )
                found[info.filename[:-4]] = header
    except ZIP_ERRORS as error:
        raise _unreadable(path, error) from error
    return found


def load_array(path: Path, key: str) -> NDArray[Any]:
    """Return one array of an npz; never a pickle.

    Raises
    ------
    DataError
        When its bytes are damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            loaded: NDArray[Any] = arrays[key]
            return loaded
    except (*ZIP_ERRORS, MemoryError) as error:
        raise _unreadable(path, error) from error


def choose(members: Mapping[str, ArrayHeader], told: ArrayOptions, name: str) -> str:
    """Return the array that holds the data.

    Raises
    ------
    DataError
        Listing all arrays with their shapes when it cannot be decided.
    """
    listed = ", ".join(f"{key} {header}" for key, header in members.items())
    for option in ("key", "rate_key", "times_key", "names_key", "confidence_key"):
        wanted = getattr(told, option)
        if wanted is not None and wanted not in members:
            raise DataError(
                f"{name} has no array {wanted!r} ({option}). It holds {listed}. "
                "[npz.choice]"
            )
    if told.key is not None:
        return told.key
    taken = {*RATE_KEYS, *TIME_KEYS, *NAME_KEYS, *UNIT_KEYS, "confidence"}
    taken |= {told.rate_key, told.times_key, told.names_key, told.confidence_key}  # type: ignore[arg-type]
    free = {k: h for k, h in members.items() if k not in taken}
    for key, header in free.items():
        if header.dtype.hasobject and (key == "pose" or len(free) == 1):
            return key
    many = [k for k, h in free.items() if h.is_number and len(h.shape) >= 2]
    rows = [k for k, h in free.items() if h.is_number and len(h.shape) == 1]
    if "pose" in many:
        return "pose"
    found = many or rows
    if len(found) == 1:
        return found[0]
    raise DataError(
        f"{name}: {'several arrays' if found else 'no array'} could be the data. It "
        f"holds {listed or 'nothing'}. Say which, e.g. key: "
        f"{found[0] if found else 'traces'}. [npz.choice]"
    )


def _signals(
    source: Source, told: ArrayOptions, members: Mapping[str, ArrayHeader], key: str
) -> Signals:
    path = source.path
    no_objects(members[key], f"array {key!r} in {path}")
    kind = kind_of(told, members[key].shape, key)

    def other(option: str | None, usual: tuple[str, ...]) -> Any:
        keys = [option] if option else [k for k in usual if k in members and k != key]
        if not keys or keys[0] is None:
            return None
        no_objects(members[keys[0]], f"array {keys[0]!r} in {path}")
        return load_array(path, keys[0])

    doubts = array_problems(source.name, members[key].shape, kind, told.transpose)
    data = shaped(load_array(path, key), told, kind, source.name)
    names = other(told.names_key, NAME_KEYS)
    unit = other(None, UNIT_KEYS)
    times = other(told.times_key, TIME_KEYS)
    rate = other(told.rate_key, RATE_KEYS)
    confidence = other(told.confidence_key, ("confidence",))
    labels, problems = _names(names, data, source.name, told, doubts=bool(doubts))
    more = _lengths(data, times, confidence, source.name, doubts=bool(doubts))
    return Signals(
        name=source.name,
        kind=kind,
        data=data,
        names=labels,
        unit=told.unit or (str(unit) if unit is not None and unit.ndim == 0 else ""),
        times_s=None if times is None or more else times.astype(np.float64),
        claims=_claims(rate, source.name),
        confidence=confidence,
        facts={"key": key, "arrays": {k: str(h) for k, h in members.items()}},
        problems=(*doubts, *problems, *more),
    )


def kind_of(told: ArrayOptions, shape: tuple[int, ...], key: str = "") -> Kind:
    """Return the kind of stream that an array holds."""
    if told.kind is not None:
        return told.kind
    return "pose" if key == "pose" or (len(shape) == 3 and shape[2] <= 3) else "trace"


def shaped(
    data: NDArray[Any], told: ArrayOptions, kind: Kind, name: str
) -> NDArray[Any]:
    """Bring an array into the axes of its kind.

    Raises
    ------
    DataError
        When it has too many or too few axes or is not of real numbers.
    """
    allowed = {"neural": (3, 4), "pose": (2, 3)}.get(kind, (1, 2))
    if data.dtype.kind not in "biuf" or data.ndim not in allowed:
        raise DataError(
            f"{name}: the array is {data.shape} {data.dtype.name}; a {kind} stream "
            f"needs {' or '.join(map(str, allowed))} axes of real numbers, time first. "
            "Say kind: or key:. [array.axes]"
        )
    if told.transpose and data.ndim > 1:
        data = np.ascontiguousarray(np.swapaxes(data, 0, 1))
    if (kind == "pose" and data.ndim == 2) or data.ndim == 1:
        data = data[..., np.newaxis]
    return data.astype(data.dtype.newbyteorder("="), copy=False)


def _claims(rate: Any, name: str) -> tuple[RateClaim, ...]:
    if rate is None:
        return ()
    if rate.size != 1 or rate.dtype.kind not in "biuf" or not float(rate.item()) > 0:
        raise DataError(
            f"{name}: the frame rate must be one number above 0, found {rate!r}. Give "
            "another rate_key, or the rate itself. [rate.missing]"
        )
    return (RateClaim(float(rate.item()), f"the rate stored in {name}"),)


def _names(
    names: Any, data: NDArray[Any], name: str, told: ArrayOptions, *, doubts: bool
) -> tuple[tuple[str, ...], list[Problem]]:
    if told.names:
        labels = told.names
    elif names is None:
        return (), []
    else:
        labels = tuple(str(n) for n in np.atleast_1d(names).ravel())
    if doubts or len(labels) == data.shape[1] or data.ndim > 3:
        return labels, []
    text = (
        f"{len(labels)} names for {data.shape[1]} channels or points "
        f"({', '.join(labels[:3])} ...). Give another names_key, or names."
    )
    return (), [Problem("array.names", "error", text, name)]


def _lengths(
    data: NDArray[Any], times: Any, confidence: Any, name: str, *, doubts: bool
) -> list[Problem]:
    problems = []
    wanted = {"times": (times, 1), "confidence": (confidence, 2)}
    for what, (array, ndim) in wanted.items():
        if array is None or doubts or array.shape == data.shape[:ndim]:
            continue
        text = (
            f"{what} has shape {array.shape}, the data {data.shape}; expected "
            f"{data.shape[:ndim]}. Save them again with equal lengths."
        )
        problems.append(Problem("array.length", "error", text, name))
    return problems


def _caps(path: Path, infos: list[zipfile.ZipInfo], accept: frozenset[str]) -> None:
    whole = sum(info.file_size for info in infos)
    stored = max(sum(info.compress_size for info in infos), 1)
    cap = min(int(psutil.virtual_memory().available) // 2, largest())
    if "size.cap" not in accept and (whole > MAX_RATIO * stored or whole > cap):
        raise DataError(
            f"{path}: {stored:,} stored bytes become {whole:,} ({whole / stored:.0f} "
            f"to 1); the limits are {MAX_RATIO} to 1 and {cap:,} bytes. If the file is "
            "trustworthy, --accept size.cap. [size.cap]"
        )


def _is_member(name: str) -> bool:
    return name.endswith(".npy") and not set(name) & set("/\\\0")


def _unreadable(path: Path, error: Exception) -> DataError:
    size = path.stat().st_size if path.exists() else 0
    return DataError(
        f"{path} cannot be read as npz ({error}); it has {size:,} bytes and is cut or "
        "damaged. Copy or save it again. [npz.unreadable]"
    )
