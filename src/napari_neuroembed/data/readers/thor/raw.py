"""Reader `thor_raw`: ``Image_0001_0001.raw`` of ThorImage beside its Experiment.xml."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
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
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import ThorOptions

_RAW = re.compile(r"Image_\d+_\d+\.raw")
_PIXEL = np.dtype("<u2")


class ThorRawReader:
    """Headerless little-endian images; their arrangement stands in Experiment.xml."""

    name = "thor_raw"
    kinds: tuple[Kind, ...] = ("neural",)
    options = ThorOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.98 for a folder with a ThorImage XML and a raw movie."""
        folder = source.path if source.path.is_dir() else source.path.parent
        if len(source.paths) > 1 or find_experiment(folder) is None:
            return 0.0, f"has no {NAME} of ThorImage"
        if source.path.is_file() and not is_raw_part(source.path):
            return 0.0, "is no raw file or XML of ThorImage"
        n = len(raw_files(folder))
        return (0.98, f"{NAME} and {n} raw files") if n else (0.0, "has no raw file")

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Compare the XML with the size of the file."""
        told = parse_options(ThorOptions, options, self.name, self.kinds)
        return describe_movie(_look(source, told), told)

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Map the file; with `salvage` only the whole time points of a shorter one."""
        told = parse_options(ThorOptions, options, self.name, self.kinds)
        movie = _look(source, told)
        stream = open_movie(
            movie, told, rate_hz=rate_hz, accept=accept, salvage=salvage
        )
        return {"neural": stream}


