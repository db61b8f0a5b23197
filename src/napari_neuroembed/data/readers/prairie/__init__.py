"""Reader `prairie`: a folder of Prairie View (Bruker), read as its XML says."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.prairie import names
from napari_neuroembed.data.readers.prairie.frames import (
    Chosen,
    choose_frames,
    unwritten,
)
from napari_neuroembed.data.readers.prairie.scan import (
    Frame,
    Scan,
    find_scan,
    is_scan,
    read_scan,
)
from napari_neuroembed.data.readers.rates import RateClaim, order_problem
from napari_neuroembed.data.readers.tiff import Look, description, open_stream
from napari_neuroembed.data.readers.tiff.channels import choose_channels
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.index import read_directories
from napari_neuroembed.data.readers.tiff.layout import Layout
from napari_neuroembed.data.readers.tiff.pages import find_planes
from napari_neuroembed.data.readers.tiff.planes import Stack, alike, cut_incomplete
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import PrairieOptions

_SAMPLE = 64
"""Files whose header `describe` opens; the sizes of all are compared."""


class PrairieReader:
    """A T-series folder of Prairie View, by its XML; one plane of volumes."""

    name = "prairie"
    kinds: tuple[Kind, ...] = ("neural",)
    options = PrairieOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.97 for a folder with the XML of a scan, or with its file names."""
        path = source.path
        folder = path if path.is_dir() else path.parent
        if path.is_file() and path.suffix != ".xml" and not names.is_its(path):
            return 0.0, "is no folder and not named like a file of Prairie View"
        if any(is_scan(p) for p in folder.glob("*.xml") if p.is_file()):
            return 0.97, "lies in a folder with the XML of a scan"
        if path.is_dir() and names.are_its(path):
            return 0.95, "holds TIFFs named like those of Prairie View"
        return 0.0, "has no XML of a scan of Prairie View"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the XML, look at the names and sizes of all files and some headers."""
        told = parse_options(PrairieOptions, options, self.name, self.kinds)
        scan = _scan(source)
        if scan is None:
            return names.describe(source, told)
        seen, n_frames = look(source, scan, told, sample=True)
        what = description(seen)
        return dataclasses.replace(what, shape=(n_frames, *what.shape[1:]))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the frames lazily, each where the XML says it is."""
        told = parse_options(PrairieOptions, options, self.name, self.kinds)
        scan = _scan(source)
        if scan is None:
            return names.read(source, told, rate_hz, accept, salvage=salvage)
        seen, _ = look(source, scan, told, sample=False)
        return {"neural": open_stream(seen, rate_hz, accept, salvage)}


def _scan(source: Source) -> Scan | None:
    """Return what the XML of the folder says, None without an XML."""
    if not source.path.is_dir():
        raise DataError(
            f"{source.path} is no folder. The reader prairie takes the folder that "
            f"Prairie View made, with its XML and TIFFs: give {source.path.parent}. "
            "(For files that are no longer as Prairie View wrote them: the reader "
            "tiff.) [prairie.folder]"
        )
    path = find_scan(source.path)
    return None if path is None else read_scan(path)


def look(
    source: Source, scan: Scan, options: PrairieOptions, *, sample: bool
) -> tuple[Look, int]:
    """Find every frame on disk, and collect every problem.

    Returns
    -------
    The look, and the number of frames; a sample's look holds fewer.

    Raises
    ------
    DataError
        When no frame is there at all.
    """
    name = str(source.path)
    chosen = choose_frames(scan, options)
    channels = sorted({c for frame in chosen.frames for c in frame.images})
    frames, more = unwritten(chosen, channels, source.path)
    problems = [*_damage(scan, name), *chosen.problems, *more]
    if not frames:
        refuse(problems, name)
        raise DataError(f"{name}: the XML lists no frame. [prairie.unwritten]")
    files = sorted({p.file for frame in frames for p in frame.images.values()})
    opened = _sampled(source.path, files, frames) if sample else files
    directories = read_directories(
        [source.path / file for file in opened], source.cache, described=False
    )
    stack = _stack(scan, chosen, _inside(frames, opened), channels, directories)
    if chosen.begin_s is not None:
        problems += order_problem(name, chosen.begin_s)
    labels = {channel: scan.channels[channel] for channel in channels}
    order, roles, more = _channels(options, labels, name)
    return (
        Look(
            name,
            directories,
            stack,
            order,
            roles,
            (*problems, *stack.problems, *more),
            _facts(source.path, scan, chosen, labels, files),
        ),
        len(frames),
    )


def _damage(scan: Scan, name: str) -> list[Problem]:
    if not scan.damage:
        return []
    text = (
        f"{scan.path.name} ends early ({scan.damage}), so that later frames may be "
        "missing. Copy it again, or take the frames before that with --salvage."
    )
    return [Problem("prairie.xml", "error", text, name)]


