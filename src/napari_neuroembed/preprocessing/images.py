"""Second and third pass over the images: F0, then dF/F at the size of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.derived import NATIVE_FILE, NEURAL_FILE, write_array
from napari_neuroembed.data.stacks import create_stack, release
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.preprocessing.baseline import DffScale, RunningMinimum
from napari_neuroembed.preprocessing.mask import coverage
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.registration import Float, shift_frames
from napari_neuroembed.preprocessing.resize import Resizer
from napari_neuroembed.progress import Report


@dataclass(frozen=True)
class Resting:
    """What the second pass found.

    Parameters
    ----------
    f0
        (y, x) resting fluorescence in raw counts; None when dF/F is off.
    mean
        (y, x) mean of the valid frames, moved back, in raw counts.
    covered
        (y, x) pixels all valid frames show.
    is_frozen
        All valid frames are the same image.
    """

    f0: Float | None
    mean: Float
    covered: NDArray[np.bool_]
    is_frozen: bool

    def save(self, folder: Path) -> None:
        """Write all of it into a folder being built."""
        if self.f0 is not None:
            write_array(folder / "f0.npy", self.f0)
        write_array(folder / "mean.npy", self.mean)
        write_array(folder / "covered.npy", self.covered)
        write_array(folder / "is_frozen.npy", np.array(self.is_frozen))

    @classmethod
    def load(cls, folder: Path) -> Resting:
        """Read what :meth:`save` wrote."""
        f0 = folder / "f0.npy"
        return cls(
            f0=np.load(f0, allow_pickle=False) if f0.exists() else None,
            mean=np.load(folder / "mean.npy", allow_pickle=False),
            covered=np.load(folder / "covered.npy", allow_pickle=False),
            is_frozen=bool(np.load(folder / "is_frozen.npy", allow_pickle=False)),
        )


class MovedStack:
    """A stack whose frames are moved back as they are read.

    Parameters
    ----------
    stack
        The raw images.
    shifts
        (frame, 2) dy and dx.
    valid
        Frames to use; the others come as they are and may hold NaN.
    holes
        (y, x) pixels that are never finite; they become 0.
    """

    def __init__(
        self,
        stack: NativeStack,
        shifts: NDArray[np.float64],
        valid: NDArray[np.bool_],
        holes: NDArray[np.bool_],
    ) -> None:
        self.stack = stack
        self.valid = valid
        self.shifts = np.where(valid[:, None], shifts, 0.0)
        self.holes = holes
        whole = bool((self.shifts == np.round(self.shifts)).all())
        self.dtype = stack.dtype if whole else np.dtype(np.float32)

    def chunks(self, max_memory_mb: int) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield ranges and their moved functional frames, all of one type."""
        for first, stop in self.stack.chunks(max_memory_mb):
            span = slice(first, stop)
            frames, _ = self.stack.read(first, stop)
            if self.holes.any():
                frames = np.where(self.holes, np.zeros_like(frames[:1]), frames)
            moved = shift_frames(frames, self.shifts[span])
            yield span, moved.astype(self.dtype, copy=False)

    def covered(self) -> NDArray[np.bool_]:
        """Return the pixels that all valid frames show."""
        shifts = self.shifts[self.valid]
        covered = coverage(shifts, self.stack.shape)
        if self.holes.any():
            solid = (~self.holes).astype(np.float32)[None]
            for shift in np.unique(shifts, axis=0):
                covered &= shift_frames(solid, shift[None])[0] == 1
        return covered


def find_resting(
    moved: MovedStack, options: PreprocessingOptions, report: Report
) -> Resting:
    """Find F0 and the mean image.

    Raises
    ------
    DataError
        When no window of valid frames is long enough.
    """
    shape, n_frames = moved.stack.shape, moved.stack.n_frames
    running = None
    if options.dff.method == "running_minimum":
        running = RunningMinimum(options.dff.window_frames, shape, moved.dtype)
    total, first, is_frozen = np.zeros(shape), None, True
    for span, frames in moved.chunks(options.max_memory_mb):
        valid = moved.valid[span]
        if running is not None:
            running.add(frames, valid)
        for frame in frames[valid]:
            total += frame
            if first is None:
                first = frame.copy()
            is_frozen = is_frozen and np.array_equal(frame, first)
        report("baseline", span.stop, n_frames)
    mean = total / max(1, int(moved.valid.sum()))
    return Resting(
        f0=None if running is None else running.minimum(),
        mean=mean.astype(np.float32),
        covered=moved.covered(),
        is_frozen=is_frozen,
    )


class CacheFrames:
    """Makes frames of the training cache of moved ones.

    Parameters
    ----------
    shape
        Rows and columns of the moved frames.
    resting
        F0 and the pixels all frames show.
    scale
        Makes dF/F of counts; None keeps counts.
    options
        Size, and the offset of counts.

    Attributes
    ----------
    mask
        Valid pixels (y, x) of the cache.
    n_clipped
        dF/F values that were too large to be kept, so far.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        resting: Resting,
        scale: DffScale | None,
        options: PreprocessingOptions,
    ) -> None:
        self._resizer = Resizer(shape, options.resize)
        self._covered, self._scale = resting.covered, scale
        self._offset = np.float32(options.dff.offset)
        dead = np.zeros(shape, dtype=bool) if scale is None else scale.dead
        self.mask = self._resizer.mask(resting.covered, dead)
        self.n_clipped = 0

    def frames(self, moved: NDArray[Any], valid: NDArray[np.bool_]) -> Float:
        """Return frames of the cache.

        Parameters
        ----------
        moved
            (frame, y, x), moved back.
        valid
            Frames to use; the others become NaN. Pixels outside the mask become 0.
        """
        if self._scale is None:
            values = moved[valid].astype(np.float32) - self._offset
            values[:, ~self._covered] = 0
        else:
            values, clipped = self._scale.apply(moved[valid])
            self.n_clipped += clipped
        small = np.full((len(moved), *self._resizer.shape), np.nan, dtype=np.float32)
        small[valid] = self._resizer.frames(values)
        small[:, ~self.mask] = 0
        return small


def write_images(
    folder: Path,
    moved: MovedStack,
    resting: Resting,
    scale: DffScale | None,
    *,
    options: PreprocessingOptions,
    report: Report,
) -> tuple[NDArray[np.bool_], int]:
    """Write the training cache, and the native stack when it is wanted.

    Frames that are not valid hold NaN in the cache, pixels outside the mask 0.

    Returns
    -------
    mask
        Valid pixels of the cache.
    n_clipped
        dF/F values that were too large to be kept.
    """
    stack = moved.stack
    finish = CacheFrames(stack.shape, resting, scale, options)
    cache = create_stack(folder / NEURAL_FILE, (stack.n_frames, *finish.mask.shape))
    native = None
    if options.keep_native:
        shape = (stack.n_frames, *stack.shape)
        native = create_stack(folder / NATIVE_FILE, shape, stack.dtype)
    for span, frames in moved.chunks(options.max_memory_mb):
        if native is not None:
            native[span] = _as_type(frames, stack.dtype)
        cache[span] = finish.frames(frames, moved.valid[span])
        release(cache)
        release(native)
        report("images", span.stop, stack.n_frames)
    for written in (cache, native):
        if written is not None:
            written.flush()
    return finish.mask, finish.n_clipped


def _as_type(frames: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if frames.dtype == dtype or dtype.kind == "f":
        return frames.astype(dtype, copy=False)
    info = np.iinfo(dtype)
    rounded: NDArray[Any] = np.clip(np.rint(frames), info.min, info.max)
    return rounded.astype(dtype)
