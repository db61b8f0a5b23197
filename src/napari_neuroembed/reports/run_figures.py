"""The figures of one run, as far as what they show is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from napari_neuroembed.errors import NeuroembedError
from napari_neuroembed.plotting.actions import actions
from napari_neuroembed.plotting.confusion import confusion
from napari_neuroembed.plotting.distances import distances
from napari_neuroembed.plotting.embedding import embedding
from napari_neuroembed.plotting.frontier import frontier
from napari_neuroembed.plotting.history import history
from napari_neuroembed.plotting.label_efficiency import label_efficiency
from napari_neuroembed.plotting.leakage import leakage
from napari_neuroembed.plotting.projection import pca
from napari_neuroembed.reports.run_facts import RunRecord
from napari_neuroembed.reports.summary import table_of
from napari_neuroembed.store.history import read_history
from napari_neuroembed.store.main_scores import UNTESTABLE, UNTESTED, main_scores
from napari_neuroembed.store.run_folder import HISTORY

MOST_POINTS = 4000
"""Windows drawn in a picture of an embedding; more are thinned out evenly."""


@dataclass(frozen=True)
class RunFigure:
    """One figure of a report.

    Parameters
    ----------
    name
        Of its files, e.g. ``actions``.
    caption
        What it shows, one sentence.
    figure
        The figure.
    """

    name: str
    caption: str
    figure: go.Figure


def run_figures(run: RunRecord) -> list[RunFigure]:
    """Return the figures of a run; those without anything to show are left out."""
    return [*_judged(run), *_embeddings(run), *_history(run)]


def drawn_apart(figure: go.Figure) -> go.Figure:
    """Return a figure without WebGL, of which a page may hold a few contexts only."""
    content = figure.to_plotly_json()
    for trace in content["data"]:
        if trace["type"] == "scattergl":
            trace["type"] = "scatter"
    return go.Figure(content)


def _judged(run: RunRecord) -> Iterator[RunFigure]:
    if run.judged is None:
        return
    scores, predictions = _testable(run.judged.scores), run.judged.predictions
    asked = scores[scores["value"].notna() & (scores["control"] == "none")]
    if asked["task"].isin(["action_single", "action_multi"]).any():
        yield RunFigure(
            "actions",
            "Action recognition on fresh recordings, linear probe: means with 95 % "
            "intervals, small dots single animals, dashed line chance, grey baselines.",
            actions(scores),
        )
    if (asked["task"] == "identity").any():
        yield RunFigure(
            "leakage",
            "Which animal it is, by three probes, balanced over actions; grey tick: "
            "what permuted labels reach (p = 0.05), dashed line chance.",
            leakage(scores),
        )
    yield from _beside(run, scores)
    for task, words in (
        ("action_multi", "actions of held-out animals"),
        ("action_single", "actions within animals"),
    ):
        if (predictions["task"] == task).any():
            yield RunFigure(
                "confusion",
                f"Which {words} are taken for each other, linear probe; rows add up "
                "to 1.",
                confusion(predictions, task=task),
            )
            return


def _beside(run: RunRecord, scores: pd.DataFrame) -> Iterator[RunFigure]:
    """Return what stands beside the main figures, where the evaluation has it."""
    assert run.judged is not None
    across = scores[(scores["task"] == "action_multi") & scores["value"].notna()]
    if across["fraction"].nunique() > 1:
        yield RunFigure(
            "label_efficiency",
            "Actions of held-out animals against the share of labelled bouts; bars "
            "from the lowest to the highest draw.",
            label_efficiency(scores),
        )
    table = table_of(scores.assign(row=scores["method"], seed_of_data=0))
    neural = table[table["stream"] == "neural"] if len(table) else table
    if (
        len(neural)
        and neural[["multi_balanced", "identity_mlp"]].notna().all(axis=1).any()
    ):
        yield RunFigure(
            "frontier",
            "Identity leakage against action recognition: the further down and to the "
            "right, the better; grey: baselines.",
            frontier(neural),
        )
    is_told = (scores["task"] == "identity") & (scores["control"] == "none")
    if len(run.judged.distances) and (is_told & ~scores["is_baseline"]).any():
        yield RunFigure(
            "distances",
            "How well a probe tells two animals apart by their embeddings, pair by "
            "pair; chance 0.5.",
            distances(run.judged.distances),
        )


def _testable(scores: pd.DataFrame) -> pd.DataFrame:
    """Leave out identity scores that may not be shown, as the tables do."""
    main = main_scores(scores)
    keys = ["task", "method", "stream", "transform", "probe"]
    hidden = main.loc[main["verdict"].isin([UNTESTABLE, UNTESTED]), keys]
    places = pd.MultiIndex.from_frame(scores[keys])
    return scores[~places.isin(pd.MultiIndex.from_frame(hidden))]


def _embeddings(run: RunRecord) -> Iterator[RunFigure]:
    name = "eval" if "eval" in run.sets else next(iter(run.sets), None)
    if name is None:
        return
    try:
        windows, h = run.folder.read_embedding("neural", name)
        points, labels = pca(h)
    except NeuroembedError:
        return  # said among the problems of the run
    windows, points, thinned = _thinned(windows, points)
    for color in ("action", "animal"):
        figure = embedding(
            windows, points, color, axis_labels=labels, title=f"{run.name}: {name}"
        )
        yield RunFigure(
            f"embedding_{color}",
            f"Windows of the set {name} on the first two principal axes of the "
            f"embedding, by {color}{thinned}.",
            figure,
        )


def _thinned(
    windows: pd.DataFrame, points: NDArray[np.float32]
) -> tuple[pd.DataFrame, NDArray[np.float32], str]:
    n = len(windows)
    if n <= MOST_POINTS:
        return windows, points, ""
    rows = np.linspace(0, n - 1, MOST_POINTS).round().astype(np.int64)
    kept = windows.iloc[rows].reset_index(drop=True)
    return kept, points[rows], f" ({MOST_POINTS:,} of {n:,}, evenly thinned)"


def _history(run: RunRecord) -> Iterator[RunFigure]:
    path = run.folder.path / HISTORY
    if not path.is_file():
        return
    try:
        table = read_history(path)
    except NeuroembedError:
        return
    if len(table):
        yield RunFigure("history", "Loss and speed of the training.", history(table))
