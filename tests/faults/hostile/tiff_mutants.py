"""TIFFs damaged in every way that one place can be: cuts, flips, loops, huge numbers.

Mutants are enumerated and named by what was done (``page 3 tag 273 byte 1 ^ ff``), not
by a position, so that a failure stays in the corpus when a writer moves its bytes.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile

Patch = Callable[[bytes], bytes]
KINDS = ("cut", "flip", "pointer", "count", "value", "text")
"""What can be done to a file."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
_TEXTS = (b"0", b"1", b"3", b"-7", b"9" * 9, b"9" * 20, b"9" * 5000, b"1e300", b"NaN")
_TEXTS += (b"Infinity", b"[" * 100_000, b"", b"\xff\xfe")


@dataclass(frozen=True)
class Mutant:
    """One damaged file.

    Parameters
    ----------
    kind, name
        One of :data:`KINDS`, and what was done.
    patch
        Makes the damaged content from the good one.
    """

    kind: str
    name: str
    patch: Patch


@dataclass(frozen=True)
class _Tag:
    code: int
    entry: int
    count_bytes: int
    value: int
    n_bytes: int


@dataclass(frozen=True)
class _Page:
    number: int
    start: int
    stop: int
    pixels: tuple[tuple[int, int], ...]
    tags: tuple[_Tag, ...]

    @property
    def edges(self) -> dict[str, int]:
        """Places where this page could be cut."""
        found = {"directory": self.start, "tags": self.start + 2, "next": self.stop}
        for at, n_bytes in (self.pixels[0], self.pixels[-1]):
            found |= {f"pixels {at}": at, f"pixels {at} end": at + n_bytes}
        return found


def mutants(path: Path) -> list[Mutant]:
    """Return every mutant of a good TIFF, in a fixed order."""
    with tifffile.TiffFile(path) as tiff:
        pointer = struct.Struct(tiff.byteorder + ("Q" if tiff.is_bigtiff else "I"))
        pages = [_page(tiff, number) for number in range(len(tiff.pages))]
    return [
        *_cuts(path.stat().st_size, pages),
        *_flips(pages),
        *_pointers(pages, pointer, path.stat().st_size),
        *_numbers(pages, pointer),
        *_texts(path.read_bytes(), pages, pointer),
    ]


def chosen(path: Path, n: int, seed: int) -> list[Mutant]:
    """Return `n` mutants drawn evenly from all kinds, the same for the same seed."""
    rng = random.Random(seed)
    every = mutants(path)
    found: list[Mutant] = []
    groups = [[m for m in every if m.kind == kind] for kind in KINDS]
    for group in groups:
        rng.shuffle(group)
    while len(found) < n and any(groups):
        found += [group.pop() for group in groups if group]
    return found[:n]


def _page(tiff: Any, number: int) -> _Page:
    page = tiff.pages[number]
    big = tiff.is_bigtiff
    head, entry, pointer = (8, 20, 8) if big else (2, 12, 4)
    tags = []
    for tag in page.tags:
        n_bytes = int(tag.count) * _SIZES[int(tag.dtype)]
        tags.append(_Tag(tag.code, tag.offset, pointer, tag.valueoffset, n_bytes))
    stop = page.offset + head + entry * len(tags)
    pixels = tuple(zip(page.dataoffsets, page.databytecounts, strict=True))
    return _Page(number, page.offset, stop, pixels, tuple(tags))


def _put(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def _cuts(size: int, pages: list[_Page]) -> Iterator[Mutant]:
    edges = {"file": size}
    for page in pages:
        edges |= {f"page {page.number} {k}": at for k, at in page.edges.items()}
    for name, edge in edges.items():
        for shift in (-1, 0, 1):
            at = edge + shift
            if 0 <= at < size:
                yield Mutant("cut", f"{name} {shift:+d}", lambda c, at=at: c[:at])


def _flips(pages: list[_Page]) -> Iterator[Mutant]:
    for page in pages:
        for tag in page.tags:
            entry = range(tag.entry, tag.entry + 8 + tag.count_bytes)
            value = range(tag.value, tag.value + min(tag.n_bytes, 64))
            for number, at in enumerate(dict.fromkeys([*entry, *value])):
                for bits in (0xFF, 0x01, 0x80, 0x10):
                    name = f"page {page.number} tag {tag.code} byte {number} ^ {bits:x}"

                    def flip(c: bytes, at: int = at, bits: int = bits) -> bytes:
                        return _put(c, at, bytes([c[at] ^ bits])) if at < len(c) else c

                    yield Mutant("flip", name, flip)


def _pointers(
    pages: list[_Page], pointer: struct.Struct, size: int
) -> Iterator[Mutant]:
    targets = {"nothing": 0, "header": 4, "end": size, "beyond": size + 1}
    targets |= {f"page {page.number}": page.start for page in pages}
    targets |= {f"inside page {page.number}": page.start + 2 for page in pages[:2]}
    targets["largest"] = (1 << 8 * pointer.size) - 1
    for page in pages:
        for name, at in targets.items():
            yield Mutant(
                "pointer",
                f"after page {page.number} comes {name}",
                lambda c, to=at, at=page.stop: _put(c, at, pointer.pack(to)),
            )


def _numbers(pages: list[_Page], pointer: struct.Struct) -> Iterator[Mutant]:
    largest = (1 << 8 * pointer.size) - 1
    for page in pages:
        for tag in page.tags:
            for kind, shift in (("count", 4), ("value", 4 + pointer.size)):
                for number in (0, 1, 2, 3, 255, 65_536, 1 << 24, largest // 2, largest):
                    yield Mutant(
                        kind,
                        f"page {page.number} tag {tag.code} {kind} = {number}",
                        lambda c, at=tag.entry + shift, v=number: _put(
                            c, at, pointer.pack(v)
                        ),
                    )


def _texts(
    content: bytes, pages: list[_Page], pointer: struct.Struct
) -> Iterator[Mutant]:
    """Replace every number in the first description; the new text stands at the end."""
    for tag in pages[0].tags:
        if tag.code != 270:
            continue
        text = content[tag.value : tag.value + tag.n_bytes].rstrip(b"\0")
        for number in re.finditer(rb"\d+", text):
            for new in _TEXTS:
                changed = text[: number.start()] + new + text[number.end() :]
                name = f"description: number at {number.start()} = {ascii(new)[:24]}"
                yield Mutant("text", name, _describe(tag, changed + b"\0" * 9, pointer))


def _describe(tag: _Tag, text: bytes, pointer: struct.Struct) -> Patch:
    def patch(content: bytes) -> bytes:
        entry = pointer.pack(len(text)) + pointer.pack(len(content))
        return _put(content, tag.entry + 4, entry) + text

    return patch
