"""How a training went: loss and throughput."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import empty, figure

NO_HISTORY = "No training steps yet: neuroembed train PROJECT starts one."
_LOSSES = ("loss", "total", "nce")
_SPEEDS = ("windows_per_s", "samples_per_s")
_DASHES = ("solid", "dash", "dot", "dashdot")


def history(
    table: pd.DataFrame,
    *,
    losses: Sequence[str] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw the loss and, beneath it, the windows per second of a training.

    Parameters
    ----------
    table
        Rows of ``history.csv``: step, loss (and its terms), windows_per_s.
    losses
        Columns of the upper panel; every column named loss, total, nce or ending in
        ``_loss`` when not given.
    theme
        ``light`` or ``dark``.
    """
    found = [*losses] if losses is not None else _loss_columns(table)
    shown_columns = [name for name in found if table[name].notna().any()]
    if table.empty or not shown_columns:
        return empty(NO_HISTORY, theme=theme, title="Training")
    speeds = [name for name in _SPEEDS if name in table.columns]
    base = make_subplots(
        rows=2 if speeds else 1,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.08,
        row_heights=[0.7, 0.3] if speeds else None,
    )
    steps = table["step"] if "step" in table.columns else pd.Series(range(len(table)))
    subtitle = f"{int(steps.max()):,} steps"
    shown = figure("Training", subtitle=subtitle, theme=theme, base=base)
    tone = THEMES[theme]
    for i, name in enumerate(shown_columns):
        color = tone["text"] if i == 0 else tone["muted"]
        dash = _DASHES[i % len(_DASHES)]
        line = {"color": color, "width": 1.5, "dash": dash}
        shown.add_trace(_line(steps, table[name], name, line), row=1, col=1)
    if speeds:
        line = {"color": tone["muted"], "width": 1.5}
        speed = _line(steps, table[speeds[0]], speeds[0], line)
        speed.showlegend = False  # its axis names it
        shown.add_trace(speed, row=2, col=1)
        shown.update_yaxes(title_text="Windows per second", rangemode="tozero", row=2)
    shown.update_yaxes(title_text="Loss", row=1)
    shown.update_xaxes(title_text="Step", row=2 if speeds else 1)
    return shown


def _loss_columns(table: pd.DataFrame) -> list[str]:
    return [
        str(name)
        for name in table.columns
        if name in _LOSSES or str(name).endswith("_loss")
    ]


def _line(
    steps: pd.Series[Any],
    values: pd.Series[Any],
    name: str,
    line: dict[str, Any],
) -> go.Scatter:
    mode = "lines" if len(values) > 1 else "markers"
    return go.Scatter(
        x=steps,
        y=values,
        mode=mode,
        name=name,
        line=line if mode == "lines" else None,
        hovertemplate="step %{x}: %{y:.4g}<extra>" + name + "</extra>",
    )
