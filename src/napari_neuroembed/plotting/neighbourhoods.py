"""The same windows in several embeddings, by animal and by action (Figure S4)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from napari_neuroembed.data.palette import THEMES, Theme, animal_mark
from napari_neuroembed.plotting.theme import SMALL, empty, figure

TITLE = "Neighbourhoods"
NOTHING = "No embeddings to draw: neuroembed train PROJECT makes them."
HEIGHT = 200


def neighbourhoods(
    windows: pd.DataFrame,
    points: Mapping[str, NDArray[np.floating]],
    action: str,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Draw every embedding twice: coloured by animal, and one action marked.

    Parameters
    ----------
    windows
        With `animal` and `action`; row i belongs to row i of every array.
    points
        Two coordinates by the name of the embedding, shape (n, 2).
    action
        The one that is marked.
    theme
        ``light`` or ``dark``.
    """
    if not points or windows.empty:
        return empty(NOTHING, theme=theme, title=TITLE)
    names, tone = list(points), THEMES[theme]
    shown = figure(
        TITLE,
        subtitle=f"{len(windows):,} windows, the same in every panel; above by animal, "
        f"below {action} marked",
        theme=theme,
        height=150 + 2 * HEIGHT,
        base=make_subplots(
            rows=2,
            cols=len(names),
            column_titles=names,
            horizontal_spacing=0.02,
            vertical_spacing=0.03,
        ),
    )
    animals = sorted(set(windows["animal"]))
    colors = {name: animal_mark(i, theme).color for i, name in enumerate(animals)}
    is_marked = (windows["action"] == action).to_numpy()
    for column, xy in enumerate(points.values(), 1):
        for animal in animals:
            own = (windows["animal"] == animal).to_numpy()
            marker = {"size": 3, "color": colors[animal]}
            shown.add_scatter(
                **_dots(xy[own], marker, animal, column == 1), row=1, col=column
            )
        quiet = {"size": 3, "color": tone["line"]}
        loud = {"size": 3, "color": tone["text"]}
        shown.add_scatter(
            **_dots(xy[~is_marked], quiet, "other", False), row=2, col=column
        )
        shown.add_scatter(
            **_dots(xy[is_marked], loud, action, column == 1), row=2, col=column
        )
    shown.update_xaxes(showticklabels=False, showgrid=False, ticks="")
    shown.update_yaxes(showticklabels=False, showgrid=False, ticks="")
    shown.update_annotations(font={"size": SMALL, "color": tone["text"]})
    shown.update_layout(margin={"t": 100})
    return shown


def _dots(
    xy: NDArray[np.floating], marker: dict[str, object], name: str, is_first: bool
) -> dict[str, object]:
    return {
        "x": xy[:, 0],
        "y": xy[:, 1],
        "mode": "markers",
        "marker": marker,
        "name": name,
        "legendgroup": name,
        "showlegend": is_first,
        "hoverinfo": "name",
    }
