"""The prepared form of a recording: ``derived/<recording>/``, written once, mapped."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.footprints import Footprints
from napari_neuroembed.data.recording import KINDS, Recording, Stream, TimeAxis
from napari_neuroembed.data.stacks import read_stack
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import (
    check_folder,
    read_json,
    unchanged,
    write_file,
    write_json,
)

SCHEMA_VERSION = 1
NEURAL_FILE = "neural.tif"
NATIVE_FILE = "native.tif"
MASK_FILE = "mask.npy"
MEAN_FILE = "mean.npy"
ANATOMICAL_FILE = "anatomical.npy"
TEMPLATE_FILE = "template.npy"
QUALITY_FILE = "quality.parquet"
PROVENANCE_FILE = "provenance.json"
QUALITY_COLUMNS = (
    "frame",
    "time_s",
    "valid",
    "shift_y",
    "shift_x",
    "correlation",
    "brightness",
)

_FOOTPRINT_ARRAYS = ("starts", "y", "x", "weights")
_NOT_STREAMS = {PROVENANCE_FILE, "manifest.json"}
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def write_derived_stream(folder: Path, name: str, stream: Stream) -> None:
    """Write one prepared stream and its description into a folder being built.

    Parameters
    ----------
    folder
        As yielded by :func:`napari_neuroembed.files.write_folder`.
    name
        Name of the stream; becomes the name of its files.
    stream
        (time, feature) data of a pose, trace or scalar stream are written as float32,
        footprints beside them.
        Of a neural stream only the description is: its frames must already lie in
        ``neural.tif`` of `folder`.

    Raises
    ------
    DataError
        When the name cannot be a file name, the data are not (time, feature), or
        ``neural.tif`` does not match.
    """
    if not _SAFE_NAME.fullmatch(name) or f"{name}.json" in _NOT_STREAMS:
        raise DataError(
            f"Stream name {name!r} cannot be a file name; use letters, digits, _ and -."
        )
    if stream.kind == "neural":
        file = NEURAL_FILE
        _check_frames(folder / file, stream)
    else:
        file = f"{name}.npy"
        if len(stream.data.shape) != 2:
            raise DataError(
                f"Stream {name!r}: expected (time, feature), found shape "
                f"{tuple(stream.data.shape)}."
            )
        write_array(folder / file, np.asarray(stream.data[:], dtype=np.float32))
    clock: dict[str, Any] = {"start_s": stream.time.start_s}
    if stream.time.times_s is not None:
        clock["times"] = f"{name}_times.npy"
        write_array(folder / clock["times"], stream.time.times_s)
    else:
        clock["rate_hz"] = stream.time.rate_hz
    write_json(
        folder / f"{name}.json",
        {
            "schema_version": SCHEMA_VERSION,
            "kind": stream.kind,
            "file": file,
            "n_frames": len(stream),
            **clock,
            "names": list(stream.names),
            "units": stream.units,
            "invalid": to_ranges(~stream.valid),
            "facts": plain(stream.facts),
            **_write_footprints(folder, name, stream.footprints),
        },
    )


def read_derived(folder: Path, *, id: str, animal: str) -> Recording:  # noqa: A002
    """Open a prepared recording; its data stay on disk until they are used.

    Parameters
    ----------
    folder
        ``derived/<recording>/``.
    id, animal
        Names of the recording and its animal.

    Returns
    -------
    Recording
        Streams without bouts and covariates. ``facts["folder"]`` of each stream names
        the folder, and ``facts["mask"]`` of the neural stream its mask file.

    Raises
    ------
    DataError
        When the folder is missing, incomplete, written by a newer version, replaced
        meanwhile, or a size is not the one written.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            f"Recording {id!r} is not prepared: {folder} is missing. Run neuroembed "
            "preprocess."
        )
    with unchanged(folder):
        check_folder(folder)
        streams = {
            file.stem: _read_stream(folder, read_json(file), file)
            for file in sorted(folder.glob("*.json"))
            if file.name not in _NOT_STREAMS
        }
    return Recording(id=id, animal=animal, streams=streams)


