"""A figure made for two columns of a journal, put into one."""

from __future__ import annotations

import itertools
from typing import Any

import plotly.graph_objects as go

LONGEST_LABEL = 18
"""Letters of a row's label before it is broken."""

_GAP_PX = 44
_STRETCH = 1.3
"""How much higher panels get when their labels have two lines."""
_BREAKS = (", ", " + ", " ")


def one_column(figure: go.Figure) -> go.Figure:
    """Return a figure whose panels side by side stand above each other.

    Its heading begins at the edge, long labels of rows are broken, and it is higher.
    Other figures only get the heading moved; the given one stays as it is.

    Examples
    --------
    >>> from plotly.subplots import make_subplots
    >>> wide = make_subplots(rows=1, cols=2, subplot_titles=["a", "b"])
    >>> narrow = one_column(wide.add_scatter(x=[1], y=[1], row=1, col=2))
    >>> narrow.layout.xaxis2.domain, narrow.layout.yaxis2.domain[0]
    ((0.0, 1.0), 0.0)
    """
    narrow = go.Figure(figure)
    narrow.update_layout(title={"x": 0.02, "xref": "container"})
    x_axes, y_axes = list(narrow.select_xaxes()), list(narrow.select_yaxes())
    rows = {tuple(axis.domain or (0.0, 1.0)) for axis in y_axes}
    n_broken = sum(_break_labels(narrow, axis) for axis in y_axes)
    stretch = _STRETCH if n_broken else 1.0
    if len(x_axes) == len(y_axes) > 1 and len(rows) == 1:
        _stack(narrow, x_axes, y_axes, stretch)
    return narrow


def _stack(
    figure: go.Figure, x_axes: list[Any], y_axes: list[Any], stretch: float
) -> None:
    n, margin = len(x_axes), figure.layout.margin
    around = float(margin.t or 96) + float(margin.b or 56)
    one_px = max(float(figure.layout.height or 480) - around, 80.0) * stretch
    inside_px = n * one_px + (n - 1) * _GAP_PX
    titles = [a for a in figure.layout.annotations if a.xref == a.yref == "paper"]
    for i, (x, y) in enumerate(zip(x_axes, y_axes, strict=True)):
        top = 1.0 - i * (one_px + _GAP_PX) / inside_px
        bottom = max(0.0, top - one_px / inside_px)
        x.update(domain=[0.0, 1.0], showticklabels=True)
        y.update(domain=[bottom if i < n - 1 else 0.0, top], showticklabels=True)
        if i < n - 1:
            x.update(title={"text": ""})
        if i < len(titles):
            titles[i].update(x=0.0, xanchor="left", y=top, yanchor="bottom")
    figure.update_layout(height=round(inside_px + around))


def _break_labels(figure: go.Figure, axis: Any) -> bool:
    """Break the names of categories that are long, and say whether there were any."""
    name = axis.plotly_name.replace("axis", "")
    texts = [
        str(y)
        for trace in figure.data
        if (trace["yaxis"] or "y") == name and trace["y"] is not None
        for y in trace["y"]
        if isinstance(y, str)
    ]
    names = list(dict.fromkeys([*(axis.categoryarray or ()), *texts]))
    texts = [broken(text) for text in names]
    if axis.type != "category" or texts == names:
        return False
    axis.update(tickmode="array", tickvals=names, ticktext=texts)
    return True


def broken(text: str) -> str:
    """Return a label in two lines, broken near its middle, when it is long.

    Examples
    --------
    >>> broken("raw, neural"), broken("neuroembed2026, neural + subspace")
    ('raw, neural', 'neuroembed2026,<br>neural + subspace')
    """
    if len(text) <= LONGEST_LABEL:
        return text
    for gap in _BREAKS:
        parts = text.split(gap)
        if len(parts) > 1:
            sums = list(itertools.accumulate(len(part) + len(gap) for part in parts))
            at = min(range(len(parts) - 1), key=lambda i: abs(sums[i] - len(text) / 2))
            head, tail = gap.join(parts[: at + 1]), gap.join(parts[at + 1 :])
            lead = "," if gap == ", " else ""
            return f"{head}{lead}<br>{'+ ' if gap == ' + ' else ''}{tail}"
    return text
