"""Controls as a person reads them: the warnings first, then what each of them reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.flags import number, table

if TYPE_CHECKING:
    import pandas as pd

WARNING = "warning"
SHOWN = {
    "labels_shuffled": "actions shuffled",
    "noise": "noise like the embedding",
    "clock": "clock alone",
    "borders": "borders alone",
    "motion": "motion alone",
    "brightness": "brightness alone",
    "anatomical": "anatomical channel alone",
}
COLUMNS = {
    "action_single": "action, within animal",
    "action_multi": "action, across animals",
    "identity": "which animal",
}
BAR = "!" * 72


def warnings_of(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the controls that did not fail, for programs.

    Parameters
    ----------
    scores
        As ``Run.evaluate`` gives them.
    """
    rows = scores[scores["verdict"] == WARNING]
    columns = ["control", "task", "stream", "value", "chance", "p", "note"]
    found: Any = rows[columns].to_dict("records")
    return list(found)


def control_lines(scores: pd.DataFrame) -> list[str]:
    """Return the lines about controls; none when there are none."""
    read = scores[scores["control"].isin([*SHOWN, "clock_target"])]
    judged = read[read["verdict"] != ""]
    if judged.empty:
        return []
    wrong = warnings_of(judged)
    told = (
        f"Controls: {len(judged) - len(wrong)} of {len(judged)} failed as they must. "
        "With nothing wrong a warning comes in at most 5 of 100 evaluations."
    )
    lines = ["", told, *_values(read)]
    if wrong:
        lines += ["", BAR, f"WARNING: {len(wrong)} of {len(judged)} did not fail."]
        lines += [f"- {_told(row)}" for row in wrong]
        lines.append(BAR)
    return lines


def _told(row: dict[str, Any]) -> str:
    name = str(row["control"]).replace("_", " ")
    where = "" if row["stream"] == "none" else f" ({row['stream']})"
    return f"{name}{where}: {str(row['note']).removeprefix('WARNING: ')}"


def _values(read: pd.DataFrame) -> list[str]:
    """Return the balanced accuracy of each control, beside chance."""
    known = read[read["value"].notna()]
    lines = []
    for name, title in SHOWN.items():
        rows = known[known["control"] == name].drop_duplicates("task")
        own = {row["task"]: row for row in rows.to_dict("records")}
        if own:
            cells = [_cell(own[task]) if task in own else "-" for task in COLUMNS]
            lines.append((title, *cells))
    if not lines:
        return []
    header = ("read from (chance in brackets)", *COLUMNS.values())
    return ["", table(lines, header)]


def _cell(row: Mapping[Any, Any]) -> str:
    """Return a value beside chance; no value where recordings allow no test of it."""
    if math.isnan(row["p"]):
        return "not testable"
    return f"{number(row['value'])} ({number(row['chance'])})"
