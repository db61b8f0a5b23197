"""What the directories of one TIFF say: a row per page, and a few texts."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE = np.dtype(
    [
        ("ifd", "i8"),  # where its directory starts
        ("ifd_end", "i8"),  # first byte after it
        ("offset", "i8"),  # where its first pixel starts
        ("low", "i8"),  # first byte of any strip or tile
        ("end", "i8"),  # first byte after the last of them
        ("stored", "i8"),  # bytes of all of them
        ("width", "i8"),
        ("height", "i8"),
        ("samples", "i8"),
        ("bits", "i8"),
        ("format", "i8"),  # 1 unsigned, 2 signed, 3 float, 6 complex
        ("compression", "i8"),
        ("photometric", "i8"),
        ("reduced", "?"),  # a thumbnail
        ("packed", "?"),  # pixels lie uncompressed, one after the other
        ("shared", "?"),  # two of its strips or tiles share bytes
        ("series", "?"),  # its description starts a new series of tifffile
    ]
)
"""Fields of one page."""


@dataclass(frozen=True)
class Directory:
    """What the directories of one file say.

    Parameters
    ----------
    path, file_bytes
        The file and its size.
    byteorder
        ``<`` or ``>``.
    pages
        One row per page, fields of :data:`PAGE`, thumbnails included.
    description, software
        Texts of the first page.
    series
        Descriptions that start a series of tifffile (``{"shape": ...}``), in order.
    pixels_per_unit
        XResolution of the first page, 0 when absent.
    has_pyramid
        Whether pages carry smaller copies of themselves.
    spent
        Bytes of header, directories and their values.
    last
        First byte after everything that any page uses.
    broken
        Why the walk ended early; empty when the chain is whole.
    orphan
        Where a page starts that the chain does not reach; -1 without one.
    """

    path: Path
    file_bytes: int
    byteorder: str
    pages: NDArray[Any]
    description: str = ""
    software: str = ""
    series: tuple[str, ...] = ()
    pixels_per_unit: float = 0.0
    has_pyramid: bool = False
    spent: int = 0
    last: int = 0
    broken: str = ""
    orphan: int = -1

    @functools.cached_property
    def images(self) -> NDArray[Any]:
        """Rows of the pages that are no thumbnails."""
        images: NDArray[Any] = self.pages[~self.pages["reduced"]]
        return images
