"""Wins and losses of methods over each other on the same animals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from benchmarks.semireal_table import table
from napari_neuroembed.evaluation.paired import FEWEST_FOR_P, Difference, paired

COMPARED = ("across", "within", "identity MLP")
HEADINGS = {
    "across": "Across animals",
    "within": "Within an animal",
    "identity MLP": "Identity, network probe",
}
STEP = " + subspace"


@dataclass(frozen=True)
class Pair:
    """Two rows of the table on one measure.

    `gain` is the difference in the good direction: for identity, less is better.
    """

    measure: str
    first: str
    second: str
    gain: Difference

    @property
    def winner(self) -> str:
        """Return who wins; none where the interval holds 0 or there is none."""
        if self.gain.low > 0:
            return self.first
        return self.second if self.gain.high < 0 else ""

    @property
    def loser(self) -> str:
        """Return who loses."""
        others = {self.first: self.second, self.second: self.first}
        return others.get(self.winner, "")


def compare(units: pd.DataFrame, measure: str) -> Iterator[Pair]:
    """Compare every two methods after the same step, and each with itself after it.

    Parameters
    ----------
    units
        Columns seed, method, measure, unit and value; a pair is a unit of a seed.
    measure
        One of `COMPARED`.
    """
    of = units[units["measure"] == measure]
    wide = of.pivot_table(index=["seed", "unit"], columns="method", values="value")
    sign = -1.0 if measure.startswith("identity") else 1.0
    names = [name for name in dict.fromkeys(of["method"]) if name in wide]
    plain = [name for name in names if not name.endswith(STEP)]
    after = [name for name in names if name.endswith(STEP)]
    both = [(name + STEP, name) for name in plain if name + STEP in after]
    for first, second in (*combinations(plain, 2), *combinations(after, 2), *both):
        better, other = (sign * wide[name].to_numpy() for name in (first, second))
        yield Pair(measure, first, second, paired(better, other))


def wins(pairs: list[Pair]) -> Iterator[str]:
    """Say of every method what it wins over and what it loses to."""
    yield from ("## Wins and losses", "")
    yield (
        "A win: the 95 % bootstrap interval of the paired difference does not hold 0. "
        "Pairs are animals of each seed; for identity they are the seeds, so few that "
        f"a win means that all of them agree. Of these {len(pairs)} comparisons about "
        f"{0.05 * len(pairs):.0f} would be told apart by chance, if not more: animals "
        "of one seed are not independent."
    )
    yield ""
    head = ("", "", "wins over", "loses to")
    rows = []
    for name in dict.fromkeys(n for pair in pairs for n in (pair.first, pair.second)):
        for measure in COMPARED:
            own = [pair for pair in pairs if pair.measure == measure]
            won = [pair.loser for pair in own if pair.winner == name]
            lost = [pair.winner for pair in own if pair.loser == name]
            shown = f"`{name}`" if measure == COMPARED[0] else ""
            rows.append((shown, HEADINGS[measure].lower(), _listed(won), _listed(lost)))
    yield from table(head, rows)
    yield ""


def every_pair(pairs: list[Pair]) -> Iterator[str]:
    """Give every difference with its interval."""
    yield from ("## Every pair", "")
    yield (
        "First minus second in the good direction (for identity, how much less the "
        f"first tells); p by flipping signs, from {FEWEST_FOR_P} pairs on."
    )
    for measure in COMPARED:
        yield from ("", f"### {HEADINGS[measure]}", "")
        rows = []
        for pair in (pair for pair in pairs if pair.measure == measure):
            gain = pair.gain
            ahead = sum(each > 0 for each in gain.each)
            rows.append(
                (
                    f"`{pair.first}`",
                    f"`{pair.second}`",
                    f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})",
                    f"{ahead} of {gain.n}",
                    "-" if np.isnan(gain.p) else f"{gain.p:.3f}",
                    f"`{pair.winner}`" if pair.winner else "not told apart",
                )
            )
        head = ("first", "second", "difference", "first ahead", "p", "wins")
        yield from table(head, rows)
    yield ""


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
