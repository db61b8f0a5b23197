"""Which poses of which other animals are similar: the neighbour table of Eq. 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.progress import Report, silent

CHUNK = 4096
"""Queries searched at once, so that memory stays bounded and progress is seen."""

Temperature = float | Literal["auto"]


@dataclass(frozen=True)
class SwapTable:
    """The nearest poses of every pose in each other animal.

    Parameters
    ----------
    animals
        Names, in the order of all numbers used here.
    index
        Per animal, shape (rows, animals - 1, N), int32: row in the candidate animal.
        Slot j is animal j below the own number and animal j + 1 from it on; -1 pads
        candidates with fewer than N rows.
    distance
        Beside `index`, Euclidean; inf where `index` is -1.
    used
        Features that took part in distances, True unless constant in every animal.
    """

    animals: tuple[str, ...]
    index: tuple[NDArray[np.int32], ...]
    distance: tuple[NDArray[np.floating], ...]
    used: NDArray[np.bool_]

    @property
    def n_animals(self) -> int:
        """Number of animals."""
        return len(self.animals)

    def temperature(self, value: Temperature) -> float:
        """Return a temperature as a number; `auto` is the median neighbour distance.

        Raises
        ------
        TrainingError
            When `auto` finds a median of 0: the neighbours are copies of the queries.
        """
        if value != "auto":
            return float(value)
        known = [d[np.isfinite(d)].astype(np.float64) for d in self.distance]
        median = float(np.median(np.concatenate(known)))
        if median <= 0:
            raise TrainingError(
                "The median distance of pose neighbours is 0, so no temperature can be "
                "taken from it: most poses have identical copies in other animals. "
                "Check the poses, or set augmentation.pose_swap.temperature to a "
                "number."
            )
        return median


def neighbour_table(
    query: NDArray[np.floating], candidates: NDArray[np.floating], n: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the nearest candidates of every query, nearest first.

    Parameters
    ----------
    query
        Poses of one animal, shape (rows, features).
    candidates
        Poses of another, shape (other rows, features).
    n
        Neighbours wanted; capped at the number of candidates.

    Returns
    -------
    index, distance
        Rows of `candidates` and Euclidean distances, shape (rows, min(n, candidates)).

    Examples
    --------
    >>> index, distance = neighbour_table(np.zeros((1, 2)), np.eye(2) * [3, 1], 5)
    >>> index.tolist(), distance.tolist()
    ([[1, 0]], [[1.0, 3.0]])
    """
    search = NearestNeighbors(n_neighbors=min(n, len(candidates))).fit(candidates)
    parts = [
        search.kneighbors(query[start : start + CHUNK])
        for start in range(0, len(query), CHUNK)
    ]
    distance = np.concatenate([part[0] for part in parts]).astype(np.float32)
    return np.concatenate([part[1] for part in parts]).astype(np.int32), distance


def build_swap_table(
    features: Sequence[NDArray[np.floating]],
    animals: Sequence[str],
    n: int,
    report: Report = silent,
    *,
    queries: Sequence[NDArray[np.floating]] | None = None,
) -> SwapTable:
    """Find the similar poses of every animal in each other animal.

    Parameters
    ----------
    features
        Per animal, shape (rows, features): poses (unit `frame`) or flattened windows
        (unit `window`) of fit recordings only, restricted to frames that windows use.
    animals
        Their names.
    n
        Neighbours per other animal (N = 128 in the paper), capped at its rows.
    report
        Called once per pair of animals.
    queries
        Per animal, the poses whose neighbours are wanted; default all of `features`.
        Rows of the table and of a draw are theirs.

    Returns
    -------
    SwapTable
        Neighbours *per animal*: Eq. 2 draws the animal first, and one merged list over
        all others would be another law.

    Raises
    ------
    TrainingError
        With fewer than two animals, animals without poses, features that differ in
        number or are not finite, or nothing that varies.

    Examples
    --------
    >>> poses = [np.array([[0.0], [1.0]]), np.array([[0.9], [0.2], [5.0]])]
    >>> table = build_swap_table(poses, ["fly1", "fly2"], n=2)
    >>> table.index[0][:, 0].tolist()
    [[1, 0], [0, 1]]
    """
    _check_features(features, animals)
    low = np.stack([part.min(axis=0) for part in features])
    high = np.stack([part.max(axis=0) for part in features])
    used = np.asarray((high > low).any(axis=0))
    if not used.any():
        raise TrainingError(
            f"Pose swapping found no feature that varies among {used.size} pose "
            "features. Check the pose stream, or set augmentation.pose_swap.p to 0."
        )
    kept = [np.ascontiguousarray(part[:, used]) for part in features]
    asked = kept if queries is None else [part[:, used] for part in queries]
    n_animals = len(kept)
    width = min(n, max(len(part) for part in kept))
    index, distance = [], []
    for own, query in enumerate(asked):
        shape = (len(query), n_animals - 1, width)
        rows = np.full(shape, -1, dtype=np.int32)
        lengths = np.full(shape, np.inf, dtype=np.float32)
        for slot, other in enumerate(a for a in range(n_animals) if a != own):
            found, far = neighbour_table(query, kept[other], n)
            rows[:, slot, : found.shape[1]] = found
            lengths[:, slot, : far.shape[1]] = far
            done = own * (n_animals - 1) + slot + 1
            report("pose neighbours", done, n_animals * (n_animals - 1))
        index.append(rows)
        distance.append(_compact(lengths))
    return SwapTable(tuple(animals), tuple(index), tuple(distance), used)


def _check_features(
    features: Sequence[NDArray[np.floating]], animals: Sequence[str]
) -> None:
    if len(features) != len(animals):
        raise TrainingError(
            f"Pose swapping got poses of {len(features)} animals but {len(animals)} "
            "names."
        )
    if len(animals) < 2:
        raise TrainingError(
            "Pose swapping needs poses of at least 2 animals, because it replaces "
            f"poses of one animal by those of another; found {len(animals)} "
            f"({', '.join(animals) or 'none'}). Add animals, use the method simclr, or "
            "set augmentation.pose_swap.p to 0."
        )
    for part, name in zip(features, animals, strict=True):
        if part.ndim != 2 or part.shape[1] != features[0].shape[-1] or not len(part):
            raise TrainingError(
                f"Pose swapping expects poses of shape (rows, {features[0].shape[-1]}) "
                f"with at least one row; animal '{name}' has {part.shape}."
            )
        bad = int((~np.isfinite(part)).any(axis=1).sum())
        if bad:
            raise TrainingError(
                f"Pose swapping needs finite poses; {bad:,} of {len(part):,} rows of "
                f"animal '{name}' hold NaN or Inf. Leave invalid frames out."
            )


def _compact(distance: NDArray[np.float32]) -> NDArray[np.floating]:
    """Return distances as float16 where that changes exp(-distance) by under 1 %.

    Half precision has 11 bits: below 16 it errs by less than 0.008. Poses scaled to 0-1
    stay below 16 (half the memory); poses in pixels do not.
    """
    largest = distance[np.isfinite(distance)].max()
    return distance.astype(np.float16) if 1e-2 < largest < 16 else distance
