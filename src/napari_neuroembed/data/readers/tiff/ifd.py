"""Where the pages of a TIFF lie: walk its directories, trust no number in them.

Only the directories are read, about 15 microseconds each, never a pixel. What the
pages mean (time, channel, slice) is decided in :mod:`tiff_layout`.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_neuroembed.data.readers.tiff.directory import PAGE, Directory
from napari_neuroembed.data.readers.tiff.orphans import find_orphan
from napari_neuroembed.data.readers.tiff.page_row import ROW_TAGS, page_row
from napari_neuroembed.data.readers.tiff.tag_values import (
    LARGEST,
    BrokenDirectoryError,
    Tags,
    TagValues,
    value_bytes,
)
from napari_neuroembed.errors import DataError

MAX_TAGS = 4096
MAX_PAGES = 20_000_000
_LONG_TEXT = 1024
_ImageDescription, _Software, _SubIFDs, _XResolution = 270, 305, 330, 282
_NEEDED = ROW_TAGS | {_SubIFDs}
_WANTED = _NEEDED | {_ImageDescription, _Software, _XResolution}
_END, _SERIES = PAGE.names.index("end"), PAGE.names.index("series")  # type: ignore[union-attr]
_ORDER: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


def read_directory(
    path: Path, most: int = MAX_PAGES, *, described: bool = True
) -> Directory:
    """Walk the directories of a TIFF or BigTIFF.

    Parameters
    ----------
    path
        The file.
    most
        Stop after so many pages, which is no damage; all when not given.
    described
        Keep the description, which in each file of an OME set may be that of all.

    Raises
    ------
    DataError
        When the file is empty, no TIFF, or has not one readable directory.
    """
    size = path.stat().st_size
    if size < 8:
        raise DataError(f"{path} is no TIFF: it has {size} bytes. [tiff.unreadable]")
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view,
    ):
        walk = _Walk(view, path, size)
        if not described:
            del walk.texts[_ImageDescription]
        walk.run(most)
        return walk.result()


def is_tiff(path: Path) -> bool:
    """Return whether a file begins like a TIFF or BigTIFF."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


_MAGIC = {
    b"II*\0": ("<", False),
    b"MM\0*": (">", False),
    b"II+\0": ("<", True),
    b"MM\0+": (">", True),
}


@dataclass(frozen=True)
class _Like:
    """A directory to which the next ones are compared as whole numbers."""

    length: int
    mask: int
    content: int
    strip: int
    kind: int
    outside: int


