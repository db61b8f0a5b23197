"""Differences between two methods on the same animals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_FOR_P = 6
"""With fewer independent units no p-value below 0.05 is possible by flipping signs."""
DRAWS = 10_000


@dataclass(frozen=True)
class Difference:
    """Mean difference of pairs.

    Parameters
    ----------
    mean, low, high
        Of first minus second, with a 95 % bootstrap interval over units; the interval
        is NaN with fewer than two.
    n
        Units.
    p
        Two-sided, by flipping the signs of the units; NaN with fewer than six, where
        the differences themselves say more.
    each
        Difference of every unit.
    """

    mean: float
    low: float
    high: float
    n: int
    p: float
    each: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields; `each` as text."""
        return asdict(self) | {"each": " ".join(f"{d:+.3f}" for d in self.each)}


def paired(
    first: NDArray[np.float64], second: NDArray[np.float64], seed: int = 0
) -> Difference:
    """Compare two methods unit by unit; units are animals, or animals of each seed.

    Parameters
    ----------
    first, second
        Scores of the same units, shape (n,); pairs with NaN are left out.
    seed
        Of the bootstrap and of the flips.

    Examples
    --------
    >>> found = paired(np.array([0.9, 0.8]), np.array([0.7, 0.7]))
    >>> round(found.mean, 3), found.n, found.p
    (0.15, 2, nan)
    """
    each = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    each = each[np.isfinite(each)]
    n, rng = len(each), np.random.default_rng(seed)
    nan = float("nan")
    if n == 0:
        return Difference(nan, nan, nan, 0, nan, ())
    low = high = p = nan
    if n > 1:
        drawn = each[rng.integers(n, size=(DRAWS, n))].mean(axis=1)
        low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    if n >= FEWEST_FOR_P:
        p = _sign_flips(each, rng)
    return Difference(float(each.mean()), low, high, n, p, tuple(map(float, each)))


def _sign_flips(each: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Return the share of sign patterns whose mean lies as far from 0."""
    n = len(each)
    if n <= 13:  # all of them
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        means = ((2 * patterns - 1) * each).mean(axis=1)
        return float(np.mean(np.abs(means) >= abs(each.mean()) - 1e-12))
    signs = rng.choice([-1.0, 1.0], size=(DRAWS, n))
    means = (signs * each).mean(axis=1)
    found = np.count_nonzero(np.abs(means) >= abs(each.mean()) - 1e-12)
    return float((1 + found) / (1 + DRAWS))
