"""Time within a recording: what it tells alone, and whether the embedding knows it."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.intervals import Measure
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.ridge import ridge_guess
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.scaling import Array

BUMPS = 12


def elapsed(recording: Codes, times: Floats) -> Floats:
    """Return the seconds of each window since the first of its recording."""
    first = np.full(int(recording.max(initial=0)) + 1, np.inf)
    np.minimum.at(first, recording, times)
    return np.asarray(times - first[recording])


def clock_features(recording: Codes, times: Floats) -> Array:
    """Return the time within the recording as twelve overlapping bumps, (n, 12)."""
    since = elapsed(recording, times)
    centers = np.linspace(0.0, max(float(since.max(initial=0.0)), 1e-9), BUMPS)
    width = centers[1] - centers[0]
    bumps = np.exp(-0.5 * ((since[:, None] - centers) / width) ** 2)
    return np.asarray(bumps, dtype=np.float32)


def read_clock(
    context: Context, one: Representation, n_draws: int
) -> tuple[Measure, int, int] | None:
    """Tell how well the embedding knows the time within fresh recordings.

    Parameters
    ----------
    context
        The evaluation.
    one
        What is read.
    n_draws
        Draws of the null.

    Returns
    -------
    measure, n_fit, n_test
        Mean over the fresh recordings of the correlation between true and read time,
        by ridge regression fitted on all fit windows. Under the null no recording
        drifts the way the others do, so that each correlation is as likely to have
        the other sign. None without fit or fresh windows.
    """
    sample = context.sample
    fit, test = np.flatnonzero(~sample.is_fresh), np.flatnonzero(sample.is_fresh)
    if not (fit.size and test.size):
        return None
    since = elapsed(context.recording, sample.times)
    x, recording = one.values, context.recording
    guess = ridge_guess(x[fit], since[fit, None], recording[fit], x[test])[:, 0]
    agreement = np.array(
        [
            _correlation(since[test[own]], guess[own])
            for own in (recording[test] == r for r in np.unique(recording[test]))
        ]
    )
    generator = context.generator("clock", one.key)
    signs = generator.choice([-1.0, 1.0], size=(n_draws, agreement.size))
    null = signs @ agreement / agreement.size
    return Measure(float(agreement.mean()), 0.0, null=null), fit.size, test.size


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0
