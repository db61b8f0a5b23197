"""Resting fluorescence F0 and change over it (dF/F) in per cent.

F0[y, x] = min over t of (1/n) sum over k < n of F[t + k, y, x] (appendix B of the
paper, n = 15), over windows of valid frames only; dF/F = 100 (F - F0) / F0.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.ndimage import gaussian_filter

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import DffOptions

_RESEED_FRAMES = 1000
Float = NDArray[np.float32]


class RunningMinimum:
    """Smallest running mean of every pixel, fed with frames in order.

    Integer counts are summed exactly; sums of floats are made anew every 1000 frames,
    so that they do not drift. Memory does not grow with the number of frames.

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
        self.n_frames = n_frames
        self.accumulator = accumulator_for(dtype, n_frames)
        self._is_exact = self.accumulator.kind in "iu"
        self._total = np.zeros(shape, dtype=self.accumulator)
        self._lowest = np.zeros(shape, dtype=self.accumulator)
        self._has_window = False
        self._recent: deque[NDArray[np.generic]] = deque()
        self._since_seed = 0

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
        for i, frame in enumerate(frames):
            if valid is not None and not valid[i]:
                self._start_over()
            else:
                self._step(frame)
        # views of `frames` must not outlive this call
        self._recent = deque(frame.copy() for frame in self._recent)

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
        return np.asarray(self._lowest / self.n_frames, dtype=np.float32)

    def _start_over(self) -> None:
        self._recent.clear()
        self._total[...] = 0
        self._since_seed = 0

    def _step(self, frame: NDArray[np.generic]) -> None:
        total = self._total
        total += frame
        self._recent.append(frame)
        if len(self._recent) > self.n_frames:
            total -= self._recent.popleft()
        self._since_seed += 1
        if self._since_seed >= _RESEED_FRAMES and not self._is_exact:
            self._seed()
        if len(self._recent) < self.n_frames:
            return
        if self._has_window:
            np.minimum(self._lowest, total, out=self._lowest)
        else:
            self._lowest[...] = total
            self._has_window = True

    def _seed(self) -> None:
        self._total[...] = 0
        for frame in self._recent:
            self._total += frame
        self._since_seed = 0


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
    """Return the smallest type that sums `n_frames` values of `dtype` exactly.

    Floats, and integers too wide for any exact sum, get float64.

    Examples
    --------
    >>> accumulator_for(np.uint16, 15)
    dtype('uint32')
    """
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = int(info.min) * n_frames, int(info.max) * n_frames
        for wide in (np.uint32, np.int32, np.int64):
            if np.iinfo(wide).min <= low and high <= np.iinfo(wide).max:
                return np.dtype(wide)
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
