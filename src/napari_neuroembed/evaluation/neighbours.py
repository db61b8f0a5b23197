"""Nearest windows by cosine similarity, exact, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.scaling import Array

CHUNK = 4_000_000
"""Similarities held at a time."""


def nearest(
    query: Array, known: Array, k: int, *, apart: tuple[Codes, Codes] | None = None
) -> tuple[Codes, Floats]:
    """Find the `k` known windows most similar to each query.

    Parameters
    ----------
    query, known
        Features, shapes (n, dim) and (m, dim).
    k
        Neighbours wanted; at most m are returned.
    apart
        Group of each query and of each known window; pairs of one group are never
        neighbours.

    Returns
    -------
    index, similarity
        Shapes (n, min(k, m)), in no particular order. A neighbour that had to come
        from the own group has similarity -2.
    """
    near, far = _unit(query), _unit(known)
    k = min(k, far.shape[0])
    index = np.empty((near.shape[0], k), dtype=np.int64)
    similarity = np.empty((near.shape[0], k))
    rows = max(1, CHUNK // max(1, far.shape[0]))
    for first in range(0, near.shape[0], rows):
        part = slice(first, first + rows)
        table = near[part] @ far.T
        if apart is not None:
            table[apart[0][part][:, None] == apart[1][None, :]] = -2.0
        if k < table.shape[1]:
            index[part] = np.argpartition(table, -k, axis=1)[:, -k:]
        else:
            index[part] = np.arange(k)
        similarity[part] = np.take_along_axis(table, index[part], axis=1)
    return index, similarity


def _unit(x: Array) -> NDArray[np.float32]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.maximum(length, 1e-12), dtype=np.float32)
