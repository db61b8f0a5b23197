"""Correlation alignment: give every animal the covariance of all of them together."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.transforms.base import (
    Affine,
    Floats,
    TransformData,
    needs_animals,
)


def coral(data: TransformData, options: TransformOptions) -> Affine:
    """Move each animal to the common mean and covariance.

    Notes
    -----
    x -> (x - mean_a) C_a^(-1/2) C^(1/2) + mean (Sun et al. 2016, arXiv 1511.05547),
    with `shrinkage` of the mean variance added to the diagonals. It takes for granted
    that all animals do the same for the same share of the time; where they do not, it
    removes what they did.
    """
    needs_animals(data, "coral")
    names = tuple(sorted(map(str, set(data.animal))))
    mean = data.h.mean(axis=0)
    target = _power(_covariance(data.h, options.shrinkage), 0.5)
    means, matrices = [], []
    for name in names:
        own = data.h[data.animal == name]
        means.append(own.mean(axis=0))
        matrices.append(_power(_covariance(own, options.shrinkage), -0.5) @ target)
    stacked = np.stack([mean] * len(names))
    return Affine(np.stack(means), np.stack(matrices), stacked, names)


def _covariance(h: Floats, shrinkage: float) -> Floats:
    centred = h - h.mean(axis=0)
    found: Floats = centred.T @ centred / len(h)
    extra = shrinkage * max(float(np.trace(found)) / len(found), 1e-12)
    return found + extra * np.eye(len(found))


def _power(matrix: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    found: Floats = (vectors * np.maximum(values, 1e-300) ** exponent) @ vectors.T
    return found
