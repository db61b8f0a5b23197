"""Which classes a probe takes for each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import SEQUENTIAL, empty, figure

NO_PREDICTIONS = "No predictions here: neuroembed evaluate PROJECT RUN makes them."


def confusion(
    predictions: pd.DataFrame,
    *,
    task: str = "action_multi",
    probe: str = "linear",
    stream: str = "neural",
    method: str | None = None,
    order: Sequence[str] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw the confusion matrix, each row adding up to 1, a number in every cell.

    Parameters
    ----------
    predictions
        Rows of ``predictions.parquet``.
    task, probe, stream
        Which predictions.
    method
        A method or baseline; the run's own embedding when not given.
    order
        Classes in the order they are shown; sorted when not given.
    theme
        ``light`` or ``dark``.
    """
    title = "Confusion"
    if predictions.empty:
        return empty(NO_PREDICTIONS, theme=theme, title=title)
    chosen = (
        (predictions["task"] == task)
        & (predictions["probe"] == probe)
        & (predictions["stream"] == stream)
        & (predictions["transform"] == "none")
    )
    own = ~predictions["is_baseline"].astype(bool)
    chosen &= own if method is None else predictions["method"] == method
    table = predictions[chosen]
    if table.empty:
        why = f"No predictions of {task} by the {probe} probe from {stream}."
        return empty(why, theme=theme, title=title)
    present = set(table["true"].astype(str)) | set(table["predicted"].astype(str))
    names = [n for n in order or () if n in present]
    names += sorted(present - set(names))
    counts, weights = _counts(table, names)
    rows = weights.sum(axis=1, keepdims=True)
    share = np.divide(weights, rows, out=np.full_like(weights, np.nan), where=rows > 0)
    text = np.where(np.isfinite(share), np.char.mod("%.2f", np.nan_to_num(share)), "-")
    shown = figure(
        title,
        subtitle=f"{task.replace('_', ' ')}, {probe} probe, {len(table):,} windows",
        theme=theme,
        height=200 + 44 * len(names),
    )
    shown.add_trace(
        go.Heatmap(
            z=share,
            x=names,
            y=names,
            zmin=0.0,
            zmax=1.0,
            colorscale=[list(stop) for stop in SEQUENTIAL[theme]],
            customdata=counts,
            hovertemplate="true %{y}, called %{x}<br>%{customdata} windows, "
            "%{z:.3f} of the row<extra></extra>",
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "share of row"}, "thickness": 12},
        )
    )
    _write_numbers(shown, names, text, np.nan_to_num(share), theme)
    shown.update_xaxes(title_text="Called", showgrid=False, type="category")
    shown.update_yaxes(
        title_text="True", autorange="reversed", showgrid=False, type="category"
    )
    return shown


def _counts(
    table: pd.DataFrame, names: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    place = {name: i for i, name in enumerate(names)}
    true = table["true"].astype(str).map(place).to_numpy(dtype=np.int64)
    called = table["predicted"].astype(str).map(place).to_numpy(dtype=np.int64)
    index, n = true * len(names) + called, len(names)
    weight = table["weight"].to_numpy(dtype=np.float64)
    counts = np.bincount(index, minlength=n * n).reshape(n, n)
    weights = np.bincount(index, weight, minlength=n * n).reshape(n, n)
    return counts.astype(np.int64), weights.astype(np.float64)


def _write_numbers(
    shown: go.Figure,
    names: Sequence[str],
    text: NDArray[np.str_],
    share: NDArray[np.float64],
    theme: Theme,
) -> None:
    """Write every number in the tone that shows on its cell."""
    tone = THEMES[theme]
    for i, row in enumerate(names):
        for j, column in enumerate(names):
            shown.add_annotation(
                x=column,
                y=row,
                text=str(text[i, j]),
                showarrow=False,
                font={
                    "size": 12,
                    "color": tone["paper"] if share[i, j] > 0.5 else tone["text"],
                },
            )
