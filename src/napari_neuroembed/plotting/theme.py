"""The one look of all figures: neutral frame, the data carry the colour."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from napari_neuroembed.data.palette import THEMES, Theme

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
SMALL, BODY, HEADING = 12, 14, 16
SEQUENTIAL = {
    "light": ((0.0, "#FFFFFF"), (1.0, "#1F3A5F")),
    "dark": ((0.0, "#1C2024"), (1.0, "#A9C8F0")),
}
"""One hue, for confusion matrices; not a hue of animals or actions."""


def template(theme: Theme = "light") -> go.layout.Template:
    """Return the template of a theme.

    Examples
    --------
    >>> template("dark").layout.paper_bgcolor
    '#14171A'
    """
    tone = THEMES[theme]
    axis = {
        "gridcolor": tone["line"],
        "linecolor": tone["muted"],
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": tone["line"],
        "tickfont": {"size": SMALL},
        "title": {"font": {"size": SMALL}, "standoff": 8},
        "automargin": True,
    }
    scene_axis = {
        "gridcolor": tone["line"],
        "backgroundcolor": tone["paper"],
        "zeroline": False,
        "color": tone["muted"],
    }
    layout = {
        "font": {"family": FONT, "size": SMALL, "color": tone["text"]},
        "title": {
            "font": {"size": HEADING},
            "x": 0.0,
            "xref": "paper",
            "xanchor": "left",
            "y": 0.98,
            "yanchor": "top",
        },
        "paper_bgcolor": tone["paper"],
        "plot_bgcolor": tone["paper"],
        "xaxis": axis,
        "yaxis": axis,
        "scene": {"xaxis": scene_axis, "yaxis": scene_axis, "zaxis": scene_axis},
        "legend": {"itemsizing": "constant", "font": {"size": SMALL}},
        "margin": {"l": 64, "r": 24, "t": 64, "b": 56},
        "hoverlabel": {"font": {"family": FONT, "size": SMALL}},
        "hovermode": "closest",
    }
    return go.layout.Template(layout=layout)


def figure(
    title: str = "",
    *,
    subtitle: str = "",
    theme: Theme = "light",
    height: int = 480,
    base: go.Figure | None = None,
) -> go.Figure:
    """Return an empty figure in the project's look; every figure starts here.

    Parameters
    ----------
    title, subtitle
        One line each: what is shown, and of what (n, probe, run).
    theme
        ``light`` or ``dark``.
    height
        Pixels.
    base
        Figure with panels (from ``make_subplots``) to dress instead of a new one.
    """
    shown = base if base is not None else go.Figure()
    shown.update_layout(template=template(theme), height=height)
    if title or subtitle:
        shown.update_layout(title={"text": title, "subtitle": {"text": subtitle}})
        shown.update_layout(title_subtitle_font_color=THEMES[theme]["muted"])
    return shown


def empty(reason: str, *, theme: Theme = "light", title: str = "") -> go.Figure:
    """Return a figure without data that says what would be here and what makes it.

    Examples
    --------
    >>> empty("No scores yet: run neuroembed evaluate.").layout.annotations[0].text
    'No scores yet: run neuroembed evaluate.'
    """
    shown = figure(title, theme=theme, height=240)
    shown.update_layout(xaxis={"visible": False}, yaxis={"visible": False})
    shown.add_annotation(
        text=reason,
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
        font={"size": BODY, "color": THEMES[theme]["muted"]},
    )
    return shown


def config() -> dict[str, Any]:
    """Return plotly's options: no share button, no logo, nothing sent anywhere.

    Examples
    --------
    >>> config()["showSendToCloud"], config()["plotlyServerURL"]
    (False, '')
    """
    return {
        "displaylogo": False,
        "showSendToCloud": False,
        "plotlyServerURL": "",
        "responsive": True,
        "modeBarButtonsToRemove": ["sendDataToCloud", "autoScale2d"],
        "toImageButtonOptions": {"format": "svg"},
    }
