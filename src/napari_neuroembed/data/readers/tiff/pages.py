"""Whether the pages of one TIFF are all there, alike and of a kind we take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.layout import Layout, most_planes
from napari_neuroembed.data.readers.tiff.lzw import LZW
from napari_neuroembed.data.size_cap import MAX_RATIO, largest

_SPARE_BYTES = 8192
_PADDING = 16
_TYPES = {
    **{(bits, 1): f"u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{(bits, 4): f"u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{(bits, 2): f"i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{(bits, 3): f"f{bits // 8}" for bits in (16, 32, 64)},
}
_CODECS = {1: "none", 5: "LZW", 7: "JPEG", 8: "zlib", 32946: "zlib", 34712: "JPEG2000"}
_CODECS |= {34892: "JPEG", 34925: "LZMA", 32773: "PackBits", 50000: "zstd"}


@dataclass(frozen=True)
class FilePlanes:
    """Where the planes of one file lie.

    Parameters
    ----------
    position
        Per plane the byte of its first pixel (packed) or of its directory.
    complete
        Whether all bytes of the plane are in the file.
    needs
        Bytes the file must have for all planes, as far as that can be known.
    packed
        Pixels lie uncompressed in one piece each.
    dtype, height, width
        Of one plane, `dtype` in the file's byte order.
    problems
        What is wrong with this file; a truncation is told by `complete`.
    """

    position: NDArray[np.int64]
    complete: NDArray[np.bool_]
    needs: int
    packed: bool
    dtype: np.dtype[Any]
    height: int
    width: int
    problems: tuple[Problem, ...]

    @property
    def plane_bytes(self) -> int:
        """Bytes of one plane in memory."""
        return self.height * self.width * self.dtype.itemsize


def find_planes(directory: Directory, layout: Layout) -> FilePlanes:
    """Return the place of every plane of one file and what is wrong with it."""
    name = directory.path.name
    images = directory.images if len(directory.images) else directory.pages
    first = images[0]
    problems = [*_unlike(images, name), *_pixels(first, name)]
    kind = _TYPES.get((int(first["bits"]), int(first["format"])), "u1")
    dtype = np.dtype(directory.byteorder + kind)
    height, width = int(first["height"]), int(first["width"])
    plane_bytes = height * width * dtype.itemsize
    packed = bool(images["packed"].all())
    declared, found = _declared(layout), len(images)
    if declared > most_planes(directory):
        problems.append(_count(layout, declared, found, name))
        declared = found
    follows = layout.follows and packed and found < declared
    if follows and (found == 1 or directory.broken):
        position = int(first["offset"]) + plane_bytes * np.arange(declared)
        complete = position + plane_bytes <= directory.file_bytes
        needs = int(position[-1]) + plane_bytes
        if directory.broken:
            problems.append(_broken(directory, declared, int(complete.sum())))
    else:
        position = images["offset"] if packed else images["ifd"]
        complete = _whole(images, plane_bytes, directory.file_bytes)
        needs = int(images["end"].max())
        if directory.broken:
            problems.append(_broken(directory, declared, int(complete.sum())))
        elif declared != found and layout.flavour != "plain":
            problems.append(_count(layout, declared, found, name))
        if declared > found:
            extra = np.zeros(declared - found, dtype=np.int64)
            position = np.concatenate([position, extra])
            complete = np.concatenate([complete, extra.astype(bool)])
    problems += _sizes(directory, images, plane_bytes, declared, packed)
    follow_bytes = declared * plane_bytes if follows and found == 1 else 0
    problems += _overlap(images, follow_bytes, name)
    if not problems and follow_bytes:
        problems += _rest(directory, follow_bytes, plane_bytes)
    return FilePlanes(
        position=position.astype(np.int64),
        complete=complete,
        needs=needs,
        packed=packed,
        dtype=dtype,
        height=height,
        width=width,
        problems=tuple(problems),
    )


def _declared(layout: Layout) -> int:
    """Return how many pages the texts promise in this file."""
    if layout.planes is None:
        return layout.n_planes
    return int(layout.planes.max(initial=-1)) + 1


def _whole(
    images: NDArray[Any], plane_bytes: int, file_bytes: int
) -> NDArray[np.bool_]:
    inside = images["end"] <= file_bytes
    enough = (images["compression"] != 1) | (images["stored"] >= plane_bytes)
    whole: NDArray[np.bool_] = inside & enough
    return whole


def _unlike(images: NDArray[Any], name: str) -> list[Problem]:
    """Return the first page whose size or type differs from page 0."""
    for field in ("height", "width", "samples", "bits", "format", "compression"):
        odd = np.flatnonzero(images[field] != images[field][0])
        if odd.size:
            page, other = images[0], images[odd[0]]
            text = (
                f"page {odd[0]} is unlike page 0: {field} {other[field]} instead of "
                f"{page[field]} ({odd.size} of {len(images)} pages differ). One "
                "recording must be one stack of equal frames; save it on its own."
            )
            return [Problem("tiff.pages", "error", text, name)]
    return []


def _pixels(page: Any, name: str) -> list[Problem]:
    """Return why this kind of pixel is not taken, if so."""
    problems = []
    bits, form, samples = int(page["bits"]), int(page["format"]), int(page["samples"])
    if samples > 1:
        what = "RGB" if page["photometric"] in (2, 6) else "several values"
        text = (
            f"its pixels have {samples} samples each ({what}); expected one. Export "
            "the channels as separate pages (axes TCYX) or files. A stack of 3 or 4 "
            "frames saved by tifffile without photometric='minisblack' looks like this."
        )
        problems.append(Problem("tiff.pixels", "error", text, name))
    if form in (5, 6):
        text = f"its pixels are complex numbers of {bits} bits; expected real ones."
        problems.append(Problem("tiff.pixels", "error", text, name))
    elif (bits, form) not in _TYPES:
        text = (
            f"its pixels have {bits} bits (sample format {form}); expected 8, 16, 32 "
            "or 64 bits. Export it as 16-bit."
        )
        problems.append(Problem("tiff.pixels", "error", text, name))
    elif page["photometric"] == 3:
        text = "its pixels are numbers of palette colours. Export it as 16-bit grey."
        problems.append(Problem("tiff.pixels", "error", text, name))
    return problems + _codec(int(page["compression"]), name)


def _codec(compression: int, name: str) -> list[Problem]:
    if compression == 1:
        return []
    import tifffile

    try:
        tifffile.TIFF.DECOMPRESSORS[compression]
    except (KeyError, ValueError):
        if compression == LZW:
            return []
        codec = _CODECS.get(compression, f"method {compression}")
        text = (
            f"it is compressed with {codec}, which needs the package imagecodecs. "
            "Install it (pip install imagecodecs), or export without compression."
        )
        return [Problem("tiff.codec", "error", text, name)]
    return []


def _broken(directory: Directory, declared: int, readable: int) -> Problem:
    described = f"{declared:,} are described, " if declared > 1 else ""
    text = (
        f"the file ends or is damaged before its last page: {directory.broken}. "
        f"{described}{readable:,} are whole; the last complete one is page "
        f"{readable - 1}. Copy the file again, or open what is there with --salvage."
    )
    return Problem("tiff.truncated", "error", text, directory.path.name)


def _count(layout: Layout, declared: int, found: int, name: str) -> Problem:
    cause = (
        "the file was cut or rewritten"
        if found < declared
        else ("another program added pages after the text was written")
    )
    text = (
        f"{layout.flavour} describes {declared:,} pages, found {found:,}; probably "
        f"{cause}. Export the file again; nothing was opened, so that a movie is "
        "never taken for one frame."
    )
    return Problem("tiff.one_frame", "error", text, name)


def _sizes(
    directory: Directory,
    images: NDArray[Any],
    plane_bytes: int,
    declared: int,
    packed: bool,
) -> list[Problem]:
    """Check what decompression would cost and that no large part is unaccounted for."""
    name, size = directory.path.name, directory.file_bytes
    cap = largest()
    stored = int(images["stored"].sum())
    whole = len(images) * plane_bytes
    if plane_bytes > cap or whole > MAX_RATIO * max(stored, 1):
        text = (
            f"{stored:,} stored bytes become {whole:,} ({whole / max(stored, 1):.0f} "
            f"to 1, {plane_bytes:,} per page); the limits are {MAX_RATIO} to 1 and "
            f"{cap:,} bytes per page. If the file is trustworthy, --accept size.cap."
        )
        return [Problem("size.cap", "error", text, name)]
    if directory.broken or directory.has_pyramid:
        return []
    if directory.orphan >= 0:
        text = (
            f"a page at byte {directory.orphan:,} is not in its list of "
            f"{len(images):,} pages, which is damaged. Export it again; if that page "
            "does not belong to the recording, --accept tiff.unused."
        )
        return [Problem("tiff.unused", "error", text, name)]
    used = int(directory.pages["stored"].sum()) + directory.spent
    if packed and declared > len(images):
        used += (declared - len(images)) * plane_bytes
    per_page = stored // len(images)
    unused, tail = size - used, size - max(directory.last, used)
    spare = _SPARE_BYTES + _PADDING * len(images)
    if unused > per_page + spare or tail > per_page + _SPARE_BYTES:
        text = (
            f"no page uses {unused:,} of its {size:,} bytes, enough for "
            f"{unused // max(per_page, 1):,} more pages; its list of pages may be cut "
            f"after page {len(images) - 1}. Export it again; if the rest is no image "
            "data, --accept tiff.unused."
        )
        return [Problem("tiff.unused", "error", text, name)]
    return []


def _rest(directory: Directory, follow_bytes: int, plane_bytes: int) -> list[Problem]:
    """Check that a lone directory leaves no frame over that its text forgets."""
    rest = directory.file_bytes - directory.spent - follow_bytes
    if rest < plane_bytes:
        return []
    text = (
        f"its frames leave {rest:,} bytes over, enough for {rest // plane_bytes:,} "
        "more; the number of frames in its text may be damaged. Export it again; if "
        "the rest is no image data, --accept tiff.unused."
    )
    return [Problem("tiff.unused", "error", text, directory.path.name)]


def _overlap(images: NDArray[Any], follow_bytes: int, name: str) -> list[Problem]:
    """Check that no two pages, nor a page and a directory, use the same bytes."""
    stops = np.maximum(images["end"], images["offset"] + follow_bytes)
    starts = np.concatenate([images["low"], images["ifd"]])
    stops = np.concatenate([stops, images["ifd_end"]])
    order = np.argsort(starts, kind="stable")
    reached = np.maximum.accumulate(stops[order])
    close = np.flatnonzero(starts[order][1:] < reached[:-1])
    shared = np.flatnonzero(images["shared"])
    if not close.size and not shared.size:
        return []
    n = len(images)

    def told(row: int) -> str:
        return f"page {row}" if row < n else f"the directory of page {row - n}"

    if close.size:
        pair = sorted(int(order[close[0] + i]) for i in (0, 1))
        what = f"{told(pair[0])} and {told(pair[1])}"
    else:
        what = f"strips or tiles of page {shared[0]}"
    text = (
        f"{what} share bytes ({close.size + shared.size} such places), so its list of "
        "pages is damaged. Export it again; if blank frames share their bytes on "
        "purpose, --accept tiff.overlap."
    )
    return [Problem("tiff.overlap", "error", text, name)]
