"""Time within a recording: what it tells alone, and whether the embedding knows it."""

from __future__ import annotations

import numpy as np
from scipy.stats import ttest_1samp

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
    context: Context, one: Representation
) -> tuple[Measure, int, int] | None:
    """Tell how well the embedding knows the time within fresh recordings.

    Parameters
    ----------
    context
        The evaluation.
    one
        What is read.

    Returns
    -------
    measure, n_fit, n_test
        Mean over the fresh recordings of the correlation between true and read time,
        by ridge regression fitted on all fit windows; p by Student's t over the
        recordings, one-sided. Where no recording drifts the way others do, each
        correlation is as likely to have the other sign. None without fit windows or
        with fewer than two fresh recordings.
    """
    sample = context.sample
    fit, test = np.flatnonzero(~sample.is_fresh), np.flatnonzero(sample.is_fresh)
    if not fit.size or np.unique(context.recording[test]).size < 2:
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
    p = ttest_1samp(agreement, 0.0, alternative="greater").pvalue
    measure = Measure(float(agreement.mean()), 0.0, known_p=float(p))
    return measure, fit.size, test.size


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0
