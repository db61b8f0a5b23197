"""Is a label of recordings readable beyond what any split of them would give.

The labels (animals, covariates) are permuted over whole recordings and the audit is
repeated: folds and weights are made anew from the permuted labels by the same rule,
so that the data are one more draw of the null. Thousands of fits are needed, hence
two stand-ins that cost almost nothing and are used for the null *and* for the data:

- linear: a ridge classifier on the first 64 principal components, solved from sums
  over (recording, cell), which no permutation changes;
- kNN: the weighted vote of the nearest windows of other recordings, which no
  permutation changes either.

The score in the table stays the probe's own; only `p` and `detectable` come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.folds import Fold, rank_within
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.neighbours import nearest
from napari_neuroembed.evaluation.scaling import Array, principal

COMPONENTS = 64
RIDGE = 0.01
"""Penalty, as a share of the mean square of a component."""
MEMORY = 20_000_000
"""Values held at a time."""


@dataclass(frozen=True)
class Layout:
    """The audited windows: whose they are, what they are balanced over, their folds.

    Parameters
    ----------
    recording
        Recording code of each window, 0 to R - 1.
    cell
        Balance cell of each window, all at least 0.
    n_cells
        Number of cells.
    min_cell
        Windows every label needs in a cell.
    n_folds, n_recordings
        Numbers of folds and of recordings R.
    blocks
        Folds within recordings, when recordings are too few to be dealt out.
    """

    recording: Codes
    cell: Codes
    n_cells: int
    min_cell: int
    n_folds: int
    n_recordings: int
    blocks: Sequence[Fold] | None = None


def ridge_statistics(x: Array, layout: Layout, labels: NDArray[np.int64]) -> Floats:
    """Return the balanced score of the ridge classifier for each labelling.

    Parameters
    ----------
    x
        Features, shape (n, dim).
    layout
        The audited windows.
    labels
        Label of each recording under each permutation, shape (P, R).

    Returns
    -------
    array, shape (P,)
        Mean over folds of the weighted accuracy; NaN where no fold could be scored.

    Notes
    -----
    ``B = (sum w S + lambda I)^-1 sum w s y^T`` with S and s the sums of ``x x^T`` and
    ``x`` over the windows of a recording and cell, w the balancing weights.
    """
    reduced = principal(x, COMPONENTS).astype(np.float64)
    features = np.column_stack([reduced, np.ones(x.shape[0])])
    n_labels = int(labels.max()) + 1
    size = features.shape[1]
    chunk = max(1, MEMORY // (x.shape[0] * n_labels + size**2))
    parts = [
        _ridge_chunk(features, layout, labels[first : first + chunk], n_labels)
        for first in range(0, labels.shape[0], chunk)
    ]
    return np.concatenate(parts)


def vote_statistics(
    x: Array, layout: Layout, labels: NDArray[np.int64], k: int
) -> Floats:
    """Return the balanced score of neighbour votes for each labelling, shape (P,).

    Each window is named by the weighted vote of its `k` nearest windows of other
    recordings. Votes for its own label weigh as if its recording did not exist;
    else that label, being short of one recording, would lose too often.
    """
    scaled = principal(x, x.shape[1])
    apart = (layout.recording, layout.recording)
    near, similarity = nearest(scaled, scaled, k, apart=apart)
    n, n_labels = x.shape[0], int(labels.max()) + 1
    index = np.arange(n)[:, None] * n_labels
    counts = _cell_counts(layout, np.ones(n, dtype=bool))
    own = counts[layout.recording[:, None], layout.cell[near]]
    usable = similarity > -1.5
    out = np.full(labels.shape[0], np.nan)
    for p, label in enumerate(labels):
        weight = _every_weight(layout, counts, label, n_labels)
        if not weight.any():
            continue
        mine, theirs = label[layout.recording], label[layout.recording[near]]
        votes = np.where(usable, weight[near], 0.0)
        left = 1.0 - own * votes  # share of the cell outside the own recording
        without = votes / np.maximum(left, votes)
        votes = np.where(theirs == mine[:, None], without, votes)
        total = np.bincount(
            (index + theirs).ravel(), votes.ravel(), minlength=n * n_labels
        )
        hits = total.reshape(n, n_labels).argmax(axis=1) == mine
        out[p] = (weight * hits).sum() / weight.sum()
    return out


def _every_weight(
    layout: Layout, counts: Floats, label: NDArray[np.int64], n_labels: int
) -> Floats:
    """Return 1 / n(label, cell) for each window, all recordings taken together."""
    everyone = np.ones((1, layout.n_recordings), dtype=bool)
    per_cell = _cell_weights(counts, label[None, :], everyone, n_labels, layout)[0]
    return np.asarray(per_cell[layout.recording, layout.cell])


def _ridge_chunk(
    features: Floats, layout: Layout, labels: NDArray[np.int64], n_labels: int
) -> Floats:
    n_draws = labels.shape[0]
    rank = np.stack([rank_within(label) for label in labels]) % layout.n_folds
    everyone = np.ones_like(labels, dtype=bool)
    all_windows = np.ones(features.shape[0], dtype=bool)
    dealt = _sums(features, layout, all_windows) if layout.blocks is None else None
    total, n_scored = np.zeros(n_draws), np.zeros(n_draws)
    for f in range(layout.n_folds):
        if layout.blocks is None:
            train, test = all_windows, all_windows
            fitted, tested = rank != f, rank == f
        else:
            train, test = layout.blocks[f].train, layout.blocks[f].test
            fitted = tested = everyone
        moments = dealt or _sums(features, layout, train)
        weights = _cell_weights(
            _cell_counts(layout, train), labels, fitted, n_labels, layout
        )
        readout = _solve(moments, weights, labels, n_labels)
        score = _cell_weights(
            _cell_counts(layout, test), labels, tested, n_labels, layout
        )
        value = _score(features, test, layout, labels, readout, score)
        scored = np.isfinite(value) & (weights.sum(axis=(1, 2)) > 0)
        total += np.where(scored, value, 0.0)
        n_scored += scored
    return np.where(n_scored > 0, total / np.maximum(n_scored, 1), np.nan)


def _cell_counts(layout: Layout, used: NDArray[np.bool_]) -> Floats:
    """Count windows per recording and cell, shape (R, C)."""
    index = layout.recording[used] * layout.n_cells + layout.cell[used]
    counts = np.bincount(index, minlength=layout.n_recordings * layout.n_cells)
    return counts.reshape(layout.n_recordings, layout.n_cells).astype(np.float64)


def _cell_weights(
    counts: Floats,
    labels: NDArray[np.int64],
    used: NDArray[np.bool_],
    n_labels: int,
    layout: Layout,
) -> Floats:
    """Return the weight of one window per permutation, recording and cell (P, R, C)."""
    member = (labels[:, :, None] == np.arange(n_labels)) & used[:, :, None]
    per_label = np.einsum("prk,rc->pkc", member.astype(np.float64), counts)
    kept = (per_label >= layout.min_cell).all(axis=1, keepdims=True)
    inverse = np.where(kept, 1.0 / np.maximum(per_label, 1.0), 0.0)
    weights = np.take_along_axis(inverse, labels[:, :, None], axis=1)
    return np.asarray(weights * used[:, :, None])


def _sums(
    features: Floats, layout: Layout, used: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return sums of x x^T, shape (R * C, D * D), and of x, shape (R * C, D)."""
    size = features.shape[1]
    n_pairs = layout.n_recordings * layout.n_cells
    pair = layout.recording * layout.n_cells + layout.cell
    second = np.zeros((n_pairs, size * size), dtype=np.float32)
    first = np.zeros((n_pairs, size))
    for i in np.unique(pair[used]):
        rows = features[used & (pair == i)]
        second[i] = (rows.T @ rows).ravel()
        first[i] = rows.sum(axis=0)
    return second, first


