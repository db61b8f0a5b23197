"""The part of the neural embedding that tells behaviour, and little of the animal.

It throws away neural variance that has nothing to do with the pose. Never use it for
questions about activity that is not behaviour.
"""

from __future__ import annotations

import numpy as np

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.transforms.base import (
    Affine,
    Floats,
    TransformData,
    needs_animals,
    one_hot,
)
from napari_neuroembed.transforms.leace import erasing

LEAST = 1e-3
"""Share of the predicted variance below which a direction is left out."""


def subspace(data: TransformData, options: TransformOptions) -> Affine:
    """Keep the directions of h that predict the animal-averaged behaviour.

    Notes
    -----
    In closed form, without action labels: (1) h is regressed on the behaviour p; what
    p does not explain has its animal means erased (conditional LEACE), so that animals
    that behave differently are not made alike; (2) ridge regression (`ridge`, 10) from
    standardised, erased h to p; (3) the first directions of what is predicted
    (reduced-rank regression), at most `directions` (8), fewer where the rest predicts
    under 0.1 % of the variance.
    """
    needs_animals(data, "subspace")
    p: Floats = behaviour_of(data, "subspace")
    mean: Floats = data.h.mean(axis=0)
    centred: Floats = data.h - mean
    behaviour: Floats = p - p.mean(axis=0)
    explained = behaviour @ ridge(behaviour, centred, options.ridge)
    eraser = erasing(centred, centred - explained, one_hot(data.animal))
    erased = centred @ eraser
    scale = np.asarray(np.maximum(erased.std(axis=0), 1e-9), dtype=np.float64)
    readout = ridge(erased / scale, behaviour, options.ridge)
    _, singular, axes = np.linalg.svd(erased / scale @ readout, full_matrices=False)
    share = np.square(singular) / max(float(np.square(singular).sum()), 1e-300)
    n = max(1, int(np.count_nonzero(share[: options.directions] > LEAST)))
    matrix = (eraser / scale) @ readout @ axes[:n].T
    predicted = np.square(erased / scale @ readout).sum()
    facts = {
        "directions": float(n),
        "explained": float(predicted / max(float(np.square(behaviour).sum()), 1e-300)),
    }
    target = {"target_mean": p.mean(axis=0), "target_axes": axes[:n].T}
    return Affine(mean, matrix, np.zeros(n), facts=facts, target=target)


def ridge(x: Floats, y: Floats, penalty: float) -> Floats:
    """Return B of y = x B, (x'x + penalty I)^-1 x'y."""
    gram = x.T @ x + penalty * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, x.T @ y), dtype=np.float64)


def behaviour_of(data: TransformData, name: str) -> Floats:
    """Return the behaviour, or refuse (DataError) without a second stream."""
    if data.behaviour is None:
        raise DataError(
            f"The transform {name} keeps what poses or scalars tell, and these "
            "recordings have neither."
        )
    return data.behaviour
