"""Reader `scanimage`: TIFFs as ScanImage saves them, pages in channels and slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.rates import RateClaim, order_problem
from napari_neuroembed.data.readers.scanimage.header import Header, read_header
from napari_neuroembed.data.readers.scanimage.order import Order, order_pages
from napari_neuroembed.data.readers.scanimage.parts import list_parts, part_problems
from napari_neuroembed.data.readers.scanimage.settings import (
    SettingError,
    find_regions,
    find_settings,
)
from napari_neuroembed.data.readers.scanimage.stamps import Stamps, read_stamps
from napari_neuroembed.data.readers.tiff import Look, description, open_stream
from napari_neuroembed.data.readers.tiff.channels import choose_channels
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.ifd import is_tiff, read_directory
from napari_neuroembed.data.readers.tiff.index import read_directories
from napari_neuroembed.data.readers.tiff.layout import Layout
from napari_neuroembed.data.readers.tiff.pages import FilePlanes, find_planes
from napari_neuroembed.data.readers.tiff.planes import Stack, alike, cut_incomplete
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import ScanImageOptions

_TIMES = "frameTimestamps_sec of every frame"


class ScanImageReader:
    """One acquisition of ScanImage in one or several TIFFs; one plane of volumes."""

    name = "scanimage"
    kinds: tuple[Kind, ...] = ("neural",)
    options = ScanImageOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.97 when the first and last file hold settings of ScanImage."""
        files = list_parts(source.paths)
        if not files:
            return 0.0, "holds no TIFF"
        for path in (files[0], files[-1]):
            try:
                if not is_tiff(path) or not find_settings(read_directory(path, 1)):
                    return 0.0, "has no settings of ScanImage"
            except DataError:
                return 0.0, "has no page that can be read"
        return 0.97, "has settings of ScanImage"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Look at the directories and stamps of all files."""
        told = parse_options(ScanImageOptions, options, self.name, self.kinds)
        return description(look(source, told))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the plane's frames lazily; signed integers stay signed."""
        told = parse_options(ScanImageOptions, options, self.name, self.kinds)
        seen = look(source, told)
        return {"neural": open_stream(seen, rate_hz, accept, salvage)}


def look(source: Source, options: ScanImageOptions) -> Look:
    """Read header, directories and stamps, and collect every problem.

    Raises
    ------
    DataError
        When a file is no TIFF or has no settings of ScanImage.
    """
    paths = list_parts(source.paths)
    if not paths:
        raise DataError(
            f"{source.name}: no TIFF in this folder. Give the files of one acquisition."
        )
    directories = read_directories(paths, source.cache)
    header = _header(directories[0], options)
    stamps = read_stamps(directories, source.cache)
    plane = min(options.plane or 0, header.n_slices - 1)
    order = order_pages(header, stamps, plane, source.name)
    files = tuple(find_planes(d, _pages(d)) for d in directories)
    problems = [
        *_doubts(header, options, paths[0], source.name),
        *part_problems(paths, directories, stamps, source),
        *order.problems,
        *_stamp_problems(stamps, source.name),
        *(p for planes in files for p in planes.problems),
        *alike(directories, files),
    ]
    stack, times = _stack(header, order, stamps, directories, files)
    if times is not None:
        problems += order_problem(source.name, times)
    channels, roles, more = choose_channels(
        len(header.channels), options.channels, source.name, header.channels
    )
    told = {(p.id, p.where) for p in stack.problems}
    problems = [p for p in problems if (p.id, p.where) not in told]
    return Look(
        source.name,
        directories,
        stack,
        channels,
        roles,
        (*problems, *stack.problems, *more),
        _facts(header, order, options),
    )


def _header(directory: Directory, options: ScanImageOptions) -> Header:
    settings = find_settings(directory)
    try:
        return read_header(settings, options)
    except SettingError as error:
        raise DataError(
            f"{directory.path}: settings of ScanImage were expected, such as "
            f"SI.hChannels.channelSave = [1;2]; {error}. If another program has saved "
            "the file again, use the reader tiff and say its axes, or say n_channels. "
            "[scanimage.header]"
        ) from error


def _pages(directory: Directory) -> Layout:
    n = len(directory.images)
    return Layout("plain", "I", (n,))