def _solve(
    moments: tuple[Floats, Floats],
    weights: Floats,
    labels: NDArray[np.int64],
    n_labels: int,
) -> Floats:
    """Return the readout of each permutation, shape (P, D, K)."""
    second, first = moments
    n_draws, n_recordings, n_cells = weights.shape
    size = first.shape[1]
    flat = weights.reshape(n_draws, -1)
    total = np.maximum(flat.sum(axis=1), 1e-12)
    flat = flat / total[:, None]
    gram = (flat.astype(np.float32) @ second).reshape(n_draws, size, size)
    gram = gram.astype(np.float64)
    scale = np.trace(gram[:, :-1, :-1], axis1=1, axis2=2) / max(size - 1, 1)
    penalty = RIDGE * np.maximum(scale, 1e-9)
    inner = np.arange(size - 1)
    gram[:, inner, inner] += penalty[:, None]
    gram[:, -1, -1] += 1e-9
    member = (labels[:, :, None] == np.arange(n_labels)).astype(np.float64)
    by_recording = np.einsum(
        "prc,rcd->prd",
        flat.reshape(weights.shape),
        first.reshape(n_recordings, n_cells, size),
        optimize=True,
    )
    target = np.einsum("prd,prk->pdk", by_recording, member, optimize=True)
    return np.asarray(np.linalg.solve(gram, target))


def _score(
    features: Floats,
    test: NDArray[np.bool_],
    layout: Layout,
    labels: NDArray[np.int64],
    readout: Floats,
    weights: Floats,
) -> Floats:
    """Return the weighted accuracy on the test windows, shape (P,)."""
    n_draws, size, n_labels = readout.shape
    wide = readout.transpose(1, 0, 2).reshape(size, n_draws * n_labels)
    called = (features[test].astype(np.float32) @ wide.astype(np.float32)).reshape(
        -1, n_draws, n_labels
    )
    recording, cell = layout.recording[test], layout.cell[test]
    hits = called.argmax(axis=2) == labels[:, recording].T
    weight = weights[:, recording, cell].T
    total = weight.sum(axis=0)
    score = np.divide(
        (weight * hits).sum(axis=0), total, out=np.zeros_like(total), where=total > 0
    )
    return np.where(total > 0, score, np.nan)
