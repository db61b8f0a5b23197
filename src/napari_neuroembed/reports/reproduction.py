"""Measured rows beside the published numbers of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.reports.published import (
    ACTION_COLUMNS,
    CAVEATS,
    IDENTITY_COLUMNS,
    ROWS,
    SOURCE,
    PublishedRow,
)

TABLE, TEXT = "reproduction.csv", "reproduction.md"
FILES = {
    TEXT: "Of `reproduce`: the paper's tables, published → measured, and what must be "
    "known about both sides.",
    TABLE: "The same, a line per number, in per cent.",
}
"""What `reproduce` adds to the folder of its comparison."""

COLUMNS = (
    *("table", "name", "row", "column", "published", "measured", "sd"),
    "difference",
)
TITLES = {
    "single_50": "within, 50 %",
    "single_100": "within, 100 %",
    "multi_50": "held out, 50 %",
    "multi_100": "held out, 100 %",
    "identity_50": "identity, 0.5",
    "identity_100": "identity, 1.0",
}
_MEASURED = {"identity_100": "identity_linear"}
_NOT_MEASURED = ("identity_50",)
"""Columns of the paper without a counterpart."""


def beside_published(joint: pd.DataFrame) -> pd.DataFrame:
    """Return one line per published number and measured one.

    Parameters
    ----------
    joint
        ``over_seeds.csv`` of a comparison: `row`, `stream`, `transform`, accuracies
        as shares, and ``*_sd``.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, in per cent; NaN where the paper prints nothing or nothing was
        measured.
    """
    plain = joint[joint["transform"].fillna("none").isin(["none", ""])]
    if "mode" in plain:
        plain = plain[plain["mode"].fillna("").isin(["transductive", ""])]
    lines = []
    for one in ROWS:
        own = _measured_line(plain, one)
        for table, columns, values in (
            ("Table 1", ACTION_COLUMNS, one.actions),
            ("Table S2", IDENTITY_COLUMNS, one.identity),
        ):
            for column, value in zip(columns, values, strict=True):
                measured, sd = _measured(own, one, column)
                published = np.nan if value is None else float(value)
                asked = (table, one.name, one.ours, column)
                found = (published, measured, sd, measured - published)
                lines.append((*asked, *found))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def text_of(
    table: pd.DataFrame, notes: Sequence[str] = (), failed: Mapping[str, str] = {}
) -> str:
    """Return the two tables in Markdown with what must be known about them.

    Parameters
    ----------
    table
        See :func:`beside_published`.
    notes
        What was done differently here, and with which recordings.
    failed
        Row -> why it was not measured.
    """
    parts = [
        "# Published and measured",
        f"Per cent: published → measured. Published: {SOURCE}.",
        "## Action recognition (Table 1)",
        _markdown(table, "Table 1", ACTION_COLUMNS),
        "## Identity recognition (Table S2)",
        _markdown(table, "Table S2", IDENTITY_COLUMNS),
    ]
    if notes:
        parts += ["## Measured here", _list(notes)]
    parts += ["## About the published numbers", _list(CAVEATS)]
    if failed:
        rows = [f"{row}: {why}" for row, why in failed.items()]
        parts += ["## Not measured", _list(rows)]
    return "\n\n".join(parts) + "\n"


def without_accuracy(scores: pd.DataFrame) -> dict[str, str]:
    """Return why rows have no accuracy: row -> reason; of those with one, nothing.

    Parameters
    ----------
    scores
        Of all runs of a comparison, with the column `row`.
    """
    asked = scores[scores["task"].isin(["action_single", "action_multi"])]
    asked = asked[asked["control"].isin(["none", ""]) & ~asked["is_baseline"]]
    found = {}
    for row, own in asked.groupby("row", sort=False):
        notes = [str(note) for note in dict.fromkeys(own["note"]) if note]
        if own["value"].isna().all() and notes:
            found[str(row)] = notes[0]
    return found


def write_reproduction(folder: Path, table: pd.DataFrame, text: str) -> None:
    """Write or replace the table and its text in the folder of a comparison."""
    files.write_text(folder / TABLE, table.to_csv(index=False))
    files.write_text(folder / TEXT, text)


def _measured_line(plain: pd.DataFrame, one: PublishedRow) -> pd.Series | None:
    row, stream = one.ours, "neural"
    if row.startswith("raw"):
        row, stream = "raw", row.removeprefix("raw ").partition(",")[0]
    own = plain[plain["row"] == row]
    if row != "uniform":
        own = own[own["stream"] == stream]
    return None if own.empty else own.iloc[0]


def _measured(
    own: pd.Series | None, one: PublishedRow, column: str
) -> tuple[float, float]:
    """Return a measured score and its sd, in per cent."""
    name = _MEASURED.get(column, column)
    if one.ours.endswith("MLP"):
        name = "multi_mlp" if column == "multi_100" else ""
    if own is None or column in _NOT_MEASURED or name not in own:
        return np.nan, np.nan
    return 100 * float(own[name]), 100 * float(own.get(f"{name}_sd", np.nan))


def _markdown(table: pd.DataFrame, which: str, columns: Sequence[str]) -> str:
    own = table[table["table"] == which]
    rows = [["row", "here", *(TITLES[name] for name in columns)]]
    rows.append(["---"] * len(rows[0]))
    for (name, ours), lines in own.groupby(["name", "row"], sort=False):
        if lines["published"].isna().all():
            continue
        by_column = {str(line["column"]): line for line in lines.to_dict("records")}
        cells = [_cell(by_column[column]) for column in columns]
        rows.append([str(name), f"`{ours}`", *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _cell(line: Mapping[Any, Any]) -> str:
    if not np.isfinite([line["published"], line["measured"]]).any():
        return "-"
    sd = line["sd"]
    spread = f" ± {sd:.1f}" if np.isfinite(sd) else ""
    return f"{_number(line['published'])} → {_number(line['measured'])}{spread}"


def _number(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "-"


def _list(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)
