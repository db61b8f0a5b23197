"""Maximum mean discrepancy of weighted samples, on frozen embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from napari_neuroembed.evaluation.metrics import Floats

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels, in medians of the squared distance, as in training."""


def kernel_of(x: NDArray[np.floating]) -> Floats:
    """Return the sum of Gaussian kernels of all pairs of rows, shape (n, n).

    The same kernel as ``objectives/mmd.py``.
    """
    squared = pdist(np.asarray(x, dtype=np.float64), "sqeuclidean")
    # The lower of the two middle values, as torch's median.
    middle = (squared.size - 1) // 2
    median = float(np.partition(squared, middle)[middle]) if squared.size else 0.0
    scale = median if median > 0 else 1.0
    kernels = sum(np.exp(-squared / (width * scale)) for width in BANDWIDTHS)
    full: Floats = squareform(np.asarray(kernels))
    np.fill_diagonal(full, float(len(BANDWIDTHS)))
    return full


def weighted_mmd(kernel: Floats, first: Floats, second: Floats) -> float:
    """Return the unbiased squared discrepancy of two weighted samples.

    Parameters
    ----------
    kernel
        Of all pairs of windows, shape (n, n).
    first, second
        Weights of the windows in each sample, shape (n,), not negative.

    Returns
    -------
    float
        0 on average where both are drawn from one distribution; NaN where a sample is
        less than two windows.

    Notes
    -----
    With weights a and b that sum to 1 (Gretton et al. 2012, Eq. 3, weighted):
    (a'Ka - sum a_i^2 k_ii) / (1 - sum a_i^2) + the same of b - 2 a'Kb.

    Examples
    --------
    >>> kernel = kernel_of(np.array([[0.0], [1.0], [0.0], [1.0]]))
    >>> same = weighted_mmd(kernel, np.array([1.0, 1, 0, 0]), np.array([0.0, 0, 1, 1]))
    >>> same < 0
    True
    """
    own, weights = [], []
    for given in (first, second):
        total = given.sum()
        if total <= 0:
            return float("nan")
        w = given / total
        lost = float((w**2).sum())
        if lost >= 1.0 - 1e-12:
            return float("nan")
        diagonal = float((w**2 * kernel.diagonal()).sum())
        own.append((float(w @ kernel @ w) - diagonal) / (1.0 - lost))
        weights.append(w)
    return own[0] + own[1] - 2 * float(weights[0] @ kernel @ weights[1])
