"""Open the streams of one recording through their readers and tie their clocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.clocks import (
    MAX_DRIFT_PPM,
    check_drift,
    check_overlap,
    frame_map,
)
from napari_neuroembed.data.clocks.shared import share_clock, steady, whole
from napari_neuroembed.data.clocks.sync_numbers import read_numbers
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project import counter_sync
from napari_neuroembed.data.project.reading import describe_stream, read_stream
from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.project.sources import find_files
from napari_neuroembed.data.project.spec import (
    FrameCounterSync,
    IndexMapSync,
    LikeSync,
    OffsetSync,
    RecordingSpec,
    StreamSpec,
    TimestampsSync,
)
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import DataError

RATE_TOLERANCE = 0.01
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


@dataclass
class Opened:
    """The streams of a recording on one clock, and what was found on the way.

    Parameters
    ----------
    streams
        In the order of project.yaml.
    problems
        Not yet judged; :mod:`napari_neuroembed.data.project.acceptance` does that.
    """

    streams: dict[str, Stream] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def open_recording(
    spec: RecordingSpec,
    roots: Roots,
    *,
    accept: Collection[str] = (),
    max_drift_ppm: float = MAX_DRIFT_PPM,
) -> Opened:
    """Open all streams of a recording, lazily, on the recording's clock.

    Parameters
    ----------
    spec
        The recording as project.yaml has it.
    roots
        Where this machine keeps the files.
    accept
        Ids of the checks that a reader may pass over.
    max_drift_ppm
        Limit of :func:`napari_neuroembed.data.clocks.check_drift`.

    Raises
    ------
    DataError
        When a file is missing or refused by its reader, or a sync cannot be applied.
    """
    opener = _Opener(spec, roots, frozenset(accept), max_drift_ppm)
    # A map may give its target measured times, which others then share: maps first.
    for name in sorted(spec.streams, key=lambda n: not _is_map(spec.streams[n])):
        opener.open(name)
    streams = {name: opener.streams[name] for name in spec.streams}
    problems = [*opener.problems, *check_overlap(streams, spec.id)]
    problems += [
        Problem("reader.note", "note", f"{name}: {note}", spec.id)
        for name, stream in streams.items()
        for note in stream.facts.get("notes", ())
    ]
    return Opened(streams, problems)


class _Opener:
    """Opens streams in the order their clocks depend on each other."""

    def __init__(
        self,
        spec: RecordingSpec,
        roots: Roots,
        accept: frozenset[str],
        max_drift_ppm: float,
    ) -> None:
        self.spec = spec
        self.roots = roots
        self.accept = accept
        self.max_drift_ppm = max_drift_ppm
        self.streams: dict[str, Stream] = {}
        self.problems: list[Problem] = []
        self._open: list[str] = []

    def open(self, name: str) -> Stream:
        """Open one stream after those its clock needs."""
        if name in self.streams:
            return self.streams[name]
        if name not in self.spec.streams:
            asks = f" (sync of {self._open[-1]})" if self._open else ""
            known = ", ".join(self.spec.streams)
            raise self._error(f"there is no stream {name!r}{asks}. Known: {known}.")
        if name in self._open:
            circle = " -> ".join([*self._open, name])
            raise self._error(f"syncs run in a circle: {circle}.")
        self._open.append(name)
        spec = self.spec.streams[name]
        tied = self._tie(name, spec)
        self.streams[name] = replace(tied, time=steady(tied.time, spec.rate_hz))
        self._open.pop()
        return self.streams[name]

    def _tie(self, name: str, spec: StreamSpec) -> Stream:
        sync = spec.sync
        if isinstance(sync, LikeSync):
            return self._like(name, spec, sync)
        if isinstance(sync, TimestampsSync):
            return self._timestamps(name, spec, sync)
        if isinstance(sync, IndexMapSync):
            return self._index_map(name, spec, sync)
        if isinstance(sync, FrameCounterSync):
            return self._frame_counter(name, spec, sync)
        stream = self._read(name, spec, self._rate(name, spec))
        if isinstance(sync, OffsetSync):
            by = sync.start_s - stream.time.start_s
            return replace(stream, time=stream.time.shifted(by))
        return stream

    def _rate(self, name: str, spec: StreamSpec) -> float | None:
        """Return the declared rate, or the one that a map onto this stream measures."""
        if spec.rate_hz is not None:
            return spec.rate_hz
        for other, its in self.spec.streams.items():
            if isinstance(its.sync, IndexMapSync) and its.sync.stream == name:
                return self._measured_rate(other, its, its.sync)
        return None

    def _measured_rate(
        self, other: str, its: StreamSpec, sync: IndexMapSync
    ) -> float | None:
        """Return the rate of the target seen by the mapping stream's own clock."""
        if its.rate_hz is None:
            return None
        clock = self._read(other, its, its.rate_hz).time
        values, name = self._map_values(sync, clock.n_frames)
        n_target = int(np.nanmax(values, initial=0)) + 1
        index, _ = frame_map.read_map(values, n_target, name)
        return frame_map.fit_map(index, clock, n_target, None).rate_hz

    def _read(
        self,
        name: str,
        spec: StreamSpec,
        rate_hz: float | None,
        also: frozenset[str] = frozenset(),
    ) -> Stream:
        return read_stream(
            name,
            spec,
            self.roots,
            rate_hz=rate_hz,
            accept=self.accept | also,
            salvage=self.spec.salvage,
        )

    def _like(self, name: str, spec: StreamSpec, sync: LikeSync) -> Stream:
        other = self.open(sync.stream)
        stream = self._read(name, spec, spec.rate_hz or 1.0 / other.time.period_s)
        stream = self._whole(name, stream, len(other))
        other = self._whole(sync.stream, other, len(stream))
        time, valid = share_clock(len(stream), other.time)
        off = abs(len(stream) - len(other))
        if off:
            advice = "Re-export the shorter one."
            self._problem(
                "pose.length",
                "error" if off > 1 else "warning",
                f"{name} has {len(stream):,} frames but {sync.stream}, whose clock it "
                f"shares, has {len(other):,} (one frame of difference is let pass). "
                f"{advice} Accepted, the frames both have are used.",
            )
        return replace(stream, time=time, valid=stream.valid & valid)

    def _timestamps(self, name: str, spec: StreamSpec, sync: TimestampsSync) -> Stream:
        if sync.file is None:
            stream = self._read(name, spec, spec.rate_hz)
            if stream.time.is_regular:
                raise self._error(
                    f"the file of {name} holds no time of every frame, as its sync "
                    "says. Name the file of the times, or give rate_hz and sync: "
                    "{kind: offset, start_s: ...}."
                )
            self._compare_rates(name, spec.rate_hz, stream.time)
            return replace(stream, time=stream.time.shifted(sync.start_s))
        (file,) = self._files(sync.file)
        times = read_numbers(file, sync.column) * _SECONDS[sync.unit] + sync.start_s
        rate = (times.size - 1) / (times[-1] - times[0]) if times.size > 1 else None
        stream = self._read(name, spec, spec.rate_hz or rate)
        stream = self._whole(name, stream, times.size)
        if times.size != len(stream):
            raise self._error(
                f"{file} holds {times.size:,} times but {name} has {len(stream):,} "
                "frames [sync.length]."
            )
        bad = np.flatnonzero(~(np.diff(times, prepend=-np.inf) > 0))
        if bad.size:
            i = int(bad[0])
            raise self._error(
                f"the times of {name} in {file} must increase: frame {i} is at "
                f"{times[i]} s, the frame before it at {times[max(i - 1, 0)]} s "
                f"({bad.size} such places) [time.not_increasing]."
            )
        axis = TimeAxis(times.size, times_s=times)
        self._compare_rates(name, spec.rate_hz, axis)
        return replace(stream, time=axis)

    def _compare_rates(self, name: str, declared: float | None, axis: TimeAxis) -> None:
        if declared is None or axis.n_frames < 2:
            return
        centers = axis.centers()
        steady = np.diff(centers)[np.diff(centers) <= 1.5 * axis.period_s]
        measured = 1.0 / float(steady.mean())
        drift = declared / measured - 1
        if abs(drift) > RATE_TOLERANCE:
            self._problem(
                "rate.conflict",
                "error",
                f"{name}: rate_hz says {declared:g} frames per second, its times say "
                f"{measured:g}. Accepted, the times decide.",
            )
        else:
            self.problems += check_drift(
                recording=self.spec.id,
                stream=name,
                drift_ppm=drift * 1e6,
                limit_ppm=self.max_drift_ppm,
            )

    def _index_map(self, name: str, spec: StreamSpec, sync: IndexMapSync) -> Stream:
        if spec.rate_hz is None:
            raise self._error(
                f"{name} is tied by an index map and needs its own rate_hz "
                "(--pose-rate) [rate.missing]."
            )
        target = self.open(sync.stream)
        stream = self._read(name, spec, spec.rate_hz)
        values, file = self._map_values(sync, len(stream))
        index, problems = frame_map.read_map(values, len(target), file)
        self.problems += [replace(p, where=self.spec.id) for p in problems]
        if any(p.id == "sync.order" for p in problems):
            index = frame_map.only_rising(index)
        declared = target.time.rate_hz
        fit = frame_map.fit_map(index, stream.time, len(target), declared)
        self.problems += check_drift(
            recording=self.spec.id,
            stream=sync.stream,
            drift_ppm=fit.drift_ppm,
            error_ppm=fit.drift_error_ppm,
            limit_ppm=self.max_drift_ppm,
        )
        if target.time.is_regular and fit.deviation_frames > 0.5:
            self._problem(
                "sync.deviation",
                "warning",
                f"frames of {sync.stream} lie up to {fit.deviation_frames:.2f} frames "
                f"off their regular times by the clock of {name} "
                f"({fit.drift_ppm:+,.0f} ppm); the measured times are used.",
            )
            measured = TimeAxis(len(target), times_s=fit.times_s + target.time.start_s)
            self.streams[sync.stream] = replace(target, time=measured)
        start = fit.start_s + target.time.start_s - stream.time.start_s
        return replace(
            stream,
            time=stream.time.shifted(start),
            valid=stream.valid & (index >= 0),
        )

    def _frame_counter(
        self, name: str, spec: StreamSpec, sync: FrameCounterSync
    ) -> Stream:
        counter_sync.check_one_file(self.spec, sync)
        about = describe_stream(name, spec, self.roots)
        found = counter_sync.frame_times(
            name, about, sync, self.roots, reader=spec.reader
        )
        for problem in (*found.times.problems, *counter_sync.compare_rates(found)):
            self._problem(problem.id, problem.severity, f"{name}: {problem.text}")
        stream = self._read(name, spec, found.rate_hz, frozenset({"rate.conflict"}))
        axis, valid = found.on(len(stream))
        self._compare_rates(name, spec.rate_hz, axis)
        facts = {**stream.facts, "rate_origin": found.origin}
        return replace(stream, time=axis, valid=stream.valid & valid, facts=facts)

    def _map_values(
        self, sync: IndexMapSync, n_frames: int
    ) -> tuple[NDArray[np.float64], str]:
        (file,) = self._files(sync.file)
        frames = None
        if sync.frames is not None:
            (listed,) = self._files(sync.frames)
            frames = read_numbers(listed)
        values = read_numbers(file, sync.column)
        return frame_map.place_map(values, frames, n_frames, str(file)), str(file)

    def _files(self, source: str) -> tuple[Path]:
        files = find_files(source, self.roots)
        if len(files) != 1 or not files[0].is_file():
            raise self._error(f"{source} stands for {len(files)} files, expected one.")
        return (files[0],)

    def _whole(self, name: str, stream: Stream, n: int) -> Stream:
        """Return a stream with the frames that its file leaves out at the end."""
        found, problems = whole(stream, n, name, self.spec.id)
        self.problems += problems
        if name in self.streams:
            self.streams[name] = found
        return found

    def _problem(self, check: str, severity: Any, text: str) -> None:
        text = f"Recording {self.spec.id!r}: {text}"
        self.problems.append(Problem(check, severity, text, self.spec.id))

    def _error(self, text: str) -> DataError:
        return DataError(f"Recording {self.spec.id!r}: {text}")


def rate_origin(name: str, stream: Stream, spec: RecordingSpec) -> str:
    """Say where the clock of a stream comes from."""
    declared = spec.streams[name]
    if declared.sync is not None and declared.sync.kind == "like":
        return f"as {declared.sync.stream}"
    if declared.sync is not None and declared.sync.kind == "timestamps":
        return "time of every frame"
    told = str(stream.facts.get("rate_origin") or "")
    return "as given" if told.startswith("rate_hz") else told or "from the file"


def _is_map(stream: StreamSpec) -> bool:
    return isinstance(stream.sync, IndexMapSync)