def _sampled(
    folder: Path, files: Sequence[str], frames: Sequence[Frame]
) -> Sequence[str]:
    """Return the files of the first and last frame and those of odd size."""
    if len(files) <= _SAMPLE or len(files) < len(frames):
        return files
    sizes = [(folder / file).stat().st_size for file in files]
    usual = Counter(sizes).most_common(1)[0][0]
    odd = [f for f, size in zip(files, sizes, strict=True) if size != usual]
    ends = [p.file for i in (0, -1) for p in frames[i].images.values()]
    return sorted({*ends, *odd[:_SAMPLE]})


def _inside(frames: Sequence[Frame], files: Sequence[str]) -> list[Frame]:
    """Return the frames all of whose images lie in some files."""
    known = set(files)
    return [f for f in frames if all(p.file in known for p in f.images.values())]


def _stack(
    scan: Scan,
    chosen: Chosen,
    frames: Sequence[Frame],
    channels: Sequence[int],
    directories: Sequence[Directory],
) -> Stack:
    """Return the planes in the order of the XML; what OME says is not needed."""
    number = {directory.path.name: i for i, directory in enumerate(directories)}
    places = [[frame.images[c] for c in channels] for frame in frames]
    file = np.array([[number[p.file] for p in row] for row in places])
    page = np.array([[p.page - 1 for p in row] for row in places])
    layouts = [Layout("plain", "I", (len(d.images),)) for d in directories]
    files = tuple(
        find_planes(d, layout) for d, layout in zip(directories, layouts, strict=True)
    )
    problems = [p for planes in files for p in planes.problems]
    problems += alike(directories, files)
    file, page, lacking = _on_pages(file, page, directories)
    file, page, _, more = cut_incomplete(file, page, files, directories)
    told = {(p.id, p.where) for p in more}
    problems = [p for p in problems if (p.id, p.where) not in told]
    return Stack(
        files,
        (_layout(scan, chosen),) * len(files),
        file,
        page,
        (*problems, *lacking, *more),
        len(frames) - len(file),
    )


def _on_pages(
    file: NDArray[np.int64], page: NDArray[np.int64], directories: Sequence[Directory]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Problem]]:
    """Leave out the frames from the first one on whose page its file has not."""
    n_pages = np.array([len(directory.images) for directory in directories])
    absent = ((page < 0) | (page >= n_pages[file])).any(axis=1)
    if not absent.any():
        return file, page, []
    first = int(np.argmax(absent))
    directory = directories[
        int(file[first][np.argmax(page[first] >= n_pages[file[first]])])
    ]
    text = (
        f"the XML lists page {int(page[first].max()) + 1} of {directory.path.name}, "
        f"which has {len(directory.images):,}; {int(absent.sum()):,} of {len(file):,} "
        f"frames were never written or are missing, the last complete frame is "
        f"{first - 1}. Copy the file again, or take the first {first:,} frames with "
        "--salvage."
    )
    name = str(directory.path.parent)
    problem = Problem("prairie.unwritten", "error", text, name)
    return file[:first], page[:first], [problem]


def _layout(scan: Scan, chosen: Chosen) -> Layout:
    """Return what the XML says of times, rate and scale."""
    claims: tuple[RateClaim, ...] = ()
    if scan.frame_period_s and not chosen.is_volume:
        claims = (RateClaim(1 / scan.frame_period_s, "framePeriod of the XML"),)
    times: NDArray[np.float64] | None = None
    if chosen.begin_s is not None:
        times = chosen.begin_s + chosen.image_s / 2
    return Layout(
        "Prairie View",
        "T",
        (len(chosen.frames),),
        claims=claims,
        times_s=times,
        times_origin="absoluteTime of every frame",
        pixel_um=scan.pixel_um,
        set_id="Prairie View",
    )


def _channels(
    options: PrairieOptions, labels: Mapping[int, str], name: str
) -> tuple[tuple[int, ...], tuple[str, ...], list[Problem]]:
    """Return which channels to take; the user numbers them as Prairie View does."""
    at = {channel: i for i, channel in enumerate(labels)}
    wanted = options.channels
    if wanted is not None and set(wanted.values()) <= set(at):
        return choose_channels(
            len(at), {role: at[c] for role, c in wanted.items()}, name
        )
    order, roles, problems = choose_channels(len(at), None, name)
    if not problems and wanted is None:
        return order, roles, []
    listed = ", ".join(f"{channel} ({label})" for channel, label in labels.items())
    first = next(iter(labels))
    text = (
        f"its channels are {listed}. Say which one is the indicator: channels: "
        f"{{functional: {first}}}."
    )
    return order, roles, [Problem("tiff.channels", "error", text, name)]


def _facts(
    folder: Path,
    scan: Scan,
    chosen: Chosen,
    labels: Mapping[int, str],
    files: Sequence[str],
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "flavour": "Prairie View",
        "software": f"Prairie View {scan.version}",
        "files": len(files),
        "pages": len(chosen.frames) * len(labels),
        "bytes": sum((folder / file).stat().st_size for file in files),
        "channels": {str(channel): label for channel, label in labels.items()},
        **chosen.facts,
    }
    beside = [v.file for v in scan.voltages if v.file]
    if beside:
        facts["voltage"] = beside
        facts["notes"] = [
            f"a voltage recording lies beside it: --scalar '{folder / file}'"
            for file in beside[:1]
        ]
    return facts
