"""A score with its interval, its chance level and its null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Codes, Floats

ALPHA = 0.05


def _none() -> Floats:
    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True)
class Measure:
    """One score and what is known about its uncertainty.

    Parameters
    ----------
    value
        The score.
    chance
        What it is held against.
    boot
        The score under bootstrap draws; empty when there is no interval.
    null
        The statistic under the null; empty when there is no test.
    observed
        The statistic on the data, when it is not `value` itself.
    detectable
        The smallest planted leak that would have been found.
    known_p
        p, when it does not come from `null`.
    """

    value: float
    chance: float = np.nan
    boot: Floats = field(default_factory=_none)
    null: Floats = field(default_factory=_none)
    observed: float | None = None
    detectable: float = np.nan
    known_p: float = np.nan

    def columns(self) -> dict[str, float]:
        """Return the columns value, low, high, chance, p, critical and detectable.

        `low` and `high` bound the middle 95 % of the bootstrap. ``p = (1 + draws of
        the null at or above the data) / (1 + draws)``. `critical` is the value that
        the statistic had to exceed for p <= 0.05, NaN when no value could.
        """
        low = high = critical = np.nan
        p = self.known_p
        boot = self.boot[np.isfinite(self.boot)]
        if boot.size:
            low, high = np.percentile(boot, [2.5, 97.5])
        null = self.null[np.isfinite(self.null)]
        statistic = self.value if self.observed is None else self.observed
        if null.size and np.isfinite(statistic):
            p = p_value(statistic, null)
            critical = critical_value(null)
        return {
            "value": self.value,
            "low": float(low),
            "high": float(high),
            "chance": self.chance,
            "p": float(p),
            "critical": float(critical),
            "detectable": self.detectable,
        }


def p_value(statistic: float, null: Floats) -> float:
    """Return ``(1 + #{null >= statistic}) / (1 + n)``, which is never 0.

    Values that differ only by rounding count as equal.

    Examples
    --------
    >>> p_value(1.0, np.zeros(99))
    0.01
    """
    reached = np.count_nonzero(null >= statistic - 1e-9)
    return float((1 + reached) / (1 + null.size))


def critical_value(null: Floats, alpha: float = ALPHA) -> float:
    """Return the value that a statistic must exceed to reach p <= alpha.

    NaN when there are too few draws for any value to do so.
    """
    allowed = int(np.floor(alpha * (1 + null.size))) - 1
    if allowed < 0:
        return float("nan")
    ordered = np.sort(null)[::-1]
    return float(ordered[min(allowed, null.size - 1)])


def bootstrap_counts(
    strata: Codes, n_draws: int, generator: np.random.Generator
) -> Floats:
    """Draw units with replacement, within each stratum.

    Parameters
    ----------
    strata
        Stratum of each unit, shape (n_units,); as many units are drawn of each
        stratum as it has.
    n_draws
        Number of draws.

    Returns
    -------
    array, shape (n_draws, n_units)
        How often each unit was drawn.
    """
    out = np.zeros((n_draws, strata.size))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        even = np.full(members.size, 1.0 / members.size)
        out[:, members] = generator.multinomial(members.size, even, size=n_draws)
    return out


def mean_measure(
    measures: Sequence[Measure], generator: np.random.Generator
) -> Measure:
    """Return the mean over animals.

    Its bootstrap is hierarchical: animals are drawn with replacement, and each one
    drawn brings one of its own draws over recordings. With fewer than five or so
    animals such an interval is rough. Its null is the mean of the animals' nulls.
    Animals without a score are passed over.
    """
    measures = [m for m in measures if np.isfinite(m.value)]
    if not measures:
        return Measure(float("nan"))
    n = len(measures)
    observed = [m.value if m.observed is None else m.observed for m in measures]
    return Measure(
        value=float(np.mean([m.value for m in measures])),
        chance=float(np.mean([m.chance for m in measures])),
        boot=_hierarchical([m.boot for m in measures], generator),
        null=_stacked([m.null for m in measures], n),
        observed=float(np.mean(observed)),
    )


def _hierarchical(
    boots: Sequence[Floats], generator: np.random.Generator
) -> NDArray[np.float64]:
    kept = [boot[np.isfinite(boot)] for boot in boots]
    if not kept or min(boot.size for boot in kept) == 0:
        return _none()
    n_draws = max(boot.size for boot in kept)
    animals = generator.integers(len(kept), size=(n_draws, len(kept)))
    places = generator.random((n_draws, len(kept)))
    sizes = np.array([boot.size for boot in kept])
    offsets = np.cumsum(sizes) - sizes
    flat = np.concatenate(kept)
    index = offsets[animals] + (places * sizes[animals]).astype(np.int64)
    return np.asarray(flat[index].mean(axis=1))


def _stacked(nulls: Sequence[Floats], n: int) -> NDArray[np.float64]:
    if not n or min(null.size for null in nulls) == 0:
        return _none()
    size = min(null.size for null in nulls)
    return np.asarray(np.mean([null[:size] for null in nulls], axis=0))
