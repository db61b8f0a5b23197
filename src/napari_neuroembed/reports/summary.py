"""From the scores of many runs to the two tables of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.evaluation.paired import paired

COLUMNS: dict[str, tuple[str, str, str, float]] = {
    "single_50": ("action_single", "accuracy", "linear", 0.5),
    "single_100": ("action_single", "accuracy", "linear", 1.0),
    "multi_50": ("action_multi", "accuracy", "linear", 0.5),
    "multi_100": ("action_multi", "accuracy", "linear", 1.0),
    "single_balanced": ("action_single", "balanced_accuracy", "linear", 1.0),
    "multi_balanced": ("action_multi", "balanced_accuracy", "linear", 1.0),
    "multi_mlp": ("action_multi", "accuracy", "mlp", 1.0),
    "identity_linear": ("identity", "balanced_accuracy", "linear", 1.0),
    "identity_knn": ("identity", "balanced_accuracy", "knn", 1.0),
    "identity_mlp": ("identity", "balanced_accuracy", "mlp", 1.0),
}
"""Column of the table -> task, metric, probe, share of the labels."""

IDENTITY = ("identity_linear", "identity_knn", "identity_mlp")
GUESSES = ("uniform", "majority", "stratified")
KEYS = ("row", "mode", "stream", "transform")
REFERENCES = {"transductive": "guenel2022", "inductive": "guenel2022_inductive"}
"""Row that differences are taken to, by the mode."""


def table_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one line per row, stream, transform and seed of the comparison.

    Parameters
    ----------
    scores
        Rows of ``scores.csv`` of all runs, with the columns `row` and `seed_of_data`.

    Returns
    -------
    DataFrame
        `row`, `stream`, `transform`, `seed_of_data`, `is_baseline`, `runs`, then
        :data:`COLUMNS`; NaN where a score could not be computed.
    """
    inductive = scores["mode"] == "inductive"  # one run per held-out animal
    over_animals = scores["animal"].isin(["", "mean"]) & (
        scores["held_out_animal"].isin(["", "mean"]) | inductive
    )
    mean = scores[
        (over_animals | scores["row"].isin(GUESSES))
        & scores["target"].isin(["action", "animal"])
        & (scores["control"].isin(["none", ""]))
    ]
    keys = [*KEYS, "seed_of_data"]
    lines = []
    for values, own in mean.groupby(keys, sort=False, dropna=False):
        line = dict(zip(keys, values, strict=True))
        line |= {
            "is_baseline": bool(own["is_baseline"].iloc[0]),
            "runs": " ".join(dict.fromkeys(own["run"])),
        }
        is_guess = line["row"] in GUESSES
        line |= {c: _value(own, c, is_guess) for c in COLUMNS}
        if line["row"] == GUESSES[0]:
            line |= dict.fromkeys(IDENTITY, _chance_of_identity(scores, line))
        lines.append(line)
    return pd.DataFrame(lines, columns=[*keys, "is_baseline", "runs", *COLUMNS])


def _value(own: pd.DataFrame, column: str, is_guess: bool) -> float:
    task, metric, probe, share = COLUMNS[column]
    here = own[(own["task"] == task) & (own["metric"] == metric)]
    if not is_guess:
        here = here[here["probe"] == probe]
        if task != "identity":
            here = here[np.isclose(here["fraction"].astype(float), share)]
    elif probe == "mlp":
        return float("nan")
    values = here["value"].astype(float)
    return float(values.mean()) if values.notna().any() else float("nan")


def _chance_of_identity(scores: pd.DataFrame, line: Mapping[str, Any]) -> float:
    own = scores[
        (scores["task"] == "identity")
        & (scores["metric"] == "balanced_accuracy")
        & (scores["seed_of_data"] == line["seed_of_data"])
        & (scores["mode"] == line["mode"])
    ]
    return float(own["chance"].astype(float).median())


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and sd over seeds; columns ``<name>`` and ``<name>_sd``."""
    grouped = table.groupby([*KEYS, "is_baseline"], sort=False, dropna=False)
    mean = grouped[list(COLUMNS)].mean()
    sd = grouped[list(COLUMNS)].std(ddof=1).add_suffix("_sd")
    both = pd.concat([mean, sd], axis=1)
    both["n_seeds"] = grouped["seed_of_data"].nunique()
    return both.reset_index()


COMPARED = ("single_100", "multi_100", "multi_balanced", *IDENTITY)
"""Columns that differences are taken of."""


def differences(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what each row has above the reference, unit by unit, with intervals.

    Units are seeds of the data where there are several: they are independent. In one
    project they are its animals, which share an encoder and most of a probe; identity
    is a fact of all of them together and has no difference then. See
    :func:`~napari_neuroembed.evaluation.paired.paired`. Rows are compared with the
    embedding of the reference itself, and after a transform also with the reference
    after the same one (column `reference`).
    """
    several = scores["seed_of_data"].nunique() > 1
    table = table_of(scores) if several else pd.DataFrame()
    lines = []
    for column in COMPARED:
        units = _by_seed(table, column) if several else _by_animal(scores, column)
        for key, own in units.groupby(["mode", "row", "transform"], sort=False):
            mode, row, transform = map(str, key)
            name = REFERENCES.get(mode, "")
            for step in dict.fromkeys(("none", transform)):
                is_reference = (
                    (units["mode"] == mode)
                    & (units["row"] == name)
                    & (units["transform"] == step)
                )
                both = own.merge(units[is_reference], on="unit")
                if both.empty or (row, transform) == (name, step):
                    continue
                found = paired(both["value_x"].to_numpy(), both["value_y"].to_numpy())
                reference = name if step == "none" else f"{name}, {step}"
                asked = (row, mode, transform, reference, column)
                line = dict(zip(_ASKED, asked, strict=True)) | found.to_dict()
                lines.append(line | {"unit": "seed" if several else "animal"})
    found_of = ["unit", "mean", "low", "high", "n", "p", "each"]
    return pd.DataFrame(lines, columns=[*_ASKED, *found_of])


_ASKED = ("row", "mode", "transform", "reference", "column")


def _by_seed(table: pd.DataFrame, column: str) -> pd.DataFrame:
    own = table[(table["stream"] == "neural") & table[column].notna()]
    named = {"seed_of_data": "unit", column: "value"}
    return own.rename(columns=named)[["mode", "row", "transform", "unit", "value"]]


def _by_animal(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    task, metric, probe, share = COLUMNS[column]
    whose = "animal" if task == "action_single" else "held_out_animal"
    own = scores[
        (scores["task"] == task)
        & (scores["metric"] == metric)
        & (scores["probe"] == probe)
        & (scores["stream"] == "neural")
        & (scores["target"] == "action")
        & ~scores[whose].isin(["", "mean"])
        & scores["control"].isin(["none", ""])
    ]
    own = own[np.isclose(own["fraction"].astype(float), share)]
    own = own.assign(unit=own[whose])
    keys = ["mode", "row", "transform", "unit"]
    return own.groupby(keys, sort=False)["value"].mean().reset_index()
