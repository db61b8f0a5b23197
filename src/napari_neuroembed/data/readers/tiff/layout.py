"""What the pages of a TIFF mean: time, channel, slice; how many there must be."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.rates import RateClaim
from napari_neuroembed.data.readers.tiff.directory import Directory

_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0}
_SECONDS |= {"ms": 1e-3, "msec": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_SECONDS |= {"min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0}
_MICRONS = {"um": 1.0, "µm": 1.0, "micron": 1.0, "microns": 1.0, "\\u00b5m": 1.0}
_MICRONS |= {"nm": 1e-3, "mm": 1e3, "cm": 1e4}


@dataclass(frozen=True)
class Layout:
    """How one file says its pages are arranged.

    Parameters
    ----------
    flavour
        ``OME-TIFF``, ``ImageJ``, ``tifffile``, ``page by page`` or ``plain``.
    axes, sizes
        Letter and length of the dimensions before y and x, slowest first. ``I`` and
        ``Q`` are dimensions nobody named.
    planes
        Page number of every plane, shape `sizes`; -1 lies in another file. None: the
        pages in their order.
    follows
        All planes follow the first page's pixels although it may be the only page.
    claims
        Frame rates found.
    times_s, times_origin
        Centre time of every time point, where the file has them, and what says so.
    pixel_um
        Micrometres per pixel, 0 when unknown.
    set_id
        Same for all files of one OME set, else "".
    problems
        What is wrong with the texts.
    """

    flavour: str
    axes: str
    sizes: tuple[int, ...]
    planes: NDArray[np.int64] | None = None
    follows: bool = False
    claims: tuple[RateClaim, ...] = ()
    times_s: NDArray[np.float64] | None = None
    times_origin: str = ""
    pixel_um: float = 0.0
    set_id: str = ""
    problems: tuple[Problem, ...] = field(default=())

    @property
    def n_planes(self) -> int:
        """How many planes the file says the recording has."""
        return math.prod(self.sizes)


def seconds_of(value: float, unit: str) -> float | None:
    """Return a duration in seconds, or None for a unit nobody knows.

    Examples
    --------
    >>> seconds_of(50.0, "ms")
    0.05
    """
    factor = _SECONDS.get(unit.strip().lower())
    return None if factor is None else value * factor


def microns_of(value: float, unit: str) -> float:
    """Return a length in micrometres, 0 for a unit nobody knows."""
    return value * _MICRONS.get(unit.strip().lower(), 0.0)


def most_planes(directory: Directory) -> int:
    """Return how many planes a file may describe: a byte for each, but any million."""
    return max(directory.file_bytes, 1 << 20)


def read_layout(directory: Directory) -> Layout:
    """Return what the texts of a file say about its pages."""
    layout = _layout(directory)
    if layout.n_planes <= most_planes(directory):
        return layout
    n = len(directory.images)
    text = (
        f"{layout.flavour} describes {_number_of(layout.n_planes)} pages, found {n:,} "
        f"in {directory.file_bytes:,} bytes; its text is damaged. Export the file "
        "again; nothing was opened."
    )
    problem = Problem("tiff.one_frame", "error", text, directory.path.name)
    return Layout(layout.flavour, "I", (n,), problems=(problem,))


def _number_of(n: int) -> str:
    return f"{n:,}" if n < 1 << 63 else "more than 2^63"


def _layout(directory: Directory) -> Layout:
    text = directory.description
    if text.startswith("ImageJ="):
        return _imagej(directory)
    if text.lstrip("\ufeff ").startswith("<") and "<OME" in text[:2000]:
        from napari_neuroembed.data.readers.tiff.ome import read_ome

        return read_ome(directory)
    if directory.series:
        return _tifffile(directory)
    return _plain(directory)


def _plain(directory: Directory) -> Layout:
    n = len(directory.images)
    return Layout("plain", "I" if n > 1 else "", (n,) if n > 1 else ())


def _imagej(directory: Directory) -> Layout:
    """Read ImageJ's lines; its order is channel fastest, then slice, then frame."""
    lines = [line.partition("=") for line in directory.description.splitlines()]
    values = {key.strip(): value.strip() for key, _, value in lines}
    name = directory.path.name
    sizes = {
        "T": _whole(values.get("frames", "1")),
        "Z": _whole(values.get("slices", "1")),
        "C": _whole(values.get("channels", "1")),
    }
    images = _whole(values.get("images", "1"))
    problems: list[Problem] = []
    if math.prod(sizes.values()) == 1 and images > 1:
        sizes = {"I": images}
    elif math.prod(sizes.values()) != images:
        text = (
            f"ImageJ describes {images} images but {sizes['T']} frames x {sizes['Z']} "
            f"slices x {sizes['C']} channels. Save it again in ImageJ as a hyperstack."
        )
        problems.append(Problem("tiff.one_frame", "error", text, name))
    used = {letter: n for letter, n in sizes.items() if n > 1}
    scale = 1 / directory.pixels_per_unit if directory.pixels_per_unit else 0.0
    return Layout(
        "ImageJ",
        "".join(used),
        tuple(used.values()),
        follows=True,
        claims=_imagej_rates(values, name),
        pixel_um=microns_of(scale, values.get("unit", "")),
        problems=tuple(problems),
    )