def read_mask(folder: Path) -> NDArray[np.bool_] | None:
    """Return the valid pixels (y, x) of the training cache, None without images."""
    path = Path(folder) / MASK_FILE
    if not path.exists():
        return None
    mask: NDArray[np.bool_] = np.load(path, allow_pickle=False)
    return mask


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return how a prepared recording was made.

    Raises
    ------
    DataError
        When it is missing, unreadable, or of a newer version.
    """
    path = Path(folder) / PROVENANCE_FILE
    content = read_json(path)
    _check_version(content, path)
    return dict(content)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a ``.npy`` file whole or not at all."""

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)

    write_file(path, save)


def to_ranges(flags: NDArray[np.bool_]) -> list[list[int]]:
    """Return the half-open stretches where `flags` is True.

    Examples
    --------
    >>> to_ranges(np.array([True, True, False, True]))
    [[0, 2], [3, 4]]
    """
    steps = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [[int(a), int(b)] for a, b in zip(starts, stops, strict=True)]


def from_ranges(ranges: list[list[int]], n: int) -> NDArray[np.bool_]:
    """Return `n` flags that are True in the half-open stretches.

    Examples
    --------
    >>> from_ranges([[0, 2]], 3)
    array([ True,  True, False])
    """
    flags = np.zeros(n, dtype=bool)
    for first, stop in ranges:
        flags[first:stop] = True
    return flags


def plain(value: Any) -> Any:
    """Return facts as JSON can hold them; arrays and NaN are left to their files."""
    if isinstance(value, Mapping):
        return {
            str(key): plain(item)
            for key, item in value.items()
            if not isinstance(item, np.ndarray)
        }
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def _read_stream(folder: Path, about: dict[str, Any], source: Path) -> Stream:
    _check_version(about, source)
    kind, n = about.get("kind"), about.get("n_frames")
    if kind not in KINDS or not isinstance(n, int):
        raise DataError(f"{source} does not describe a stream; it was changed.")
    path = folder / about["file"]
    facts = {**about["facts"], "folder": str(folder)}
    data: Any
    if kind == "neural":
        data = read_stack(path)
        if (folder / MASK_FILE).exists():
            facts["mask"] = str(folder / MASK_FILE)
    else:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    if data.shape[0] != n:
        raise DataError(
            f"{path} has {data.shape[0]} frames but {source.name} says {n}."
        )
    if "times" in about:
        times = np.load(folder / about["times"], allow_pickle=False)
        clock = TimeAxis(n, times_s=times)
    else:
        clock = TimeAxis(n, about["start_s"], about["rate_hz"])
    return Stream(
        kind=kind,
        data=data,
        time=clock,
        valid=~from_ranges(about["invalid"], n),
        names=tuple(about["names"]),
        units=about["units"],
        facts=facts,
        footprints=_read_footprints(folder, about),
    )


def _write_footprints(
    folder: Path, name: str, footprints: Footprints | None
) -> dict[str, Any]:
    """Write ``<stream>_footprints.npz`` and return what the description says of it."""
    if footprints is None:
        return {}
    file = f"{name}_footprints.npz"
    arrays = {key: getattr(footprints, key) for key in _FOOTPRINT_ARRAYS}
    if footprints.overlap is not None:
        arrays["overlap"] = footprints.overlap

    def save(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    write_file(folder / file, save)
    about = {"file": file, "n": len(footprints), "shape": list(footprints.shape)}
    return {"footprints": about}


def _read_footprints(folder: Path, about: Mapping[str, Any]) -> Footprints | None:
    told = about.get("footprints")
    if told is None:
        return None
    path = folder / told["file"]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in arrays.files}
        height, width = told["shape"]
        footprints = Footprints((height, width), **found)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if len(footprints) != told["n"]:
        raise DataError(
            f"{path} has {len(footprints)} regions, its description {told['n']}."
        )
    return footprints


def _check_frames(path: Path, stream: Stream) -> None:
    found = read_stack(path).shape
    if found != tuple(stream.data.shape):
        raise DataError(f"{path} holds {found}, but the stream {stream.data.shape}.")


def _check_version(content: Mapping[str, Any], path: Path) -> None:
    version = content.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise DataError(
            f"{path}: expected schema_version up to {SCHEMA_VERSION}, found {version}. "
            "Use a newer neuroembed, or run neuroembed preprocess again."
        )
