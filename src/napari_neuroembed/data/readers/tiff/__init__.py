"""Reader `tiff`: stacks of plain TIFF, BigTIFF, ImageJ, OME-TIFF and tifffile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.frame_files import gap_times, missing_frames
from napari_neuroembed.data.readers.rates import (
    RateClaim,
    clock,
    is_overruled,
    rate_problems,
)
from napari_neuroembed.data.readers.tiff.channels import choose_channels
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.ifd import is_tiff
from napari_neuroembed.data.readers.tiff.index import read_directories
from napari_neuroembed.data.readers.tiff.planes import Stack, assemble
from napari_neuroembed.data.readers.tiff.stack import open_stack
from napari_neuroembed.data.recording import Kind, Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import TiffOptions

_DAMAGE = frozenset(
    {"tiff.truncated", "scanimage.indivisible", "prairie.unwritten", "prairie.xml"}
)
"""What only `salvage` goes on with, as frames are left out."""

_CUT = _DAMAGE | {"tiff.one_frame", "tiff.channel_length"}
"""What `salvage` goes on with, as far as complete frames were found."""

_BEYOND = frozenset(
    {"tiff.codec", "tiff.pixels", "tiff.pages", "tiff.ome_set", "scanimage.mroi"}
    | {"scanimage.header", "scanimage.layout", "scanimage.lost", "scanimage.plane"}
    | {"prairie.layout", "prairie.plane", "prairie.cycles"}
)
"""What nobody can accept, because no frames could be made of it."""


@dataclass(frozen=True)
class Look:
    """All that a look at the directories gave."""

    name: str
    directories: tuple[Directory, ...]
    stack: Stack
    order: tuple[int, ...]
    roles: tuple[str, ...]
    problems: tuple[Problem, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_frames(self) -> int:
        """Whole time points."""
        return len(self.stack.file)

    @property
    def claims(self) -> tuple[RateClaim, ...]:
        """Frame rates the files state, that of the times first; equal ones once."""
        found: dict[float, RateClaim] = {}
        times = self.times_s
        if times is not None and len(times) > 1:
            hz = 1 / float(np.median(np.diff(times)))
            found[round(hz, 9)] = RateClaim(hz, self.stack.layouts[0].times_origin)
        for layout in self.stack.layouts:
            for claim in layout.claims:
                found.setdefault(round(claim.hz, 9), claim)
        return tuple(found.values())

    @property
    def times_s(self) -> Any:
        """Time of every frame, when the only file has them and they increase."""
        times = self.stack.layouts[0].times_s
        one = len({layout.set_id or i for i, layout in enumerate(self.stack.layouts)})
        if times is None or one > 1 or not np.all(np.diff(times) > 0):
            return None
        return times[: self.n_frames] if self.n_frames <= len(times) else None


class TiffReader:
    """Stacks in one or several TIFF files; several follow each other in time."""

    name = "tiff"
    kinds: tuple[Kind, ...] = ("neural",)
    options = TiffOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.8 when every path is a TIFF by its first four bytes.

        Readers of one microscope's TIFFs are surer of theirs.
        """
        if all(p.is_file() and is_tiff(p) for p in (source.path, source.paths[-1])):
            return 0.8, "begins like a TIFF"
        return 0.0, "does not begin like a TIFF"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Look at the directories of all files."""
        told = parse_options(TiffOptions, options, self.name, self.kinds)
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
        """Open the stack as a memory map or lazy array."""
        told = parse_options(TiffOptions, options, self.name, self.kinds)
        seen = look(source, told)
        return {"neural": open_stream(seen, rate_hz, accept, salvage)}


def look(source: Source, options: TiffOptions, *, is_folder: bool = False) -> Look:
    """Read directories, decide what the pages are, collect every problem.

    In a folder of single frames (`is_folder`) the OME-XML is not read: that of one
    file may describe the whole set.
    """
    for path in source.paths:
        if path.is_dir():
            raise DataError(
                f"{path} is a folder; the reader tiff takes files. Give a pattern such "
                f"as {path / '*.tif'}, or the reader tiff_folder."
            )
    directories = read_directories(source.paths, source.cache)
    if is_folder:
        directories = tuple(
            replace(d, description="") if len(d.images) == 1 else d for d in directories
        )
    stack = assemble(directories, options, source.name)
    order, roles, problems = choose_channels(
        stack.file.shape[1], options.channels, source.name
    )
    if all(layout.n_planes == 1 for layout in stack.layouts) and len(directories) > 1:
        names = [p.name for p in source.paths]
        problems += missing_frames(source.name, names)
    return Look(
        source.name, directories, stack, order, roles, (*stack.problems, *problems)
    )


def description(seen: Look) -> Description:
    """Return what was seen in the common form."""
    first = seen.stack.files[0]
    shape: tuple[int, ...] = (seen.n_frames, first.height, first.width)
    if len(seen.order) > 1:
        shape = (seen.n_frames, len(seen.order), first.height, first.width)
    claims = seen.claims
    return Description(
        kind="neural",
        shape=shape,
        dtype=first.dtype.newbyteorder("=").name,
        axes="TYX" if len(shape) == 3 else "TCYX",
        rate_hz=claims[0].hz if claims else None,
        rate_origin=claims[0].origin if claims else "",
        names=seen.roles,
        units="counts",
        facts={**facts(seen), **seen.facts},
        problems=(*seen.problems, *rate_problems(seen.name, claims)),
    )


def facts(seen: Look) -> dict[str, Any]:
    """Return what a person may want to know of the files, as plain values."""
    first, layout = seen.directories[0], seen.stack.layouts[0]
    found: dict[str, Any] = {
        "flavour": layout.flavour,
        "files": len(seen.directories),
        "pages": sum(len(d.images) for d in seen.directories),
        "bytes": sum(d.file_bytes for d in seen.directories),
        "compressed": bool((first.pages["compression"] != 1).any()),
        "software": first.software or first.description.split("\n")[0][:80],
    }
    if layout.pixel_um:
        found["pixel_um"] = layout.pixel_um
    thumbnails = sum(len(d.pages) - len(d.images) for d in seen.directories)
    if thumbnails or any(d.has_pyramid for d in seen.directories):
        found["note"] = "smaller copies of the images are ignored"
    return found


def open_stream(
    seen: Look, rate_hz: float | None, accept: frozenset[str], salvage: bool
) -> Stream:
    """Refuse what was not accepted, then open the frames that are whole.

    Raises
    ------
    DataError
        Listing every problem, or that no frame rate is known.
    """
    claims = seen.claims
    problems = [*seen.problems, *rate_problems(seen.name, claims, rate_hz)]
    forgiven = (accept - _BEYOND - _DAMAGE) | (_CUT if salvage else set())
    if not seen.stack.is_row:
        forgiven -= {"tiff.axes"}
    refuse(problems, seen.name, forgiven)
    if seen.n_frames < 2:
        refuse(problems, seen.name)
        raise DataError(
            f"{seen.name}: {seen.n_frames} complete frames, expected 2 or more. "
            "[tiff.one_frame]"
        )
    is_given = is_overruled(claims, rate_hz, accept)
    axis, origin = _clock(seen, rate_hz, None if is_given else seen.times_s)
    found = {**facts(seen), **seen.facts, "rate_origin": origin}
    if salvage and (seen.stack.n_cut or problems):
        found["salvaged"] = (
            f"{seen.n_frames:,} complete frames kept, {seen.stack.n_cut:,} lost at the "
            "end: " + "; ".join(p.text for p in problems if p.id in _CUT)
        )
        kept = f"salvaged: {seen.n_frames:,} complete frames kept"
        found["notes"] = [*found.get("notes", ()), f"{kept}, the rest left out"]
    order = list(seen.order)
    paths = [d.path for d in seen.directories]
    data = open_stack(
        paths, seen.stack.files, seen.stack.file[:, order], seen.stack.plane[:, order]
    )
    return Stream("neural", data, axis, names=seen.roles, units="counts", facts=found)


def _clock(
    seen: Look, rate_hz: float | None, times_s: NDArray[np.float64] | None
) -> tuple[TimeAxis, str]:
    axis, origin = clock(
        seen.name, seen.n_frames, claims=seen.claims, given=rate_hz, times_s=times_s
    )
    if times_s is not None:
        origin = seen.stack.layouts[0].times_origin
    single = all(layout.n_planes == 1 for layout in seen.stack.layouts)
    if single and axis.rate_hz is not None:
        names = [Path(d.path).name for d in seen.directories]
        times = gap_times(names, seen.n_frames, axis.rate_hz)
        if times is not None:
            axis = TimeAxis(seen.n_frames, times_s=times)
            origin += "; missing frame numbers are gaps"
    return axis, origin
