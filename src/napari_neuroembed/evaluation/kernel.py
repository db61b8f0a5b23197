"""Maximum mean discrepancy of weighted samples, on frozen embeddings."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.objectives.mmd import kernel


def kernel_of(x: NDArray[np.floating]) -> Floats:
    """Return the kernel of training between all pairs of rows, shape (n, n)."""
    return np.asarray(kernel(torch.from_numpy(np.asarray(x, dtype=np.float64))))


def weighted_mmd(kernels: Floats, first: Floats, second: Floats) -> float:
    """Return the unbiased squared discrepancy of two weighted samples.

    Parameters
    ----------
    kernels
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
    >>> kernels = kernel_of(np.array([[0.0], [1.0], [0.0], [1.0]]))
    >>> same = weighted_mmd(kernels, np.array([1.0, 1, 0, 0]), np.array([0.0, 0, 1, 1]))
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
        diagonal = float((w**2 * kernels.diagonal()).sum())
        own.append((float(w @ kernels @ w) - diagonal) / (1.0 - lost))
        weights.append(w)
    return own[0] + own[1] - 2 * float(weights[0] @ kernels @ weights[1])
