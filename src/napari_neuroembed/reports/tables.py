"""The two tables of the paper, laid out for people: what stands where, and its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.methods import METHODS
from napari_neuroembed.reports.rows import ROWS
from napari_neuroembed.reports.summary import GUESSES

TITLES = {
    "single_50": "within an animal, 50\u00a0% of labels",
    "single_100": "within, 100\u00a0%",
    "single_balanced": "within, balanced",
    "multi_50": "held-out animal, 50\u00a0%",
    "multi_100": "held-out, 100\u00a0%",
    "multi_balanced": "held-out, balanced",
    "multi_mlp": "held-out, MLP",
    "identity_linear": "linear",
    "identity_knn": "neighbours",
    "identity_mlp": "MLP",
}
"""What the columns are called."""

ACTIONS = (
    *("single_50", "single_100", "multi_50", "multi_100"),
    *("multi_balanced", "multi_mlp"),
)
ACROSS = ("multi_50", "multi_100", "multi_balanced", "multi_mlp")
IDENTITIES = ("identity_linear", "identity_knn", "identity_mlp")


@dataclass(frozen=True)
class Layout:
    """One table.

    Parameters
    ----------
    title
        Heading.
    mode
        ``transductive`` or ``inductive``; they are never in one table.
    columns
        Names of the columns.
    largest
        Whether the best value of a column is its largest.
    note
        What a reader must know.
    """

    title: str
    mode: str
    columns: tuple[str, ...]
    largest: bool
    note: str


LAYOUTS = (
    Layout(
        "Action recognition",
        "transductive",
        ACTIONS,
        True,
        "Accuracy on fresh recordings, by a linear probe but in the last column. The "
        "encoder saw every animal, without labels (transductive); the probe never saw "
        "the held-out one.",
    ),
    Layout(
        "Identity recognition",
        "transductive",
        IDENTITIES,
        False,
        "Which animal it is, on fresh recordings: balanced accuracy of three probes, "
        "balanced over animal and action (groups of poses where nothing is labelled). "
        "The lower the better.",
    ),
    Layout(
        "Action recognition, inductive",
        "inductive",
        ACROSS,
        True,
        "One encoder per held-out animal, which neither encoder nor probe ever saw. "
        "After calibrate the readout was corrected with unlabelled poses of the "
        "animal.",
    ),
)
"""The tables in their order."""


def is_shown(table: pd.DataFrame) -> pd.Series:
    """Return which lines are for people: embeddings of images, and raw poses.

    Embeddings of poses are in ``table.csv`` alone: they know what the animal does by
    construction.
    """
    shown: pd.Series = (
        table["stream"].isin(["neural", "none", ""]) | table["is_baseline"]
    )
    return shown


def lines_of(joint: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Return the lines of one table in their order, with the column `label`.

    Guesses and baselines come first, as in the paper. Lines without any value are left
    out; :func:`reasons` says why they have none.
    """
    own = joint[(joint["mode"] == layout.mode) & is_shown(joint)]
    own = own[own[list(layout.columns)].notna().any(axis=1)]
    own = own.assign(
        label=[label(one) for one in own.to_dict("records")],
        is_guess=own["row"].isin(GUESSES),
    )
    first = own.groupby(["row", "stream"], sort=False).ngroup()
    order = pd.DataFrame(
        {"guess": ~own["is_guess"], "baseline": ~own["is_baseline"], "first": first}
    )
    return own.loc[
        order.sort_values(["guess", "baseline", "first"], kind="stable").index
    ]


def label(line: Mapping[Any, object]) -> str:
    """Return what a line is called.

    Examples
    --------
    >>> label({"row": "raw", "stream": "pose", "transform": "none"})
    'raw pose'
    >>> label({"row": "simclr", "stream": "neural", "transform": "subspace"})
    'simclr + subspace'
    """
    row, stream = str(line["row"]), str(line["stream"])
    transform = str(line["transform"])
    if row.startswith("raw"):
        row = f"raw {stream}{row.removeprefix('raw')}"
    elif row in GUESSES:
        row = f"guess: {row}"
    return row if transform in ("none", "") else f"{row} + {transform}"


def paper_name(line: Mapping[Any, object]) -> str:
    """Return what Guenel et al. call a line, or nothing.

    Examples
    --------
    >>> paper_name({"row": "guenel2022", "transform": "none"})
    'Ours'
    """
    row = str(line["row"])
    known = ROWS[row].method if row in ROWS else ""
    is_theirs = known == row and line["transform"] in ("none", "")
    return METHODS[known].paper_name if is_theirs else ""


QUESTIONS = {
    "actions": ("action_single", "action_multi"),
    "identity": ("identity",),
}


def reasons(scores: pd.DataFrame) -> dict[str, str]:
    """Return why rows of the tables have no value: row and question -> reason."""
    found: dict[str, str] = {}
    for question, tasks in QUESTIONS.items():
        asked = scores[scores["task"].isin(tasks) & (scores["control"] == "none")]
        missing: dict[str, str] = {}
        for row, own in asked.groupby("row", sort=False):
            if own["value"].isna().all():
                notes = [str(note) for note in dict.fromkeys(own["note"]) if note]
                missing[str(row)] = "; ".join(notes[:3])
        told = set(missing.values())
        if len(missing) == asked["row"].nunique() and len(told) == 1:
            missing = {"every row": told.pop()}
        found |= {f"{row}, {question}": why for row, why in missing.items()}
    return found


def markdown(lines: pd.DataFrame, columns: Iterable[str]) -> str:
    """Return a table as Markdown, with three digits.

    Examples
    --------
    >>> line = {"label": "a", "multi_mlp": 0.5, "multi_mlp_sd": 0.01}
    >>> print(markdown(pd.DataFrame([line]), ["multi_mlp"]))
    | row | held-out, MLP |
    | --- | --- |
    | a | .500 ± .010 |
    """
    names = list(columns)
    head = ["row", *(TITLES.get(name, name) for name in names)]
    rows = [head, ["---"] * len(head)]
    for _, line in lines.iterrows():
        rows.append(
            [str(line["label"]), *(number(line[n], line[f"{n}_sd"]) for n in names)]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def number(value: float, sd: float) -> str:
    """Return a score with its sd over seeds, or a dash.

    Examples
    --------
    >>> number(0.5, float("nan")), number(1.0, 0.0104), number(float("nan"), 0.1)
    ('.500', '1.000 ± .010', '-')
    """
    if not np.isfinite(value):
        return "-"
    text = _short(value)
    return f"{text} ± {_short(sd)}" if np.isfinite(sd) else text


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def best_of(lines: pd.DataFrame, layout: Layout) -> dict[str, float]:
    """Return the best value of every column among methods."""
    own = lines[~lines["is_baseline"].astype(bool)]
    columns: Sequence[str] = layout.columns
    return {c: float(own[c].max() if layout.largest else own[c].min()) for c in columns}
