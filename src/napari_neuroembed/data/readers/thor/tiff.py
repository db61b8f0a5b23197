"""Reader `thor_tiff`: ``ChanA_0001_0001_0001_0003.tif`` ... beside the XML."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.frame_files import frame_numbers, missing_frames
from napari_neuroembed.data.readers.thor.experiment import (
    NAME,
    Experiment,
    find_experiment,
    read_experiment,
)
from napari_neuroembed.data.readers.thor.movie import (
    Movie,
    describe_movie,
    open_movie,
)
from napari_neuroembed.data.readers.tiff.directory import Directory
from napari_neuroembed.data.readers.tiff.index import read_directories
from napari_neuroembed.data.readers.tiff.planes import Stack, assemble
from napari_neuroembed.data.readers.tiff.stack import open_stack
from napari_neuroembed.data.recording import Kind, LazyArray, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import ThorOptions, TiffOptions

_FRAME = re.compile(r"(.+)_\d+_\d+_(\d+)_(\d+)\.tiff?", re.IGNORECASE)
_PLANE = re.compile(r"<(?:\w+:)?Plane\b[^<>]*>")
_SAMPLE = 8

Files = dict[tuple[str, int], dict[int, Path]]
"""Frame number -> file, by channel and slice."""


class ThorTiffReader:
    """A file per channel, slice and time point: names say which, the XML how many."""

    name = "thor_tiff"
    kinds: tuple[Kind, ...] = ("neural",)
    options = ThorOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.97 for a folder with a ThorImage XML and files of its channels."""
        if not source.path.is_dir() or find_experiment(source.path) is None:
            return 0.0, f"is no folder with {NAME} of ThorImage"
        n = sum(1 for p in source.path.iterdir() if _FRAME.fullmatch(p.name))
        return (0.97, f"{NAME} and {n:,} TIFFs") if n else (0.0, "has no frames")

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Look at the names of all files and into some."""
        told = parse_options(ThorOptions, options, self.name, self.kinds)
        return describe_movie(_look(source, told, sample=True), told)

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the frames lazily; missing numbers become gaps when accepted."""
        told = parse_options(ThorOptions, options, self.name, self.kinds)
        movie = _look(source, told, sample=False)
        stream = open_movie(
            movie, told, rate_hz=rate_hz, accept=accept, salvage=salvage
        )
        return {"neural": stream}


def _look(source: Source, told: ThorOptions, *, sample: bool) -> Movie:
    """Read the XML, sort the files and look into those that are asked for."""
    folder = source.path
    xml = find_experiment(folder) if folder.is_dir() else None
    if xml is None:
        raise DataError(
            f"{source.name}: expected a folder with {NAME} of ThorImage and one TIFF "
            "per channel and time point (ChanA_0001_0001_0001_0001.tif). [thor.folder]"
        )
    experiment = read_experiment(xml)
    files, left_out = _sorted_files(folder, experiment)
    slices = sorted({z for _, z in files})
    z = min(told.z or 0, len(slices) - 1)
    rows = [files.get((name, slices[z]), {}) for name in experiment.channels]
    problems = _whole(folder, experiment, files, rows)
    numbers = sorted(set.intersection(*map(set, rows)))
    if not numbers:
        raise DataError(f"{folder}: {problems[0].text} [thor.product]")
    chosen = sorted({*numbers[:_SAMPLE], numbers[-1]}) if sample else numbers
    paths = [row[t] for row in rows for t in chosen]
    in_row = numbers[:_SAMPLE] if sample else numbers
    directories = read_directories(paths, source.cache)
    stack = assemble([_bare(d) for d in directories], TiffOptions(), str(folder))
    problems += _relevant(stack, experiment, folder)
    return Movie(
        name=str(folder),
        experiment=experiment,
        n_frames=len(numbers),
        height=stack.files[0].height,
        width=stack.files[0].width,
        n_slices=len(slices),
        open_frames=partial(_open, paths, stack, len(rows)),
        starts_s=partial(_starts, directories[: len(in_row)], z),
        numbers=np.array(numbers),
        facts={"files": len(files) and sum(map(len, files.values()))}
        | ({"left_out": left_out} if left_out else {}),
        problems=tuple(problems),
        salvaged=frozenset({"thor.product"}),
    )


