"""Resting fluorescence F0 and change over it (dF/F) in per cent.

F0[y, x] = min over t of (1/n) sum over k < n of F[t + k, y, x] (appendix B of the
paper, n = 15), over windows of valid frames only; dF/F = 100 (F - F0) / F0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.ndimage import gaussian_filter

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import DffOptions

_FLOAT32_FRAMES = 16
"""Up to so many frames a float32 sum errs by less than 1e-6 of the sum of sizes."""

_TILE_BYTES = 256 * 1024
Float = NDArray[np.float32]


class RunningMinimum:
    """Smallest running mean of every pixel, fed with frames in order.

    Time is cut into blocks of `n_frames`. A window is the end of one block and the
    beginning of the next, and both are sums that grow frame by frame (van Herk 1992,
    for sums in place of maxima): nothing is ever taken off again, so that float32 does
    not drift and one bright frame leaves no trace in later windows. Whole numbers are
    summed exactly. Memory does not grow with the number of frames.

    Parameters
    ----------
    n_frames
        Length of the running mean.
    shape
        Rows and columns.
    dtype
        Of the frames that will come.

    Examples
    --------
    >>> running = RunningMinimum(2, (1, 1), np.uint16)
    >>> running.add(np.array([5, 1, 3], dtype=np.uint16).reshape(3, 1, 1))
    >>> float(running.minimum()[0, 0])
    2.0
    """

    def __init__(self, n_frames: int, shape: tuple[int, int], dtype: DTypeLike) -> None:
        self.n_frames, self.shape = n_frames, shape
        self.accumulator = accumulator_for(dtype, n_frames)
        pixels = shape[0] * shape[1]
        # Row i: sum of frames i to the last of the block before, until frame i of this
        # block has come and takes its place.
        self._ends = np.empty((n_frames, pixels), dtype=self.accumulator)
        self._begin = np.empty(pixels, dtype=self.accumulator)
        self._lowest = np.empty(pixels, dtype=self.accumulator)
        self._place, self._follows, self._has_window = 0, False, False

    def add(
        self,
        frames: NDArray[np.generic],
        valid: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take the next frames, shape (frame, y, x).

        Parameters
        ----------
        frames
            In the order of time. Frames that are not valid may hold NaN.
        valid
            One bool per frame. No window spans a frame that is not valid.
        """
        flat = frames.reshape(len(frames), self._lowest.size)
        invalid = [] if valid is None else np.flatnonzero(~valid).tolist()
        first = 0
        for stop in [*invalid, len(flat)]:
            self._add_valid(flat[first:stop])
            if stop < len(flat):
                self._place, self._follows = 0, False
            first = stop + 1

    def minimum(self) -> Float:
        """Return F0, shape (y, x).

        Raises
        ------
        DataError
            When there never were `n_frames` valid frames in a row.
        """
        if not self._has_window:
            raise DataError(
                f"There are no {self.n_frames} valid frames in a row, which the "
                "resting fluorescence is averaged over. Choose a smaller "
                "preprocessing.dff.window_frames."
            )
        mean = self._lowest / self.n_frames
        return np.asarray(mean, dtype=np.float32).reshape(self.shape)

    def _add_valid(self, frames: NDArray[np.generic]) -> None:
        """Take frames (frame, pixel), as many pixels at a time as the cache holds."""
        if not len(frames):
            return
        before = self._place, self._follows, self._has_window
        step = max(1, _TILE_BYTES // self.accumulator.itemsize)
        for first in range(0, frames.shape[1], step):
            self._place, self._follows, self._has_window = before
            self._add_tile(frames[:, first : first + step], slice(first, first + step))

    def _add_tile(self, frames: NDArray[np.generic], tile: slice) -> None:
        ends, begin, lowest = self._ends[:, tile], self._begin[tile], self._lowest[tile]
        window = np.empty_like(begin)
        is_same = frames.dtype == self.accumulator
        block, total = list(ends[: self._place]), begin
        for frame in frames:
            if not is_same:
                ends[self._place] = frame
                frame = ends[self._place]
            block.append(frame)
            total = np.add(total, frame, out=begin) if self._place else frame
            self._place += 1
            if self._place == self.n_frames:
                self._lower(lowest, total)
                _sum_ends(block, ends)
                block, self._place, self._follows = [], 0, True
            elif self._follows:
                np.add(ends[self._place], total, out=window)
                self._lower(lowest, window)
        begin[...] = total  # from here on no view of `frames` is kept
        for kept, frame in zip(ends, block, strict=False):
            kept[...] = frame

    def _lower(self, lowest: NDArray[np.generic], window: NDArray[np.generic]) -> None:
        if self._has_window:
            np.minimum(lowest, window, out=lowest)
        else:
            lowest[...] = window
            self._has_window = True


def _sum_ends(block: list[NDArray[np.generic]], ends: NDArray[np.generic]) -> None:
    """Make row i of `ends` the sum of frames i to the last one of a block."""
    ends[-1] = block[-1]
    for i in range(len(block) - 2, 0, -1):
        np.add(block[i], ends[i + 1], out=ends[i])


def baseline(
    stack: NDArray[np.generic],
    n_frames: int = 15,
    valid: NDArray[np.bool_] | None = None,
) -> Float:
    """Estimate the resting fluorescence F0 of every pixel.

    Parameters
    ----------
    stack
        Motion-corrected frames in raw counts, shape (time, y, x).
    n_frames
        Length of the running mean, 1 to the number of frames. The default is the
        paper's 15, about 0.94 s at 16 Hz.
    valid
        One bool per frame; windows that hold an invalid frame do not count.

    Returns
    -------
    array, shape (y, x), float32
        Smallest running mean over full windows, in counts.

    Raises
    ------
    DataError
        When there are no `n_frames` valid frames in a row.

    Examples
    --------
    >>> stack = np.full((20, 2, 2), 100, dtype=np.uint16)
    >>> stack[10] = 400
    >>> float(baseline(stack, n_frames=5)[0, 0])
    100.0
    """
    running = RunningMinimum(n_frames, stack.shape[1:], stack.dtype)
    running.add(stack, valid)
    return running.minimum()


def accumulator_for(dtype: DTypeLike, n_frames: int) -> np.dtype[np.generic]:
    """Return the type in which `n_frames` values of `dtype` are summed.

    Whole numbers get the smallest type that is exact, float32 (and float16) float32
    while rounding stays below 1e-6, and everything else float64.

    Examples
    --------
    >>> accumulator_for(np.uint16, 15), accumulator_for(np.float32, 15)
    (dtype('uint32'), dtype('float32'))
    """
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = int(info.min) * n_frames, int(info.max) * n_frames
        for wide in (np.uint32, np.int32, np.int64):
            if np.iinfo(wide).min <= low and high <= np.iinfo(wide).max:
                return np.dtype(wide)
    if dtype.kind == "f" and dtype.itemsize <= 4 and n_frames <= _FLOAT32_FRAMES:
        return np.dtype(np.float32)
    return np.dtype(np.float64)


class DffScale:
    """Turns counts into dF/F per cent with one F0.

    Parameters
    ----------
    f0
        (y, x) resting fluorescence in raw counts, offset included.
    covered
        (y, x) pixels all frames show; the others become 0.
    options
        Offset, blur, zero guard and clipping.

    Attributes
    ----------
    dead
        (y, x): covered pixels whose F0 is under `floor`; their dF/F is 0.
    floor
        Smallest F0 divided by, in counts.
    """

    def __init__(
        self, f0: Float, covered: NDArray[np.bool_], options: DffOptions
    ) -> None:
        above = blur_inside(f0, covered, options.blur_px) - np.float32(options.offset)
        median = float(np.median(above[covered])) if covered.any() else 0.0
        self.floor = max(options.epsilon * median, float(np.finfo(np.float32).tiny))
        alive = covered & (above >= self.floor)
        self.dead: NDArray[np.bool_] = covered & ~alive
        self.dead_share = float(self.dead.sum()) / max(1, int(covered.sum()))
        self._f0 = (above + np.float32(options.offset)).astype(np.float32)
        self._gain = np.zeros_like(above)
        self._gain[alive] = np.float32(100.0) / above[alive]
        self._limit = np.float32(options.clip_percent)
        self._alive = alive

    def apply(self, frames: NDArray[np.generic]) -> tuple[Float, int]:
        """Return dF/F per cent of frames (frame, y, x), and how many were clipped."""
        with np.errstate(over="ignore", invalid="ignore"):  # of pixels set to 0
            dff = np.asarray(frames, dtype=np.float32) - self._f0
            dff *= self._gain
        dff[:, ~self._alive] = 0
        extreme = np.maximum(dff.max(initial=0), -dff.min(initial=0))
        if not extreme > self._limit:
            return dff, 0
        n_clipped = int((np.abs(dff) > self._limit).sum())
        np.clip(dff, -self._limit, self._limit, out=dff)
        return dff, n_clipped


def blur_inside(image: Float, inside: NDArray[np.bool_], sigma_px: float) -> Float:
    """Blur an image by a Gaussian that does not look outside `inside`."""
    if sigma_px == 0:
        return image.astype(np.float32)
    weight = gaussian_filter(inside.astype(np.float64), sigma_px)
    total = gaussian_filter(np.where(inside, image, 0).astype(np.float64), sigma_px)
    blurred = np.divide(total, weight, out=image.astype(np.float64), where=weight > 0)
    return np.where(inside, blurred, image).astype(np.float32)
