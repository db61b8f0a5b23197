"""Windows as points of an embedding, coloured by what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.errors import DataError
from napari_neuroembed.plotting.coloring import (
    MAX_CATEGORIES,
    categories,
    is_continuous,
    scale_of,
)
from napari_neuroembed.plotting.theme import empty, figure

NO_WINDOWS = "No windows here yet: neuroembed embed PROJECT RUN makes them."


def embedding(
    windows: pd.DataFrame,
    coords: NDArray[Any],
    color: str = "action",
    *,
    order: Sequence[str] | None = None,
    axis_labels: Sequence[str] | None = None,
    title: str = "Embedding",
    theme: Theme = "light",
) -> go.Figure:
    """Draw windows in two or three dimensions.

    Parameters
    ----------
    windows
        One row per window: recording, animal, center_s, action and any other column.
    coords
        Two or three coordinates of each window (see
        :func:`napari_neuroembed.plotting.projection.pca`), shape (n, 2) or (n, 3).
    color
        Column that gives the colour.
    order
        Names in the order of their colours, so that a colour means the same in every
        figure.
    axis_labels
        One per axis; without them axes carry no numbers, as those of t-SNE and UMAP
        must not.
    title, theme
        Heading; ``light`` or ``dark``.

    Raises
    ------
    DataError
        When `coords` does not fit `windows` or the column is missing.
    """
    points = np.asarray(coords, dtype=np.float32)
    if points.shape not in ((len(windows), 2), (len(windows), 3)):
        raise DataError(
            f"Expected 2 or 3 coordinates for each of {len(windows)} windows, found "
            f"an array of shape {points.shape}."
        )
    if color not in windows.columns:
        known = ", ".join(map(str, windows.columns))
        raise DataError(
            f"Windows have no column '{color}' to colour by; found {known}."
        )
    usable = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not usable.size:
        why = "No window has finite coordinates." if len(windows) else NO_WINDOWS
        return empty(why, theme=theme, title=title)
    table, points = windows.iloc[usable].reset_index(drop=True), points[usable]
    count = f"{len(table):,} windows, {table['animal'].nunique()} animals"
    shown = figure(title, subtitle=f"{count}, by {color}", theme=theme, height=560)
    for trace in _traces(table, points, color, order, theme):
        shown.add_trace(trace)
    _label_axes(shown, points.shape[1], axis_labels)
    return shown


def _traces(
    table: pd.DataFrame,
    points: NDArray[np.float32],
    color: str,
    order: Sequence[str] | None,
    theme: Theme,
) -> list[Any]:
    size, opacity = _size(len(table)), _opacity(len(table))
    # On a small dot an outline would be all that is seen.
    outline = {"width": 0.5 if size >= 4 else 0, "color": THEMES[theme]["muted"]}
    values = table[color]
    if is_continuous(values, color) or values.nunique() > MAX_CATEGORIES:
        numbers = (
            values.to_numpy(dtype=np.float32)
            if is_continuous(values, color)
            else values.astype(str).factorize(sort=True)[0].astype(np.float32)
        )
        marker = {
            "size": size,
            "opacity": opacity,
            "color": numbers,
            "colorscale": scale_of(color),
            "colorbar": {"title": {"text": color}, "thickness": 12},
        }
        return [_trace(points, table, marker, color, show=False)]
    return [
        _trace(
            points[part.rows],
            table.iloc[part.rows],
            {
                "size": size,
                "opacity": opacity,
                "color": part.color,
                "symbol": part.symbol,
                "line": outline,
            },
            part.name,
            show=True,
        )
        for part in categories(values, color, order=order, theme=theme)
    ]


def _trace(
    points: NDArray[np.float32],
    table: pd.DataFrame,
    marker: dict[str, Any],
    name: str,
    *,
    show: bool,
) -> Any:
    text = (
        table["recording"].astype(str)
        + " at "
        + table["center_s"].map("{:.1f} s".format)
    )
    common = {
        "x": points[:, 0],
        "y": points[:, 1],
        "mode": "markers",
        "marker": marker,
        "name": name,
        "text": text.to_numpy(dtype=object),
        "hovertemplate": "%{text}<extra>" + name + "</extra>",
        "showlegend": show,
    }
    if points.shape[1] == 3:
        return go.Scatter3d(z=points[:, 2], **common)
    return go.Scattergl(**common)


def _label_axes(shown: go.Figure, n_dims: int, labels: Sequence[str] | None) -> None:
    bare = {"title": {"text": ""}, "showticklabels": False, "ticks": ""}
    axes = [{"title": {"text": t}} for t in labels] if labels else [bare] * n_dims
    if n_dims == 3:
        for axis in axes:
            axis.pop("ticks", None)
        shown.update_scenes(
            xaxis=axes[0], yaxis=axes[1], zaxis=axes[2], aspectmode="data"
        )
        return
    shown.update_xaxes(**axes[0])
    shown.update_yaxes(scaleanchor="x", **axes[1])


def _size(n: int) -> float:
    """Return 6 px below 300 points, 5 at 1,000 and 1 at 100,000 and above."""
    if n <= 300:
        return 6.0
    return float(np.clip(5.0 - 2.0 * (np.log10(n) - 3.0), 1.0, 6.0))


def _opacity(n: int) -> float:
    return float(np.clip(1.3 - 0.15 * np.log10(max(n, 1)), 0.35, 0.9))
