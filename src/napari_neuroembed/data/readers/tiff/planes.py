"""One recording out of one or several TIFFs: which plane is which time and channel."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.layout import Layout, read_layout
from napari_neuroembed.data.readers.tiff.pages import FilePlanes, find_planes
from napari_neuroembed.options.readers import TiffOptions


@dataclass(frozen=True)
class Stack:
    """Every plane of a recording.

    Parameters
    ----------
    files
        Planes of each file, in the order of the source.
    layouts
        What each file says of itself.
    file, plane
        File number and plane number within it, shape (time, channel).
    problems
        All findings.
    n_cut
        Time points dropped at the end because they are not whole.
    is_row
        The pages of every file have one dimension, so that ``tiff.axes`` can be
        accepted: it is time.
    """

    files: tuple[FilePlanes, ...]
    layouts: tuple[Layout, ...]
    file: NDArray[np.int64]
    plane: NDArray[np.int64]
    problems: tuple[Problem, ...]
    n_cut: int = 0
    is_row: bool = True


@dataclass(frozen=True)
class _Part:
    """Time points of one file or one OME set."""

    file: NDArray[np.int64]
    plane: NDArray[np.int64]


def assemble(
    directories: Sequence[Directory],
    options: TiffOptions,
    name: str,
) -> Stack:
    """Put the planes of all files in order of time and channel.

    Incomplete time points are left out (`n_cut`) and named in a problem
    ``tiff.truncated``, so that ``--salvage`` may go on with the rest.
    """
    layouts = tuple(read_layout(d) for d in directories)
    files = tuple(
        find_planes(d, layout) for d, layout in zip(directories, layouts, strict=True)
    )
    problems = [p for layout in layouts for p in layout.problems]
    problems += [p for planes in files for p in planes.problems]
    problems += alike(directories, files)
    parts = []
    is_row = True
    for members in _sets(layouts):
        grid, axes, found = _grid(members, layouts, directories)
        part, more = _arrange(grid, axes, options, directories[members[0]].path.name)
        problems += found + more
        is_row &= sum(n > 1 for n in grid.shape[1:]) < 2
        parts.append(part)
    file, plane, more = _join(parts, options, name)
    problems += more
    if file.size == 1 and not problems:
        problems.append(_one_image(directories[0], files[0]))
    file, plane, n_cut, more = cut_incomplete(file, plane, files, directories)
    told = {(p.id, p.where) for p in more}
    problems = [p for p in problems if (p.id, p.where) not in told] + more
    return Stack(files, layouts, file, plane, tuple(problems), n_cut, is_row)


def _sets(layouts: Sequence[Layout]) -> list[list[int]]:
    """Group the files that belong to one OME set; any other file stands alone."""
    groups: dict[str, list[int]] = {}
    for i, layout in enumerate(layouts):
        groups.setdefault(layout.set_id or f"file {i}", []).append(i)
    return list(groups.values())


def _grid(
    members: list[int], layouts: Sequence[Layout], directories: Sequence[Directory]
) -> tuple[NDArray[np.int64], str, list[Problem]]:
    """Return (file, plane) of every described plane, shape (2, *sizes)."""
    first = layouts[members[0]]
    grid = np.full((2, *first.sizes), -1, dtype=np.int64)
    if first.planes is None:
        grid[0] = members[0]
        grid[1] = np.arange(first.n_planes).reshape(first.sizes)
        return grid, first.axes, []
    for i in members:
        planes = layouts[i].planes
        if planes is not None:
            here = planes >= 0
            grid[0][here], grid[1][here] = i, planes[here]
    missing = int((grid[0] < 0).sum())
    if not missing:
        return grid, first.axes, []
    text = (
        f"the OME file belongs to a set of {grid[0].size:,} planes, of which "
        f"{missing:,} are in files that were not given. Give all files of the set "
        "(a pattern such as folder/*.ome.tif)."
    )
    name = directories[members[0]].path.name
    return grid, first.axes, [Problem("tiff.ome_set", "error", text, name)]


def _arrange(
    grid: NDArray[np.int64], axes: str, options: TiffOptions, name: str
) -> tuple[_Part, list[Problem]]:
    """Bring (2, *sizes) into (time, channel)."""
    keep = tuple(i for i, n in enumerate(grid.shape[1:]) if n > 1)
    axes = "".join(axes[i] for i in keep)
    grid = grid.reshape(2, *(grid.shape[1 + i] for i in keep))
    problems: list[Problem] = []
    if options.axes is not None and grid.ndim > 1:
        grid, axes, problems = _as_told(grid, axes, options, name)
    if not problems:
        problems = _doubts(grid, axes, options, name)
    if not set(axes) <= set("TZC"):
        grid, axes = grid.reshape(2, -1), "T"
    if "T" not in axes and axes:
        axes = "T" + axes[1:]
    grid = np.expand_dims(grid, [1 + i for i in range(3 - len(axes))])
    have = "".join(k for k in "TZC" if k not in axes) + axes
    grid = grid.transpose(0, *(1 + have.index(k) for k in "TZC"))
    z = min(options.z or 0, grid.shape[2] - 1)
    return _Part(grid[0][:, z], grid[1][:, z]), problems


def _as_told(
    grid: NDArray[np.int64], axes: str, options: TiffOptions, name: str
) -> tuple[NDArray[np.int64], str, list[Problem]]:
    """Apply the axes that the user gave."""
    told = str(options.axes)
    leading = told[:-2]
    shape = grid.shape[1:]

    def no(why: str) -> tuple[NDArray[np.int64], str, list[Problem]]:
        text = f"axes {told} do not fit {_shape(shape)}: {why}."
        return grid, axes, [Problem("tiff.axes", "error", text, name)]

    if not told.endswith("YX") or not leading or not set(leading) <= set("TZC"):
        return no("they must be T, Z and C in some order, then YX")
    if len(set(leading)) != len(leading):
        return no("a letter occurs twice")
    if len(leading) == len(shape):
        return grid, leading, []
    known = {"C": options.n_channels, "Z": options.n_slices}
    total = int(np.prod(shape))
    unknown = [k for k in leading if known.get(k) is None]
    if len(unknown) > 1:
        return no("give n_channels and n_slices too, as the pages are in one flat row")
    per = int(np.prod([known.get(k) or 1 for k in leading]))
    if total % per or (not unknown and per != total):
        return no(
            f"{total:,} pages are not a whole number of groups of {per}; "
            f"{total % per} are left over"
        )
    sizes = [known.get(k) or total // per for k in leading]
    return grid.reshape(2, *sizes), leading, []


def _doubts(
    grid: NDArray[np.int64], axes: str, options: TiffOptions, name: str
) -> list[Problem]:
    """Return why it cannot be known what is time."""
    shape = grid.shape[1:]
    found = f'{_shape(shape)} with axes "{axes}YX"'
    if not set(axes) <= set("TZC"):
        text = (
            f"{found} does not say which dimension is time. Say axes: "
            f"{'TYX (these are the frames of a movie)' if len(axes) == 1 else 'TCYX'} "
            "or axes: TCYX with n_channels: 2 (two channels take turns)."
        )
        return [Problem("tiff.axes", "error", text, name)]
    if axes and "T" not in axes:
        text = (
            f"{found} has {'slices' if 'Z' in axes else 'channels'} but no time. If "
            f"they are the frames of a movie, say axes: TYX; "
            "if it is a volume or one frame, it is no time series."
        )
        return [Problem("tiff.axes", "error", text, name)]
    if "Z" in axes:
        n = shape[axes.index("Z")]
        if options.z is None or options.z >= n:
            text = f"{found} has {n} slices per time point. Say which: z: 0 .. {n - 1}."
            return [Problem("tiff.axes", "error", text, name)]
    return []


def _shape(leading: Sequence[int]) -> str:
    return f"shape ({', '.join(str(n) for n in leading)}, y, x)"


def _join(
    parts: list[_Part], options: TiffOptions, name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Problem]]:
    """Join files along time, or as channels."""
    lengths = [part.file.shape for part in parts]
    if options.join == "channel":
        n = min(length for length, _ in lengths)
        problems = []
        if len({length for length, _ in lengths}) > 1:
            text = (
                f"the channels have {', '.join(f'{n:,}' for n, _ in lengths)} frames; "
                "expected equal numbers. Export the shorter one again, or use the "
                "frames all have with --salvage."
            )
            problems.append(Problem("tiff.channel_length", "error", text, name))
        file = np.concatenate([part.file[:n] for part in parts], axis=1)
        plane = np.concatenate([part.plane[:n] for part in parts], axis=1)
        return file, plane, problems
    channels = sorted({c for _, c in lengths})
    if len(channels) > 1:
        text = f"its files have {' and '.join(map(str, channels))} channels; expected "
        text += "the same number in each. Give the files of one recording only."
        problem = Problem("tiff.pages", "error", text, name)
        parts = [
            dataclasses.replace(p, file=p.file[:, :1], plane=p.plane[:, :1])
            for p in parts
        ]
        problems = [problem]
    else:
        problems = []
    file = np.concatenate([part.file for part in parts])
    return file, np.concatenate([part.plane for part in parts]), problems


def alike(
    directories: Sequence[Directory], files: Sequence[FilePlanes]
) -> list[Problem]:
    """Return the first file whose frames differ from those of the first one."""

    def kind(f: FilePlanes) -> tuple[int, int, str]:
        return f.height, f.width, f.dtype.newbyteorder("=").name

    for directory, planes in zip(directories, files, strict=True):
        if kind(planes) != kind(files[0]):
            text = (
                "its frames are {} x {} {}, those of ".format(*kind(planes))
                + f"{directories[0].path.name} "
                + "{} x {} {}. ".format(*kind(files[0]))
                + "One recording must have equal frames; take the odd file out."
            )
            return [Problem("tiff.pages", "error", text, directory.path.name)]
    return []


def _one_image(directory: Directory, planes: FilePlanes) -> Problem:
    text = (
        f"one 2-D image of {planes.height} x {planes.width} pixels, not a time series "
        "(described 1 frame, found 1). For a folder of single frames give the folder."
    )
    return Problem("tiff.one_frame", "error", text, directory.path.name)


def cut_incomplete(
    file: NDArray[np.int64],
    plane: NDArray[np.int64],
    files: Sequence[FilePlanes],
    directories: Sequence[Directory],
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, list[Problem]]:
    """Leave out the time points after the first one that is not whole.

    Parameters
    ----------
    file, plane
        File number and plane number within it, shape (time, channel).
    files, directories
        What is known of each file.

    Returns
    -------
    `file` and `plane` without those time points, how many they were, and the problem
    ``tiff.truncated`` if there were any.
    """
    lengths = np.array([planes.complete.size for planes in files])
    first_of = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    complete = np.concatenate([planes.complete for planes in files])
    inside = (file >= 0) & (plane >= 0) & (plane < lengths[np.maximum(file, 0)])
    place = np.where(inside, first_of[np.maximum(file, 0)] + plane, 0)
    whole = inside & complete[place]
    good: NDArray[np.bool_] = np.all(whole, axis=1)
    if bool(good.all()):
        return file, plane, 0, []
    first = int(np.argmin(good))
    at = int(file[first][np.argmin(whole[first])])
    directory, planes = directories[max(at, 0)], files[max(at, 0)]
    reason = f" ({directory.broken})" if directory.broken else ""
    text = (
        f"frame {first} of {len(good):,} is not whole, so the last complete frame is "
        f"{first - 1}{reason}. The file has {directory.file_bytes:,} bytes; its pages "
        f"need {planes.needs:,} or more. Copy it again, or open the first {first:,} "
        "frames with --salvage."
    )
    problem = Problem("tiff.truncated", "error", text, directory.path.name)
    n_cut = len(good) - first
    return file[:first], plane[:first], n_cut, [problem]
