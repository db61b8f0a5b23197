"""From the scores of many runs to the two tables of the paper."""

from __future__ import annotations

from collections.abc import Iterable

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

ACTIONS = ("single_50", "single_100", "multi_50", "multi_100", "multi_balanced")
IDENTITY = ("identity_linear", "identity_knn", "identity_mlp")
GUESSES = ("uniform", "majority", "stratified")
KEYS = ("row", "stream", "transform")
REFERENCE = "guenel2022"
"""What differences are taken to."""


def table_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one line per row, stream, transform and seed of the comparison.

    Parameters
    ----------
    scores
        Rows of ``scores.csv`` of all runs, with the columns `row` and `seed_of_data`.

    Returns
    -------
    DataFrame
        `row`, `stream`, `transform`, `seed_of_data`, `is_baseline`, `run`, then
        :data:`COLUMNS`; NaN where a score could not be computed.
    """
    mean = scores[
        scores["animal"].isin(["", "mean"])
        & scores["held_out_animal"].isin(["", "mean"])
        & scores["target"].isin(["action", "animal"])
        & (scores["control"].isin(["none", ""]))
    ]
    keys = [*KEYS, "seed_of_data"]
    lines = []
    for values, own in mean.groupby(keys, sort=False, dropna=False):
        line = dict(zip(keys, values, strict=True))
        line |= {
            "is_baseline": bool(own["is_baseline"].iloc[0]),
            "run": own["run"].iloc[0],
        }
        is_guess = line["row"] in GUESSES
        lines.append(line | {c: _value(own, c, is_guess) for c in COLUMNS})
    return pd.DataFrame(lines, columns=[*keys, "is_baseline", "run", *COLUMNS])


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


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and sd over seeds; columns ``<name>`` and ``<name>_sd``."""
    grouped = table.groupby([*KEYS, "is_baseline"], sort=False, dropna=False)
    mean = grouped[list(COLUMNS)].mean()
    sd = grouped[list(COLUMNS)].std(ddof=1).add_suffix("_sd")
    both = pd.concat([mean, sd], axis=1)
    both["n_seeds"] = grouped["seed_of_data"].nunique()
    return both.reset_index()


def differences(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what each row has above the reference, animal by animal, with intervals.

    The pairs are the held-out animals of every seed, probes and labels the same; see
    :func:`~napari_neuroembed.evaluation.paired.paired`. Rows are compared with the
    reference after the same transform.
    """
    lines = []
    for column in ("multi_100", "multi_balanced"):
        units = _by_animal(scores, column)
        for (row, transform), own in units.groupby(["row", "transform"], sort=False):
            other = units[
                (units["row"] == REFERENCE) & (units["transform"] == transform)
            ]
            if row == REFERENCE or other.empty:
                continue
            both = own.merge(other, on=["seed_of_data", "held_out_animal"])
            if both.empty:
                continue
            found = paired(both["value_x"].to_numpy(), both["value_y"].to_numpy())
            lines.append(
                {
                    "row": row,
                    "transform": transform,
                    "column": column,
                    **found.to_dict(),
                }
            )
    return pd.DataFrame(
        lines,
        columns=["row", "transform", "column", "mean", "low", "high", "n", "p", "each"],
    )


def _by_animal(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    task, metric, probe, share = COLUMNS[column]
    own = scores[
        (scores["task"] == task)
        & (scores["metric"] == metric)
        & (scores["probe"] == probe)
        & (scores["stream"] == "neural")
        & (scores["target"] == "action")
        & ~scores["held_out_animal"].isin(["", "mean"])
        & scores["control"].isin(["none", ""])
    ]
    own = own[np.isclose(own["fraction"].astype(float), share)]
    keys = ["row", "transform", "seed_of_data", "held_out_animal"]
    return own.groupby(keys, sort=False, as_index=False)["value"].mean()


def markdown(table: pd.DataFrame, columns: Iterable[str]) -> str:
    """Return a table over seeds as Markdown, accuracies in three digits.

    Examples
    --------
    >>> line = {"row": "a", "stream": "neural", "transform": "none", "n_seeds": 2}
    >>> print(markdown(pd.DataFrame([line | {"x": 0.5, "x_sd": 0.01}]), ["x"]))
    | row | stream | transform | x |
    | --- | --- | --- | --- |
    | a | neural | none | .500 ± .010 |
    """
    names = list(columns)
    lines = [
        "| " + " | ".join([*KEYS, *names]) + " |",
        "| " + " | ".join(["---"] * (len(KEYS) + len(names))) + " |",
    ]
    for _, line in table.iterrows():
        cells = [str(line[key]) for key in KEYS]
        cells += [_cell(line[name], line[f"{name}_sd"]) for name in names]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float, sd: float) -> str:
    if not np.isfinite(value):
        return "-"
    text = f"{value:.3f}".removeprefix("0")
    return f"{text} ± {sd:.3f}".replace("± 0", "± ") if np.isfinite(sd) else text
