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
_PLAIN, _DIFFERENCES = 1, 2


def decode_lzw(page: tifffile.TiffPage, file: IO[bytes] | Any) -> NDArray[Any]:
    """Return the grey image of one page, decoded by Pillow.

    The page's strips or tiles are put into a TIFF of their own, as an image of bytes:
    whatever else the file holds, Pillow sees one image of the size that was checked,
    and kinds of pixels that it does not know are none of its business.

    Raises
    ------
    ValueError
        When it cannot be decoded.
    """
    from PIL import Image

    if page.predictor not in (_PLAIN, _DIFFERENCES):
        raise ValueError(f"LZW with predictor {page.predictor} is not read")
    parts = []
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(offset)
        parts.append(file.read(count))
    try:
        with Image.open(io.BytesIO(_alone(page, parts))) as image:
            content = np.asarray(image)
    except (OSError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    pixels = content.view(stored).astype(stored.newbyteorder("="))
    if page.predictor == _DIFFERENCES:
        if pixels.dtype.kind == "f":
            raise ValueError("LZW with differences of fractions is not read")
        width = page.tilewidth if page.is_tiled else page.imagewidth
        for x in range(0, page.imagewidth, width):
            piece = pixels[:, x : x + width]
            np.cumsum(piece, axis=1, dtype=pixels.dtype, out=piece)
    return pixels


def _alone(page: tifffile.TiffPage, parts: list[bytes]) -> bytes:
    """Return a TIFF of one page that has a pixel for every byte of the image."""
    counts = [len(part) for part in parts]
    places = np.cumsum([8, *counts])[:-1].tolist()
    size = np.dtype(page.dtype).itemsize
    tags: dict[int, tuple[int, list[int]]] = {
        256: (_LONG, [page.imagewidth * size]),
        257: (_LONG, [page.imagelength]),
        258: (_SHORT, [8]),
        259: (_SHORT, [LZW]),
        262: (_SHORT, [1]),
        277: (_SHORT, [1]),
    }
    if page.is_tiled:
        tags |= {322: (_LONG, [page.tilewidth * size])}
        tags |= {323: (_LONG, [page.tilelength])}
        tags |= {324: (_LONG, places), 325: (_LONG, counts)}
    else:
        tags |= {273: (_LONG, places), 278: (_LONG, [page.rowsperstrip])}
        tags |= {279: (_LONG, counts)}
    body = b"".join(parts)
    body += bytes(len(body) % 2)
    after = 8 + len(body) + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(
            f"<{len(numbers)}{'H' if kind == _SHORT else 'I'}", *numbers
        )
        entries += struct.pack("<HHI", tag, kind, len(numbers))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", after + len(values))
            values += packed
    head = b"II" + struct.pack("<HI", 42, 8 + len(body))
    return head + body + struct.pack("<H", len(tags)) + entries + bytes(4) + values
