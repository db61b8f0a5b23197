"""Least-squares concept erasure: no linear probe finds the animal on the fit rows."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.transforms.base import (
    Affine,
    Floats,
    TransformData,
    needs_animals,
    one_hot,
)

TINY = 1e-10
"""Share of the largest variance below which a direction is taken for none."""


def leace(data: TransformData, options: TransformOptions) -> Affine:
    """Erase every linear trace of the animal, changing as little as possible.

    Notes
    -----
    x -> x - W^+ P W (x - mean), with W the whitening of h and P the projection on the
    whitened cross-covariance of h and animal (Belrose et al. 2023, arXiv 2306.03819,
    Theorem 4.2). On the rows it was fitted on a linear probe then reads chance; on
    fresh ones, and for other probes, it does not.
    """
    del options
    needs_animals(data, "leace")
    mean = data.h.mean(axis=0)
    eraser = erasing(data.h - mean, data.h - mean, one_hot(data.animal))
    return Affine(mean, eraser, mean)


def erasing(centred: Floats, concept_side: Floats, concept: Floats) -> Floats:
    """Return the matrix that takes a concept out of centred embeddings.

    Parameters
    ----------
    centred
        Embeddings, shape (n, dim); they give the whitening.
    concept_side
        The part of them whose covariance with the concept is erased, shape (n, dim):
        the embeddings themselves, or what is left of them after an explanation.
    concept
        Centred concept, shape (n, k).
    """
    n, dim = centred.shape
    values, vectors = np.linalg.eigh(centred.T @ centred / n)
    kept = values > TINY * max(values.max(), 1e-300)
    root = np.sqrt(values[kept])
    whiten = (vectors[:, kept] / root).T
    unwhiten = vectors[:, kept] * root
    across = whiten @ (concept_side.T @ concept / n)
    left, singular, _ = np.linalg.svd(across, full_matrices=False)
    left = left[:, singular > 1e-6 * max(singular.max(initial=0.0), 1e-300)]
    found: Floats = np.eye(dim) - (unwhiten @ left @ left.T @ whiten).T
    return found
