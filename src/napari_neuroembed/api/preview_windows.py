"""Windows of movies as augmentations see them, and frames that can be donors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from napari_neuroembed.api.preview_sources import FieldError, span_of
from napari_neuroembed.data.recording import LazyArray, Recording, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.preprocessing.frames import LARGEST
from napari_neuroembed.training.batches import MEDIAN_FRAMES
from napari_neuroembed.training.normalise import sample_frames, take

_NAMED = 5
_CHUNK = 64
Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Movie:
    """Frames of one recording, or of a given array.

    Parameters
    ----------
    recording, animal
        Names.
    data
        (time, y, x), lazily.
    valid
        (time,): frames that may be used.
    time
        The clock of `data`.
    first
        Number of the first frame of `data` in its recording.
    units
        Of a value.
    stamp
        What changes with the data of a prepared recording; None: not prepared.
    """

    recording: str
    animal: str
    data: LazyArray
    valid: NDArray[np.bool_]
    time: TimeAxis
    first: int = 0
    units: str = ""
    stamp: Hashable = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.data.shape[1]), int(self.data.shape[2])

    def frames(self, index: NDArray[np.int64]) -> Float:
        """Read frames of `data`, in increasing order, as float32 and no integers."""
        with np.errstate(over="ignore"):  # what is too large becomes Inf, and is told
            return take(self.data, index)

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """The frames that hold nothing but numbers.

        Prepared recordings say it themselves; a given array is looked through.
        """
        if self.stamp is not None or self.data.dtype.kind != "f":
            return self.valid
        parts = [
            _is_number(np.asarray(self.data[first : first + _CHUNK]))
            for first in range(0, len(self.valid), _CHUNK)
        ]
        return self.valid & np.concatenate(parts)


@dataclass(frozen=True)
class Window:
    """The frames of one window.

    Parameters
    ----------
    frames
        Numbers within the movie's `data`.
    values
        (time, y, x), float32, finite.
    center_s
        Its middle on the movie's clock.
    """

    frames: NDArray[np.int64]
    values: Float
    center_s: float


@dataclass(frozen=True)
class Scale:
    """What the strength of noise and the donors are relative to.

    Parameters
    ----------
    sd
        Standard deviation of all values of a movie, of up to 200 frames.
    median
        (y, x), temporal median of these frames, as in training.
    """

    sd: float
    median: Float


def images_of(recording: Recording) -> str | None:
    """Return the name of a prepared recording's images, None where it has none."""
    return next(iter(recording.of_kind("neural")), None)


def movie_of(recording: Recording, stamp: Hashable) -> Movie:
    """Return the images of a prepared recording."""
    name = images_of(recording)
    assert name is not None
    stream = recording.streams[name]
    return Movie(
        recording=recording.id,
        animal=recording.animal,
        data=stream.data,
        valid=stream.valid,
        time=stream.time,
        units=stream.units,
        stamp=stamp,
    )


def window_of(movie: Movie, frame: int, n_frames: int, step: int) -> Window:
    """Read the window about a frame of the recording.

    Raises
    ------
    FieldError
        When the recording is shorter than a window, or the frame is not in it.
    DataError
        When the window crosses a gap, or frames hold no numbers (with their count).
    """
    n_all = int(movie.data.shape[0])
    span = (n_frames - 1) * step + 1
    if span > n_all:
        raise FieldError(
            f"A window of {n_frames:,} frames, every {step}, needs {span:,}; "
            f"{movie.recording} has {n_all:,} here. Choose a shorter window.",
            "n_frames",
        )
    first, _ = span_of(frame - movie.first, span, n_all, movie.recording)
    frames = first + step * np.arange(n_frames, dtype=np.int64)
    segments = movie.time.segment_ids()
    if segments[frames[0]] != segments[frames[-1]]:
        raise DataError(
            f"{movie.recording}: frames {frames[0] + movie.first:,} to "
            f"{frames[-1] + movie.first:,} have a gap in time between them, so that no "
            "window lies here. Look at another moment."
        )
    values = movie.frames(frames)
    _refuse_nonfinite(movie, frames, values)
    center = movie.time.center(int(frames[0])) + movie.time.center(int(frames[-1]))
    return Window(frames, values, center / 2)


def scale_of(movie: Movie) -> Scale:
    """Return spread and median of frames spread over a movie."""
    values = movie.frames(sample_frames(movie.usable, MEDIAN_FRAMES))
    if not len(values):
        return Scale(0.0, np.zeros(movie.shape, dtype=np.float32))
    median = torch.from_numpy(values).median(0).values.numpy()
    return Scale(float(values.std(dtype=np.float64)), median)


def away_from(
    window: Window, movie: Movie, candidates: Sequence[Movie], guard: int
) -> list[NDArray[np.int64]]:
    """Return the usable frames of each candidate that may be donors of a window.

    Parameters
    ----------
    window, movie
        The window and whose it is.
    candidates
        Movies of the same animal.
    guard
        Frames a donor stays away from the window.
    """
    found = []
    for one in candidates:
        frames = np.flatnonzero(one.usable)
        if one.recording == movie.recording:
            low, high = window.frames[0] - guard, window.frames[-1] + guard
            frames = frames[(frames < low) | (frames > high)]
        found.append(frames)
    return found


def _refuse_nonfinite(movie: Movie, frames: NDArray[np.int64], values: Float) -> None:
    bad = frames[~_is_number(values)] + movie.first
    if bad.size:
        first = ", ".join(f"{i:,}" for i in bad[:_NAMED])
        raise DataError(
            f"{movie.recording}: {bad.size} of {len(frames)} frames of this window "
            f"hold NaN, Inf or values above {LARGEST:.0e} (first: {first}), and "
            "training takes no such window. Look at another moment."
        )


def _is_number(frames: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which frames (frame, y, x) hold nothing but numbers."""
    with np.errstate(invalid="ignore"):
        largest = np.abs(frames).reshape(len(frames), -1).max(axis=1)
    return np.asarray(largest <= LARGEST)  # False for NaN
