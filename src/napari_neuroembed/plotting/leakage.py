"""Identity leakage: can a probe tell whose window it is."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from napari_neuroembed.data.palette import Theme
from napari_neuroembed.plotting.dots import (
    add_chance,
    add_dots,
    add_ticks,
    label_rows,
    panels,
)
from napari_neuroembed.plotting.theme import empty

PROBES = {"mlp": "Network probe", "knn": "Neighbour probe", "linear": "Linear probe"}
"""Non-linear probes first: a linear probe at chance is no proof of no leakage."""

TITLE = "Identity leakage"
NO_SCORES = "No identity scores yet: neuroembed evaluate PROJECT RUN makes them."


def leakage(
    scores: pd.DataFrame,
    *,
    task: str = "identity",
    target: str = "animal",
    theme: Theme = "light",
) -> go.Figure:
    """Draw how well each probe names the animal, beside chance and baselines.

    Hollow diamonds with 95 % intervals; the dashed line is chance; a grey tick is
    what the score had to exceed to differ from permuted labels (p = 0.05), or a
    control.

    Parameters
    ----------
    scores
        Rows of ``scores.csv``.
    task, target
        ``identity`` and ``animal``, or ``covariate`` and its name.
    theme
        ``light`` or ``dark``.
    """
    chosen = (scores["task"] == task) & (scores["target"] == target)
    wanted = scores[chosen & (scores["metric"] == "accuracy")]
    known = wanted[wanted["value"].notna()]
    if known.empty:
        reasons = [str(note) for note in wanted["note"].dropna().unique() if note]
        return empty("; ".join(reasons) or NO_SCORES, theme=theme, title=TITLE)
    table = known.assign(label=label_rows(known))
    names = [name for name in PROBES if (table["probe"] == name).any()]
    labels = table["label"].drop_duplicates().to_list()
    shown = panels(
        [PROBES[name] for name in names],
        len(labels),
        title=TITLE,
        subtitle=_subtitle(table),
        theme=theme,
    )
    for column, name in enumerate(names, start=1):
        part = table[table["probe"] == name]
        is_control = part["control"].astype(str) != "none"
        hollow = {"symbol": "diamond-open", "size": 10}
        add_dots(shown, part[~is_control], column, hollow, theme)
        add_ticks(shown, part[is_control], column, "control", theme)
        edge = part[part["critical"].notna()].assign(value=part["critical"])
        add_ticks(shown, edge, column, "permuted labels reach", theme)
        add_chance(shown, float(part["chance"].median()), column, theme)
    shown.update_xaxes(range=[0, 1.06], title_text="Accuracy, balanced")
    shown.update_yaxes(categoryorder="array", categoryarray=labels)
    return shown


def _subtitle(table: pd.DataFrame) -> str:
    n, classes = int(table["n_test"].max()), int(table["n_classes"].max())
    balance = "" if table["balanced"].all() else ", some rows not balanced over actions"
    few = ", too few recordings to show a leak" if _is_blind(table) else ""
    return f"{classes} classes, {n:,} fresh windows{balance}{few}"


def _is_blind(table: pd.DataFrame) -> bool:
    """Return whether some score says that a leak could have stayed hidden."""
    return "verdict" in table and bool((table["verdict"] == "not testable").any())