def _imagej_rates(values: dict[str, str], name: str) -> tuple[RateClaim, ...]:
    claims = []
    interval = seconds_of(_number(values.get("finterval")), values.get("tunit", ""))
    if interval:
        claims.append(RateClaim(1 / interval, f"ImageJ finterval in {name}"))
    if _number(values.get("fps")) > 0:
        fps = _number(values.get("fps"))
        claims.append(RateClaim(fps, f"ImageJ fps in {name}"))
    return tuple(claims)


def _tifffile(directory: Directory) -> Layout:
    """Read the shapes that Python's tifffile notes at the start of every series."""
    shapes = [_shape(text) for text in directory.series]
    name = directory.path.name
    first = directory.images[0] if len(directory.images) else directory.pages[0]
    height, width = int(first["height"]), int(first["width"])
    leading = [_leading(shape, height, width) for shape, _ in shapes]
    if any(lead is None for lead in leading):
        bad = next(i for i, lead in enumerate(leading) if lead is None)
        text = (
            f"series {bad} is described as {shapes[bad][0]} but its pages are {height} "
            f"x {width}. Export the file again, as axes TYX."
        )
        problem = Problem("tiff.one_frame", "error", text, name)
        return Layout("tifffile", "", (), problems=(problem,))
    lengths = [math.prod(lead or ()) for lead in leading]
    if len(shapes) == 1:
        sizes = leading[0] or ()
        axes = shapes[0][1][: len(sizes)] or "Q" * len(sizes)
        keep = [i for i, n in enumerate(sizes) if n > 1]
        return Layout(
            "tifffile",
            "".join(axes[i] for i in keep),
            tuple(sizes[i] for i in keep),
            follows=True,
        )
    named = {
        axes[: len(lead or ())] for (_, axes), lead in zip(shapes, leading, strict=True)
    }
    if len({(lead or ())[1:] for lead in leading}) == 1 and len(named) == 1:
        rest = (leading[0] or ())[1:]
        letters = "T" + named.pop()[1:] if rest else "T"
        sizes = (sum(lengths) // math.prod(rest), *rest)
        return Layout("page by page", letters, sizes)
    listed = ", ".join(str(shape) for shape, _ in shapes[:4])
    text = (
        f"the file holds {len(shapes)} series of different shapes ({listed} ...); one "
        "recording must be one stack. Save the wanted one on its own."
    )
    problem = Problem("tiff.one_frame", "error", text, name)
    return Layout("page by page", "T", (sum(lengths),), problems=(problem,))


def _shape(text: str) -> tuple[tuple[int, ...], str]:
    """Return shape and axes of one of tifffile's descriptions."""
    if text.startswith("{"):
        try:
            note: Any = json.loads(text)
            shape = tuple(int(n) for n in note["shape"])
            return shape, str(note.get("axes", ""))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return (), ""
    return tuple(int(n[:18]) for n in re.findall(r"\d+", text)), ""


def _leading(shape: tuple[int, ...], height: int, width: int) -> tuple[int, ...] | None:
    """Return the dimensions before (y, x), or None when y and x do not match."""
    if len(shape) > 2 and shape[-1] == 1 and shape[-3:-1] == (height, width):
        shape = shape[:-1]
    if len(shape) < 2 or shape[-2:] != (height, width) or min(shape) < 1:
        return None
    return shape[:-2]


def _whole(text: str) -> int:
    return max(int(_number(text)), 1)


def _number(text: str | None) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
