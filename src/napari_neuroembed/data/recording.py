"""One continuous recording of one animal: streams in seconds, each on its own clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.footprints import Footprints
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.bouts import Bouts

Kind = Literal["neural", "pose", "trace", "scalar", "video"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Covariate = str | float | int | bool

ENDS_EARLY = "ends_early"
"""Fact of a stream whose file may end before its camera did, and why."""

GAP_PERIODS = 1.5
"""A step between two frames longer than this many periods is a gap."""


class LazyArray(Protocol):
    """What a stream's data must offer: numpy, a memory map, dask or a reader's own.

    Indexing with an int or a slice along time gives numpy data (or something that
    ``np.asarray`` turns into it) and reads no more than that.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape with time first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one value."""

    def __getitem__(self, key: Any, /) -> Any:
        """Read some frames."""


@dataclass(frozen=True)
class TimeAxis:
    """When the frames of a stream were taken, in seconds of the recording's clock.

    Either regular (`start_s`, `rate_hz`) or explicit (`times_s`).

    Parameters
    ----------
    n_frames
        Number of frames.
    start_s
        Opening edge of frame 0 of a regular stream, half a period before its centre.
    rate_hz
        Frames per second of a regular stream.
    times_s
        Centre time of every frame, float64, strictly increasing.

    Raises
    ------
    DataError
        When neither or both forms are given, a rate is not positive and finite, or
        times do not increase (naming the first bad index).

    Examples
    --------
    >>> TimeAxis(4, start_s=0.0, rate_hz=2.0).centers()
    array([0.25, 0.75, 1.25, 1.75])
    """

    n_frames: int
    start_s: float = 0.0
    rate_hz: float | None = None
    times_s: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.n_frames < 0:
            raise DataError(f"A stream cannot have {self.n_frames} frames.")
        if (self.rate_hz is None) == (self.times_s is None):
            raise DataError(
                "A time axis needs either a rate in frames per second or the time of "
                "every frame, and not both."
            )
        if self.rate_hz is not None:
            if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
                raise DataError(
                    f"The frame rate must be above 0 frames per second, found "
                    f"{self.rate_hz}."
                )
            if not np.isfinite(self.start_s):
                raise DataError(f"The start must be finite, found {self.start_s} s.")
        else:
            self._check_times()

    def _check_times(self) -> None:
        times = np.asarray(self.times_s, dtype=np.float64)
        object.__setattr__(self, "times_s", times)
        if times.shape != (self.n_frames,):
            raise DataError(
                f"Expected one time for each of {self.n_frames} frames, found "
                f"{times.shape}."
            )
        bad = np.flatnonzero(~np.isfinite(times))
        if bad.size:
            raise DataError(f"The time of frame {bad[0]} is {times[bad[0]]}.")
        stuck = np.flatnonzero(np.diff(times) <= 0)
        if stuck.size:
            i = int(stuck[0]) + 1
            raise DataError(
                f"Times must increase: frame {i} is at {times[i]:.6f} s, the frame "
                f"before it at {times[i - 1]:.6f} s."
            )
        if times.size:
            object.__setattr__(self, "start_s", float(times[0] - self.period_s / 2))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TimeAxis):
            return NotImplemented
        if self.times_s is None or other.times_s is None:
            mine = (self.n_frames, self.start_s, self.rate_hz)
            return mine == (other.n_frames, other.start_s, other.rate_hz)
        return np.array_equal(self.times_s, other.times_s)

    def __hash__(self) -> int:
        return hash((self.n_frames, self.start_s, self.rate_hz))

    @property
    def is_regular(self) -> bool:
        """Whether frame times follow from a start and a rate."""
        return self.rate_hz is not None

    @property
    def period_s(self) -> float:
        """Seconds from frame to frame (the median of explicit times)."""
        if self.rate_hz is not None:
            return 1.0 / self.rate_hz
        times = self.times_s
        assert times is not None
        return float(np.median(np.diff(times))) if times.size > 1 else 0.0

    @property
    def stop_s(self) -> float:
        """Closing edge of the last frame."""
        if self.n_frames == 0:
            return self.start_s
        return float(self.center(self.n_frames - 1) + self.period_s / 2)

    def centers(self) -> NDArray[np.float64]:
        """Return the centre time of every frame, shape (n_frames,)."""
        if self.times_s is not None:
            return self.times_s
        assert self.rate_hz is not None
        frames = np.arange(self.n_frames, dtype=np.float64)
        return self.start_s + (frames + 0.5) / np.float64(self.rate_hz)

    def edges(self) -> NDArray[np.float64]:
        """Return the opening edge of every frame, shape (n_frames,)."""
        edges: NDArray[np.float64] = self.centers() - self.period_s / 2
        return edges

    def center(self, frame: int) -> float:
        """Return the centre time of one frame."""
        if self.times_s is not None:
            return float(self.times_s[frame])
        assert self.rate_hz is not None
        return self.start_s + (frame + 0.5) / self.rate_hz

    def nearest(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the frame nearest to each time, clipped to the recorded range.

        A tie, within 1e-6 of a frame, goes to the later frame.

        Raises
        ------
        DataError
            When the stream is empty or a time is not finite.
        """
        time_s = np.asarray(time_s, dtype=np.float64)
        if self.n_frames == 0:
            raise DataError("There is no nearest frame: the stream is empty.")
        n_bad = int(np.count_nonzero(~np.isfinite(time_s)))
        if n_bad:
            raise DataError(
                f"There is no nearest frame: {n_bad} of {time_s.size} times are NaN "
                "or infinite."
            )
        if self.rate_hz is not None:
            index = np.floor((time_s - self.start_s) * self.rate_hz + 1e-6)
            return np.clip(index, 0, self.n_frames - 1).astype(np.int64)
        times = self.centers()
        right = np.clip(np.searchsorted(times, time_s), 1, max(self.n_frames - 1, 1))
        right = np.minimum(right, self.n_frames - 1)
        left = np.maximum(right - 1, 0)
        slack = 2e-6 * (times[right] - times[left])
        take_left = (time_s - times[left]) < (times[right] - time_s) - slack
        return np.where(take_left, left, right).astype(np.int64)

    def gaps(self) -> NDArray[np.int64]:
        """Return the frames after which time jumps by more than 1.5 periods."""
        if self.times_s is None or self.n_frames < 3:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(np.diff(self.times_s) > GAP_PERIODS * self.period_s)

    def segment_ids(self) -> NDArray[np.int64]:
        """Return the number of each frame's stretch; a new one starts after a gap."""
        jump = np.zeros(self.n_frames, dtype=np.int64)
        jump[self.gaps() + 1] = 1
        return np.cumsum(jump)

    def shifted(self, seconds: float) -> TimeAxis:
        """Return the same axis `seconds` later."""
        if self.times_s is not None:
            return TimeAxis(self.n_frames, times_s=self.times_s + seconds)
        return TimeAxis(self.n_frames, self.start_s + seconds, self.rate_hz)


