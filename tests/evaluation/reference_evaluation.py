"""Slow, obvious versions of what the evaluation computes fast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def shifted_error(truth: NDArray[Any], guess: NDArray[Any], shift: int) -> NDArray[Any]:
    """Return the summed squared error with the truth `shift` windows later."""
    n, k = truth.shape
    total = np.zeros(k)
    for t in range(n):
        for i in range(k):
            y = truth[(t - shift) % n, i]
            if np.isfinite(y):
                total[i] += (y - guess[t, i]) ** 2
    return total


def weighted_ridge_accuracy(
    x: NDArray[Any],
    label_of: NDArray[Any],
    recording: NDArray[Any],
    cell: NDArray[Any],
    n_folds: int,
    min_cell: int,
    ridge: float,
) -> float:
    """Fit a ridge classifier fold by fold with explicit weights."""
    seen: dict[int, int] = {}
    fold_of = []
    for r in range(len(label_of)):
        fold_of.append(seen.get(label_of[r], 0) % n_folds)
        seen[label_of[r]] = seen.get(label_of[r], 0) + 1
    label = np.array([label_of[r] for r in recording])
    fold = np.array([fold_of[r] for r in recording])
    values = []
    for f in range(n_folds):
        fit = slow_weights(label, cell, fold != f, min_cell)
        test = slow_weights(label, cell, fold == f, min_cell)
        if not (fit.any() and test.any()):
            continue
        fit = fit / fit.sum()
        design = np.column_stack([x, np.ones(len(x))])
        gram = design.T @ (fit[:, None] * design)
        penalty = ridge * np.mean(np.diag(gram)[:-1])
        gram[:-1, :-1] += penalty * np.eye(x.shape[1])
        target = np.eye(label_of.max() + 1)[label]
        readout = np.linalg.solve(gram, design.T @ (fit[:, None] * target))
        hits = (design @ readout).argmax(axis=1) == label
        values.append((test * hits).sum() / test.sum())
    return float(np.mean(values))


def slow_weights(
    label: NDArray[Any], cell: NDArray[Any], used: NDArray[Any], min_cell: int
) -> NDArray[Any]:
    """Return 1 / count of each (label, cell), 0 where a label lacks the cell."""
    out = np.zeros(len(label))
    labels = sorted(set(label))
    for c in set(cell):
        counts = {a: int(((label == a) & (cell == c) & used).sum()) for a in labels}
        if min(counts.values()) < min_cell:
            continue
        for i in range(len(label)):
            if used[i] and cell[i] == c:
                out[i] = 1.0 / counts[label[i]]
    return out
