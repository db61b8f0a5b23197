"""A short piece of a movie through the steps of pre-processing, in memory.

The same functions as for a whole recording; what needs more frames than a piece has is
told, not guessed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.derived import to_ranges
from napari_neuroembed.data.problems import Problem, is_accepted
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import DffOptions, PreprocessingOptions
from napari_neuroembed.preprocessing.frames import FrameTable
from napari_neuroembed.preprocessing.images import (
    CacheFrames,
    MovedStack,
    find_resting,
)
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.neural import dff_facts, scale_of, too_clipped
from napari_neuroembed.preprocessing.registration import Float
from napari_neuroembed.progress import Report, silent


@dataclass(frozen=True)
class Piece:
    """Some frames before and after.

    Parameters
    ----------
    before
        (frame, y, x) raw counts of the channel that is used, float32.
    after
        (frame, y, x) at the size of the training cache: dF/F per cent, or counts. NaN
        in frames that cannot be used, 0 outside the mask.
    valid
        (frame,): frames that can be used.
    mask
        (y, x) of the cache: pixels that all of them show.
    window_frames
        Length of the mean that F0 is the smallest of; 0 without dF/F. Shorter than the
        option's where the piece is.
    problems
        What would refuse a whole recording like this one.
    facts
        Counts of the steps, as a derived folder's provenance has them.
    """

    before: Float
    after: Float
    valid: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    window_frames: int
    problems: tuple[Problem, ...]
    facts: dict[str, Any]


def prepare_piece(
    stack: NativeStack,
    found: FrameTable,
    options: PreprocessingOptions,
    *,
    accept: Collection[str] = (),
    report: Report = silent,
) -> Piece:
    """Move, scale and resize frames that were looked at.

    Parameters
    ----------
    stack
        The raw frames.
    found
        Of :func:`~napari_neuroembed.preprocessing.frames.measure_frames`.
    options
        What to do; `registration` is done already.
    accept
        Ids of problems that are none here.
    report
        Called per chunk.

    Raises
    ------
    DataError
        When no frame can be used.
    """
    valid, problems = found.judge(stack.stream.valid)
    if not valid.any():
        told = " ".join(p.text for p in problems) or "The source calls none valid."
        raise DataError(f"None of these {len(valid)} frames can be used: {told}")
    dff, window = _fitting(options.dff, valid)
    options = dataclasses.replace(options, dff=dff)
    moved = MovedStack(stack, found.shifts, valid, found.holes)
    resting = find_resting(moved, options, report)
    scale, more = scale_of(resting, options)
    finish = CacheFrames(stack.shape, resting, scale, options)
    after = np.empty((stack.n_frames, *finish.mask.shape), dtype=np.float32)
    for span, frames in moved.chunks(options.max_memory_mb):
        after[span] = finish.frames(frames, valid[span])
    n_values = int(valid.sum()) * int(resting.covered.sum())
    problems += [*more, *too_clipped(options, finish.n_clipped, n_values)]
    before, _ = stack.read(0, stack.n_frames)
    return Piece(
        before=before.astype(np.float32),
        after=after,
        valid=valid,
        mask=finish.mask,
        window_frames=window,
        problems=tuple(p for p in problems if not is_accepted(p, accept)),
        facts={
            "registration": found.facts,
            "dff": dff_facts(options, scale, finish.n_clipped),
            "resize": {"shape": list(finish.mask.shape)},
            "valid_frames": int(valid.sum()),
            "valid_pixels": int(finish.mask.sum()),
        },
    )


def _fitting(options: DffOptions, valid: NDArray[np.bool_]) -> tuple[DffOptions, int]:
    """Return options whose running mean fits into the valid frames, and its length."""
    if options.method == "none":
        return options, 0
    longest = max(stop - first for first, stop in to_ranges(valid))
    window = min(options.window_frames, longest)
    return dataclasses.replace(options, window_frames=window), window
