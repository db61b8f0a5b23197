"""The tidy table of scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.evaluation.intervals import Measure
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.store.schema import PREDICTION_COLUMNS, SCORE_COLUMNS

_WHOLE = ("draw", "n_fit", "n_test", "n_classes", "seed")
_NUMBERS = ("fraction", "value", "low", "high", "chance", "p", "critical", "detectable")
_TRUE_FALSE = ("is_baseline", "balanced")
_TEXT = tuple(
    name for name in SCORE_COLUMNS if name not in (*_WHOLE, *_NUMBERS, *_TRUE_FALSE)
)


@dataclass(frozen=True)
class RunFacts:
    """What every row of a run's table repeats.

    Parameters
    ----------
    run, group, method
        Names of the run, of the runs that belong together, and of the method.
    mode
        ``transductive`` or ``inductive``.
    held_out_animal
        The animal an inductive run never saw, else ''.
    normalise
        How the input was normalised.
    seed
        Seed of the run.
    """

    run: str
    method: str
    group: str = ""
    mode: str = "transductive"
    held_out_animal: str = ""
    normalise: str = "none"
    seed: int = 0


@dataclass
class Table:
    """Rows of scores and predictions as they come in."""

    facts: RunFacts
    rows: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[pd.DataFrame] = field(default_factory=list)

    def add(
        self, who: Mapping[str, Any], metric: str, measure: Measure, **fields: Any
    ) -> None:
        """Add one score."""
        self.rows.append({**who, **fields, "metric": metric, **measure.columns()})

    def add_missing(
        self, who: Mapping[str, Any], metric: str, why: str, **fields: Any
    ) -> None:
        """Add a score that cannot be computed, with the reason."""
        self.rows.append({**who, **fields, "metric": metric, "note": why})

    def scores(self) -> pd.DataFrame:
        """Return the scores with exactly the columns of the run folder's schema."""
        facts = {
            "run": self.facts.run,
            "group": self.facts.group,
            "mode": self.facts.mode,
            "normalise": self.facts.normalise,
            "seed": self.facts.seed,
        }
        rows = [{**_BLANK, **facts, **row} for row in self.rows]
        table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
        types: dict[str, Any] = dict.fromkeys(_TEXT, "str")
        types |= dict.fromkeys(_WHOLE, np.int64)
        types |= dict.fromkeys(_NUMBERS, np.float64)
        types |= dict.fromkeys(_TRUE_FALSE, bool)
        return table.astype(types)

    def predicted(self) -> pd.DataFrame:
        """Return the predictions of all tasks."""
        if not self.predictions:
            return pd.DataFrame(columns=list(PREDICTION_COLUMNS))
        table = pd.concat(self.predictions, ignore_index=True)
        return table[list(PREDICTION_COLUMNS)]


_BLANK: dict[str, Any] = {
    **dict.fromkeys(_TEXT, ""),
    **dict.fromkeys(_NUMBERS, np.nan),
    **dict.fromkeys(_WHOLE, 0),
    "control": "none",
    "transform": "none",
    "stream": "none",
    "probe": "none",
    "fraction": 1.0,
    "fold": "pooled",
    "is_baseline": False,
    "balanced": False,
}


def who(representation: Representation) -> dict[str, Any]:
    """Return the columns that say what was read."""
    return {
        "method": representation.method,
        "is_baseline": representation.is_baseline,
        "stream": representation.stream,
        "transform": representation.transform,
    }


def sentence(parts: Iterable[str]) -> str:
    """Join the notes of a row, leaving out empty ones and repeats.

    Examples
    --------
    >>> sentence(["a", "", "b", "a"])
    'a; b'
    """
    return "; ".join(dict.fromkeys(part for part in parts if part))
