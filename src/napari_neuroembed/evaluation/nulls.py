"""Scores when labels and signals have lost their place in time.

The predictions stay fixed and the truth of every test recording is shifted along its
time, circularly. That keeps how slowly both change, which a plain permutation would
destroy (and so call everything significant). All shifts are drawn alike, those near 0
included: leaving them out makes the null narrower than the score's own spread, because
agreements near a shift are bought by disagreements far from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Codes, Floats


def shifted_rows(
    recording: Codes, times: Floats, n_draws: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return which window's truth each window gets under each shift.

    Returns
    -------
    array of int, shape (n_draws, n)
        Row numbers; each recording is shifted on its own, by its own lag.
    """
    rows = np.empty((n_draws, times.size), dtype=np.int64)
    for r in np.unique(recording):
        members = np.flatnonzero(recording == r)
        order = members[np.argsort(times[members], kind="stable")]
        lags = generator.integers(order.size, size=n_draws)
        place = (np.arange(order.size)[None, :] - lags[:, None]) % order.size
        rows[:, order] = order[place]
    return rows


def shifted_confusions(
    true: Codes, predicted: Codes, rows: NDArray[np.int64], n_classes: int
) -> Floats:
    """Return the confusion counts under each shift, shape (n_draws, K, K).

    Windows whose shifted truth is unknown (negative) are not counted.
    """
    n_draws = rows.shape[0]
    truth = true[rows]
    index = (np.arange(n_draws)[:, None] * n_classes + truth) * n_classes + predicted
    counts = np.bincount(index[truth >= 0], minlength=n_draws * n_classes**2)
    return counts.reshape(n_draws, n_classes, n_classes).astype(np.float64)


def shifted_errors(truth: Floats, guess: Floats) -> Floats:
    """Return the sum of squared errors at every circular shift of the truth.

    Parameters
    ----------
    truth, guess
        One recording's signals, shape (n, k); NaN in `truth` is not counted.

    Returns
    -------
    array, shape (n, k)
        Row s: the truth came s windows later.

    Notes
    -----
    ``sum_t m(t-s) (y(t-s) - g(t))^2 = sum m y^2 - 2 (m y * g)(s) + (m * g^2)(s)``,
    two circular cross-correlations by FFT.
    """
    known = np.isfinite(truth)
    y = np.where(known, truth, 0.0)
    cross = _circular(y, guess)
    power = _circular(known.astype(np.float64), guess**2)
    return np.asarray((y**2).sum(axis=0) - 2.0 * cross + power)


def _circular(moved: Floats, fixed: Floats) -> Floats:
    n = moved.shape[0]
    spectrum = np.conj(np.fft.rfft(moved, axis=0)) * np.fft.rfft(fixed, axis=0)
    return np.asarray(np.fft.irfft(spectrum, n=n, axis=0))
