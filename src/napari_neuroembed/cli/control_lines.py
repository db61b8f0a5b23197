"""Controls as a person reads them: the warnings first, then what each of them reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.flags import number, table
from napari_neuroembed.store.main_scores import (
    CONTROL_TASKS,
    CONTROLS,
    warning_text,
    warnings_of,
)

if TYPE_CHECKING:
    import pandas as pd

BAR = "!" * 72


def control_lines(scores: pd.DataFrame) -> list[str]:
    """Return the lines about controls; none when there are none."""
    read = scores[scores["control"].isin([*CONTROLS, "clock_target"])]
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
        lines += [f"- {warning_text(row)}" for row in wrong]
        lines.append(BAR)
    return lines


def _values(read: pd.DataFrame) -> list[str]:
    """Return the balanced accuracy of each control, beside chance."""
    known = read[read["value"].notna()]
    lines = []
    for name, title in CONTROLS.items():
        rows = known[known["control"] == name].drop_duplicates("task")
        own = {row["task"]: row for row in rows.to_dict("records")}
        if own:
            cells = [_cell(own[task]) if task in own else "-" for task in CONTROL_TASKS]
            lines.append((title, *cells))
    if not lines:
        return []
    header = ("read from (chance in brackets)", *CONTROL_TASKS.values())
    return ["", table(lines, header)]


def _cell(row: Mapping[Any, Any]) -> str:
    """Return a value beside chance; no value where recordings allow no test of it."""
    if math.isnan(row["p"]):
        return "not testable"
    return f"{number(row['value'])} ({number(row['chance'])})"
