"""What a window shows, told by similar moments of the other animals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.transforms.base import Floats


def behaviour_target(
    poses: NDArray[np.floating],
    told: NDArray[np.floating],
    animal: NDArray[np.object_],
    options: TransformOptions,
    generator: np.random.Generator,
    *,
    query: NDArray[np.floating] | None = None,
    query_animal: NDArray[np.object_] | None = None,
) -> Floats:
    """Average the pose embedding of a few similar windows of other animals.

    Parameters
    ----------
    poses
        Scaled pose windows, shape (n, k); distances are taken among these.
    told
        What is averaged, usually the pose embedding, shape (n, dim).
    animal
        Animal of every window, shape (n,).
    options
        `neighbours` similar windows are found in every other animal (16) and `samples`
        of all these drawn (8).
    generator
        Of the draw: an animal first, then one of its neighbours, as in swapping.
    query, query_animal
        Windows to be told about, when they are not those of `poses`.

    Returns
    -------
    NDArray
        Shape (n, dim), or of the queries.

    Raises
    ------
    DataError
        When a window has no other animal to be compared with.
    """
    query = poses if query is None else query
    asked = animal if query_animal is None else query_animal
    names = sorted(map(str, set(animal)))
    choices = np.full((len(query), len(names), options.neighbours), -1)
    for place, name in enumerate(names):
        own = np.flatnonzero(animal == name)
        rows = np.flatnonzero(asked != name)
        if not rows.size:
            continue
        n = min(options.neighbours, own.size)
        search = NearestNeighbors(n_neighbors=n).fit(poses[own])
        found = own[search.kneighbors(query[rows], return_distance=False)]
        choices[rows, place] = found[:, np.arange(options.neighbours) % n]
    others = choices[:, :, 0] >= 0
    if not others.any(axis=1).all():
        raise DataError(
            "Behaviour is told by other animals, and the only one with fit recordings "
            f"is {', '.join(names) or 'nobody'}."
        )
    # An equal chance for every other animal: order them first, then count them off.
    order = np.argsort(~others, axis=1, kind="stable")
    shape = (len(query), options.samples)
    pick = (generator.random(shape) * others.sum(axis=1, keepdims=True)).astype(int)
    which = np.take_along_axis(order, pick, axis=1)
    neighbour = generator.integers(options.neighbours, size=shape)
    chosen = choices[np.arange(len(query))[:, None], which, neighbour]
    return np.asarray(told[chosen].mean(axis=1), dtype=np.float64)
