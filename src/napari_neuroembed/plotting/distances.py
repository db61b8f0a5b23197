"""How far apart the animals lie, pair by pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from napari_neuroembed.data.palette import Theme
from napari_neuroembed.plotting.theme import SEQUENTIAL, empty, figure

TITLE = "Distances between animals"
NOTHING = (
    "No distances here: neuroembed evaluate PROJECT RUN --set distances=true, or "
    "--profile full, finds them."
)
WHAT = {
    "gap": ("told apart, balanced accuracy (chance 0.5)", 0.5, 1.0),
    "mmd2": ("squared maximum mean discrepancy", 0.0, None),
    "transfer": ("actions of the column by a probe of the row", 0.0, 1.0),
}
"""Values that can be shown: what they are called, and the range of the colours."""


def distances(
    table: pd.DataFrame,
    *,
    value: str = "gap",
    stream: str = "neural",
    transform: str = "none",
    theme: Theme = "light",
) -> go.Figure:
    """Draw one number per pair of animals.

    Parameters
    ----------
    table
        Rows of ``distances.parquet``.
    value
        ``gap``, ``mmd2``, or ``transfer`` (which has a direction).
    stream, transform
        Which embedding; baselines are not drawn.
    theme
        ``light`` or ``dark``.
    """
    own = table[
        (table["stream"] == stream)
        & (table["transform"] == transform)
        & ~table["is_baseline"].astype(bool)
    ]
    if own.empty:
        return empty(NOTHING, theme=theme, title=TITLE)
    names = sorted({*own["animal_a"], *own["animal_b"]})
    grid = np.full((len(names), len(names)), np.nan)
    there, back = (
        ("transfer_ab", "transfer_ba") if value == "transfer" else (value, value)
    )
    for _, pair in own.iterrows():
        a, b = names.index(pair["animal_a"]), names.index(pair["animal_b"])
        grid[a, b], grid[b, a] = pair[there], pair[back]
    title, low, high = WHAT[value]
    shown = figure(
        TITLE,
        subtitle=f"{title}; {stream}, transform {transform}",
        theme=theme,
        height=220 + 44 * len(names),
    )
    text = np.where(np.isfinite(grid), np.char.mod("%.2f", np.nan_to_num(grid)), "")
    shown.add_trace(
        go.Heatmap(
            z=grid,
            x=names,
            y=names,
            zmin=low,
            zmax=high,
            text=text,
            texttemplate="%{text}",
            colorscale=[list(stop) for stop in SEQUENTIAL[theme]],
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
            xgap=1,
            ygap=1,
            colorbar={"thickness": 12},
        )
    )
    shown.update_xaxes(showgrid=False, type="category")
    shown.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return shown
