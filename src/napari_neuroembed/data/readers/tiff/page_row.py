"""From the tags of one page to its row: where its pixels lie and what they are."""

from __future__ import annotations

import itertools
from typing import Any

from napari_neuroembed.data.readers.tiff.tag_values import (
    BrokenDirectoryError,
    Tags,
    TagValues,
)

ROW_TAGS = {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284}
ROW_TAGS |= {322, 323, 324, 325, 339}
"""Tags that a row is made of."""


def page_row(
    reader: TagValues, tags: Tags, directory: tuple[int, int], *, series: bool
) -> tuple[Any, ...]:
    """Return the fields of one page, in the order of ``PAGE``.

    Parameters
    ----------
    reader, tags
        Of the page.
    directory
        Where it starts and the byte after it.
    series
        Whether its description starts a series of tifffile.

    Raises
    ------
    BrokenDirectoryError
        When sizes, strips or tiles cannot be right.
    """
    one = reader.one
    width, height = one(tags, 256, 0), one(tags, 257, 0)
    samples = one(tags, 277, 1)
    bits = reader.values(tags[258]) if 258 in tags else [1]
    if width < 1 or height < 1 or samples < 1 or min(bits) < 1:
        raise BrokenDirectoryError(
            f"size {width} x {height}, {samples} samples of {min(bits)} bits"
        )
    tiled = 324 in tags
    where = tags.get(324 if tiled else 273)
    offsets = reader.values(where) if where else []
    if not offsets:
        raise BrokenDirectoryError("it says nowhere where its pixels are")
    expected = height * ((width * samples * bits[0] + 7) // 8)
    counts = _counts(reader, tags, len(offsets), expected)
    ends = [start + size for start, size in zip(offsets, counts, strict=True)]
    compression = one(tags, 259, 1)
    whole_tile = len(offsets) == 1 and (
        one(tags, 322, width) == width and one(tags, 323, height) == height
    )
    packed = (
        compression == 1
        and (not tiled or whole_tile)
        and bits[0] in (8, 16, 32, 64)
        and len(set(bits)) == 1
        and one(tags, 266, 1) == 1
        and sum(counts) == expected
        and offsets[1:] == ends[:-1]
    )
    if not packed and samples == 1:
        _check_blocks(reader, tags, (width, height, bits[0]), counts)
    return (
        *directory,
        offsets[0],
        min(offsets),
        max(ends),
        sum(counts),
        width,
        height,
        samples,
        bits[0],
        one(tags, 339, 1),
        compression,
        one(tags, 262, 1),
        bool(one(tags, 254, 0) & 1),
        packed,
        not packed and _share(offsets, ends),
        series,
    )


def _counts(reader: TagValues, tags: Tags, n: int, expected: int) -> list[int]:
    """Return the bytes of every strip or tile."""
    tag = 325 if 324 in tags else 279
    if tag not in tags:
        if n == 1:
            return [expected]
        raise BrokenDirectoryError("it says nowhere how long its strips are")
    counts = reader.values(tags[tag])
    if len(counts) != n:
        raise BrokenDirectoryError(f"{n} strips but {len(counts)} lengths")
    return counts


def _check_blocks(
    reader: TagValues, tags: Tags, pixels: tuple[int, int, int], counts: list[int]
) -> None:
    """Check that there are as many strips or tiles as the page needs, and whole ones.

    A decoder fills what is missing with zeros and never says so.
    """
    width, height, bits = pixels
    if 324 in tags:
        across, down = reader.one(tags, 322, 0), reader.one(tags, 323, 0)
        what = f"tiles of {across} x {down}"
    else:
        across, down = width, min(reader.one(tags, 278, height), height)
        what = f"strips of {down} rows"
    if across < 1 or down < 1:
        raise BrokenDirectoryError(f"it has {what}")
    needed = -(-width // across) * -(-height // down)
    if len(counts) != needed:
        raise BrokenDirectoryError(f"it needs {needed:,} {what}, found {len(counts):,}")
    if reader.one(tags, 259, 1) != 1:
        return
    rows = [down] * needed
    if 324 not in tags:
        rows[-1] = height - down * (needed - 1)
    row_bytes = (across * bits + 7) // 8
    if any(n < k * row_bytes for n, k in zip(counts, rows, strict=True)):
        raise BrokenDirectoryError(f"{what} need {down * row_bytes:,} bytes each")


def _share(offsets: list[int], ends: list[int]) -> bool:
    """Whether two strips or tiles of a page share bytes; empty ones take none."""
    spans = sorted((a, b) for a, b in zip(offsets, ends, strict=True) if b > a)
    return any(b > c for (_, b), (c, _) in itertools.pairwise(spans))
