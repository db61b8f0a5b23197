"""Weights that make every animal show the same mix of actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from napari_neuroembed.evaluation.metrics import Codes, Floats

BalanceKind = Literal["action", "pose", "none"]
MAX_POSE_CELLS = 12
WINDOWS_PER_POSE_CELL = 20


@dataclass(frozen=True)
class Cells:
    """What windows are balanced over.

    Parameters
    ----------
    code
        Cell of each window, -1 where it has none (unlabelled) and is left out.
    names
        Name of each cell.
    kind
        ``action``, ``pose`` or ``none`` (one cell: labels weigh the same, no more).
    """

    code: Codes
    names: tuple[str, ...]
    kind: BalanceKind


def balanced_weights(
    label: Codes, cell: Codes, n_labels: int, n_cells: int, min_windows: int = 1
) -> tuple[Floats, NDArray[np.bool_]]:
    """Give every (label, cell) pair the same total weight.

    A cell in which any label has fewer than `min_windows` windows is dropped for all
    labels: its windows weigh 0.

    Parameters
    ----------
    label, cell
        Codes of each window; a negative cell weighs 0.
    n_labels, n_cells
        Numbers of labels and cells.
    min_windows
        Windows every label needs in a cell.

    Returns
    -------
    weights, kept
        Weight of each window, shape (n,), adding up to the number of windows that
        count; and which cells count, shape (n_cells,).

    Notes
    -----
    ``w = 1 / n(label, cell)`` for kept cells. Then a prediction that knows the cell
    alone scores exactly 1 / n_labels, in accuracy and in balanced accuracy.

    Examples
    --------
    >>> label, cell = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 0])
    >>> balanced_weights(label, cell, 2, 2)[0]
    array([0.75, 0.75, 0.  , 1.5 ])
    """
    inside = cell >= 0
    counts = np.bincount(
        label[inside] * n_cells + cell[inside], minlength=n_labels * n_cells
    ).reshape(n_labels, n_cells)
    kept = np.asarray((counts >= min_windows).all(axis=0))
    weights = np.zeros(label.size)
    used = inside & kept[np.maximum(cell, 0)]
    weights[used] = 1.0 / counts[label[used], cell[used]]
    total = weights.sum()
    if total > 0:
        weights *= used.sum() / total
    return weights, kept


def action_cells(action: NDArray[Any]) -> Cells:
    """Balance over the actions; unlabelled windows ('') are left out."""
    names = tuple(sorted(set(action) - {""}))
    place = {name: i for i, name in enumerate(names)}
    code = np.array([place.get(a, -1) for a in action], dtype=np.int64)
    return Cells(code, names, "action")


def pose_cells(
    poses: NDArray[Any], animal: Codes, generator: np.random.Generator
) -> Cells:
    """Balance over groups of neighbouring poses, where actions are missing.

    Poses are standardised per animal (so that body size and posture offsets do not
    tell animals apart) and grouped by k-means into at most twelve cells. Windows
    with an unknown pose are left out.

    Parameters
    ----------
    poses
        Pose of each window, shape (n, k).
    animal
        Animal code of each window.
    """
    known = np.isfinite(poses).all(axis=1)
    code = np.full(poses.shape[0], -1, dtype=np.int64)
    scaled = np.zeros(poses.shape)
    for a in np.unique(animal[known]):
        own = known & (animal == a)
        scale = poses[own].std(axis=0)
        scaled[own] = (poses[own] - poses[own].mean(axis=0)) / np.where(
            scale > 0, scale, 1.0
        )
    n_animals = max(1, np.unique(animal[known]).size)
    wanted = int(known.sum()) // (WINDOWS_PER_POSE_CELL * n_animals)
    n_cells = int(np.clip(wanted, 1, MAX_POSE_CELLS))
    n_cells = min(n_cells, len(np.unique(scaled[known], axis=0)))
    if n_cells:
        means = KMeans(
            n_cells, n_init=3, random_state=int(generator.integers(2**31))
        ).fit(scaled[known])
        code[known] = means.labels_
    return Cells(code, tuple(f"pose {i + 1}" for i in range(n_cells)), "pose")


def one_cell(n: int) -> Cells:
    """Balance over nothing but the labels themselves."""
    return Cells(np.zeros(n, dtype=np.int64), ("all",), "none")
