"""Reader `mc2p`: headerless float32 frames as the MC2P data set keeps them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.fly_points import point_names, without_zeros
from napari_neuroembed.data.readers.mc2p.names import (
    ANGLES,
    IMAGE,
    IMAGES,
    POINTS,
    ROLES,
    SMALL,
    files_by_role,
    is_pickle,
    role_of,
)
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import Mc2pOptions

_PIXEL = np.dtype("<f4")


class Mc2pReader:
    """Images, body points or joint angles without a header; names say which."""

    name = "mc2p"
    kinds: tuple[Kind, ...] = ("neural", "pose")
    options = Mc2pOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.95 for a known name with frames behind it, 0.98 for a folder."""
        path = source.path
        if len(source.paths) > 1:
            return 0.0, "is several files"
        if path.is_dir():
            there = set(files_by_role(path)) & set(IMAGES)
            said = ", ".join(ROLES[role].what for role in IMAGES if role in there)
            return (0.98, f"holds {said} of MC2P") if there else (0.0, "is no folder")
        role = role_of(path.name)
        if role is not None and role.frame is not None and not is_pickle(path):
            return 0.95, f"is named as {role.what} of MC2P"
        if path.suffix == ".mm" and path.stat().st_size % _bytes(SMALL) == 0:
            return 0.5, "is named .mm and may be whole float32 images"
        return 0.0, "is not named as a headerless file of MC2P"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Divide the size of the file by that of a frame."""
        told = parse_options(Mc2pOptions, options, self.name, self.kinds)
        path = _file(source, told)
        described = describe_signals(_load(path, told, salvage=False))
        place = path if source.path.is_dir() else None
        return dataclasses.replace(described, place=place)

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Map the file; with `salvage` its whole frames only.

        Images that only repeat each other at the two ends are padding (the denoiser of
        the data set consumes frames there) and are marked as not usable.
        """
        told = parse_options(Mc2pOptions, options, self.name, self.kinds)
        signals = _load(_file(source, told), told, salvage=salvage)
        ((name, stream),) = read_signals(signals, rate_hz, accept).items()
        if signals.kind == "neural":
            stream = _without_padding(stream)
        return {name: stream}


def whole_frames(path: Path, frame: tuple[int, ...]) -> tuple[int, int]:
    """Return how many frames a file holds, and how many bytes are left over."""
    return divmod(path.stat().st_size, _bytes(frame))


def _file(source: Source, told: Mc2pOptions) -> Path:
    """Return the file that a source means: itself, or the images of a folder."""
    path = source.path
    if len(source.paths) > 1:
        raise DataError(f"{source.name}: the reader mc2p takes one file.")
    if not path.is_dir():
        return path
    found = files_by_role(path)
    there = [role for role in IMAGES if role in found]
    chosen: str = told.images or (there[0] if there else "")
    files = found.get(chosen, ())
    if len(files) != 1:
        listed = ", ".join(file.name for file in files) or "none"
        raise DataError(
            f"{path}: expected one file of images ({chosen or 'dff'}), found {listed}. "
            f"Name the one that is meant; {', '.join(there) or 'nothing else'} is "
            "there. [mc2p.several]"
        )
    return files[0]


def _load(path: Path, told: Mc2pOptions, *, salvage: bool) -> Signals:
    frame = told.shape or _frame(path, told.kind)
    kind: Kind = "neural" if len(frame) > 1 else "pose"
    if told.kind is not None and told.kind != kind:
        raise DataError(
            f"{path}: a frame of {_text(frame)} values is {kind}, not {told.kind}. "
            "[array.axes]"
        )
    if len(frame) > 2:
        raise DataError(
            f"{path}: shape: {list(frame)} should be [height, width], or the number "
            "of values in a frame of poses. [array.axes]"
        )
    n, rest = whole_frames(path, frame)
    problems = [_cut(path, frame, n, rest, salvage)] if rest or not n else []
    data: NDArray[Any] = np.zeros((0, *frame), _PIXEL)
    if n:
        data = np.memmap(path, dtype=_PIXEL, mode="r", shape=(n, *frame))
    role = role_of(path.name)
    facts: dict[str, Any] = {"content": role.what if role else "headerless float32"}
    names: tuple[str, ...] = ()
    unit = "dff_percent" if role and role.name.startswith("dff") else "counts"
    if kind == "pose":
        data, names, unit = _poses(np.asarray(data), frame)
    return Signals(
        name=str(path),
        kind=kind,
        data=data,
        names=names,
        unit=unit,
        facts=facts,
        problems=tuple(problems),
    )


