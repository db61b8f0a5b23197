"""The sync kind ``frame_counter``: times of frames from a ThorSync file.

Time 0 of the recording is the first step of the frame counter, which is when the first
image begins, so that streams tied otherwise fit in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.clocks.frame_counter import (
    FrameTimes,
    counted_frames,
    pulsed_frames,
)
from napari_neuroembed.data.clocks.steps import Steps
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.project.sources import find_files
from napari_neuroembed.data.project.spec import FrameCounterSync, RecordingSpec
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.readers.base import Description
    from napari_neuroembed.data.readers.thor.sync_file import SyncFile

RATE_TOLERANCE = 0.01


@dataclass(frozen=True)
class Counted:
    """Times of a stream's frames on the recording's clock.

    Parameters
    ----------
    times
        Of the frames that the header of its file names.
    origin
        Where they come from, for people.
    claims
        Other statements of the rate: hertz and who says it.
    """

    times: FrameTimes
    origin: str
    claims: tuple[tuple[float, str], ...] = ()

    @property
    def rate_hz(self) -> float:
        """Frames per second, from the median period."""
        return 1.0 / self.times.period_s

    def on(self, n_frames: int) -> tuple[TimeAxis, NDArray[np.bool_]]:
        """Return clock and mask of the frames that could be read.

        Raises
        ------
        DataError
            When there are more than the header named.
        """
        times, valid = self.times.times_s, self.times.valid
        if n_frames > times.size:
            raise DataError(
                f"{self.origin}: {times.size:,} frames were announced, {n_frames:,} "
                "read; the file changed meanwhile. [sync.length]"
            )
        return TimeAxis(n_frames, times_s=times[:n_frames]), valid[:n_frames]


def frame_times(
    name: str,
    about: Description,
    sync: FrameCounterSync,
    roots: Roots,
    *,
    reader: str | None = None,
) -> Counted:
    """Return when the frames of a stream were taken.

    Images, and traces made of them, are counted by the frame counter; films, poses and
    ball movements follow the pulses of their line.

    Parameters
    ----------
    name
        Of the stream, for messages.
    about
        Of the stream's file: number of frames, counts per frame (1 of traces).
    sync, roots
        The ThorSync file and where it is.
    reader
        Name of the stream's reader.

    Raises
    ------
    DataError
        When a file or line is missing, or nothing says how fast it was sampled.
    """
    from napari_neuroembed.data.readers.thor import sync_file

    path = _file(sync.file, roots)
    found = sync_file.read_sync_file(path)
    hz, board = _sample_rate(sync, path, roots)
    counter = found.find(sync_file.COUNTER)
    is_counted = about.kind in ("neural", "trace") and reader != "thor_flow"
    usual = sync_file.COUNTER if is_counted else sync_file.CAMERA
    if reader == "thor_flow":
        usual = sync_file.FLOW
    wanted = (sync.line,) if sync.line else usual
    line = found.find(wanted)
    if line is None:
        raise DataError(_no_line(found, wanted, name, about.kind))
    steps = sync_file.line_steps(path, line)
    origin = f"{line.partition('/')[2]} of {path.name}, {hz:g} samples/s by {board}"
    called = f"{line} of {path}"
    claims = _claims(about)
    if is_counted:
        times = _images(about, steps, hz, called, is_counter=line.startswith("CI"))
    else:
        times, more = _pulses(about, sync, roots, steps, hz, called)
        claims += more
    zero = steps if line == counter else None
    if zero is None and counter is not None:
        zero = sync_file.line_steps(path, counter)
    start = float(zero.samples[0]) / hz if zero is not None and len(zero) else 0.0
    return Counted(replace(times, times_s=times.times_s - start), origin, claims)


def check_one_file(spec: RecordingSpec, sync: FrameCounterSync) -> None:
    """Refuse a recording whose streams are tied to two ThorSync files.

    Raises
    ------
    DataError
        Naming both.
    """
    for name, stream in spec.streams.items():
        other = stream.sync
        if isinstance(other, FrameCounterSync) and other.file != sync.file:
            raise DataError(
                f"Recording {spec.id!r}: {name} is tied to {other.file}, another "
                f"stream to {sync.file}. Their clocks have nothing in common; give one "
                "ThorSync file. [sync.file]"
            )


def compare_rates(found: Counted) -> list[Problem]:
    """Return ``rate.conflict`` for every other rate that is more than 1 % off."""
    problems = []
    for hz, origin in found.claims:
        if abs(hz - found.rate_hz) > RATE_TOLERANCE * max(hz, found.rate_hz):
            text = (
                f"two frame rates: {found.rate_hz:g} per second ({found.origin}) and "
                f"{hz:g} ({origin}) differ by more than 1 %. Check that the files are "
                "of one recording and the line is the right one. Accepted, ThorSync "
                "decides."
            )
            problems.append(Problem("rate.conflict", "error", text))
    return problems


def _claims(about: Description) -> tuple[tuple[float, str], ...]:
    """Return the rate that the stream's own file states.

    Where ThorImage averaged, it may be that of scans or of means: the counter decides.
    """
    if about.rate_hz is None or int(about.facts.get("averaging", 1)) > 1:
        return ()
    return ((about.rate_hz, about.rate_origin),)


def _images(
    about: Description, steps: Steps, hz: float, called: str, *, is_counter: bool
) -> FrameTimes:
    if not is_counter:  # a line that rises with every scan counts as well
        steps = replace(
            steps,
            first=0,
            values=np.arange(1, len(steps) + 1),
            falls=np.empty(0, dtype=np.int64),
        )
    return counted_frames(
        steps,
        int(about.shape[0]),
        counts_per_frame=int(about.facts.get("counts_per_frame", 1)),
        sample_rate_hz=hz,
        phase=float(about.facts.get("phase", 0.5)),
        name=called,
    )


def _pulses(
    about: Description,
    sync: FrameCounterSync,
    roots: Roots,
    steps: Steps,
    hz: float,
    called: str,
) -> tuple[FrameTimes, tuple[tuple[float, str], ...]]:
    """Return the times of pulsed frames, and the rate that the cameras were set to."""
    from napari_neuroembed.data.readers.thor.capture import read_capture

    n = int(about.shape[0])
    if sync.capture is None:
        times = pulsed_frames(steps, np.arange(n), sample_rate_hz=hz, name=called)
        if len(steps) > n and about.kind in ("pose", "video"):
            text = (
                "there is no capture_metadata.json that would say which frames the "
                "camera lost; frame n is taken for pulse n. Give it with --capture "
                "FILE."
            )
            doubt = Problem("thor.capture", "warning", text)
            times = replace(times, problems=(*times.problems, doubt))
        return times, ()
    capture = read_capture(_file(sync.capture, roots))
    numbers = capture.of_frames(n, sync.camera)
    times = pulsed_frames(steps, numbers, sample_rate_hz=hz, name=called)
    claims = ((capture.fps, f"FPS in {capture.path.name}"),) if capture.fps else ()
    return times, claims


def _sample_rate(sync: FrameCounterSync, path: Path, roots: Roots) -> tuple[float, str]:
    from napari_neuroembed.data.readers.thor.sync_file import SETTINGS, read_sample_rate

    settings = path.parent / SETTINGS
    if sync.settings is not None:
        settings = _file(sync.settings, roots)
    if not settings.is_file():
        if sync.sample_rate_hz is not None:
            return sync.sample_rate_hz, "--sync-rate"
        raise DataError(
            f"{path}: nothing says how fast it was sampled: {SETTINGS} is not beside "
            "it. Copy it there, name it with --sync-settings FILE, or give the samples "
            "per second with --sync-rate HZ. [rate.missing]"
        )
    if sync.sample_rate_hz is None:
        return read_sample_rate(settings)
    return sync.sample_rate_hz, "--sync-rate"


def _no_line(found: SyncFile, wanted: Sequence[str], name: str, kind: str) -> str:
    """Say which lines there are, and how often the digital ones rise."""
    from napari_neuroembed.data.readers.thor.sync_file import line_steps

    rises = {
        line: len(line_steps(found.path, f"DI/{line}"))
        for line in found.lines.get("DI", ())
    }
    living = ", ".join(f"{line} {n:,} times" for line, n in rises.items() if n)
    names = " or ".join(repr(one) for one in wanted)
    flag = "--camera-line NAME" if kind in ("pose", "video") else f"--line {name}=NAME"
    return (
        f"{found.path}: no line named {names} for {name}. {found.listed()}. Digital "
        f"lines that rise: {living or 'none'}. Choose with {flag}. [thor.line]"
    )


def _file(source: str, roots: Roots) -> Path:
    files = find_files(source, roots)
    if len(files) != 1 or not files[0].is_file():
        raise DataError(
            f"{source} stands for {len(files)} files, expected one. [source.missing]"
        )
    return files[0]
