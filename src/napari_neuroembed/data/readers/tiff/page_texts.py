"""The descriptions of single pages, for microscopes that stamp every frame."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

from napari_neuroembed.data.readers.tiff.directory import Directory

_DESCRIPTION, _TEXT = 270, 2


def page_texts(directory: Directory, most: int = 2048) -> Iterator[bytes]:
    """Yield the beginning of every page's description, empty where it has none.

    Parameters
    ----------
    directory
        Of a file whose pages have been walked; its pages are those of `images`.
    most
        Bytes to take of each text.
    """
    path = directory.path
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view,
    ):
        is_big = view[2:4] in (b"+\0", b"\0+")
        order = directory.byteorder
        count = struct.Struct(order + ("Q" if is_big else "H"))
        entry = struct.Struct(order + ("HHQQ" if is_big else "HHII"))
        for at in directory.images["ifd"].tolist():
            first = at + count.size
            stop = first + count.unpack_from(view, at)[0] * entry.size
            position = first
            text = b""
            for tag, kind, length, value in entry.iter_unpack(view[first:stop]):
                position += entry.size
                if tag == _DESCRIPTION and kind == _TEXT:
                    inline = length <= struct.calcsize("Q" if is_big else "I")
                    start = position - (8 if is_big else 4) if inline else value
                    text = view[start : start + min(length, most)]
                    break
            yield text.split(b"\0", 1)[0]
