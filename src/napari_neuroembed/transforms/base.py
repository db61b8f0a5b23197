"""What is fitted on embeddings afterwards: an affine map, common or of each animal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.transforms import TransformOptions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TransformData:
    """Windows of fit recordings, and nothing else.

    Parameters
    ----------
    h
        Embedding, shape (n, dim).
    animal
        Animal of every window, shape (n,).
    behaviour
        What behaviour the windows show, averaged over similar moments of other animals
        (:func:`~napari_neuroembed.transforms.behaviour.behaviour_target`), shape (n,
        k); None without a second stream.
    """

    h: Floats
    animal: NDArray[np.object_]
    behaviour: Floats | None = None


@dataclass(frozen=True)
class Affine:
    """x -> (x - mean) matrix + offset.

    Parameters
    ----------
    mean, matrix, offset
        Shape (dim,), (dim, k) and (k,); with `animals` one of each for every animal,
        stacked along axis 0.
    animals
        Whom they belong to; empty: the same for all.
    facts
        What was found on the way, for people.
    target
        Arrays that a later correction needs, by name.
    """

    mean: Floats
    matrix: Floats
    offset: Floats
    animals: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    target: Mapping[str, Floats] = field(default_factory=dict)

    def apply(self, h: NDArray[np.floating], animal: NDArray[np.object_]) -> Floats:
        """Return transformed rows, shape (n, k).

        Raises
        ------
        DataError
            When the embedding has other dimensions, or an animal was not in the fit.
        """
        dim = self.mean.shape[-1]
        if h.ndim != 2 or h.shape[1] != dim:
            raise DataError(
                f"A transform of embeddings with {dim} dimensions got shape {h.shape}."
            )
        if not self.animals:
            mapped: Floats = (h - self.mean) @ self.matrix + self.offset
            return mapped
        strange = sorted(set(animal) - set(self.animals))
        if strange:
            raise DataError(
                f"This transform moves each animal on its own and knows "
                f"{', '.join(self.animals)}; found {', '.join(map(str, strange))}."
            )
        found = np.empty((len(h), self.matrix.shape[-1]))
        for number, name in enumerate(self.animals):
            rows = animal == name
            centred = h[rows] - self.mean[number]
            found[rows] = centred @ self.matrix[number] + self.offset[number]
        return found


Fit = Callable[[TransformData, TransformOptions], Affine]
"""Fits a transform on windows of fit recordings.

Raises DataError saying what is lacking: a second stream, or animals."""


def needs_animals(data: TransformData, name: str) -> None:
    """Refuse (DataError) what compares animals when there is a single one."""
    animals = sorted(set(data.animal))
    if len(animals) < 2:
        raise DataError(
            f"The transform {name} compares animals and needs fit recordings of at "
            f"least 2, found {len(animals)} ({', '.join(map(str, animals)) or 'none'})."
        )


def one_hot(animal: NDArray[np.object_]) -> Floats:
    """Return which animal every window is of, centred, shape (n, animals)."""
    names, code = np.unique(animal.astype(str), return_inverse=True)
    hot: Floats = np.eye(len(names))[code]
    hot -= hot.mean(axis=0)
    return hot
