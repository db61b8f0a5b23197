"""Dots with intervals in panels that share an axis: the form of all score figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import figure

_DETAILS = ["label", "value", "low", "high", "chance", "p", "n_test"]


def label_rows(scores: pd.DataFrame) -> pd.Series[str]:
    """Return what each row was read from, e.g. ``raw, neural``.

    The run and the mode are named when the table holds several, a transform when
    there is one.
    """
    names = scores["method"].astype(str).str.replace("_", " ")
    several = scores["run"].nunique() > 1
    runs = scores["run"].astype(str).where(several & ~scores["is_baseline"], "")
    names = names + (" (" + runs + ")").where(runs != "", "")
    stream = scores["stream"].astype(str).replace({"none": ""})
    names = names + (", " + stream).where(stream != "", "")
    modes = scores["mode"].astype(str)
    if modes.nunique() > 1:  # never two modes in one row
        names = names + ", " + modes
    transform = scores["transform"].astype(str).replace({"none": ""})
    return names + (" + " + transform).where(transform != "", "")


def panels(
    titles: Sequence[str], n_rows: int, *, title: str, subtitle: str, theme: Theme
) -> go.Figure:
    """Return side-by-side panels that share both axes."""
    base = make_subplots(
        rows=1,
        cols=len(titles),
        shared_yaxes=True,
        shared_xaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=list(titles),
    )
    height = 160 + 28 * max(n_rows, 3)
    shown = figure(title, subtitle=subtitle, theme=theme, height=height, base=base)
    shown.update_annotations(font_size=12)
    shown.update_layout(margin={"t": 96}, showlegend=False)
    # Room for the words beside the chance line, beneath the last row.
    shown.update_yaxes(range=[n_rows + 0.1, -0.6], type="category")
    return shown


def add_dots(
    shown: go.Figure,
    table: pd.DataFrame,
    column: int,
    marker: Mapping[str, Any],
    theme: Theme,
) -> None:
    """Draw one dot with its interval per row of `table`.

    Parameters
    ----------
    table
        Columns label, value, low, high, chance, p, n_test, note.
    column
        Panel, from 1.
    marker
        Plotly marker; baselines are drawn in the muted tone.
    """
    tone = THEMES[theme]
    for is_baseline, part in table.groupby("is_baseline"):
        color = tone["muted"] if is_baseline else tone["text"]
        line = {"color": color, "width": 1.5}
        detail = [
            f"{label}: {_number(v)} [{_number(low)}, {_number(high)}]"
            f"<br>chance {_number(chance)}, p {_number(p)}, n {n}"
            for label, v, low, high, chance, p, n in part[_DETAILS].to_numpy(object)
        ]
        value = part["value"].to_numpy(dtype=np.float64)
        shown.add_trace(
            go.Scatter(
                x=value,
                y=part["label"],
                mode="markers",
                marker={"size": 9, "color": color, "line": line, **marker},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": part["high"].to_numpy(dtype=np.float64) - value,
                    "arrayminus": value - part["low"].to_numpy(dtype=np.float64),
                    "color": color,
                    "thickness": 1.5,
                    "width": 0,
                },
                text=detail,
                hovertemplate="%{text}<extra></extra>",
            ),
            row=1,
            col=column,
        )


def add_chance(shown: go.Figure, chance: float, column: int, theme: Theme) -> None:
    """Draw the dashed chance line with its number."""
    if not np.isfinite(chance):
        return
    shown.add_vline(
        x=chance,
        line={"dash": "dash", "color": THEMES[theme]["muted"], "width": 1},
        row=1,
        col=column,
        annotation={
            "text": f"chance {chance:.2f}",
            "font": {"size": 11, "color": THEMES[theme]["muted"]},
            "yanchor": "bottom",
            "y": 0,
            "yref": "y domain",
        },
    )


def add_ticks(
    shown: go.Figure, table: pd.DataFrame, column: int, what: str, theme: Theme
) -> None:
    """Draw grey ticks at `value`, for controls and the edge of the null."""
    shown.add_trace(
        go.Scatter(
            x=table["value"],
            y=table["label"],
            mode="markers",
            marker={
                "symbol": "line-ns",
                "size": 12,
                "line": {"width": 2, "color": THEMES[theme]["muted"]},
            },
            hovertemplate="%{y}: " + what + " %{x:.2f}<extra></extra>",
        ),
        row=1,
        col=column,
    )


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "-"
