"""What was labelled: minutes of every action, and how long bouts last (Figure S5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from napari_neuroembed.data.palette import THEMES, Theme, animal_mark
from napari_neuroembed.plotting.theme import empty, figure

TITLE = "Annotations"
NOTHING = "No bouts here: label some, or neuroembed annotations import PROJECT FILE."


def bouts(table: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Draw labelled minutes per animal and action, and the duration of every bout.

    Parameters
    ----------
    table
        One row per bout: `animal`, `action`, `start_s`, `stop_s`.
    theme
        ``light`` or ``dark``.
    """
    seconds = (table["stop_s"] - table["start_s"]).astype(float)
    known = table[np.isfinite(seconds)]
    if known.empty:
        return empty(NOTHING, theme=theme, title=TITLE)
    known = known.assign(seconds=known["stop_s"] - known["start_s"])
    actions = known.groupby("action")["seconds"].sum().sort_values().index.to_list()
    minutes = known.pivot_table(
        index="action", columns="animal", values="seconds", aggfunc="sum"
    ).reindex(actions)
    tone = THEMES[theme]
    total = known["seconds"].sum() / 60
    shown = figure(
        TITLE,
        subtitle=f"{len(known):,} bouts, {total:,.1f} minutes, "
        f"{known['animal'].nunique()} animals",
        theme=theme,
        height=150 + 34 * len(actions),
        base=make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06),
    )
    for place, animal in enumerate(minutes.columns):
        shown.add_bar(
            x=minutes[animal] / 60,
            y=actions,
            orientation="h",
            name=str(animal),
            marker={"color": animal_mark(place, theme).color},
            hovertemplate=f"{animal}, %{{y}}: %{{x:.2f}} min<extra></extra>",
            row=1,
            col=1,
        )
    for action in actions:
        own = known.loc[known["action"] == action, "seconds"]
        shown.add_box(
            x=own,
            name=action,
            y=[action] * len(own),
            orientation="h",
            line={"color": tone["text"], "width": 1},
            fillcolor="rgba(0,0,0,0)",
            marker={"size": 3, "color": tone["muted"]},
            boxpoints="outliers",
            showlegend=False,
            row=1,
            col=2,
        )
    shown.update_layout(barmode="stack", legend={"title": {"text": "animal"}})
    shown.update_xaxes(title_text="minutes", row=1, col=1)
    shown.update_xaxes(title_text="bout, seconds", type="log", dtick=1, row=1, col=2)
    return shown
