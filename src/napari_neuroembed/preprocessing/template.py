"""The image all frames of a recording are moved onto."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.options.preprocessing import RegistrationOptions
from napari_neuroembed.preprocessing.registration import (
    Float,
    RigidAligner,
    shift_frames,
)

_MOST_CORRELATED = 20
_BEST_SHARE = 0.5
_SMALLEST_MATCH = 0.3
_WIDEST_SEARCH = 0.3


@dataclass(frozen=True)
class Anchor:
    """How a recording's template lies against that of the animal's first recording.

    Parameters
    ----------
    shift
        (dy, dx) added to every frame's shift.
    correlation
        Of the two templates once moved.
    used
        False when they did not match, so that the recording keeps its own place.
    """

    shift: tuple[float, float]
    correlation: float
    used: bool


def build_template(frames: Float, options: RegistrationOptions) -> Float:
    """Make a template from frames spread over the recording.

    Parameters
    ----------
    frames
        (frame, y, x), finite.
    options
        `refinements` says how often it is made again.

    Returns
    -------
    array, shape (y, x), float32
        Mean of the frames that agree most with each other, then of the better half of
        all given frames moved onto it.

    Notes
    -----
    The first frame, as in the paper, is one draw of noise and may lie anywhere; the
    frame with the highest mean correlation to its nearest 20 lies where the brain
    mostly is (as suite2p chooses).
    """
    template = _most_correlated(frames)
    for _ in range(options.refinements):
        aligner = RigidAligner(
            template, max_shift=options.max_shift, upsample=options.upsample
        )
        motion = aligner.measure(frames)
        score = np.where(motion.at_limit, -np.inf, motion.correlation)
        best = np.argsort(-score, kind="stable")
        best = best[: max(1, round(_BEST_SHARE * len(frames)))]
        template = _mean_of_moved(frames[best], motion.shifts[best], template)
    return template


def anchor(template: Float, reference: Float, upsample: int) -> Anchor:
    """Find where a recording's template lies against another recording's.

    The search reaches further than within a recording (0.3 of the image): the animal
    may have been moved in between. Below a correlation of 0.3 nothing is moved.
    """
    if template.shape != reference.shape:
        return Anchor((0.0, 0.0), 0.0, used=False)
    aligner = RigidAligner(reference, max_shift=_WIDEST_SEARCH, upsample=upsample)
    motion = aligner.measure(template[None])
    match = float(motion.correlation[0])
    if motion.at_limit[0] or match < _SMALLEST_MATCH:
        return Anchor((0.0, 0.0), match, used=False)
    dy, dx = motion.shifts[0]
    return Anchor((float(dy), float(dx)), match, used=True)


def _most_correlated(frames: Float) -> Float:
    small = frames[:, ::2, ::2].reshape(len(frames), -1).astype(np.float32)
    small = small - small.mean(axis=1, keepdims=True)
    size = np.linalg.norm(small, axis=1, keepdims=True)
    small /= np.where(size > 0, size, 1)
    agreement = small @ small.T
    n = min(_MOST_CORRELATED, len(frames))
    nearest = np.sort(agreement, axis=1)[:, -n:]
    centre = int(nearest.mean(axis=1).argmax())
    chosen = np.argsort(-agreement[centre], kind="stable")[:n]
    return np.asarray(frames[chosen].mean(axis=0, dtype=np.float64), dtype=np.float32)


def _mean_of_moved(
    frames: Float, shifts: NDArray[np.float64], fallback: Float
) -> Float:
    """Average moved frames where they reach; elsewhere keep the old template."""
    total = np.zeros(frames.shape[1:])
    count = np.zeros(frames.shape[1:])
    ones = np.ones((1, *frames.shape[1:]), dtype=np.float32)
    for frame, shift in zip(frames, shifts, strict=True):
        total += shift_frames(frame[None], shift[None])[0]
        count += shift_frames(ones, shift[None])[0]
    mean = np.where(count > 0, total / np.maximum(count, 1), fallback)
    return mean.astype(np.float32)
