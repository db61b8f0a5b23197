"""What maps of actions say, as lines of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_neuroembed.cli.flags import table

if TYPE_CHECKING:
    import pandas as pd


def map_lines(found: pd.DataFrame) -> list[str]:
    """Return a line per animal and action, and how many maps passed their check.

    Parameters
    ----------
    found
        Rows of ``maps.parquet``.
    """
    rows, passed, made = [], 0, 0
    for _, one in found.iterrows():
        if one["note"]:
            rows.append((one["animal"], one["action"], "no map", "", one["note"]))
            continue
        made += 1
        is_best = one["drop_top"] > one["drop_high"]
        passed += is_best
        top, other = f"{one['drop_top']:+.3f}", f"{one['drop_random']:+.3f}"
        span = f"{one['drop_low']:+.3f} to {one['drop_high']:+.3f}"
        mark = "more than random pixels" if is_best else "not more than random pixels"
        rows.append((one["animal"], one["action"], top, f"{other} ({span})", mark))
    head = ("animal", "action", "loss without top 5 %", "without random 5 %", "")
    return [
        "",
        "Where actions are read: loss of the probability of the action",
        table(rows, head),
        f"{passed} of {made} maps passed: what they point at matters more than random.",
    ]
