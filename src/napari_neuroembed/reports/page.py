"""The page of a comparison: tables and pictures in one file that opens offline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from napari_neuroembed.plotting.frontier import frontier
from napari_neuroembed.reports.summary import ACTIONS, IDENTITY, KEYS

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2024;max-width:76rem;margin:2rem auto;
padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
td,th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #e3e6ea}
td:first-child,th:first-child{text-align:left}tr.baseline{color:#6b7480}
td.best{font-weight:600}a{color:inherit}p.note{color:#6b7480;max-width:60rem}
"""
TITLES = {
    "single_50": "within, 50 %",
    "single_100": "within, 100 %",
    "multi_50": "held out, 50 %",
    "multi_100": "held out, 100 %",
    "multi_balanced": "held out, balanced",
    "identity_linear": "linear",
    "identity_knn": "neighbours",
    "identity_mlp": "network",
}


def page(
    name: str,
    table: pd.DataFrame,
    joint: pd.DataFrame,
    gained: pd.DataFrame,
    scores: pd.DataFrame,
    failed: Mapping[str, str],
    runs: Mapping[str, str],
) -> str:
    """Return the page.

    Parameters
    ----------
    name
        Of the comparison.
    table, joint, gained
        Lines per seed, over seeds, and differences to the reference.
    scores
        All of them, for chance levels.
    failed
        Row -> why it has no scores.
    runs
        Run -> relative path of its folder, for the links.
    """
    from napari_neuroembed.reports.comparison import chance_of

    neural = joint[joint["stream"] == "neural"]
    figure = frontier(neural, chance=chance_of(scores))
    parts = [
        f"<h1>{escape(name)}</h1>",
        "<p class=note>Accuracy of a linear probe on fresh recordings, within an animal "
        "and on a held-out animal that the encoder saw without labels; beside it who can "
        "be told from the embedding, by three probes, balanced over actions. Each name "
        "leads to the run. Grey: baselines.</p>",
        "<h2>Action recognition</h2>",
        _table(joint, table, ACTIONS, runs, largest=True),
        "<h2>Identity recognition</h2>",
        _table(joint, table, IDENTITY, runs, largest=False),
        "<h2>Leakage against accuracy</h2>",
        _figure(figure),
        "<h2>Difference to guenel2022, held-out animal by held-out animal</h2>",
        _differences(gained),
    ]
    if failed:
        items = "".join(
            f"<li>{escape(row)}: {escape(why)}</li>" for row, why in failed.items()
        )
        parts.append(f"<h2>Not done</h2><ul>{items}</ul>")
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(name)}</title><style>{STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{body}</body></html>"
    )


def _figure(figure: go.Figure) -> str:
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False}
    )
    return html


def _table(
    joint: pd.DataFrame,
    table: pd.DataFrame,
    columns: Iterable[str],
    runs: Mapping[str, str],
    *,
    largest: bool,
) -> str:
    names = list(columns)
    shown = joint[joint[names].notna().any(axis=1)]
    own = shown[~shown["is_baseline"] & (shown["stream"] == "neural")]
    best = {n: (own[n].max() if largest else own[n].min()) for n in names}
    head = "".join(f"<th>{escape(TITLES.get(n, n))}</th>" for n in names)
    lines = [f"<tr><th>row</th><th>stream</th><th>transform</th>{head}</tr>"]
    for _, line in shown.iterrows():
        cells = [_link(line, table, runs), escape(str(line["stream"]))]
        cells.append(escape(str(line["transform"])))
        marks = ["", "", ""]
        for n in names:
            cells.append(_number(line[n], line[f"{n}_sd"]))
            is_best = line["stream"] == "neural" and not line["is_baseline"]
            marks.append(" class=best" if is_best and line[n] == best[n] else "")
        row = "".join(f"<td{m}>{c}</td>" for m, c in zip(marks, cells, strict=True))
        kind = " class=baseline" if line["is_baseline"] else ""
        lines.append(f"<tr{kind}>{row}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _link(line: pd.Series, table: pd.DataFrame, runs: Mapping[str, str]) -> str:
    own = table[(table[list(KEYS)] == line[list(KEYS)]).all(axis=1)]
    name = str(own["run"].iloc[0]) if len(own) else ""
    known = [path for run, path in runs.items() if run.split("/")[-1] == name]
    label = escape(str(line["row"]))
    return f'<a href="{escape(known[0])}/">{label}</a>' if known else label


def _number(value: float, sd: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.3f}" + (f" ± {sd:.3f}" if np.isfinite(sd) else "")


def _differences(gained: pd.DataFrame) -> str:
    if gained.empty:
        return "<p class=note>guenel2022 is not among the rows.</p>"
    lines = [
        "<tr><th>row</th><th>transform</th><th>score</th><th>mean</th>"
        "<th>95 % interval</th><th>animals</th><th>p</th></tr>"
    ]
    for _, one in gained.iterrows():
        span = "–"
        if np.isfinite(one["low"]):
            span = f"{one['low']:+.3f} to {one['high']:+.3f}"
        p = f"{one['p']:.4f}" if np.isfinite(one["p"]) else "–"
        title = escape(TITLES.get(one["column"], one["column"]))
        cells = [one["row"], one["transform"], title, f"{one['mean']:+.3f}"]
        cells += [span, str(one["n"]), p]
        lines.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    note = (
        "<p class=note>Pairs are held-out animals (of each seed), the same probe and "
        "labels; p by flipping signs, from six pairs on. Animals of one project are not "
        "independent of each other: encoders saw all of them.</p>"
    )
    return f"<table>{''.join(lines)}</table>{note}"
