"""Scores of a classifier, all from its confusion counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
CLASS_METRICS = ("recall", "f1")


def confusion(
    true: Codes,
    predicted: Codes,
    n_classes: int,
    *,
    weights: Floats | None = None,
    units: Codes | None = None,
    n_units: int = 1,
) -> Floats:
    """Count (or weigh) how often each class was taken for each other.

    Parameters
    ----------
    true, predicted
        Class codes, shape (n,); windows with a negative true code are left out.
    n_classes
        Number of classes K.
    weights
        Weight of each window; 1 when not given.
    units
        Unit (recording, block) of each window, to be counted apart.
    n_units
        Number of units.

    Returns
    -------
    array, shape (n_units, K, K)
        Rows are true classes, columns predicted ones.
    """
    kept = true >= 0
    unit = np.zeros(true.shape, dtype=np.int64) if units is None else units
    index = (unit[kept] * n_classes + true[kept]) * n_classes + predicted[kept]
    counts = np.bincount(
        index,
        weights=None if weights is None else weights[kept],
        minlength=n_units * n_classes**2,
    )
    return counts.reshape(n_units, n_classes, n_classes).astype(np.float64)


def scores(counts: Floats) -> dict[str, Floats]:
    """Return accuracy, balanced accuracy, macro-F1 and each class's recall and F1.

    Parameters
    ----------
    counts
        Confusion counts, shape (..., K, K), true classes in rows.

    Returns
    -------
    dict
        ``accuracy``, ``balanced_accuracy``, ``macro_f1`` of shape (...), ``recall``
        and ``f1`` of shape (..., K). Means go over the classes that occur; NaN where
        none does.

    Examples
    --------
    >>> round(float(scores(np.array([[8.0, 2.0], [1.0, 1.0]]))["accuracy"]), 3)
    0.75
    """
    support = counts.sum(axis=-1)
    called = counts.sum(axis=-2)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    occurs = support > 0
    recall = _ratio(hits, support)
    f1 = np.where(occurs, _ratio(2 * hits, support + called), np.nan)
    n_classes = occurs.sum(axis=-1)
    return {
        "accuracy": _ratio(hits.sum(axis=-1), support.sum(axis=-1)),
        "balanced_accuracy": _ratio(np.nansum(recall, axis=-1), n_classes),
        "macro_f1": _ratio(np.nansum(f1, axis=-1), n_classes),
        "recall": recall,
        "f1": f1,
    }


def guess(true_counts: Floats, called: Floats) -> Floats:
    """Return the expected confusion of guessing classes with fixed frequencies.

    Parameters
    ----------
    true_counts
        Windows per class, shape (K,).
    called
        How often each class is guessed, shape (K,), adding up to 1.
    """
    return np.outer(true_counts, called)


def guesses(fit_counts: Floats) -> dict[str, Floats]:
    """Return the frequencies of the three ways to guess without looking.

    Examples
    --------
    >>> guesses(np.array([3.0, 1.0]))["majority"]
    array([1., 0.])
    """
    n_classes = fit_counts.size
    majority = np.zeros(n_classes)
    majority[np.argmax(fit_counts)] = 1.0
    return {
        "uniform": np.full(n_classes, 1.0 / n_classes),
        "majority": majority,
        "stratified": fit_counts / fit_counts.sum(),
    }


def chance_levels(fit_counts: Floats, true_counts: Floats) -> dict[str, Floats]:
    """Return what to hold each score against, computed from the data.

    Accuracy stands against always naming the commonest fit class; balanced accuracy
    and recall against 1/K; F1 against guessing with the frequencies of the fit
    windows.

    Parameters
    ----------
    fit_counts, true_counts
        Fit and test windows per class, shape (K,).
    """
    ways = guesses(fit_counts)
    majority = scores(guess(true_counts, ways["majority"]))
    stratified = scores(guess(true_counts, ways["stratified"]))
    level = 1.0 / fit_counts.size
    return {
        "accuracy": majority["accuracy"],
        "balanced_accuracy": np.asarray(level),
        "macro_f1": stratified["macro_f1"],
        "recall": np.full(fit_counts.size, level),
        "f1": stratified["f1"],
    }


def _ratio(top: NDArray[np.generic], bottom: NDArray[np.generic]) -> Floats:
    upper = np.asarray(top, dtype=np.float64)
    lower = np.asarray(bottom, dtype=np.float64)
    out = np.full(np.broadcast_shapes(upper.shape, lower.shape), np.nan)
    return np.asarray(np.divide(upper, lower, out=out, where=lower > 0))
