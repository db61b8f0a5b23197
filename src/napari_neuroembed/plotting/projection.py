"""Two or three axes to look at an embedding along."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError


def pca(h: NDArray[Any], n: int = 2) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the coordinates of windows on their first principal axes.

    Parameters
    ----------
    h
        Embedding, shape (windows, dim), finite.
    n
        Axes wanted; axes an embedding lacks are filled with 0.

    Returns
    -------
    coords, labels
        Shape (windows, n), float32, and a label per axis with the share of variance
        it explains. Each axis points so that its largest loading is positive.

    Raises
    ------
    DataError
        When values are not finite.

    Examples
    --------
    >>> coords, labels = pca(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]]), n=1)
    >>> coords.ravel().tolist(), labels
    ([-2.0, 0.0, 2.0], ('PC 1 (100 %)',))
    """
    values = np.asarray(h, dtype=np.float64)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values).all(axis=1)).sum())
        raise DataError(
            f"{bad} of {values.shape[0]} windows of the embedding are not finite."
        )
    coords = np.zeros((values.shape[0], n), dtype=np.float32)
    if not values.size:
        return coords, tuple(f"PC {i + 1}" for i in range(n))
    centred = values - values.mean(axis=0)
    variance, axes = np.linalg.eigh(centred.T @ centred)
    variance, axes = np.maximum(variance[::-1], 0.0), axes[:, ::-1]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
    kept = min(n, axes.shape[1])
    coords[:, :kept] = centred @ axes[:, :kept]
    share = variance / max(float(variance.sum()), 1e-300)
    labels = [f"PC {i + 1} ({100 * share[i]:.0f} %)" for i in range(kept)]
    labels += [f"PC {i + 1} (0 %)" for i in range(kept, n)]
    return coords, tuple(labels)