class RawFrames:
    """Frames of a raw file, mapped when first indexed.

    It holds no map when it is sent to another process.

    Parameters
    ----------
    path
        The file.
    shape
        (time, slice, channel, y, x) as stored.
    slices, channels
        Which to take; several slices follow each other along y.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int, int, int],
        slices: tuple[int, ...],
        channels: tuple[int, ...],
    ) -> None:
        self._path, self._stored = path, shape
        self._slices, self._channels = slices, channels
        height = len(slices) * shape[3]
        lead = (shape[0],) if len(channels) == 1 else (shape[0], len(channels))
        self.shape: tuple[int, ...] = (*lead, height, shape[4])
        self.dtype: np.dtype[Any] = np.dtype(np.uint16)
        self._map: NDArray[Any] | None = None

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        time, *rest = key if isinstance(key, tuple) else (key,)
        if time is Ellipsis:
            time, rest = slice(None), [Ellipsis, *rest]
        wanted = np.arange(len(self))[time]
        lone = np.ndim(wanted) == 0
        images = self._read(slice(wanted, wanted + 1) if lone else time)
        return np.asarray(images[(0 if lone else slice(None), *rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        del copy
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, time: Any) -> NDArray[Any]:
        """Return some frames; what lies between them is not touched."""
        stored, channels = self._mapped(), self._channels
        if len(self._slices) == 1:
            images = stored[:, self._slices[0]]
            if len(channels) == 1:
                return np.asarray(images[:, channels[0]][time], dtype=self.dtype)
            images = images[time]
        else:
            several = stored[time][:, list(self._slices)].swapaxes(1, 2)
            images = several.reshape(*several.shape[:2], -1, several.shape[-1])
        if channels != tuple(range(images.shape[1])):
            images = images[:, list(channels)]
        if len(channels) == 1:
            images = images[:, 0]
        return np.asarray(images, dtype=self.dtype)

    def _mapped(self) -> NDArray[Any]:
        if self._map is None:
            needed = math.prod(self._stored) * _PIXEL.itemsize
            if self._path.stat().st_size < needed:
                raise DataError(
                    f"{self._path} is shorter than when it was opened: expected "
                    f"{needed:,} bytes, found {self._path.stat().st_size:,}. "
                    "[thor.product]"
                )
            self._map = np.memmap(
                self._path, dtype=_PIXEL, mode="r", shape=self._stored
            )
        return self._map


@dataclass(frozen=True)
class _Layout:
    """How the bytes of a raw file divide."""

    slices: int
    channels: int
    n_frames: int
    remainder: int = 0


def is_raw_part(path: Path) -> bool:
    """Whether a file is a raw movie of ThorImage or its XML, by its name."""
    return path.name == NAME or bool(_RAW.fullmatch(path.name))


def raw_files(folder: Path) -> list[Path]:
    """Return the raw movies of a folder (not ``ROIMask.raw``)."""
    return sorted(p for p in folder.iterdir() if _RAW.fullmatch(p.name))


def _look(source: Source, told: ThorOptions) -> Movie:
    """Read the XML and divide the bytes of the file by it."""
    path, xml = _files(source)
    experiment = read_experiment(xml)
    size = path.stat().st_size
    layout, problems, salvaged = _divide(experiment, size, told, path)
    usable = layout.slices
    if experiment.is_fast_z and usable == experiment.steps + experiment.flyback:
        usable = experiment.steps
    taken = _indices(experiment, layout.channels)
    stored = (
        layout.n_frames,
        layout.slices,
        layout.channels,
        experiment.height,
        experiment.width,
    )
    joined = bool(experiment.line_mode) and usable > 1

    def open_frames(z: int, channels: tuple[int, ...]) -> RawFrames:
        slices = tuple(range(usable)) if joined else (z,)
        return RawFrames(path, stored, slices, tuple(taken[c] for c in channels))

    facts: dict[str, Any] = {"file": path.name, "bytes": size}
    if layout.slices > usable:
        facts["flyback_dropped"] = layout.slices - usable
    return Movie(
        name=str(path),
        experiment=experiment,
        n_frames=layout.n_frames,
        height=experiment.height * (usable if joined else 1),
        width=experiment.width,
        n_slices=1 if joined else usable,
        open_frames=open_frames,
        facts=facts,
        problems=tuple(problems),
        salvaged=salvaged,
    )


def _files(source: Source) -> tuple[Path, Path]:
    """Return the raw file and the XML that a source means.

    Raises
    ------
    DataError
        When one is missing or there are several movies.
    """
    path = source.path
    folder = path if path.is_dir() else path.parent
    xml = find_experiment(folder)
    if xml is None or not (path.is_dir() or is_raw_part(path)):
        raise DataError(
            f"{source.name}: expected a folder with {NAME} of ThorImage and "
            "Image_0001_0001.raw, or one of these files. [thor.folder]"
        )
    found = [path] if _RAW.fullmatch(path.name) else raw_files(folder)
    if len(found) != 1:
        listed = ", ".join(p.name for p in found) or "none"
        raise DataError(
            f"{folder}: expected one raw file beside {NAME}, found {listed}. "
            "Give the one that is meant. [thor.folder]"
        )
    return found[0], xml


def _indices(experiment: Experiment, n_stored: int) -> tuple[int, ...]:
    """Return the place of every enabled channel among those in the file.

    With all detectors in the file, ChanA is the first, ChanB the second ...
    """
    names = experiment.channels
    letters = [ord(name[-1:].upper() or "?") - ord("A") for name in names]
    known = all(0 <= place < n_stored for place in letters)
    if n_stored > len(names) and known and len(set(letters)) == len(names):
        return tuple(letters)
    return tuple(range(len(names)))


def _divide(
    experiment: Experiment, size: int, told: ThorOptions, path: Path
) -> tuple[_Layout, list[Problem], frozenset[str]]:
    """Return how the bytes divide, what is wrong, and what may be salvaged."""
    image = experiment.height * experiment.width * _PIXEL.itemsize
    pairs = _possible(experiment, told)
    whole = experiment.n_timepoints
    exact = [pair for pair in pairs if size == whole * math.prod(pair) * image]
    text = _product(experiment, size, pairs, image)
    if len(exact) == 1:
        return _Layout(*exact[0], whole), [], frozenset()
    if len(exact) > 1:
        text += f" {len(exact)} ways fit. Say planes: and n_channels: as in the file."
        return _Layout(*exact[0], whole), [_wrong(text, path)], frozenset()
    fits = [
        _Layout(*pair, *divmod(size, math.prod(pair) * image))
        for pair in pairs
        if size < whole * math.prod(pair) * image
    ]
    if not fits:
        text += " The file is larger than that: it belongs to another Experiment.xml."
        return _Layout(*pairs[0], whole), [_wrong(text, path)], frozenset()
    best = [fit for fit in fits if fit.remainder == 0] if len(fits) > 1 else fits
    if len(best) != 1:
        text += (
            " The file is shorter and its slices and channels are in doubt. Say "
            "planes: and n_channels: as in the file."
        )
        return fits[0], [_wrong(text, path)], frozenset()
    (fit,) = best
    text += (
        f" It ends {experiment.n_timepoints - fit.n_frames:,} time points early: "
        f"{fit.n_frames:,} are whole, then {fit.remainder:,} bytes. Copy it again; if "
        "the run was aborted, --salvage keeps the whole ones."
    )
    return fit, [_wrong(text, path)], frozenset({"thor.product"})


def _possible(experiment: Experiment, told: ThorOptions) -> list[tuple[int, int]]:
    """Return the numbers of slices and channels that the file may hold."""
    slices = [experiment.steps]
    if experiment.is_fast_z and experiment.flyback:
        slices.append(experiment.steps + experiment.flyback)
    if told.planes is not None:
        slices = [told.planes]
    channels = [len(experiment.channels)]
    if not experiment.only_enabled and experiment.n_detectors > channels[0]:
        channels.append(experiment.n_detectors)
    if told.n_channels is not None:
        channels = [max(told.n_channels, channels[0])]
    return [(z, c) for c in channels for z in slices]


def _product(
    experiment: Experiment, size: int, pairs: list[tuple[int, int]], image: int
) -> str:
    slices = sorted({z for z, _ in pairs})
    channels = sorted({c for _, c in pairs})
    products = sorted({experiment.n_timepoints * z * c * image for z, c in pairs})
    flyback = ", or + Streaming@flybackFrames" if len(slices) > 1 else ""
    every = ", or all PMT" if len(channels) > 1 else ""
    return (
        f"Experiment.xml says {experiment.n_timepoints:,} time points "
        f"(Timelapse@timepoints) x {_or(slices)} slices (ZStage@steps{flyback}) x "
        f"{_or(channels)} channels (Wavelength elements{every}) x {experiment.height} "
        f"(LSM@pixelY) x {experiment.width} (LSM@pixelX) x 2 bytes = {_or(products)}; "
        f"{size:,} bytes were found."
    )


def _or(numbers: list[int]) -> str:
    return " or ".join(f"{n:,}" for n in numbers)


def _wrong(text: str, path: Path) -> Problem:
    return Problem("thor.product", "error", text, str(path))
