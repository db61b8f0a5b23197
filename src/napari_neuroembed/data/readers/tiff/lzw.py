"""LZW pages, as ThorImage writes them; tifffile leaves them to another package."""

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
_CODES = {_SHORT: "H", _LONG: "I"}
_UNSIGNED, _FLOAT = 1, 3


def decode_lzw(page: tifffile.TiffPage, file: IO[bytes] | Any) -> NDArray[Any]:
    """Return the grey image of one page, decoded by Pillow.

    The page's strips or tiles are put into a TIFF of their own: whatever else the file
    holds, Pillow sees one image of the size that was checked.

    Raises
    ------
    ValueError
        When it cannot be decoded.
    """
    from PIL import Image

    parts = []
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(offset)
        parts.append(file.read(count))
    try:
        with Image.open(io.BytesIO(_alone(page, parts))) as image:
            pixels = np.asarray(image)
    except (OSError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error
    wanted = np.dtype(page.dtype).newbyteorder("=")
    if pixels.dtype.itemsize != wanted.itemsize:
        raise ValueError(f"LZW of {wanted} is not read")
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False).view(wanted)


def _alone(page: tifffile.TiffPage, parts: list[bytes]) -> bytes:
    """Return a TIFF of one page, its whole numbers called unsigned."""
    order = page.parent.byteorder
    counts = [len(part) for part in parts]
    ends = np.cumsum([8, *counts]).tolist()
    is_float = int(page.sampleformat) == _FLOAT
    tags: dict[int, tuple[int, list[int]]] = {
        256: (_LONG, [page.imagewidth]),
        257: (_LONG, [page.imagelength]),
        258: (_SHORT, [page.bitspersample]),
        259: (_SHORT, [LZW]),
        262: (_SHORT, [1]),
        277: (_SHORT, [1]),
        317: (_SHORT, [int(page.predictor)]),
        339: (_SHORT, [_FLOAT if is_float else _UNSIGNED]),
    }
    if page.is_tiled:
        tags |= {322: (_LONG, [page.tilewidth]), 323: (_LONG, [page.tilelength])}
        tags |= {324: (_LONG, ends[:-1]), 325: (_LONG, counts)}
    else:
        tags |= {273: (_LONG, ends[:-1]), 278: (_LONG, [page.rowsperstrip])}
        tags |= {279: (_LONG, counts)}
    body = b"".join(parts)
    body += b"\0" * (len(body) % 2)
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
    listed = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return head + body + listed + values
