"""Damaged TIFFs that were once opened short, opened as something else, or crashed.

Found among 3,300 mutants before the reader of directories was made stricter; each is
the name of a mutant of `tiff_mutants` and of a writer of `stack_files`.
"""

from __future__ import annotations

_NESTED = "b'[[[[[[[[[[[[[[[[[[[[[["
_TEXT = "description: number at {} = {}"

CRASHED = (
    *(
        (shape, _TEXT.format(at, new))
        for shape in ("tifffile", "tiles", "zlib", "strips", "bigtiff", "big-endian")
        for at, new in (
            (11, "b'999999999'"),
            (11, "b'99999999999999999999'"),
            (11, "b'1e300'"),
            (14, "b'Infinity'"),
            (18, _NESTED),
        )
    ),
    ("page by page", _TEXT.format(11, "b'Infinity'")),
    ("page by page", _TEXT.format(15, _NESTED)),
    ("imagej", _TEXT.format(29, "b'99999999999999999999'")),
    ("imagej", _TEXT.format(29, "b'1e300'")),
    ("imagej above 4 GiB", _TEXT.format(29, "b'999999999'")),
    ("one directory", _TEXT.format(11, "b'999999999'")),
)
"""Numbers of frames that no memory holds, or that are no numbers."""

SHORT = (
    *(
        ("page by page", f"after page {page} comes page {other}")
        for page, other in ((0, 2), (0, 5), (1, 3), (2, 5), (3, 6), (4, 6))
    ),
    ("one directory", _TEXT.format(11, "b'3'")),
)
"""Pages that the list of pages leaps over."""

OTHER = (
    ("zlib", "page 6 tag 279 value = 0"),
    ("zlib", "page 2 tag 278 value = 3"),
    ("zlib", "page 0 tag 273 value = 0"),
    ("tiles", "page 5 tag 322 byte 3 ^ ff"),
    ("tiles", "page 3 tag 322 byte 0 ^ 10"),
    ("tiles", "page 2 tag 324 byte 9 ^ 10"),
    ("tiles", "page 1 tag 325 value = 1"),
    ("strips", "page 4 tag 273 byte 24 ^ 10"),
    ("strips", "page 2 tag 273 byte 16 ^ 80"),
    ("tifffile", "page 0 tag 273 value = 2"),
    ("big-endian", "page 0 tag 273 byte 10 ^ 1"),
    ("one directory", "page 0 tag 273 value = 0"),
    ("imagej above 4 GiB", "page 0 tag 273 value = 0"),
)
"""Places and lengths of pixels that led to directories, to other pages, or to zeros."""

UNKNOWABLE = (
    ("imagej", "page 0 tag 273 value = 255"),
    ("one directory", "page 0 tag 273 value = 255"),
)
"""Pixels that begin a byte too early, in a padding: a TIFF as good as any other."""
