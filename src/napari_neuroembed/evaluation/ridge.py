"""Read continuous signals from embeddings: ridge regression and nearest windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.neighbours import nearest
from napari_neuroembed.evaluation.scaling import Array, Scaler

PENALTIES = np.logspace(-1, 5, 7)
"""Ridge penalties tried, for standardised features and summed squares."""


def ridge_guess(
    x: Array, y: Floats, groups: Codes, x_test: Array, k: int = 0
) -> Floats:
    """Fit ridge regression and predict.

    Parameters
    ----------
    x, y
        Features (n, dim) and signals (n, s) to fit on, finite.
    groups
        Recording of each window; the penalty is chosen by leaving out up to four
        groups of whole recordings in turn, by the summed error relative to each
        signal's variance; 1 when there is one recording only.
    x_test
        Features to predict from.
    k
        Not used; all decoders take it.

    Returns
    -------
    array, shape (n_test, s)

    Notes
    -----
    ``W = (X^T X + lambda I)^-1 X^T (Y - mean)``. Means and scales are those of all
    fit windows, also while the penalty is chosen; fresh windows take no part.
    """
    del k
    scaler = Scaler.fit(x)
    features = scaler.apply(x).astype(np.float64)
    mean = y.mean(axis=0)
    scale = y.std(axis=0)
    target = (y - mean) / np.where(scale > 0, scale, 1.0)
    gram, cross = features.T @ features, features.T @ target
    penalty = _best_penalty(features, target, groups, gram, cross)
    weights = np.linalg.solve(gram + penalty * np.eye(gram.shape[0]), cross)
    guess = scaler.apply(x_test).astype(np.float64) @ weights
    return np.asarray(guess * scale + mean)


def knn_guess(x: Array, y: Floats, groups: Codes, x_test: Array, k: int = 15) -> Floats:
    """Predict the mean signal of the `k` fit windows nearest by cosine similarity."""
    del groups
    scaler = Scaler.fit(x)
    near, _ = nearest(scaler.apply(x_test), scaler.apply(x), k)
    return np.asarray(y[near].mean(axis=1))


DECODERS: dict[str, Callable[..., Floats]] = {"ridge": ridge_guess, "knn": knn_guess}
"""Decoders of continuous signals by name."""


def _best_penalty(
    features: Floats, target: Floats, groups: Codes, gram: Floats, cross: Floats
) -> float:
    part = np.unique(groups, return_inverse=True)[1] % 4
    errors = np.zeros(PENALTIES.size)
    for p in range(int(part.max()) + 1 if part.max() > 0 else 0):
        inside = part == p
        own_gram = features[inside].T @ features[inside]
        own_cross = features[inside].T @ target[inside]
        own_power = float((target[inside] ** 2).sum())
        errors += _held_out(
            gram - own_gram, cross - own_cross, own_gram, own_cross, own_power
        )
    return float(PENALTIES[int(np.argmin(errors))]) if part.max() > 0 else 1.0


def _held_out(
    gram: Floats,
    cross: Floats,
    own_gram: Floats,
    own_cross: Floats,
    own_power: float,
) -> NDArray[np.float64]:
    """Return the squared error on the part left out, for every penalty."""
    values, axes = np.linalg.eigh(gram)
    turned = axes.T @ cross
    own_turned = axes.T @ own_cross
    own_turned_gram = axes.T @ own_gram @ axes
    errors = []
    for penalty in PENALTIES:
        weights = turned / (np.maximum(values, 0.0) + penalty)[:, None]
        linear = float((weights * own_turned).sum())
        square = float((weights * (own_turned_gram @ weights)).sum())
        errors.append(own_power - 2 * linear + square)
    return np.asarray(errors)
