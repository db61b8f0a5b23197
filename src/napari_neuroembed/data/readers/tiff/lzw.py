"""LZW pages, which tifffile leaves to a package that is not required here."""

from __future__ import annotations

import io
import struct
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tifffile

LZW = 5
"""TIFF's number of the compression."""
_SHORT, _LONG = 3, 4
_SIZES = {_SHORT: 2, _LONG: 4}
_CODES = {_SHORT: "H", _LONG: "I"}


def decode_lzw(page: tifffile.TiffPage, file: IO[bytes] | Any) -> NDArray[Any]:
    """Return the image of one page, decoded by Pillow.

    The page's strips or tiles are put into a TIFF of their own, so that its number
    in the file does not matter.

    Raises
    ------
    ValueError
        When it cannot be decoded.
    """
    from PIL import Image, UnidentifiedImageError

    parts = []
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(offset)
        parts.append(file.read(count))
    order = page.parent.byteorder
    try:
        with Image.open(io.BytesIO(_alone(page, parts, order))) as image:
            return np.asarray(image)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error


def _alone(page: tifffile.TiffPage, parts: list[bytes], order: str) -> bytes:
    """Return a TIFF of one page."""
    counts = [len(part) for part in parts]
    offsets = [8 + sum(counts[:i]) for i in range(len(parts))]
    body = b"".join(parts)
    body += b"\0" * (len(body) % 2)
    tags: dict[int, tuple[int, list[int]]] = {
        256: (_LONG, [page.imagewidth]),
        257: (_LONG, [page.imagelength]),
        258: (_SHORT, [page.bitspersample]),
        259: (_SHORT, [LZW]),
        262: (_SHORT, [1]),
        277: (_SHORT, [1]),
        317: (_SHORT, [int(page.predictor)]),
        339: (_SHORT, [int(page.sampleformat)]),
    }
    if page.is_tiled:
        tags |= {322: (_LONG, [page.tilewidth]), 323: (_LONG, [page.tilelength])}
        tags |= {324: (_LONG, offsets), 325: (_LONG, counts)}
    else:
        tags |= {273: (_LONG, offsets), 278: (_LONG, [page.rowsperstrip])}
        tags |= {279: (_LONG, counts)}
    start = 8 + len(body)
    after = start + 2 + 12 * len(tags) + 4
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    entries, values = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers)
        if len(packed) > 4:
            place = struct.pack(f"{order}I", after + len(values))
            values += packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + place
    listed = struct.pack(f"{order}H", len(tags)) + entries + struct.pack("I", 0)
    return head + body + listed + values
