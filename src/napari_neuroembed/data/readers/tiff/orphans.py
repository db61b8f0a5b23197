"""Pages that lie in a TIFF but that its chain of directories does not reach.

A damaged pointer may end the chain early or jump over a page. Where no text says how
many pages there are, nothing but the lost directory itself tells of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.tiff.tag_values import (
    BrokenDirectoryError,
    TagValues,
    value_bytes,
)

_SMALLEST = 42
"""Bytes of a directory of three tags."""
_MOST_TAGS = 512
_SEARCHED = 64 << 20
"""Bytes outside of pixels that are searched; where more are unused, that is told."""


def find_orphan(
    reader: TagValues,
    pages: NDArray[Any],
    spent: int,
    count: struct.Struct,
    entry: struct.Struct,
) -> int:
    """Return where a page starts that is not among those found, or -1.

    Parameters
    ----------
    reader
        Of the file.
    pages
        Rows of the pages found.
    spent
        Bytes of header, directories and their values.
    count, entry
        Layout of the number of tags, and of one tag.
    """
    if reader.size - spent - int(pages["stored"].sum()) < _SMALLEST:
        return -1
    known, pixels = set(pages["ifd"].tolist()), set(pages["offset"].tolist())
    head = entry.size - (8 if entry.size == 20 else 4)  # tag, type and count
    starts = (int(pages["ifd"][0]) + count.size, int(pages["ifd"][-1]) + count.size)
    patterns = {bytes(reader.view[at : at + head]) for at in starts}
    for at in _hits(reader, pages, patterns):
        at -= count.size
        if at not in known and at > 0:
            place = _pixels_of(reader, at, count, entry)
            if place is not None and place not in pixels:
                return at
    return -1


def _hits(
    reader: TagValues, pages: NDArray[Any], patterns: set[bytes]
) -> Iterator[int]:
    """Yield places outside of pixels that look like the first tag of a directory."""
    order = np.argsort(pages["low"], kind="stable")
    stops = np.maximum.accumulate(pages["end"][order])
    gaps = np.stack(
        [np.append(0, stops), np.append(pages["low"][order], reader.size)], axis=1
    )
    gaps = gaps[gaps[:, 1] > gaps[:, 0]]
    within = np.cumsum(gaps[:, 1] - gaps[:, 0]) <= _SEARCHED
    for start, stop in gaps[within].tolist():
        for pattern in patterns:
            hit = reader.view.find(pattern, start, stop)
            while hit >= 0:
                yield hit
                hit = reader.view.find(pattern, hit + 1, stop)


def _pixels_of(
    reader: TagValues, at: int, count: struct.Struct, entry: struct.Struct
) -> int | None:
    """Return where the pixels of a directory lie, or None when it is no page."""
    (n,) = count.unpack_from(reader.view, at)
    first = at + count.size
    if not 3 <= n <= _MOST_TAGS or first + n * entry.size > reader.size:
        return None
    block = reader.view[first : first + n * entry.size]
    places = {tag: first + i * entry.size for i, tag in enumerate(_tags(block, entry))}
    place = places.get(273, places.get(324))
    if place is None or not {256, 257} <= set(places):
        return None
    _, kind, number, raw = entry.unpack_from(reader.view, place)
    inline = struct.Struct(reader.order + ("Q" if entry.size == 20 else "I"))
    where = place + entry.size - inline.size
    if value_bytes(kind, number) > inline.size:
        where = int(inline.unpack(raw)[0])
    if where + value_bytes(kind, number) > reader.size:
        return None
    try:
        return reader.values((kind, number, where))[0]
    except BrokenDirectoryError:
        return None


def _tags(block: bytes, entry: struct.Struct) -> list[int]:
    return [tag for tag, *_ in entry.iter_unpack(block)]
