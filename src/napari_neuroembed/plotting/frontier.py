"""Leakage against accuracy: the further down and to the right, the better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import empty, template

TITLE = "Leakage against accuracy"
NAMED = ("raw", "simclr", "guenel2022")
"""Rows that are named wherever they lie."""


def frontier(
    table: pd.DataFrame,
    *,
    x: str = "multi_balanced",
    y: str = "identity_mlp",
    x_title: str = "Actions of a held-out animal, balanced accuracy",
    y_title: str = "Identity by the MLP probe, balanced accuracy",
    chance: tuple[float, float] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw every row of a comparison by what it recognises and what it leaks.

    Filled points are embeddings after a transform, hollow ones without; grey ones are
    baselines. A thin line joins the same row without and with a transform. The step
    line is the frontier: whatever reads actions better leaks more. Points on it are
    named, with :data:`NAMED`; the others when they are pointed at.

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
        return empty(
            "No row has both an action and an identity score: "
            "neuroembed compare PROJECT",
            theme=theme,
        )
    tone = THEMES[theme]
    known = known.assign(best=unbeaten(known[x].to_list(), known[y].to_list()))
    lowest = known["row"].iloc[int(known[y].argmin())]
    figure = go.Figure(layout={"template": template(theme), "title": TITLE})
    _add_frontier(figure, known, (x, y), tone["muted"])
    for row, own in known.groupby("row", sort=False):
        plain = own["transform"].isin(["none", ""])
        color = tone["muted"] if bool(own["is_baseline"].iloc[0]) else tone["text"]
        said = own["best"] | (plain & (row in NAMED))
        names = [
            str(row) if p else f"{row} + {t}"
            for p, t in zip(plain, own["transform"], strict=True)
        ]
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
            text=[n if s else "" for n, s in zip(names, said, strict=True)],
            textposition="bottom right" if row == lowest else "top right",
            textfont={"size": 11, "color": color},
            name=str(row),
            customdata=names,
            hovertemplate="%{customdata}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
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


def unbeaten(accuracy: Sequence[float], leakage: Sequence[float]) -> list[bool]:
    """Return which points no other beats in both, i.e. the frontier.

    Examples
    --------
    >>> unbeaten([0.9, 0.8, 0.7], [0.5, 0.3, 0.4])
    [True, True, False]
    """
    a, b = np.asarray(accuracy), np.asarray(leakage)
    no_worse = (a[:, None] >= a) & (b[:, None] <= b)
    better = (a[:, None] > a) | (b[:, None] < b)
    beaten = np.asarray((no_worse & better).any(axis=0))
    return [not one for one in beaten.tolist()]


def _add_frontier(
    figure: go.Figure, known: pd.DataFrame, axes: tuple[str, str], color: str
) -> None:
    best = known[known["best"]].sort_values(list(axes))
    figure.add_scatter(
        x=best[axes[0]],
        y=best[axes[1]],
        mode="lines",
        line={"color": color, "width": 1.5, "shape": "vh"},
        hoverinfo="skip",
        showlegend=False,
    )
