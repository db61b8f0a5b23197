"""The page of a comparison: tables and pictures in one file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from napari_neuroembed.plotting.frontier import frontier
from napari_neuroembed.plotting.theme import config
from napari_neuroembed.reports.report_page import POLICY
from napari_neuroembed.reports.report_style import STYLE
from napari_neuroembed.reports.tables import (
    LAYOUTS,
    TITLES,
    Layout,
    best_of,
    lines_of,
    number,
    paper_name,
)

OWN_STYLE = """
th{white-space:normal;max-width:7.5rem;vertical-align:bottom;text-align:right}
th:first-child{text-align:left}
td:first-child,th:first-child{position:sticky;left:0;background:var(--paper);
white-space:nowrap}td{white-space:nowrap}tr.baseline td,.paper{color:var(--muted)}
td.best{font-weight:650}td a{color:inherit}
"""
"""What a comparison adds to the look of a report."""


@dataclass(frozen=True)
class Contents:
    """What a comparison found.

    Parameters
    ----------
    name
        Of the comparison.
    table, joint, gained
        Lines per seed, over seeds, and differences to the reference.
    about
        One sentence: projects, seeds, how it was judged.
    chance
        Of actions and of identity.
    problems
        Row -> why it has no scores.
    runs
        (seed, run) -> relative path of its folder, for the links.
    """

    name: str
    table: pd.DataFrame
    joint: pd.DataFrame
    gained: pd.DataFrame
    about: str
    chance: tuple[float, float] | None
    problems: Mapping[str, str]
    runs: Mapping[tuple[str, str], str]


FRONTIER_NOTE = """To the right: the action is read from an animal that the probe never
saw. Down: the animal cannot be told. A line joins an embedding (hollow) with what a
transform makes of it (filled). Grey: baselines. Dashed: chance."""
ALONE_NOTE = """guenel2022 is not among the rows, or alone: there is nothing to take
differences to."""


def page(contents: Contents) -> str:
    """Return the page, HTML."""
    name, joint = contents.name, contents.joint
    parts = [f"<h1>{escape(name)}</h1>", f"<p class=note>{escape(contents.about)}</p>"]
    for layout in LAYOUTS:
        lines = lines_of(joint, layout)
        if len(lines):
            parts += [
                f"<h2>{escape(layout.title)}</h2>",
                f"<p class=note>{escape(layout.note)}</p>",
                _table(lines, layout, contents),
            ]
    both = joint[(joint["mode"] == "transductive") & (joint["stream"] == "neural")]
    parts += [
        "<h2>Leakage against accuracy</h2>",
        f"<p class=note>{FRONTIER_NOTE}</p>",
        _figure(frontier(both, chance=contents.chance)),
        "<h2>Differences to guenel2022</h2>",
        _differences(contents.gained),
    ]
    if contents.problems:
        items = "".join(
            f"<li>{escape(row)}: {escape(why)}</li>"
            for row, why in contents.problems.items()
        )
        parts.append(f"<h2>Without scores</h2><ul>{items}</ul>")
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(name)}</title><style>{STYLE}{OWN_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{body}</body></html>"
    )


def _figure(figure: go.Figure) -> str:
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=config())
    return html


def _table(lines: pd.DataFrame, layout: Layout, contents: Contents) -> str:
    best = best_of(lines, layout)
    names = list(layout.columns)
    head = "".join(f"<th>{escape(TITLES.get(n, n))}</th>" for n in names)
    rows = [f"<tr><th>row</th>{head}</tr>"]
    for _, line in lines.iterrows():
        links = _links(line, contents)
        cells = [f"<td>{_named(line)}</td>"]
        for n in names:
            text = number(line[n], line[f"{n}_sd"])
            is_best = line[n] == best[n] and not line["is_baseline"]
            kind = "n best" if is_best else "n"
            cells.append(f'<td class="{kind}">{_linked(text, links)}</td>')
        kind = " class=baseline" if line["is_baseline"] else ""
        rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return f"<div class=wide><table>{''.join(rows)}</table></div>"


def _named(line: pd.Series) -> str:
    known = paper_name(line.to_dict())
    note = f" <span class=paper>({escape(known)})</span>" if known else ""
    return escape(str(line["label"])) + note


def _links(line: pd.Series, contents: Contents) -> list[tuple[str, str]]:
    """Return (what, where) of the runs behind a line."""
    keys = ["row", "mode", "stream", "transform"]
    table = contents.table
    own = table[(table[keys] == line[keys]).all(axis=1)]
    found = []
    for seed, names in zip(own["seed_of_data"], own["runs"], strict=True):
        for run in names.split():
            path = contents.runs.get((str(seed), run))
            if path:
                found.append((f"{run}, seed {seed}", path))
    return found


def _linked(text: str, links: list[tuple[str, str]]) -> str:
    if not links or text == "-":
        return escape(text)
    what = ", ".join(name for name, _ in links)
    first = quote(links[0][1], safe="/.")
    return f'<a href="{first}/" title="{escape(what)}">{escape(text)}</a>'


def _differences(gained: pd.DataFrame) -> str:
    if gained.empty:
        return f"<p class=note>{ALONE_NOTE}</p>"
    head = ("row", "against", "score", "mean", "95 % interval", "each", "n", "p")
    lines = ["<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"]
    for _, one in gained.iterrows():
        span = "–"
        if np.isfinite(one["low"]):
            span = f"{one['low']:+.3f} to {one['high']:+.3f}"
        p = f"{one['p']:.4f}" if np.isfinite(one["p"]) else "–"
        title = TITLES.get(one["column"], one["column"])
        step = one["transform"]
        row = one["row"] if step == "none" else f"{one['row']} + {step}"
        words = [escape(w) for w in (row, one["reference"], title)]
        cells = [*words, f"{one['mean']:+.3f}", span, one["each"]]
        cells += [f"{one['n']} {one['unit']}s", p]
        lines.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    note = (
        "<p class=note>Row minus reference, the same probe and labels. p by flipping "
        "signs, from six pairs on. Animals of one project are not independent of each "
        "other: they share an encoder, and most of a probe.</p>"
    )
    table = f"<div class=wide><table>{''.join(lines)}</table></div>"
    return f"{note}<details><summary>Show</summary>{table}</details>"
