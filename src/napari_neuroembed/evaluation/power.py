"""The smallest planted leak that a test finds 95 times in 100."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from napari_neuroembed.evaluation.intervals import critical_value
from napari_neuroembed.evaluation.leaks import planted
from napari_neuroembed.evaluation.metrics import Codes
from napari_neuroembed.evaluation.relabel import permuted_labels
from napari_neuroembed.evaluation.scaling import Array

POWER = 0.95
SIZES = 0.005 * 2.0 ** (np.arange(19) / 2)
"""Sizes tried, 0.005 to 2.56 of the embedding's spread."""
START = 8
"""Place of the size tried first."""
FEW = 4
"""Leaks after which a size that is clearly too small is given up."""

Statistic = Callable[[Array, NDArray[np.int64]], NDArray[np.float64]]
"""Score of an embedding under each labelling of the recordings."""


@dataclass(frozen=True)
class Plan:
    """What leaks are planted into, and how they are looked for.

    Parameters
    ----------
    x
        Embedding without animals, shape (n, dim).
    recording
        Recording of each window, shape (n,).
    animal
        Animal of each recording, shape (R,).
    statistic
        The score that the audit's p is made of.
    n_leaks, n_draws
        Leaks planted of every size, and permutations each is held against.
    seed
        Everything random follows from it. Every size has the same animals and
        directions, so that what is found grows with the size.
    is_slow
        Whether all leaks of a size are held against the permutations of the first.
    """

    x: Array
    recording: Codes
    animal: Codes
    statistic: Statistic
    n_leaks: int
    n_draws: int
    seed: tuple[int, ...]
    is_slow: bool = False

    def leak(self, size: float, number: int) -> tuple[Array, NDArray[np.int64]]:
        """Return an embedding with one leak, and the labels to score it under.

        The first labels are those of the leak, the others permutations of them.
        """
        generator = np.random.default_rng([*self.seed, number])
        animal = generator.permutation(self.animal)
        x = planted(self.x, animal[self.recording], size, generator)
        one_group = np.zeros_like(animal)
        return x, permuted_labels(animal, one_group, self.n_draws, generator)


def smallest_leak(plan: Plan) -> float:
    """Return the smallest size that is found 95 times in 100, NaN when none is.

    A size is found when the next leak of it would reach p <= 0.05 with a probability
    of 95 %, by the margins of the leaks planted; between two sizes, interpolated.
    """
    bounds: dict[int, float] = {}
    low, high, place, stride = -1, SIZES.size, START, 2
    while high - low > 1:
        bounds[place] = next_margin(margins(plan, float(SIZES[place])))
        if bounds[place] > 0:
            high = place
        else:
            low = place
        if low >= 0 and high < SIZES.size:
            place = (low + high) // 2
        else:
            place = max(low + 1, high - stride) if low < 0 else low + stride
            place, stride = min(place, high - 1), 2 * stride
    if high == SIZES.size:
        return float("nan")
    if low < 0:
        return float(SIZES[0])
    part = -bounds[low] / (bounds[high] - bounds[low])
    return float(SIZES[low] + part * (SIZES[high] - SIZES[low]))


def margins(plan: Plan, size: float) -> list[float]:
    """Return what each leak's score exceeds its critical value by.

    At most 0 where p would be above 0.05. Ends early where the first few say so.
    """
    found: list[float] = []
    edge = np.nan
    for number in range(plan.n_leaks):
        x, labels = plan.leak(size, number)
        is_known = plan.is_slow and number > 0
        scores = plan.statistic(x, labels[:1] if is_known else labels)
        if not is_known:
            edge = critical_value(scores[1:][np.isfinite(scores[1:])])
        margin = float(scores[0]) - edge
        found.append(margin if np.isfinite(margin) else -1.0)
        if number == FEW - 1 and np.mean(found) <= 0:
            break
    return found


def next_margin(found: list[float]) -> float:
    """Return the lower end of the one-sided 95 % prediction interval, by Student's t.

    Examples
    --------
    >>> round(next_margin([0.1, 0.1, 0.1]), 9)
    0.1
    >>> next_margin([0.0, 0.1, 0.2]) < 0
    True
    """
    n = len(found)
    spread = float(np.std(found, ddof=1)) * np.sqrt(1.0 + 1.0 / n)
    return float(np.mean(found) - student.ppf(POWER, n - 1) * spread)