@dataclass(frozen=True, eq=False)
class Stream:
    """Lazy data with time as axis 0, its clock and which frames can be used.

    Parameters
    ----------
    kind
        ``neural`` (time, y, x) or (time, channel, y, x); ``pose`` (time, point,
        dimension) as read, (time, feature) once prepared; ``trace`` and ``scalar``
        (time, channel); ``video`` (time, y, x[, 3]).
    data
        See :class:`LazyArray`.
    time
        The clock of this stream.
    valid
        One bool per frame; all True when not given. False: dropped or not finite.
    names
        Channels, body points or signals, in the order of the last axes.
    units
        For example ``counts``, ``dff_percent``, ``px``, ``mm``, ``rad``, ``cm/s``.
    facts
        What the reader found in the file and a person may want to see.
    footprints
        Of a trace stream: the pixels of every channel, where the source has them.

    Raises
    ------
    DataError
        When lengths of data, clock, mask or footprints differ or the mask is not of
        bools.
    """

    kind: Kind
    data: LazyArray
    time: TimeAxis
    valid: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    names: tuple[str, ...] = ()
    units: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    footprints: Footprints | None = None

    def __post_init__(self) -> None:
        n = len(self)
        if self.valid.size == 0 and n > 0:
            object.__setattr__(self, "valid", np.ones(n, dtype=bool))
        if n != self.time.n_frames:
            raise DataError(
                f"The {self.kind} stream has {n} frames but its clock has "
                f"{self.time.n_frames}."
            )
        if self.valid.shape != (n,) or self.valid.dtype != np.bool_:
            raise DataError(
                f"The {self.kind} stream has {n} frames, so its validity mask must be "
                f"{n} times True or False; found shape {self.valid.shape} of "
                f"{self.valid.dtype}."
            )
        regions = None if self.footprints is None else len(self.footprints)
        channels = self.data.shape[1] if len(self.data.shape) > 1 else 1
        if regions is not None and regions != channels:
            raise DataError(
                f"The {self.kind} stream has {channels} channels but footprints of "
                f"{regions} regions."
            )

    def __len__(self) -> int:
        return int(self.data.shape[0])


@dataclass(frozen=True, eq=False)
class Recording:
    """One continuous recording of one animal.

    Parameters
    ----------
    id, animal
        Names; a recording's id is unique within the project.
    streams
        By name; the usual name of a stream is its kind.
    bouts
        Labelled actions, when there are any.
    covariates
        Free typed facts of the recording and its animal, e.g. ``{"sex": "f"}``.
    """

    id: str
    animal: str
    streams: Mapping[str, Stream]
    bouts: Bouts | None = None
    covariates: Mapping[str, Covariate] = field(default_factory=dict)

    def of_kind(self, *kinds: Kind) -> dict[str, Stream]:
        """Return the streams of the given kinds, in their order."""
        return {name: s for name, s in self.streams.items() if s.kind in kinds}

    def overlap(self, *names: str) -> tuple[float, float]:
        """Return the seconds (start, stop) that all named streams cover.

        `stop` is before `start` when they share nothing.

        Raises
        ------
        DataError
            When the recording has no such stream.
        """
        names = names or tuple(self.streams)
        missing = [name for name in names if name not in self.streams]
        if missing or not names:
            raise DataError(
                f"Recording {self.id!r} has the streams: "
                f"{', '.join(self.streams) or 'none'}. Not found: "
                f"{', '.join(missing) or 'any'}."
            )
        axes = [self.streams[name].time for name in names]
        return max(a.start_s for a in axes), min(a.stop_s for a in axes)
