"""Rows and actions of a timeline from the tables that the store hands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.palette import action_mark
from napari_neuroembed.errors import DataError
from napari_neuroembed.widgets.timeline.rows import Action, Kind, Row

Grouping = Literal["action", "group"]
"""One row per action, or one per exclusive group of them."""

MINE: tuple[Kind, ...] = ("human",)
"""Rows shown when none are named: others are hidden, so that one labels blind."""


def actions_of(table: pd.DataFrame) -> list[Action]:
    """Return the actions of an ethogram, in its order.

    Parameters
    ----------
    table
        As :meth:`AnnotationStore.actions` gives it; only `name` is needed, colours
        are then the palette's.
    """
    fallback = pd.Series([None] * len(table), index=table.index, dtype=object)
    columns = [table.get(n, fallback) for n in ("name", "color", "group", "retired")]
    seen: Counter[str] = Counter()
    found = []
    for index, (name, color, group, retired) in enumerate(zip(*columns, strict=True)):
        color = str(color or action_mark(index).color).upper()
        is_grouped = isinstance(group, str) and bool(group)
        found.append(
            Action(
                str(name),
                color,
                seen[color],
                group if is_grouped else None,
                bool(retired) and retired is not None,
            )
        )
        seen[color] += 1
    return found


def rows_of(
    bouts: pd.DataFrame,
    actions: Sequence[Action],
    rater: str,
    *,
    shown: Collection[Kind] = MINE,
    by: Grouping = "action",
    others_by: Grouping = "group",
) -> list[Row]:
    """Return rows of one's own bouts, and below them those of others and of runs.

    Parameters
    ----------
    bouts
        Bouts of one recording, with the columns of
        :meth:`AnnotationStore.bouts`.
    actions
        The ethogram.
    rater
        Whose bouts are one's own; these rows are there even when empty.
    shown
        Kinds of rows wanted.
    by, others_by
        How one's own rows, and those of others, are made.

    Raises
    ------
    DataError
        When the bouts are of several recordings, or of an action the ethogram lacks.
    """
    everything = _one_row(bouts, actions)
    is_model = everything.source == "model"
    names = bouts["rater"].astype(str).to_numpy(dtype=object)
    run = bouts["run"] if "run" in bouts else pd.Series("", index=bouts.index)
    runs = run.fillna("").astype(str).to_numpy(dtype=object)
    order = np.argsort(bouts["start_s"].to_numpy(np.float64), kind="stable")
    names, runs = names[order], runs[order]
    rows: list[Row] = []
    if "human" in shown:
        mine = everything.where(~is_model & (names == rater), rater=rater, kind="human")
        rows += _split(mine, actions, by, keep_empty=True)
    if "rater" in shown:
        for other in sorted({*names[~is_model]} - {rater}):
            keep = ~is_model & (names == other)
            theirs = everything.where(keep, rater=other, kind="rater")
            rows += _named(other, _split(theirs, actions, others_by))
    if "model" in shown:
        for name in sorted({*runs[is_model]}):
            keep = is_model & (runs == name)
            theirs = everything.where(keep, rater=name, kind="model")
            rows += _named(
                f"run {name}" if name else "model", _split(theirs, actions, others_by)
            )
    return rows


def ghost_row(proposals: pd.DataFrame, actions: Sequence[Action]) -> Row:
    """Return proposals as one row.

    Parameters
    ----------
    proposals
        Columns id, action, start_s, stop_s; optional run (or rater) and confidence.
    actions
        The ethogram.

    Raises
    ------
    DataError
        As :func:`rows_of`.
    """
    row = _one_row(proposals, actions)
    return row.where(np.ones(len(row), bool), label="proposed", kind="ghost")


def _one_row(table: pd.DataFrame, actions: Sequence[Action]) -> Row:
    """Return all bouts of a table as one row, sorted by start."""
    if "recording" in table and table["recording"].nunique() > 1:
        raise DataError(
            f"A timeline shows one recording, found bouts of "
            f"{table['recording'].nunique()}. Choose one of them."
        )
    index = {action.name: number for number, action in enumerate(actions)}
    code = table["action"].map(index)
    if code.isna().any():
        lost = sorted({str(name) for name in table["action"][code.isna()]})
        raise DataError(
            f"The ethogram lacks {', '.join(lost[:5])}, of which there are bouts. "
            "Read the actions again."
        )
    n = len(table)
    order = np.argsort(table["start_s"].to_numpy(np.float64), kind="stable")

    def column(name: str, default: Any, dtype: Any) -> NDArray[Any]:
        values = table[name] if name in table else pd.Series([default] * n)
        return values.to_numpy(dtype=dtype)[order]

    return Row(
        label="",
        kind="human",
        rater="",
        actions=tuple(range(len(actions))),
        start_s=column("start_s", 0.0, np.float64),
        stop_s=column("stop_s", 0.0, np.float64),
        action=code.to_numpy().astype(np.int64)[order],
        state=column("state", 1, np.int8),
        id=column("id", -1, np.int64),
        source=column("source", "model", object),
        confidence=column("confidence", np.nan, np.float64),
    )


def _split(
    row: Row, actions: Sequence[Action], by: Grouping, *, keep_empty: bool = False
) -> list[Row]:
    found = []
    for label, members in _groups(actions, by):
        keep = np.isin(row.action, members)
        in_use = keep_empty and not all(actions[i].retired for i in members)
        if in_use or keep.any():
            found.append(row.where(keep, label=label, actions=members))
    return found


def _groups(
    actions: Sequence[Action], by: Grouping
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Give label and members of every row, in the order of the ethogram."""
    done: set[str] = set()
    for index, action in enumerate(actions):
        if by == "action" or action.group is None:
            yield action.name, (index,)
        elif action.group not in done:
            done.add(action.group)
            members = [i for i, a in enumerate(actions) if a.group == action.group]
            yield action.group, tuple(members)


def _named(who: str, rows: list[Row]) -> list[Row]:
    """Name rows after whose they are; what they hold is added where it is needed."""
    labels = [who] if len(rows) == 1 else [f"{who} · {row.label}" for row in rows]
    return [
        row.where(np.ones(len(row), bool), label=label)
        for row, label in zip(rows, labels, strict=True)
    ]
