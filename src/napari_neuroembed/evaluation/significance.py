"""How the audit's p is made: one statistic for the data and for permuted labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.audit import Audit, reweighed
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.crossfit import balanced_accuracy, cross_predict
from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.evaluation.permutation import (
    Layout,
    ridge_statistics,
    vote_statistics,
)
from napari_neuroembed.evaluation.power import Statistic
from napari_neuroembed.evaluation.relabel import n_relabellings, permuted_labels
from napari_neuroembed.evaluation.scaling import Array

STAND_INS = {"linear": "ridge classifier", "knn": "votes", "mlp": "refitted network"}


@dataclass(frozen=True)
class Null:
    """The score under permuted labels, on the data, and how both were made."""

    draws: Floats = field(default_factory=lambda: np.empty(0))
    observed: float | None = None
    note: str = ""


def null_of(context: Context, audit: Audit, x: Array, probe: str, target: str) -> Null:
    """Score the audited windows under their labels and under permuted ones.

    Parameters
    ----------
    context, audit
        The evaluation and the plan.
    x
        Features of the audited windows, shape (n, dim).
    probe
        What reads them.
    target
        What is read, by which the permutations are drawn.
    """
    n_draws = n_permutations(context, probe)
    if not audit.can_permute:
        return Null(note="no null: one recording each, nothing to permute")
    if n_draws == 0:
        return Null(note=f"no null for {probe} in profile {context.options.profile}")
    generator = context.generator("permutations", target)
    labels = permuted_labels(audit.of_recording, audit.group, n_draws, generator)
    layout, known = layout_of(context, audit)
    found = statistic_of(context, audit, layout, probe)(x[known], labels)
    n_all = n_relabellings(audit.of_recording, audit.group)
    how = f"{n_draws} permutations of recordings"
    if n_all <= n_draws:
        how = f"all {n_all} ways to hand the labels to the recordings"
    return Null(found[1:], float(found[0]), f"p by {STAND_INS[probe]}, {how}")


def n_permutations(context: Context, probe: str) -> int:
    """Return how often labels are permuted for a probe."""
    return getattr(context.options, f"permutations_{probe}") or 0


def layout_of(context: Context, audit: Audit) -> tuple[Layout, NDArray[np.bool_]]:
    """Return the windows that have a balance cell, and which ones they are."""
    known = audit.cells.code >= 0
    blocks = None
    if audit.kind == "blocks":
        blocks = [
            replace(fold, train=fold.train[known], test=fold.test[known])
            for fold in audit.folds
        ]
    layout = Layout(
        audit.recording[known],
        audit.cells.code[known],
        len(audit.cells.names),
        context.options.min_cell if audit.cells.kind != "none" else 1,
        len(audit.folds),
        audit.of_recording.size,
        blocks,
    )
    return layout, known


def statistic_of(
    context: Context, audit: Audit, layout: Layout, probe: str
) -> Statistic:
    """Return the score behind p: of windows with a cell, under each labelling."""
    if probe == "linear":
        return lambda x, labels: ridge_statistics(x, layout, labels)
    if probe == "knn":
        k = context.options.knn.k
        return lambda x, labels: vote_statistics(x, layout, labels, k)

    def refitted(x: Array, labels: NDArray[np.int64]) -> Floats:
        return np.array([read_leak(context, audit, x, of, probe) for of in labels])

    return refitted


def read_leak(
    context: Context,
    audit: Audit,
    x: Array,
    of_recording: NDArray[np.int64],
    probe: str,
) -> float:
    """Repeat the whole audit by the probe itself under other labels.

    Parameters
    ----------
    x
        Features of the windows that have a balance cell.
    of_recording
        Label of each recording.

    Returns
    -------
    float
        The balanced accuracy; NaN when no fold can be balanced.
    """
    again = reweighed(context, audit, of_recording)
    if again is None:
        return float("nan")
    whole = np.zeros((audit.rows.size, x.shape[1]), dtype=np.float32)
    whole[audit.cells.code >= 0] = x
    predicted, _ = cross_predict(context, again, whole, probe, "relabelled")
    return balanced_accuracy(again, predicted)
