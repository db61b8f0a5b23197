"""OME-XML in a TIFF: sizes, times, and which page of which file holds what."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.rates import RateClaim, order_problem
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.layout import (
    Layout,
    microns_of,
    most_planes,
    seconds_of,
)
from napari_neuroembed.data.size_cap import largest

_BYTES_PER_LETTER = 50
"""Memory of the tree of a text made of the shortest elements, measured."""


class OmeError(Exception):
    """OME-XML that cannot be understood."""


_WRONG = (ET.ParseError, ExpatError, OmeError, ValueError, OverflowError, LookupError)


def read_ome(directory: Directory) -> Layout:
    """Return the layout that the OME-XML of a file describes.

    Only planes of this file are mapped; others of a multi-file set are -1, so that a
    set given as several files counts every plane once.
    """
    name = directory.path.name
    try:
        return _read(directory)
    except _WRONG as error:
        text = (
            f"its OME-XML cannot be understood ({error}). Export the file again, or "
            "save it as plain TIFF and say its axes."
        )
        n = len(directory.images)
        problem = Problem("tiff.axes", "error", text, name)
        return Layout("OME-TIFF", "I", (n,), problems=(problem,))


def _read(directory: Directory) -> Layout:
    text = directory.description
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise OmeError("it declares a document type, which OME files have not")
    if len(text) * _BYTES_PER_LETTER > largest():
        raise OmeError(f"it has {len(text):,} letters")
    root = ET.fromstring(text.lstrip("\ufeff ").encode("utf-8"))
    images = [e for e in root.iter() if _tag(e) == "Pixels"]
    if not images:
        raise OmeError("it has no Pixels; a companion file holds them")
    problems: list[Problem] = []
    name = directory.path.name
    if len(images) > 1:
        note = f"it holds {len(images)} images; one recording must be one image."
        problems.append(Problem("tiff.one_frame", "error", note, name))
    pixels = images[0]
    order = pixels.get("DimensionOrder", "XYZCT")
    if sorted(order) != sorted("XYZCT"):
        raise OmeError(f"DimensionOrder is {order!r}")
    size = {k: int(pixels.get(f"Size{k}", "1")) for k in "TZC"}
    samples = sum(
        int(e.get("SamplesPerPixel", "1")) for e in pixels if _tag(e) == "Channel"
    )
    if samples > size["C"] or min(size.values()) < 1:
        raise OmeError(f"sizes {size}, {samples} samples per pixel")
    if math.prod(size.values()) > most_planes(directory):
        raise OmeError(f"sizes {size}")
    planes, whole = _planes(root, pixels, order, size, name)
    times = _times(pixels, size["T"])
    if times is not None:
        problems += order_problem(name, times)
    return Layout(
        "OME-TIFF",
        "TZC",
        (size["T"], size["Z"], size["C"]),
        planes=planes,
        claims=_claims(pixels, name),
        times_s=times,
        times_origin="OME DeltaT of every plane",
        pixel_um=microns_of(
            float(pixels.get("PhysicalSizeX", "0")),
            pixels.get("PhysicalSizeXUnit", "µm"),
        ),
        set_id="" if whole else f"{size}{pixels.get('Type')}{_uuids(pixels)}",
        problems=tuple(problems),
    )


def _tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _uuids(pixels: ET.Element) -> str:
    names = {e.get("FileName", "") for e in pixels.iter() if _tag(e) == "UUID"}
    return ",".join(sorted(names))


def _planes(
    root: ET.Element, pixels: ET.Element, order: str, size: dict[str, int], name: str
) -> tuple[NDArray[np.int64], bool]:
    """Return the page of every plane (T, Z, C), and whether all are in this file."""
    shape = (size["T"], size["Z"], size["C"])
    planes: NDArray[np.int64] = np.full(shape, -1, dtype=np.int64)
    fastest = [k for k in order if k in "TZC"]
    total = int(np.prod(shape))
    position = _in_order(fastest, size)
    own = root.get("UUID", "")
    whole, named = True, 0
    blocks = [e for e in pixels if _tag(e) == "TiffData"]
    files = {e.get("FileName", e.text) for e in pixels.iter() if _tag(e) == "UUID"}
    for block in blocks:
        uuid = next((e for e in block if _tag(e) == "UUID"), None)
        if uuid is not None and len(files) > 1:
            same_id = bool(own) and (uuid.text or "").strip() == own
            if not same_id and uuid.get("FileName") != name:
                whole = False
                continue
        page = int(block.get("IFD", "0"))
        first = [int(block.get(f"First{k}", "0")) for k in fastest]
        default = total if block.get("IFD") is None else 1
        count = int(block.get("PlaneCount", str(default)))
        start = first[0] + size[fastest[0]] * (first[1] + size[fastest[1]] * first[2])
        if page < 0 or start < 0 or count < 0 or start + min(count, total) > total:
            raise OmeError(f"TiffData at IFD {page} names planes that do not exist")
        count = min(count, total - start)
        named += count
        if named > 4 * total:
            raise OmeError("its TiffData name the same planes over and over")
        planes.flat[position[start : start + count]] = page + np.arange(count)
    if not blocks:
        planes.flat[position] = np.arange(total)
    return planes, whole


def _in_order(fastest: list[str], size: dict[str, int]) -> NDArray[np.int64]:
    """Return flat positions in (T, Z, C) of planes counted in DimensionOrder."""
    shape = (size["T"], size["Z"], size["C"])
    grid = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    slowest_first = ["TZC".index(k) for k in reversed(fastest)]
    return np.ascontiguousarray(grid.transpose(slowest_first)).ravel()


def _claims(pixels: ET.Element, name: str) -> tuple[RateClaim, ...]:
    step = float(pixels.get("TimeIncrement", "0") or 0)
    seconds = seconds_of(step, pixels.get("TimeIncrementUnit", "s"))
    if not seconds or not np.isfinite(seconds) or seconds < 0:
        return ()
    return (RateClaim(1 / seconds, f"OME TimeIncrement in {name}"),)


def _times(pixels: ET.Element, n: int) -> NDArray[np.float64] | None:
    """Return the centre time of every time point from DeltaT, if all have one."""
    times = np.full(n, np.nan)
    for plane in pixels:
        if _tag(plane) != "Plane" or plane.get("DeltaT") is None:
            continue
        at = {k: int(plane.get(f"The{k}", "0")) for k in "TZC"}
        if at["C"] == 0 and at["Z"] == 0 and 0 <= at["T"] < n:
            value = float(plane.get("DeltaT", "nan"))
            seconds = seconds_of(value, plane.get("DeltaTUnit", "s"))
            if seconds is not None:
                times[at["T"]] = seconds
    if n < 2 or not np.isfinite(times).all():
        return None
    centres: NDArray[np.float64] = times + np.median(np.diff(times)) / 2
    return centres
