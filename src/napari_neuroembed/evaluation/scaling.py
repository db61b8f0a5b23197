"""Features on one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of every feature of the fit windows.

    Examples
    --------
    >>> x = np.array([[1.0, 5.0], [3.0, 5.0]], dtype=np.float32)
    >>> Scaler.fit(x).apply(x)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    mean: Array
    scale: Array

    @classmethod
    def fit(cls, x: NDArray[np.float32]) -> Scaler:
        """Measure the features; one that is constant keeps scale 1."""
        mean = x.mean(axis=0, dtype=np.float64)
        scale = x.std(axis=0, dtype=np.float64)
        flat = scale <= 1e-6 * np.maximum(np.abs(mean), 1e-30)
        scale[flat] = 1.0
        return cls(mean.astype(np.float32), scale.astype(np.float32))

    def apply(self, x: NDArray[np.float32]) -> Array:
        """Return standardised features, float32."""
        return np.asarray((x - self.mean) / self.scale, dtype=np.float32)


def principal(x: Array, n: int) -> Array:
    """Return standardised features, on their first `n` principal axes if wider.

    Parameters
    ----------
    x
        Features, shape (windows, dim).
    n
        Most columns to return.
    """
    scaled = Scaler.fit(x).apply(x)
    if scaled.shape[1] <= n:
        return scaled
    if scaled.shape[1] > scaled.shape[0]:
        left, size, _ = np.linalg.svd(scaled, full_matrices=False)
        return np.asarray(left[:, :n] * size[:n], dtype=np.float32)
    _, axes = np.linalg.eigh((scaled.T @ scaled).astype(np.float64))
    return np.asarray(scaled @ axes[:, ::-1][:, :n], dtype=np.float32)
