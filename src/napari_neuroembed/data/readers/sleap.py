"""Reader `sleap`: the Analysis HDF5 that SLEAP exports."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.hdf5 import Hdf5File, is_hdf5, open_hdf5
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.individuals import choose_individual
from napari_neuroembed.data.readers.signals import (
    Signals,
    describe_signals,
    read_signals,
)
from napari_neuroembed.data.recording import ENDS_EARLY, Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import SleapOptions

Axes = tuple[str, ...]
_AXES: Axes = ("frame", "track", "node", "xy")
_LAYOUTS: tuple[Axes, ...] = (
    ("track", "xy", "node", "frame"),
    ("frame", "track", "node", "xy"),
    ("frame", "node", "xy", "track"),
)
"""Orders that programs write: SLEAP, sleap-io `standard`, SLEAP untransposed."""


class SleapReader:
    """Tracked points of one animal; the order of the axes is found, not assumed."""

    name = "sleap"
    kinds: tuple[Kind, ...] = ("pose",)
    options = SleapOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.95 for an analysis file, and for a project, which is refused."""
        if len(source.paths) > 1 or not is_hdf5(source.path):
            return 0.0, "is not one HDF5 file"
        try:
            with open_hdf5(source.path) as file:
                if _is_project(file):
                    return 0.95, "is a SLEAP project"
                if "tracks" in file and "node_names" in file:
                    return 0.95, "holds tracks and node_names"
        except DataError:
            return 0.0, "is a damaged HDF5 file"
        return 0.0, "holds no tracks and node_names"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the points of one animal."""
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
        """Read the points of one animal; the file has no rate, so it must be given."""
        del salvage
        signals = self._load(source, options)
        return read_signals(signals, rate_hz, accept - {"pose.individuals"})

    def _load(self, source: Source, options: Mapping[str, Any]) -> Signals:
        told = parse_options(SleapOptions, options, self.name, self.kinds)
        if len(source.paths) > 1:
            raise DataError(f"{source.name}: the reader sleap takes one file.")
        with open_hdf5(source.path) as file:
            _refuse_others(file, source)
            tracks = _Tracks.find(file, told.axes)
            more = tracks.seen(file) if len(tracks.names) > 1 else ""
            own, problems = choose_individual(
                tracks.names, told.individual, source.name, more
            )
            one = tracks.names.index(own) if own else 0
            data = tracks.of(file, one)
            confidence, doubts = tracks.scores(file, one, data)
        if told.n_frames is not None:
            doubts += _short(len(data), told.n_frames, source.name)
            data = _lengthen(data, told.n_frames)
            confidence = (
                None if confidence is None else _lengthen(confidence, told.n_frames)
            )
        return Signals(
            name=source.name,
            kind="pose",
            data=data,
            names=tracks.nodes,
            unit=told.unit,
            confidence=confidence,
            facts={
                "axes": list(tracks.axes),
                "individuals": list(tracks.names),
                ENDS_EARLY: "SLEAP ends a file at the last labelled frame",
            },
            problems=(*problems, *doubts, *tracks.doubts),
        )


@dataclass(frozen=True)
class _Tracks:
    """How the arrays of a file lie: names of tracks and nodes, order of the axes."""

    names: tuple[str, ...]
    nodes: tuple[str, ...]
    axes: Axes
    n_frames: int
    doubts: tuple[Problem, ...] = ()

    @classmethod
    def find(cls, file: Hdf5File, told: Sequence[str]) -> _Tracks:
        """Read the names, and decide the order of the axes.

        Raises
        ------
        DataError
            When two orders are possible, or none (`pose.axes`).
        """
        names = tuple(file.texts("track_names")) if _filled(file, "track_names") else ()
        nodes = tuple(file.texts("node_names"))
        twice = [n for found in (names, nodes) for n in found if found.count(n) > 1]
        if twice or not nodes:
            what = f"{twice[0]!r} is the name of two" if twice else "there is no node"
            raise DataError(
                f"{file.path}: {what}; expected nodes and tracks with names of their "
                "own. Rename them in SLEAP and export again. [pose.header]"
            )
        shape = file.shape("tracks")
        lengths = {"track": max(1, len(names)), "node": len(nodes), "xy": 2}
        doubts: tuple[Problem, ...] = ()
        axes = tuple(told) or _stated_axes(file)
        if not axes:
            axes, doubts = _decide(file, shape, lengths)
        if sorted(axes) != sorted(_AXES) or not _fits(axes, shape, lengths):
            raise _undecided(file, shape, lengths, f"the axes {', '.join(axes)}")
        return cls(names, nodes, axes, shape[axes.index("frame")], doubts)

    def of(self, file: Hdf5File, one: int) -> NDArray[np.float64]:
        """Return the points of a track, (frame, node, xy)."""
        key = tuple(one if axis == "track" else slice(None) for axis in self.axes)
        rest = [axis for axis in self.axes if axis != "track"]
        values = file.numbers("tracks", key)
        order = [rest.index(axis) for axis in ("frame", "node", "xy")]
        return np.ascontiguousarray(values.transpose(order), dtype=np.float64)

    def scores(
        self, file: Hdf5File, one: int, data: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64] | None, list[Problem]]:
        """Return the confidence of every point, (frame, node), if it is there.

        A point without a score was placed by a person, so it counts as certain.
        """
        if "point_scores" not in file:
            return None, []
        axes = tuple(axis for axis in self.axes if axis != "xy")
        sizes = {"frame": self.n_frames, "track": max(1, len(self.names))}
        sizes["node"] = len(self.nodes)
        wanted = tuple(sizes[axis] for axis in axes)
        if file.shape("point_scores") != wanted:
            text = (
                f"point_scores has shape {file.shape('point_scores')}, expected "
                f"{wanted} like tracks; the confidence is left out."
            )
            return None, [Problem("pose.scores", "warning", text, str(file.path))]
        key = tuple(one if axis == "track" else slice(None) for axis in axes)
        scores = file.numbers("point_scores", key).astype(np.float64)
        if axes.index("frame") > axes.index("node"):
            scores = scores.T
        by_hand = np.isnan(scores) & np.isfinite(data).all(axis=2)
        return np.where(by_hand, 1.0, scores), []

    def seen(self, file: Hdf5File) -> str:
        """Say in how many frames each track was found, where the file says so."""
        n, k = self.n_frames, len(self.names)
        if n == k or "track_occupancy" not in file:
            return ""
        shape = file.shape("track_occupancy")
        if sorted(shape) != sorted((n, k)):
            return ""
        counts = (file.numbers("track_occupancy") != 0).sum(axis=shape.index(n))
        listed = ", ".join(f"{int(count):,}" for count in counts)
        return f" (seen in {listed} of {n:,} frames)"


def _short(n: int, n_video: int, name: str) -> list[Problem]:
    """Return the warning that a file ends before its video.

    Raises
    ------
    DataError
        When it does not.
    """
    if n > n_video:
        raise DataError(
            f"{name} has {n:,} frames, but n_frames says {n_video:,}. Give the frames "
            "of the video, or leave it out. [pose.length]"
        )
    if n == n_video:
        return []
    text = (
        f"the file has {n:,} frames, its video {n_video:,}; the last {n_video - n:,} "
        "count as not tracked."
    )
    return [Problem("pose.short", "warning", text, name)]


def _lengthen(values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    lost = np.full((n - len(values), *values.shape[1:]), np.nan)
    return np.concatenate([values, lost])


def _is_project(file: Hdf5File) -> bool:
    return "tracks" not in file.datasets and {"frames", "instances"} <= set(
        file.datasets
    )


def _filled(file: Hdf5File, name: str) -> bool:
    return name in file and 0 not in file.shape(name)


def _refuse_others(file: Hdf5File, source: Source) -> None:
    if _is_project(file):
        raise DataError(
            f"{source.path} is a SLEAP project. Open it in SLEAP and export Analysis "
            "HDF5 from SLEAP (File, Export Analysis HDF5), then give that file. "
            "[pose.header]"
        )
    if "tracks" not in file or "node_names" not in file:
        there = ", ".join([*file.datasets][:8]) or "nothing"
        raise DataError(
            f"{source.path}: expected tracks and node_names of a SLEAP analysis file, "
            f"found {there}. Export Analysis HDF5 from SLEAP. [pose.header]"
        )
    if len(file.shape("tracks")) != 4:
        raise DataError(
            f"{source.path}: tracks has shape {file.shape('tracks')}, expected four "
            "axes: tracks, x and y, nodes, frames. Export it again. [pose.axes]"
        )


def _stated_axes(file: Hdf5File) -> Axes:
    """Return the names of the axes that newer exports store."""
    stated = file.attribute("tracks", "dims")
    try:
        names = json.loads(stated) if isinstance(stated, str | bytes) else stated
    except ValueError:
        return ()
    found = tuple(str(name) for name in names) if isinstance(names, list) else ()
    return found if sorted(found) == sorted(_AXES) else ()


def _decide(
    file: Hdf5File, shape: tuple[int, ...], lengths: Mapping[str, int]
) -> tuple[Axes, tuple[Problem, ...]]:
    """Return the one order of axes that the lengths allow.

    Where the frames are must follow from the lengths alone. Nodes, tracks and x and y
    may have equal lengths; then the order is that of the one program that puts the
    frames there, which is noted.
    """
    possible = [a for a in itertools.permutations(_AXES) if _fits(a, shape, lengths)]
    if len({_long_axes(axes, shape) for axes in possible}) == 1:
        return possible[0], ()
    known = [axes for axes in _LAYOUTS if axes in possible]
    if len(known) != 1 or len({axes.index("frame") for axes in possible}) > 1:
        raise _undecided(file, shape, lengths, "")
    text = (
        f"tracks has shape {shape}, read as {', '.join(known[0])} as SLEAP writes it; "
        "other orders have the same lengths. If another program wrote the file, say "
        "axes: [...]."
    )
    return known[0], (Problem("pose.axes", "note", text, str(file.path)),)


def _long_axes(axes: Axes, shape: tuple[int, ...]) -> Axes:
    """Return the order of the axes that are longer than one."""
    return tuple(axis for axis, n in zip(axes, shape, strict=True) if n > 1)


def _fits(axes: Axes, shape: tuple[int, ...], lengths: Mapping[str, int]) -> bool:
    return all(
        axis == "frame" or lengths[axis] == n
        for axis, n in zip(axes, shape, strict=True)
    )


def _undecided(
    file: Hdf5File, shape: tuple[int, ...], lengths: Mapping[str, int], told: str
) -> DataError:
    what = f"{told} do not fit" if told else "which axis is which cannot be told from"
    return DataError(
        f"{file.path}: tracks has shape {shape}; {what} {lengths['track']} tracks, "
        f"{lengths['node']} nodes and x and y. Say axes: [track, xy, node, frame] or "
        "axes: [frame, track, node, xy]. [pose.axes]"
    )
