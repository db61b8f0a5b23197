"""Where an action is read from, on the mean image of each animal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import SMALL, empty, figure

TITLE = "Where actions are read"
NOTHING = "No maps here: neuroembed evaluate PROJECT RUN --maps makes them."
HOT = ((0.0, "rgba(213,94,0,0)"), (0.25, "rgba(213,94,0,0.15)"), (1.0, "#D55E00"))
"""Nothing where nothing is lost, so that the mean image stays to be seen."""
PANEL = 168


def maps(
    table: pd.DataFrame,
    values: NDArray[np.floating],
    images: Mapping[str, NDArray[np.floating]] | None = None,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Draw one panel per animal and action, all on one scale.

    Parameters
    ----------
    table
        Rows of ``maps.parquet``.
    values
        Map i of row i, shape (n, y, x), or (n, neuron) of traces.
    images
        Mean image of each animal, any size; drawn below in grey.
    theme
        ``light`` or ``dark``.
    """
    known = np.array([bool(np.isfinite(one).any()) for one in values], dtype=bool)
    if not known.any():
        notes = [str(n) for n in dict.fromkeys(table["note"]) if n]
        return empty("; ".join(notes) or NOTHING, theme=theme, title=TITLE)
    animals = list(dict.fromkeys(table["animal"]))
    actions = list(dict.fromkeys(table["action"]))
    shown = figure(
        TITLE,
        subtitle="log odds of the action lost when the place is hidden; below each, "
        "loss of probability without the top 5 % of pixels (random pixels)",
        theme=theme,
        height=170 + (PANEL + 26) * len(animals),
        base=make_subplots(
            rows=len(animals),
            cols=len(actions),
            column_titles=actions,
            row_titles=animals,
            horizontal_spacing=0.012,
            vertical_spacing=0.30 / max(2, 2 * len(animals)),
        ),
    )
    top = float(np.nanquantile(np.asarray(values)[known], 0.995))
    for i, (_, row) in enumerate(table.iterrows()):
        place = {
            "row": animals.index(row["animal"]) + 1,
            "col": actions.index(row["action"]) + 1,
        }
        one = np.atleast_2d(np.asarray(values[i], dtype=np.float64))
        if images and row["animal"] in images and one.shape[0] > 1:
            _add_image(shown, images[row["animal"]], one.shape, place)
        _add_map(shown, one, max(top, 1e-9), place, first=i == 0)
        said = str(row["note"]) or (
            f"{row['drop_top']:.2f} ({row['drop_random']:.2f})"
            if np.isfinite(row["drop_top"])
            else ""
        )
        shown.update_xaxes(
            title={"text": said, "font": {"size": SMALL - 2}, "standoff": 2}, **place
        )
    shown.update_xaxes(showticklabels=False, showgrid=False, ticks="")
    shown.update_yaxes(
        showticklabels=False, showgrid=False, ticks="", autorange="reversed"
    )
    shown.update_annotations(font={"size": SMALL, "color": THEMES[theme]["text"]})
    shown.update_layout(width=180 + PANEL * len(actions), margin={"t": 110})
    return shown


def _add_image(
    shown: go.Figure,
    image: NDArray[np.floating],
    shape: tuple[int, ...],
    place: Mapping[str, Any],
) -> None:
    low, high = np.nanquantile(image, [0.01, 0.99])
    steps = [n / m for n, m in zip(shape, image.shape, strict=True)]
    shown.add_trace(
        go.Heatmap(
            z=image,
            x0=steps[1] / 2 - 0.5,
            dx=steps[1],
            y0=steps[0] / 2 - 0.5,
            dy=steps[0],
            zmin=low,
            zmax=max(high, low + 1e-9),
            colorscale="Greys_r",
            showscale=False,
            hoverinfo="skip",
        ),
        **place,
    )


def _add_map(
    shown: go.Figure,
    one: NDArray[np.floating],
    top: float,
    place: Mapping[str, Any],
    *,
    first: bool,
) -> None:
    shown.add_trace(
        go.Heatmap(
            z=one,
            zmin=0.0,
            zmax=top,
            colorscale=[list(stop) for stop in HOT],
            showscale=first,
            colorbar={"thickness": 12, "title": {"text": "log odds"}},
            hovertemplate="y %{y}, x %{x}: %{z:.3f}<extra></extra>",
            zsmooth="best" if one.shape[0] > 1 else False,
        ),
        **place,
    )
