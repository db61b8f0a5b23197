"""The numbers behind a figure: one table per panel, taken from what is drawn."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

Columns = dict[str, Any]


def panel_tables(figure: go.Figure) -> dict[str, pd.DataFrame]:
    """Return a table per panel of a figure, panels named a, b, c in drawing order.

    Columns are `series` (name of what is drawn together), the x and y values under the
    titles of their axes, `low` and `high` of an interval, `text` of a point and, of a
    matrix, `value`.

    Examples
    --------
    >>> drawn = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name="one"))
    >>> panel_tables(drawn)["a"].to_dict("list")
    {'series': ['one', 'one'], 'x': [1, 2], 'y': [3, 4]}
    """
    parts: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for trace in figure.data:
        place = (
            (trace.xaxis or "x", trace.yaxis or "y") if "xaxis" in trace else ("", "")
        )
        table = pd.DataFrame(_columns(figure, trace, *place))
        if len(table):
            parts.setdefault(place, []).append(table)
    names = _letters()
    return {
        name: pd.concat(tables, ignore_index=True)
        for name, tables in zip(names, parts.values(), strict=False)
    }


def _columns(figure: go.Figure, trace: Any, x_axis: str, y_axis: str) -> Columns:
    x_name, y_name = _title(figure, x_axis, "x"), _title(figure, y_axis, "y")
    y_name = y_name if y_name != x_name else "y"
    if trace.type == "heatmap":
        return _matrix(trace, x_name, y_name)
    x, y = _values(trace.x), _values(trace.y)
    if not len(x):
        return {}
    columns = {"series": [trace.name or ""] * len(x), x_name: x, y_name: y}
    for values, error in ((x, trace["error_x"]), (y, trace["error_y"])):
        if error is not None and error.array is not None:
            columns["low"] = values - _values(error.arrayminus).astype(float)
            columns["high"] = values + _values(error.array).astype(float)
    if trace.text is not None and not isinstance(trace.text, str):
        columns["text"] = [str(t).replace("<br>", "; ") for t in _values(trace.text)]
    color = trace.marker.color if "marker" in trace and trace.marker else None
    if isinstance(color, np.ndarray | list | tuple) and len(color) == len(x):
        columns["color"] = _values(color)
    return columns


def _matrix(trace: Any, x_name: str, y_name: str) -> Columns:
    z = np.asarray(trace.z)
    places = list(itertools.product(_values(trace.y), _values(trace.x)))
    return {
        y_name: [row for row, _ in places],
        x_name: [column for _, column in places],
        "value": z.ravel(),
    }


def _title(figure: go.Figure, axis: str, default: str) -> str:
    if not axis:
        return default
    title = figure.layout[f"{axis[0]}axis{axis[1:]}"].title
    return str(title.text) if title is not None and title.text else default


def _values(values: Any) -> Any:
    return np.asarray([] if values is None else values)


def _letters() -> Iterator[str]:
    for n in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=n):
            yield "".join(letters)