def _sorted_files(folder: Path, experiment: Experiment) -> tuple[Files, list[str]]:
    """Return the files of the enabled channels, and the names of other TIFFs."""
    files: Files = {}
    left_out = []
    for path in sorted(folder.iterdir()):
        found = _FRAME.fullmatch(path.name)
        if found and found[1] in experiment.channels:
            place = files.setdefault((found[1], int(found[2])), {})
            if int(found[3]) in place:
                raise DataError(
                    f"{folder}: {place[int(found[3])].name} and {path.name} are the "
                    "same channel, slice and time; tiled images are not read. "
                    "[thor.folder]"
                )
            place[int(found[3])] = path
        elif path.suffix.lower() in (".tif", ".tiff"):
            left_out.append(path.name)
    if not files:
        raise DataError(
            f"{folder}: no TIFF of the channels {', '.join(experiment.channels)} "
            "(ChanA_0001_0001_0001_0001.tif: channel, tile, tile, slice, time). "
            "[thor.folder]"
        )
    return files, left_out[:20]


def _whole(
    folder: Path,
    experiment: Experiment,
    files: Files,
    rows: Sequence[Mapping[int, Path]],
) -> list[Problem]:
    """Compare what is there with what the XML says, and look for holes."""
    problems: list[Problem] = []
    slices = {z for _, z in files}
    counts = [len(row) for row in rows]
    if len(slices) != experiment.steps or set(counts) != {experiment.n_timepoints}:
        found = ", ".join(
            f"{n:,} of {name}"
            for name, n in zip(experiment.channels, counts, strict=True)
        )
        text = (
            f"Experiment.xml says {experiment.n_timepoints:,} time points "
            f"(Timelapse@timepoints) x {experiment.steps} slices (ZStage@steps) x "
            f"{len(rows)} channels (Wavelength elements) = "
            f"{experiment.n_timepoints * experiment.steps * len(rows):,} files; found "
            f"{sum(map(len, files.values())):,} files of {len(slices)} slices, with "
            f"{found} in this slice. Copy the rest; if the run was aborted, --salvage "
            "keeps the time points that all channels have."
        )
        problems.append(Problem("thor.product", "error", text, str(folder)))
    for row in rows:
        names = [row[t].name for t in sorted(row)]
        if names and frame_numbers(names) is not None:
            problems += missing_frames(str(folder), names)
    return problems


def _relevant(stack: Stack, experiment: Experiment, folder: Path) -> list[Problem]:
    """Return what is wrong with the files, and with their sizes against the XML."""
    problems = [p for p in stack.problems if p.id != "folder.missing_frames"]
    found = (stack.files[0].height, stack.files[0].width)
    said = (experiment.height, experiment.width)
    kind = stack.files[0].dtype.newbyteorder("=").name
    if found != said or kind != "uint16":
        text = (
            f"Experiment.xml says {said[0]} x {said[1]} (LSM@pixelY, pixelX) of "
            f"uint16, the files hold {found[0]} x {found[1]} of {kind}: they belong to "
            "another Experiment.xml, or were changed."
        )
        problems.append(Problem("thor.product", "error", text, str(folder)))
    return problems


def _bare(directory: Directory) -> Directory:
    """Hide the OME text, which describes the whole set in every file."""
    return dataclasses.replace(directory, description="", series=())


def _open(
    paths: Sequence[Path],
    stack: Stack,
    n_channels: int,
    z: int,
    chosen: tuple[int, ...],
) -> LazyArray:
    del z  # the files of one slice were looked at
    file = stack.file.reshape(n_channels, -1).T[:, list(chosen)]
    plane = stack.plane.reshape(n_channels, -1).T[:, list(chosen)]
    return open_stack(paths, stack.files, file, plane)


def _starts(
    directories: Sequence[Directory], z: int, asked: int
) -> NDArray[np.float64] | None:
    """Return when the frames of the first channel began, by their OME texts."""
    if asked != z:
        return None
    starts = np.array([_delta_t(d.description) for d in directories])
    return starts if np.isfinite(starts).all() else None


def _delta_t(text: str) -> float:
    found = _PLANE.search(text)
    if found is None:
        return np.nan
    try:
        element = ET.fromstring(found[0].rstrip("/>").replace(":", "_") + "/>")
        return float(element.get("DeltaT", "nan"))
    except (ET.ParseError, ValueError):
        return np.nan
