"""Give recordings other labels: what a score is where labels mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Codes


def permuted_labels(
    label: Codes, group: Codes, n_draws: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Permute labels over recordings, within groups.

    Parameters
    ----------
    label, group
        Label and group of each recording, shape (R,). One group permutes over all;
        the animal as group asks what the label tells beyond the animal.
    n_draws
        Number of permutations. Where there are no more ways than that to hand out
        the labels, each is taken once, so that p is exact.

    Returns
    -------
    array of int, shape (P, R)
        The labels as they are, then the others.
    """
    if n_relabellings(label, group) <= n_draws:
        return _every_one(label, group)
    out = np.repeat(label[None, :], n_draws + 1, axis=0)
    for g in np.unique(group):
        members = np.flatnonzero(group == g)
        for row in out[1:]:
            row[members] = row[generator.permutation(members)]
    return out


def n_relabellings(label: Codes, group: Codes) -> int:
    """Return in how many ways labels can be handed out to the recordings.

    Examples
    --------
    >>> n_relabellings(np.array([0, 0, 1, 1]), np.zeros(4))
    6
    """
    return prod(_ways(label[group == g]) for g in np.unique(group))


def smallest_p(label: Codes, group: Codes) -> float:
    """Return the smallest p that any score could have.

    Labels of equally many recordings can be swapped without changing the score,
    which is then reached at least that often.

    Examples
    --------
    >>> smallest_p(np.array([0, 0, 0, 1, 1, 1]), np.zeros(6))
    0.1
    """
    ties = 1
    if np.unique(group).size == 1:
        _, sizes = np.unique(label, return_counts=True)
        ties = prod(_factorial(int(n)) for n in np.bincount(sizes))
    return ties / n_relabellings(label, group)


def _ways(label: Codes) -> int:
    left, ways = label.size, 1
    for n in np.unique(label, return_counts=True)[1]:
        ways *= comb(left, int(n))
        left -= int(n)
    return ways


def _factorial(n: int) -> int:
    return prod(range(1, n + 1))


def _every_one(label: Codes, group: Codes) -> NDArray[np.int64]:
    parts = [np.flatnonzero(group == g) for g in np.unique(group)]
    out = [label.copy()]
    for chosen in product(*(_orders(tuple(label[part])) for part in parts)):
        row = label.copy()
        for part, values in zip(parts, chosen, strict=True):
            row[part] = values
        if not np.array_equal(row, label):
            out.append(row)
    return np.stack(out)


def _orders(values: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield every distinct order of some values."""
    if not values:
        yield ()
    for first in sorted(set(values)):
        place = values.index(first)
        for rest in _orders(values[:place] + values[place + 1 :]):
            yield (first, *rest)
