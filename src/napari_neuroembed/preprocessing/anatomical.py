"""The anatomical channel, moved like the functional one and made small.

It shows no activity. Whatever a probe reads from it comes from where the tissue is, how
bright it is, and what registration left; a score from the functional channel means
activity only as far as it is above the score from this one.
"""

from __future__ import annotations

import numpy as np

from napari_neuroembed.options.preprocessing import PreprocessingOptions, ResizeOptions
from napari_neuroembed.preprocessing.images import MovedStack
from napari_neuroembed.preprocessing.registration import Float, shift_frames
from napari_neuroembed.preprocessing.resize import Resizer
from napari_neuroembed.progress import Report

SIDE = 16
"""Rows and columns at most."""


def small_anatomical(
    moved: MovedStack, options: PreprocessingOptions, report: Report
) -> Float | None:
    """Return the anatomical channel of every frame, or None where there is none.

    Parameters
    ----------
    moved
        The stack and how far its frames move.
    options
        Its memory.
    report
        Told about every chunk.

    Returns
    -------
    array, shape (frame, y, x), float32
        Raw counts averaged over areas; NaN in frames that are not valid.
    """
    stack = moved.stack
    if stack.anatomical is None:
        return None
    height, width = (max(4, min(SIDE, n)) for n in stack.shape)  # as options allow
    resizer = Resizer(stack.shape, ResizeOptions(height=height, width=width))
    small = np.full((stack.n_frames, height, width), np.nan, dtype=np.float32)
    for first, stop in stack.chunks(options.max_memory_mb):
        span = slice(first, stop)
        valid = moved.valid[span]
        frames = stack.read(first, stop)[1][valid].astype(np.float32)
        frames = np.nan_to_num(frames, nan=0.0, posinf=0.0, neginf=0.0)
        here = shift_frames(frames, moved.shifts[span][valid])
        small[np.flatnonzero(valid) + first] = resizer.frames(
            here.astype(np.float32, copy=False)
        )
        report("anatomical channel", stop, stack.n_frames)
    return small
