"""Reader `caiman`: traces and components of a CNMF object saved as HDF5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.footprints import Footprints
from napari_neuroembed.data.hdf5 import Hdf5File, is_hdf5, open_hdf5
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.rates import TOLERANCE, RateClaim
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import CaimanOptions

DEFAULT_FR = 30
"""What CaImAn stores as the frame rate when its user gives none."""
_LARGEST_SIDE = 100_000
_UNITS = {"F_dff": "dF/F", "C": "a.u.", "S": "a.u."}


@dataclass(frozen=True)
class CaimanTraces:
    """Rows of a (component, time) data set as (time, component), read when indexed."""

    path: Path
    name: str
    rois: NDArray[np.int64]
    n_frames: int
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """(time, component)."""
        return (self.n_frames, len(self.rois))

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        time, *rest = key if isinstance(key, tuple) else (key,)
        frames = np.arange(self.n_frames)[slice(None) if time is Ellipsis else time]
        flat = np.atleast_1d(frames)
        if not flat.size:
            return np.empty((0, len(self.rois)), self.dtype)[(slice(None), *rest)]
        low, high = int(flat.min()), int(flat.max()) + 1
        with open_hdf5(self.path) as file:
            rows = file.numbers(self.name, (slice(None), slice(low, high)))
        traces = np.ascontiguousarray(rows[self.rois][:, flat - low].T)
        return traces[(0 if np.ndim(frames) == 0 else slice(None), *rest)]


class CaimanReader:
    """Traces of the accepted components, F_dff where there is one, with their pixels.

    The frame rate in the file is CaImAn's own default unless its user changed it, so
    it must be confirmed.
    """

    name = "caiman"
    kinds: tuple[Kind, ...] = ("trace",)
    options = CaimanOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.95 for HDF5 with estimates/C; MATLAB files are known to refuse."""
        if len(source.paths) > 1 or not source.path.is_file():
            return 0.0, "is not one file"
        if _is_matlab(source.path):
            return 0.5, "is a MATLAB file"
        if not is_hdf5(source.path):
            return 0.0, "is no HDF5 file"
        try:
            with open_hdf5(source.path) as file:
                if "estimates/C" in file:
                    return 0.95, "holds estimates/C"
        except DataError:
            return 0.0, "is a damaged HDF5 file"
        return 0.0, "holds no estimates/C"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read shapes and settings."""
        return describe_signals(self._load(source, options))

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the traces lazily, with the pixels of their components."""
        del salvage
        signals = self._load(source, options)
        signals = _with_rate(signals, rate_hz, accept)
        return read_signals(_with_pixels(signals), rate_hz, accept)

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(CaimanOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader caiman takes one file.")
        if _is_matlab(source.path):
            raise DataError(
                f"{source.path} is a MATLAB file; results of the MATLAB version are "
                "not read yet. Save the traces (time x region) as csv or npz, or save "
                "from CaImAn in Python with cnm.save('results.hdf5'). [caiman.matlab]"
            )
        with open_hdf5(source.path) as file:
            name = _choose(file, told)
            n_rois, n_frames = file.shape(f"estimates/{name}")
            chosen = _accepted(file, n_rois)
            rois = np.arange(n_rois) if chosen is None or told.all_rois else chosen
            traces = CaimanTraces(
                source.path,
                f"estimates/{name}",
                rois,
                n_frames,
                file.dtype(f"estimates/{name}"),
            )
            return Signals(
                name=source.name,
                kind="trace",
                data=traces,
                names=tuple(f"roi{i}" for i in rois),
                unit=_UNITS[name],
                facts={
                    "trace": name,
                    "rois": n_rois,
                    "accepted": None if chosen is None else len(chosen),
                    "fr": _frame_rate(file),
                },
                problems=tuple(_lengths(file)),
            )


def _is_matlab(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(7) == b"MATLAB "


def _is_table(file: Hdf5File, name: str) -> bool:
    """Whether a data set is a matrix; what is missing is stored as a text."""
    return (
        name in file
        and file.dtype(name).kind in "biuf"
        and len(file.shape(name)) == 2
        and 0 not in file.shape(name)
    )


def _choose(file: Hdf5File, told: CaimanOptions) -> str:
    there = [name for name in _UNITS if _is_table(file, f"estimates/{name}")]
    wanted: str = told.trace or (there[0] if there else "C")
    if wanted not in there:
        listed = ", ".join(there or [*file.datasets][:8]) or "nothing"
        raise DataError(
            f"{file.path}: expected traces (component x time) in estimates/{wanted}, "
            f"found {listed}. Give a file that cnm.save of CaImAn wrote. "
            "[caiman.content]"
        )
    return wanted


def _accepted(file: Hdf5File, n_rois: int) -> NDArray[np.int64] | None:
    """Return the components that were accepted; None when none were judged."""
    name = "estimates/idx_components"
    if name not in file or file.dtype(name).kind not in "iu":
        return None
    found = file.numbers(name).ravel().astype(np.int64)
    bad = found[(found < 0) | (found >= n_rois)]
    if bad.size or not found.size:
        what = f"names component {bad[0]}" if bad.size else "accepts no component"
        raise DataError(
            f"{file.path}: idx_components {what} of {n_rois:,}. Evaluate the "
            "components again, or take all with all_rois: true. [caiman.lengths]"
        )
    return np.unique(found)


def _frame_rate(file: Hdf5File) -> float | None:
    name, group = "params/data/fr", "params/data"
    value: Any = None
    if name in file and file.dtype(name).kind in "iuf" and not file.shape(name):
        value = file.numbers(name).item()
    elif group in file.groups:
        value = file.attribute(group, "fr")
    if not isinstance(value, int | float) or not 0 < value < np.inf:
        return None
    return float(value)


def _lengths(file: Hdf5File) -> list[Problem]:
    counts = {
        name: file.shape(f"estimates/{name}")[0]
        for name in _UNITS
        if _is_table(file, f"estimates/{name}")
    }
    if len(set(counts.values())) < 2:
        return []
    listed = ", ".join(f"{name} has {n:,}" for name, n in counts.items())
    text = f"{listed} components; expected equal numbers. Save the object again."
    return [Problem("caiman.lengths", "error", text, str(file.path))]


def _with_rate(
    signals: Signals, rate_hz: float | None, accept: frozenset[str]
) -> Signals:
    """Take the file's frame rate only where somebody confirms it."""
    fr = signals.facts["fr"]
    if fr is None:
        return signals
    origin = "which is CaImAn's default" if fr == DEFAULT_FR else "params/data/fr"
    if rate_hz is None:
        n = signals.data.shape[0]
        text = (
            f'"{signals.name}" holds {n:,} frames but no confirmed frame rate: it says '
            f"fr = {fr:g} per second ({origin}); CaImAn stores a default when its user "
            f"gives none. Confirm it, or give the right one, with --rate {fr:g} "
            f"(--trace-rate {fr:g} beside --trace), or point to a timestamp file with "
            '--sync. To take it as it is: --accept caiman.fr --why "...".'
        )
        problem = Problem("caiman.fr", "error", text, signals.name)
        claims = (RateClaim(fr, "fr in the file, accepted"),)
        taken = claims if "caiman.fr" in accept else ()
        return replace(signals, claims=taken, problems=(*signals.problems, problem))
    if abs(fr - rate_hz) <= TOLERANCE * max(fr, rate_hz):
        return signals
    text = (
        f"the file says fr = {fr:g} per second ({origin}), you say {rate_hz:g}; yours "
        "is taken."
    )
    problem = Problem("caiman.fr", "warning", text, signals.name)
    return replace(signals, problems=(*signals.problems, problem))


def _with_pixels(signals: Signals) -> Signals:
    """Add the footprints of the chosen components, or why there are none."""
    traces = signals.data
    assert isinstance(traces, CaimanTraces)
    problems, found = [], None
    try:
        with open_hdf5(traces.path) as file:
            found, lacks = _footprints(file, int(signals.facts["rois"]))
        if found is not None:
            found = found.take(traces.rois)
        else:
            problems.append(
                Problem(
                    "caiman.pixels",
                    "warning",
                    f"{lacks}, so the traces come without the pixels of their regions.",
                    signals.name,
                )
            )
    except DataError as error:
        text = f"the pixels of the components were not read. {error}"
        problems.append(Problem("footprints.invalid", "error", text, signals.name))
    return replace(signals, footprints=found, problems=(*signals.problems, *problems))


def _footprints(file: Hdf5File, n_rois: int) -> tuple[Footprints | None, str]:
    """Read A, whose rows are the pixels of the image column by column."""
    head = "estimates/A"
    if f"{head}/data" not in file:
        return None, f"there is no {head}"
    dims = [n for n in ("dims", "estimates/dims") if _is_size(file, n)]
    if not dims:
        return None, "the size of the image (dims) is not in the file"
    size = file.numbers(dims[0])
    if size.size != 2:
        return None, f"the image has {size.size} dimensions"
    height, width = (int(n) for n in size)
    starts = file.numbers(f"{head}/indptr").ravel().astype(np.int64)
    places = file.numbers(f"{head}/indices").ravel().astype(np.int64)
    shape = file.numbers(f"{head}/shape").ravel().tolist()
    if shape != [height * width, n_rois] or starts.size != n_rois + 1:
        raise DataError(
            f"{file.path}: A is {shape}, expected {height * width:,} pixels "
            f"({height} x {width}) x {n_rois:,} components."
        )
    inside = (places >= 0) & (places < height * width)
    footprints = Footprints(
        shape=(height, width),
        starts=starts,
        y=np.where(inside, places % height, -1).astype(np.int32),
        x=np.where(inside, places // height, -1).astype(np.int32),
        weights=file.numbers(f"{head}/data").ravel().astype(np.float32),
    )
    return footprints, ""


def _is_size(file: Hdf5File, name: str) -> bool:
    return (
        name in file
        and file.dtype(name).kind in "iu"
        and len(file.shape(name)) == 1
        and bool(((sizes := file.numbers(name)) > 0).all())
        and int(sizes.max()) <= _LARGEST_SIDE
    )