class _Walk:
    """One pass over the chain of directories."""

    def __init__(self, view: mmap.mmap, path: Path, size: int) -> None:
        magic = view[:4]
        if magic not in _MAGIC:
            raise DataError(
                f"{path} is no TIFF: it begins with {magic!r}, a TIFF begins with "
                "'II*' or 'MM'. Check which file was meant. [tiff.unreadable]"
            )
        self.view, self.path, self.size = view, path, size
        self.order, self.big = _MAGIC[magic]
        o = self.order
        self.entry = struct.Struct(o + ("HHQ8s" if self.big else "HHI4s"))
        self.count = struct.Struct(o + ("Q" if self.big else "H"))
        self.pointer = struct.Struct(o + ("Q" if self.big else "I"))
        self.reader = TagValues(view, size, o)
        self.directories = 0
        self.rows: list[tuple[Any, ...]] = []
        self.series: list[str] = []
        self.texts = {_ImageDescription: "", _Software: ""}
        self.resolution = 0.0
        self.pyramid = False
        self.spent = 16 if self.big else 8
        self.last = self.spent
        self.shared: set[bytes] = set()
        self.like: _Like | None = None
        self.broken = ""
        self.ended = False

    def run(self, most: int) -> None:
        """Follow the chain until its end, a loop or a damaged place."""
        seen: set[int] = set()
        why = ""
        try:
            at = self._unpack(self.pointer, 8 if self.big else 4)
            while at and not why and len(self.rows) < most:
                seen.add(at)
                at = self._page(at)
                if at in seen:
                    why = "it is the one of an earlier page"
            self.ended = not at
            if at and not why and most == MAX_PAGES:
                why = f"there are more than {MAX_PAGES:,} pages"
        except BrokenDirectoryError as error:
            why = str(error)
        if why:
            self.broken = f"the directory of page {len(self.rows)} is damaged: {why}"

    def result(self) -> Directory:
        """Return what was found."""
        if not self.rows:
            raise DataError(
                f"{self.path}: no page can be read; "
                f"{self.broken or 'the first directory is missing'}. The file has "
                f"{self.size:,} bytes; copy or export it again. [tiff.unreadable]"
            )
        pages = np.array(self.rows, dtype=PAGE)
        orphan = -1
        if self.ended and not self.broken and not self.pyramid:
            orphan = find_orphan(self.reader, pages, self.spent, self.count, self.entry)
        return Directory(
            path=self.path,
            file_bytes=self.size,
            byteorder=self.order,
            pages=pages,
            orphan=orphan,
            description=self.texts.get(_ImageDescription, ""),
            software=self.texts[_Software],
            series=tuple(self.series),
            pixels_per_unit=self.resolution,
            has_pyramid=self.pyramid,
            spent=self.spent,
            last=self.last,
            broken=self.broken,
        )

    def _unpack(self, layout: struct.Struct, at: int) -> int:
        if at < 0 or at + layout.size > self.size:
            raise BrokenDirectoryError(
                f"it lies at byte {at:,}, the file has {self.size:,}"
            )
        return int(layout.unpack_from(self.view, at)[0])

    def _page(self, at: int) -> int:
        """Read the directory at a byte, keep its row, return where the next one is."""
        n = self._unpack(self.count, at)
        if not 0 < n <= MAX_TAGS:
            raise BrokenDirectoryError(f"it claims {n:,} tags")
        first = at + self.count.size
        stop = first + n * self.entry.size
        following = self._unpack(self.pointer, stop)
        if self.like is not None and self._is_like_last(at, first, stop):
            return following
        inline = self.pointer.size
        tags: Tags = {}
        position = first + self.entry.size - inline
        last = stop + inline
        outside = 0
        for tag, kind, count, raw in self.entry.iter_unpack(self.view[first:stop]):
            n_bytes = value_bytes(kind, count)
            if n_bytes > inline and not self._is_shared(n_bytes, raw):
                outside += n_bytes
            if tag in _WANTED:
                where = position
                if n_bytes > inline:
                    where = int(self.pointer.unpack(raw)[0])
                if where + n_bytes > self.size:
                    raise BrokenDirectoryError(
                        f"tag {tag} lies at byte {where:,} with {n_bytes:,} bytes, the "
                        f"file has {self.size:,}"
                    )
                tags[tag] = (kind, count, where)
                last = max(last, where + n_bytes)
            position += self.entry.size
        series = self._starts_series(tags)
        self._spend(stop + inline - at, outside)
        self.rows.append(
            page_row(self.reader, tags, (at, stop + inline), series=series)
        )
        self.last = max(self.last, last, self.rows[-1][_END])
        self._remember(tags, first, stop, outside)
        self._texts(tags)
        return following

    def _is_shared(self, n_bytes: int, place: bytes) -> bool:
        """Whether an earlier page has the same long text, as pages of ScanImage do."""
        if n_bytes < _LONG_TEXT:
            return False
        known = place in self.shared
        self.shared.add(place)
        return known

    def _remember(self, tags: Tags, first: int, stop: int, outside: int) -> None:
        """Keep what the next directory must look like to be read at a glance.

        That is: nothing differs but the place of its one strip and texts nobody needs.
        """
        self.like = None
        strip = tags.get(273)
        if strip is None or strip[1] != 1 or 324 in tags or 270 in tags:
            return
        mask = bytearray(b"\xff" * (stop - first))
        size, inline = self.entry.size, self.pointer.size
        for at in range(first, stop, size):
            tag = int.from_bytes(self.view[at : at + 2], _ORDER[self.order])
            if tag == 273 or tag not in _NEEDED:
                start = at - first + size - inline
                mask[start : start + inline] = bytes(inline)
        ignored = int.from_bytes(mask, "little")
        content = int.from_bytes(self.view[first:stop], "little")
        self.like = _Like(
            length=stop - first,
            mask=ignored,
            content=content & ignored,
            strip=strip[2] - first,
            kind=strip[0],
            outside=outside,
        )

    def _is_like_last(self, at: int, first: int, stop: int) -> bool:
        """Add a row at a glance if only the place of the strip differs."""
        like = self.like
        if like is None or stop - first != like.length:
            return False
        if int.from_bytes(self.view[first:stop], "little") & like.mask != like.content:
            return False
        number = self.reader.numbers[like.kind]
        offset = number.unpack_from(self.view, first + like.strip)[0]
        if offset > LARGEST:
            return False
        stop += self.pointer.size
        self._spend(stop - at, like.outside)
        rest = self.rows[-1][_END:]
        self.rows.append((at, stop, offset, offset, offset + rest[1], *rest[1:]))
        self.last = max(self.last, stop, offset + rest[1])
        return True

    def _spend(self, directory: int, outside: int) -> None:
        """Count the bytes of a directory; those of all cannot exceed the file's."""
        self.directories += directory
        self.spent += directory + outside
        if self.directories > self.size:
            raise BrokenDirectoryError("its directories lie one upon the other")

    def _starts_series(self, tags: Tags) -> bool:
        entry = tags.get(_ImageDescription)
        if entry is None:
            return False
        where = entry[2]
        head = self.view[where : where + 9]
        return bool(head == b'{"shape":' or head[:7] == b"shape=(")

    def _texts(self, tags: Tags) -> None:
        """Keep texts of the first page, and of every page that starts a series."""
        if self.rows[-1][_SERIES]:
            self.series.append(self.reader.text(tags[_ImageDescription]))
        self.pyramid |= _SubIFDs in tags
        if len(self.rows) > 1:
            return
        for tag in self.texts:
            if tag in tags:
                self.texts[tag] = self.reader.text(tags[tag])
        if _XResolution in tags and tags[_XResolution][0] == 5:
            top, bottom = self.reader.values((5, 1, tags[_XResolution][2]))[:2]
            self.resolution = top / bottom if bottom else 0.0
