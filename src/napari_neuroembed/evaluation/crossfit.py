"""Every audited window named by a probe that was fitted without it."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.folds import rank_within
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.probes import PROBES, labelled, predict
from napari_neuroembed.evaluation.scaling import Array

PIECES = 4
"""Parts of a recording, where whole recordings are too few to be set aside."""


def cross_predict(
    context: Context, audit: Audit, x: Array, probe: str, key: str
) -> tuple[Codes, Floats]:
    """Predict the label of every window by the fold that did not see it.

    Parameters
    ----------
    context, audit
        The evaluation and the plan.
    x
        Features of the audited windows, shape (n, dim).
    probe
        What reads them.
    key
        Name of the features, from which the probe's randomness follows.

    Returns
    -------
    predicted, confidence
        Shapes (n,); windows that do not count are predicted as 0 with confidence 0.
    """
    predicted = np.zeros(audit.label.size, dtype=np.int64)
    confidence = np.zeros(audit.label.size)
    generator = context.generator("audit", key, probe, *audit.names)
    groups = _groups(audit)
    for f in range(len(audit.folds)):
        fit, test = audit.train[f] > 0, audit.test[f] > 0
        if not (fit.any() and test.any()):
            continue
        model = PROBES[probe](context.options)
        model.fit(
            labelled(
                x[fit],
                audit.label[fit],
                len(audit.names),
                weights=audit.train[f, fit],
                groups=groups[fit],
            ),
            generator,
        )
        predicted[test], confidence[test] = predict(model, x[test])
    return predicted, confidence


def balanced_accuracy(audit: Audit, predicted: Codes) -> float:
    """Return the weighted share of windows named rightly."""
    weights = fold_weights(audit)
    return float((weights * (predicted == audit.label)).sum() / weights.sum())


def fold_weights(audit: Audit) -> Floats:
    """Return the weight of each window in the pooled score, shape (n,)."""
    return np.asarray(audit.test.sum(axis=0))


def pieces(audit: Audit) -> Codes:
    """Return a number for every part of every recording, shape (n,)."""
    place = rank_within(audit.recording)
    length = np.bincount(audit.recording)[audit.recording]
    return np.asarray(audit.recording * PIECES + place * PIECES // length)


def _groups(audit: Audit) -> Codes:
    """Return what a probe may set aside to stop early."""
    if audit.kind == "recordings" and np.bincount(audit.of_recording).min() > 2:
        return audit.recording
    return pieces(audit)
