"""Bouts as tables, and one answer from several raters where they agree."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from napari_neuroembed.data.annotations.events import row_of
from napari_neuroembed.data.annotations.schema import (
    BOUT_COLUMNS,
    Bout,
    actions,
    bouts,
    events,
    raters,
)
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.intervals import TOUCH_S, is_covered, union
from napari_neuroembed.errors import DataError

COUNTED_SOURCES = ("human", "imported", "verified_model")
"""Sources whose bouts count when none are named: all but a model's own."""


def bout_table(
    connection: Connection,
    recordings: Collection[str] | None,
    chosen_raters: Collection[str] | None,
    sources: Collection[str] | None,
) -> pd.DataFrame:
    """Return the bouts there are, by recording and start; None: no restriction."""
    query = (
        select(bouts, actions.c.name.label("action"), raters.c.name.label("rater"))
        .join(actions, actions.c.id == bouts.c.action_id)
        .join(raters, raters.c.id == bouts.c.rater_id)
        .where(bouts.c.deleted == 0)
        .order_by(bouts.c.recording, bouts.c.start_s, bouts.c.id)
    )
    if recordings is not None:
        query = query.where(bouts.c.recording.in_(recordings))
    if chosen_raters is not None:
        query = query.where(raters.c.name.in_(chosen_raters))
    if sources is not None:
        query = query.where(bouts.c.source.in_(sources))
    rows = [
        tuple(row._mapping[name] for name in BOUT_COLUMNS)
        for row in connection.execute(query)
    ]
    table = pd.DataFrame(rows, columns=list(BOUT_COLUMNS))
    run = BOUT_COLUMNS.index("run")
    table["run"] = pd.Series([row[run] for row in rows], dtype=object)
    table["confidence"] = table["confidence"].astype(np.float64)
    return table


def find_bout(connection: Connection, number: int) -> Bout:
    """Return one bout, removed or not.

    Raises
    ------
    DataError
        When there never was such a bout.
    """
    row = row_of(connection, "bouts", number)
    if row is None:
        raise DataError(f"There is no bout {number}.")
    return bout_of(connection, row)


def bout_of(connection: Connection, row: Mapping[str, Any]) -> Bout:
    """Return a row of the log as a bout with names."""
    action = connection.scalar(
        select(actions.c.name).where(actions.c.id == row["action_id"])
    )
    rater = connection.scalar(
        select(raters.c.name).where(raters.c.id == row["rater_id"])
    )
    named = {**row, "action": action, "rater": rater}
    values = {name: named[name] for name in BOUT_COLUMNS}
    return Bout(**values, deleted=bool(row["deleted"]))


def event_table(connection: Connection) -> pd.DataFrame:
    """Return the log, one row per event, oldest first; before and after as lists."""
    names = [column.name for column in events.columns]
    rows = [
        {
            **row._mapping,
            "before": json.loads(row.before),
            "after": json.loads(row.after),
        }
        for row in connection.execute(select(events).order_by(events.c.id))
    ]
    return pd.DataFrame(rows, columns=names)


def agreed_bouts(recording: str, by_rater: Mapping[str, Bouts]) -> Bouts:
    """Return the bouts of several raters as one, if they agree.

    Raters agree when they say the same wherever both have labelled; where only one
    has, that one counts.

    Raises
    ------
    DataError
        Naming the raters, how many seconds they differ in and where first.
    """
    for first, second in combinations(sorted(by_rater), 2):
        apart = _differences(by_rater[first], by_rater[second])
        if len(apart):
            total = float((apart[:, 1] - apart[:, 0]).sum())
            raise DataError(
                f"Recording {recording!r}: raters {first} and {second} disagree in "
                f"{total:.2f} s, first at {apart[0, 0]:.3f} s. Choose whose bouts "
                f"count (evaluation.labels.raters): {', '.join(sorted(by_rater))}."
            )
    if len(by_rater) == 1:
        return next(iter(by_rater.values()))
    tables = [b.to_table() for b in by_rater.values() if len(b)]
    if not tables:
        return Bouts.empty()
    return Bouts.from_table(pd.concat(tables)).merged()


def _differences(first: Bouts, second: Bouts) -> NDArray[np.float64]:
    """Return the spans, shape (n, 2), that both labelled, but differently."""
    edges = np.unique(
        np.concatenate([first.start_s, first.stop_s, second.start_s, second.stop_s])
    )
    if edges.size < 2:
        return np.empty((0, 2))
    middles = (edges[1:] + edges[:-1]) / 2
    looked = is_covered(middles, *union(first.start_s, first.stop_s))
    looked &= is_covered(middles, *union(second.start_s, second.stop_s))
    names = sorted({*first.actions(), *second.actions()})
    present = [b.states_at(middles, names) == 1 for b in (first, second)]
    differ = looked & (present[0] != present[1]).any(axis=1)
    differ &= np.diff(edges) > TOUCH_S
    return np.stack([edges[:-1][differ], edges[1:][differ]], axis=1)
