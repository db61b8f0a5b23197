"""Values of the tags of a TIFF, read without trusting their counts or places."""

from __future__ import annotations

import mmap
import struct

import numpy as np

MAX_VALUES = 1 << 18
"""Numbers one tag may hold: the tiles of a page of 65,536 x 65,536 pixels."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8", 5: "u4"}
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
LARGEST = 1 << 56
"""No position in a file lies beyond this."""

Entry = tuple[int, int, int]
"""Type, count and position of a tag's value."""

Tags = dict[int, Entry]
"""Entries by tag."""


class BrokenDirectoryError(Exception):
    """A directory that cannot be what the writer meant; the walk ends before it."""


def value_bytes(kind: int, count: int) -> int:
    """Return how many bytes a value takes."""
    return _SIZES.get(kind, 1) * count


class TagValues:
    """Reads values out of a mapped file.

    Parameters
    ----------
    view, size
        The file and how many bytes it has.
    order
        ``<`` or ``>``.

    Notes
    -----
    Values that do not fit into a directory lie somewhere in the file, and many
    directories may point to the same ones: ten thousand pages that share one text of a
    megabyte would be read as ten gigabytes. A file may be read four times over.
    """

    def __init__(self, view: mmap.mmap, size: int, order: str) -> None:
        self.view, self.size, self.order = view, size, order
        self.numbers = {k: struct.Struct(order + c) for k, c in _CODES.items()}
        self._left = 4 * size + (1 << 20)

    def values(self, entry: Entry) -> list[int]:
        """Return the numbers of a tag.

        Raises
        ------
        BrokenDirectoryError
            When it holds no numbers, or too many, or numbers beyond any file.
        """
        kind, count, where = entry
        if kind not in _NUMBERS or not 0 < count <= MAX_VALUES:
            raise BrokenDirectoryError(f"a number is stored as type {kind} x {count:,}")
        if count == 1 and kind != 5:
            values = [int(self.numbers[kind].unpack_from(self.view, where)[0])]
        else:
            raw = self._raw(entry)
            values = np.frombuffer(raw, self.order + _NUMBERS[kind]).tolist()
        if max(values) > LARGEST:
            raise BrokenDirectoryError("a position is beyond any file")
        return values

    def one(self, tags: Tags, tag: int, default: int) -> int:
        """Return the first number of a tag, or the default without it."""
        return self.values(tags[tag])[0] if tag in tags else default

    def text(self, entry: Entry) -> str:
        """Return a text up to its first zero byte."""
        raw = self._raw(entry).split(b"\0", 1)[0]
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def _raw(self, entry: Entry) -> bytes:
        kind, count, where = entry
        n_bytes = value_bytes(kind, count)
        self._left -= n_bytes
        if self._left < 0:
            raise BrokenDirectoryError("pages point to the same values over and over")
        return self.view[where : where + n_bytes]