def _frame(path: Path, kind: Kind | None) -> tuple[int, ...]:
    """Return the shape of one frame: by the name, else by the size of the file."""
    role = role_of(path.name)
    if role is not None and role.frame is not None:
        return role.frame
    rest = path.stat().st_size % _bytes(IMAGE), path.stat().st_size % _bytes(SMALL)
    if rest[0] and not rest[1] and kind != "pose":
        return SMALL
    both = " It may hold either." if not any(rest) else ""
    raise DataError(
        f"{path}: {path.stat().st_size:,} bytes without a header, under a name that "
        "is none of the MC2P data set, so the size of a frame is not known."
        f"{both} Say shape: [128, 128] for images, or shape: [76] for 38 body points. "
        "[raw.shape]"
    )


def _cut(
    path: Path, frame: tuple[int, ...], n: int, rest: int, salvage: bool
) -> Problem:
    size = path.stat().st_size
    if not n:
        text = f"{path.name} has {size:,} bytes, less than one frame."
        return Problem("raw.size", "error", text, str(path))
    other = "" if len(frame) < 2 else ", or say shape: [height, width]"
    text = (
        f"{path.name} has {size:,} bytes, not a multiple of {_bytes(frame):,} (one "
        f"{_text(frame)} float32 frame): {n:,} whole frames, then {rest:,} bytes. The "
        f"file is truncated or of another size. Copy it again{other}; --salvage takes "
        "the whole frames."
    )
    return Problem("raw.size", "warning" if salvage else "error", text, str(path))


def _poses(
    data: NDArray[Any], frame: tuple[int, ...]
) -> tuple[NDArray[Any], tuple[str, ...], str]:
    """Return (time, point, dimension), names and unit."""
    if frame == POINTS:
        return without_zeros(data.reshape(-1, 38, 2)), point_names(), "px"
    unit = "rad" if frame == ANGLES else ""
    return np.array(data)[:, :, None], (), unit


def _without_padding(stream: Stream) -> Stream:
    """Mark images at the two ends that are empty or repeat their neighbour."""
    n = len(stream)
    first = _padded(stream, range(n - 1), 1)
    if first == n - 1:
        return stream  # one image throughout; pre-processing says so
    last = _padded(stream, range(n - 1, 0, -1), -1)
    if not first and not last:
        return stream
    valid = stream.valid.copy()
    valid[:first] = False
    valid[n - last :] = False
    note = (
        f"{first} images at the start and {last} at the end are empty or repeat their "
        "neighbour: padding, left out."
    )
    notes = [*stream.facts.get("notes", ()), note]
    return dataclasses.replace(
        stream, valid=valid, facts={**stream.facts, "notes": notes}
    )


def _padded(stream: Stream, frames: range, towards: int) -> int:
    """Return how many frames from one end on are padding."""
    for count, i in enumerate(frames):
        image = np.asarray(stream.data[i])
        is_flat = not np.isfinite(image).any() or np.ptp(image) == 0
        if not is_flat and not np.array_equal(image, stream.data[i + towards]):
            return count
    return len(frames)


def _bytes(frame: tuple[int, ...]) -> int:
    return math.prod(frame) * _PIXEL.itemsize


def _text(frame: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in frame) if len(frame) > 1 else f"{frame[0]}-value"