def _doubts(
    header: Header, options: ScanImageOptions, path: Path, name: str
) -> list[Problem]:
    """Return why the header does not say which plane of what to take."""
    problems = []
    for doubt in header.doubts:
        text = f"its header leaves open which page is which: {doubt}."
        problems.append(Problem("scanimage.layout", "error", text, name))
    if header.has_regions and find_regions(path) != 1:
        problems.append(_regions(name))
    if header.is_volume and not _is_plane(options.plane, header.n_slices):
        problems.append(_ask_plane(header, name))
    return problems


def _stamp_problems(stamps: Stamps, name: str) -> list[Problem]:
    """Return that only some pages bear a stamp, so that none can be used."""
    known = np.isfinite(stamps.time_s), stamps.number >= 0
    missing = [int((~k).sum()) for k in known if k.any() and not k.all()]
    if not missing:
        return []
    text = (
        f"{max(missing):,} of {len(stamps.number):,} pages have no stamp of number and "
        "time in their description, so that lost frames cannot be seen. Copy the file "
        "again; accepted, the rate of the header is taken for all frames."
    )
    return [Problem("scanimage.stamps", "error", text, name)]


def _is_plane(plane: int | None, n: int) -> bool:
    return plane is not None and plane < n


def _regions(name: str) -> Problem:
    text = (
        "it was recorded with several regions of interest (mROI), stacked into one "
        "page; such files are not supported. Split it into one file per region, for "
        "example in Fiji, and import these with the reader tiff."
    )
    return Problem("scanimage.mroi", "error", text, name)


def _ask_plane(header: Header, name: str) -> Problem:
    depths = [f"{i} at {z:g} um" for i, z in enumerate(header.z_um)]
    listed = f" ({', '.join(depths)})" if depths else ""
    n = header.n_slices
    text = (
        f"a volume has {n} planes{listed}, and one recording is one plane. Say which: "
        f"plane: 0 .. {n - 1}."
    )
    return Problem("scanimage.plane", "error", text, name)


def _stack(
    header: Header,
    order: Order,
    stamps: Stamps,
    directories: Sequence[Directory],
    files: tuple[FilePlanes, ...],
) -> tuple[Stack, NDArray[np.float64] | None]:
    """Return the planes in order, and when their frames began."""
    lengths = [len(d.images) for d in directories]
    file_of = np.repeat(np.arange(len(lengths)), lengths)
    plane_of = np.concatenate([np.arange(n) for n in lengths])
    file, plane, n_cut, problems = cut_incomplete(
        file_of[order.page], plane_of[order.page], files, directories
    )
    times = stamps.time_s[order.page[: len(file), 0]] if stamps.has_times else None
    layout = Layout(
        "ScanImage",
        "TC",
        (len(file), len(header.channels)),
        claims=_claims(header),
        times_s=None if times is None else times + _half_frame_s(header, stamps),
        times_origin=_TIMES,
        pixel_um=header.pixel_um,
        set_id="ScanImage",
    )
    n_cut += bool(order.n_left)
    layouts = (layout,) * len(files)
    return Stack(files, layouts, file, plane, tuple(problems), n_cut), times


def _claims(header: Header) -> tuple[RateClaim, ...]:
    """Return the header's frame rate; slices in bursts have none."""
    if not header.is_volume and header.frame_hz:
        return (RateClaim(header.frame_hz, "scanFrameRate of the header"),)
    if header.is_volume and header.per_slice == 1 and header.volume_hz:
        return (RateClaim(header.volume_hz, "scanVolumeRate of the header"),)
    return ()


def _half_frame_s(header: Header, stamps: Stamps) -> float:
    """Return half of the time that one image takes; a stamp is its beginning."""
    begins = stamps.time_s[:: len(header.channels)]
    steps = np.diff(begins)
    steps = steps[steps > 0]
    if steps.size:
        return float(np.median(steps)) / 2
    return 0.5 / header.frame_hz if header.frame_hz else 0.0


def _facts(header: Header, order: Order, options: ScanImageOptions) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "software": f"ScanImage {header.version}",
        "channels": list(header.channels),
    }
    if header.is_volume:
        facts |= {
            "planes": header.n_slices,
            "plane": options.plane,
            "z_um": list(header.z_um),
            "flyback_pages": order.n_flyback,
        }
    if header.averaged > 1:
        facts["averaged_frames"] = header.averaged
    notes = list(order.notes)
    if header.is_volume:
        back = f"; {order.n_flyback:,} pages of the way back left out"
        taken = f"plane {options.plane} of the {header.n_slices} of every volume"
        notes.append(taken + (back if order.n_flyback else ""))
    if notes:
        facts["notes"] = notes
    return facts
