"""How many labels an embedding needs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import empty, figure

TITLE = "Label efficiency"
NOTHING = (
    "No scores with fewer labels: neuroembed evaluate PROJECT RUN --profile full "
    "makes them."
)


def label_efficiency(
    scores: pd.DataFrame,
    *,
    task: str = "action_multi",
    metric: str = "balanced_accuracy",
    probe: str = "linear",
    theme: Theme = "light",
) -> go.Figure:
    """Draw a score against the share of labelled bouts the probe saw.

    Points are means over draws of bouts, bars from the lowest to the highest draw.
    Solid: the run's embeddings; dotted: baselines; dashed: chance.

    Parameters
    ----------
    scores
        Rows of ``scores.csv``.
    task, metric, probe
        Which score.
    theme
        ``light`` or ``dark``.
    """
    whose = "animal" if task == "action_single" else "held_out_animal"
    chosen = (
        (scores["task"] == task)
        & (scores["metric"] == metric)
        & (scores["probe"] == probe)
        & (scores["target"] == "action")
        & (scores["control"] == "none")
        & (scores[whose] == "mean")
        & scores["value"].notna()
    )
    known = scores[chosen]
    if known["fraction"].nunique() < 2:
        return empty(NOTHING, theme=theme, title=TITLE)
    tone = THEMES[theme]
    subtitle = f"{task.replace('_', ' ')}, {probe} probe, mean over animals"
    shown = figure(TITLE, subtitle=subtitle, theme=theme, height=460)
    keys = ["is_baseline", "method", "stream", "transform"]
    for (is_baseline, method, stream, transform), own in known.groupby(
        keys, sort=False
    ):
        step = "" if transform == "none" else f" + {transform}"
        name = f"{method}{step}" + ("" if stream == "neural" else f", {stream}")
        color = tone["muted"] if is_baseline else None
        dash = "dot" if is_baseline else "solid"
        shown.add_scatter(**_curve(own, name), line={"dash": dash, "color": color})
    shown.add_hline(
        y=float(known["chance"].median()),
        line_dash="dash",
        line_color=tone["muted"],
        line_width=1,
    )
    shares = sorted(known["fraction"].unique())
    shown.update_xaxes(
        type="log",
        tickvals=[100 * share for share in shares],
        ticktext=[f"{100 * share:g}" for share in shares],
        title_text="Labelled bouts, %",
    )
    shown.update_yaxes(range=[0, 1.03], title_text=metric.replace("_", " "))
    return shown


def _curve(own: pd.DataFrame, name: str) -> dict[str, Any]:
    drawn = own.groupby("fraction")["value"].agg(["mean", "min", "max", "size"])
    return {
        "x": 100 * drawn.index,
        "y": drawn["mean"],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": drawn["max"] - drawn["mean"],
            "arrayminus": drawn["mean"] - drawn["min"],
            "thickness": 1,
            "width": 0,
        },
        "mode": "lines+markers",
        "name": name,
        "customdata": drawn["size"],
        "hovertemplate": f"{name}<br>%{{x:g}} % of labels: %{{y:.3f}}, "
        "%{customdata} draws<extra></extra>",
    }
