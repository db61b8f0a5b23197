"""Leakage against accuracy: the further down and to the right, the better."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import empty, template

TITLE = "Leakage against accuracy"


def frontier(
    table: pd.DataFrame,
    *,
    x: str = "multi_balanced",
    y: str = "identity_mlp",
    x_title: str = "Actions of a held-out animal, balanced accuracy",
    y_title: str = "Identity by the network probe",
    chance: tuple[float, float] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw every row of a comparison by what it recognises and what it leaks.

    Filled points are embeddings after a transform, hollow ones without; grey ones are
    baselines. A line joins the same method without and with a transform.

    Parameters
    ----------
    table
        Columns `row`, `transform`, `is_baseline`, `x` and `y`.
    x, y
        Names of the columns.
    x_title, y_title
        What the axes say.
    chance
        Chance of x and of y, drawn as dashed lines.
    theme
        ``light`` or ``dark``.
    """
    known = table[table[x].notna() & table[y].notna()]
    if known.empty:
        return empty("No row has both an action and an identity score.", theme=theme)
    tone = THEMES[theme]
    figure = go.Figure(layout={"template": template(theme), "title": TITLE})
    for row, own in known.groupby("row", sort=False):
        plain = own["transform"].isin(["none", ""])
        color = tone["muted"] if bool(own["is_baseline"].iloc[0]) else tone["text"]
        figure.add_scatter(
            x=own[x],
            y=own[y],
            mode="lines+markers+text",
            line={"color": tone["line"], "width": 1},
            marker={
                "size": 9,
                "color": color,
                "symbol": ["circle-open" if p else "circle" for p in plain],
            },
            text=[str(row) if p else "" for p in plain],
            textposition="middle right",
            textfont={"size": 11, "color": color},
            name=str(row),
            customdata=own["transform"],
            hovertemplate=f"{row}, %{{customdata}}<br>%{{x:.3f}}, %{{y:.3f}}"
            "<extra></extra>",
            showlegend=False,
        )
    if chance is not None:
        dashed = {"line_dash": "dash", "line_color": tone["muted"], "line_width": 1}
        figure.add_vline(x=chance[0], **dashed)
        figure.add_hline(y=chance[1], **dashed)
    figure.update_xaxes(range=[0, 1.15], title_text=x_title)
    figure.update_yaxes(range=[0, 1.05], title_text=y_title)
    figure.update_layout(height=560)
    return figure
