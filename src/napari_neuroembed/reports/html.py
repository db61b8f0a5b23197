"""HTML that is always escaped: tables, notes and sections from plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph; `kind` is a class of the style sheet."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{escape(text)}</p>"


def listing(texts: Iterable[str], kind: str = "") -> str:
    """Return a list, or nothing when there is none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    mark = f' class="{kind}"' if kind else ""
    return f"<ul{mark}>{items}</ul>" if items else ""


def code(text: str) -> str:
    """Return text as it is typed."""
    return f"<pre><code>{escape(text)}</code></pre>"


def folded(title: str, body: str) -> str:
    """Return something that opens on a click."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def table_of(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """Return rows as a table; numbers stand to the right."""
    head = "".join(f"<th>{escape(title)}</th>" for title in header)
    lines = [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows]
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def table(frame: pd.DataFrame) -> str:
    """Return a table of pandas as HTML."""
    return table_of(frame.to_numpy(dtype=object).tolist(), list(map(str, frame)))


def _cell(value: Any) -> str:
    is_number = isinstance(value, int | float | np.number) and not isinstance(
        value, bool
    )
    text = _text(value)
    return f'<td class="n">{text}</td>' if is_number else f"<td>{text}</td>"


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return escape(f"{value:,.4g}") if np.isfinite(value) else "–"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return escape(str(value))
