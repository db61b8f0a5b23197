"""What an edit of the annotations may not leave behind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from napari_neuroembed.data.annotations.events import Change, logged
from napari_neuroembed.data.annotations.schema import SOURCES, actions, bouts, raters
from napari_neuroembed.data.bouts import Bouts, clashes
from napari_neuroembed.data.intervals import TOUCH_S
from napari_neuroembed.errors import DataError

ONE_BY_ONE = 100
"""Up to so many changed bouts each is looked up; more are checked in one sweep."""

SHOWN = 10
"""Problems spelled out in one message; the rest are counted."""

OVERLAP = "overlap, but their actions exclude one another."


def check_row(row: Mapping[str, Any], action: Mapping[str, Any]) -> str | None:
    """Return what is wrong with one bout alone, or None.

    Parameters
    ----------
    row
        The bout as it would be stored.
    action
        The row of its action.
    """
    start, stop = row["start_s"], row["stop_s"]
    what = f"{action['name']} {start}-{stop} s in {row['recording']!r}"
    if not (math.isfinite(start) and math.isfinite(stop)):
        return f"{what}: times must be finite."
    if stop < start:
        return f"{what}: it ends before it starts."
    if action["kind"] == "state" and stop == start:
        return f"{what}: it has no length, and {action['name']} is no point event."
    if action["kind"] == "point" and stop != start:
        return f"{what}: {action['name']} is a point event and has no length."
    if row["source"] not in SOURCES:
        return f"{what}: source is {row['source']!r}; allowed: {', '.join(SOURCES)}."
    if row["state"] not in (0, 1):
        return f"{what}: state is {row['state']!r}; allowed: 1 (present), 0 (absent)."
    confidence = row["confidence"]
    if confidence is not None and not 0 <= confidence <= 1:
        return f"{what}: confidence is {confidence}, not between 0 and 1."
    return None


def check_rows(connection: Connection, changes: Iterable[Change]) -> None:
    """Check the bouts that an edit is about to write, each by itself.

    Raises
    ------
    DataError
        Listing every bout that cannot be.
    """
    known = {a.id: logged(a) for a in connection.execute(select(actions))}
    problems = [check_row(row, known[row["action_id"]]) for row in _bouts_of(changes)]
    _refuse([problem for problem in problems if problem])


def check_together(connection: Connection, changes: Iterable[Change]) -> None:
    """Check the bouts that an edit has just written, against all others.

    Raises
    ------
    DataError
        When one overlaps another of its rater in an exclusive group, or says present
        where another says absent. The caller rolls back.
    """
    rows = _bouts_of(changes)
    if len(rows) <= ONE_BY_ONE:
        found = [_first_clash(connection, row) for row in rows]
    else:
        places = {_place(row) for row in rows}
        found = [text for place in sorted(places) for text in _sweep(connection, place)]
    _refuse(list(dict.fromkeys(text for text in found if text)))


def check_group(connection: Connection, group: str) -> None:
    """Check every bout of a group of actions that has just become exclusive.

    Raises
    ------
    DataError
        Naming the bouts that overlap.
    """
    alive = (
        _alive()
        .join(actions, actions.c.id == bouts.c.action_id)
        .where(actions.c.exclusive_group == group)
    )
    places = {_place(logged(row)) for row in connection.execute(alive)}
    _refuse([text for place in sorted(places) for text in _sweep(connection, place)])


def _bouts_of(changes: Iterable[Change]) -> list[Mapping[str, Any]]:
    return [c.after for c in changes if c.table == "bouts" and not c.after["deleted"]]


def _refuse(problems: Sequence[str]) -> None:
    if not problems:
        return
    lines = list(problems[:SHOWN])
    if len(problems) > SHOWN:
        lines.append(f"and {len(problems) - SHOWN} more.")
    if any(text.endswith(OVERLAP) for text in problems):
        lines.append("Trim one, or make their actions multi-label (group=None).")
    head = f"Nothing was written, {len(problems)} problem(s) with bouts:"
    raise DataError("\n  - ".join([head, *lines]))


def _alive() -> Select[Any]:
    return select(bouts).where(bouts.c.deleted == 0)


def _place(row: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return what bouts must share to be in each other's way."""
    run = (row["run"] or "") if row["source"] == "model" else ""
    return row["recording"], row["rater_id"], f"{row['source'] == 'model'}{run}"


def _same_place(row: Mapping[str, Any]) -> ColumnElement[bool]:
    where = and_(
        bouts.c.recording == row["recording"], bouts.c.rater_id == row["rater_id"]
    )
    if row["source"] != "model":
        return and_(where, bouts.c.source != "model")
    run = func.coalesce(bouts.c.run, "")
    return and_(where, bouts.c.source == "model", run == (row["run"] or ""))


def _first_clash(connection: Connection, row: Mapping[str, Any]) -> str | None:
    """Return what one bout collides with; a look-up through the index."""
    mine = select(actions).where(actions.c.id == row["action_id"])
    action = connection.execute(mine).one()
    in_the_way = and_(
        bouts.c.action_id == row["action_id"], bouts.c.state != row["state"]
    )
    if row["state"] == 1 and action.exclusive_group is not None:
        same_group = actions.c.exclusive_group == action.exclusive_group
        in_the_way = or_(in_the_way, and_(same_group, bouts.c.state == 1))
    query = (
        select(bouts, actions.c.name)
        .join(actions, actions.c.id == bouts.c.action_id)
        .where(_same_place(row), bouts.c.deleted == 0, bouts.c.id != row["id"])
        .where(bouts.c.start_s < row["stop_s"] - TOUCH_S)
        .where(bouts.c.stop_s > row["start_s"] + TOUCH_S)
        .where(in_the_way)
        .order_by(bouts.c.start_s)
        .limit(1)
    )
    other = connection.execute(query).one_or_none()
    if other is None:
        return None
    return _text(connection, row, (action.name, row), (other.name, logged(other)))


def _sweep(connection: Connection, place: tuple[str, int, str]) -> list[str]:
    """Return all collisions of one rater in one recording."""
    query = (
        select(bouts, actions.c.name, actions.c.exclusive_group)
        .join(actions, actions.c.id == bouts.c.action_id)
        .where(bouts.c.recording == place[0], bouts.c.rater_id == place[1])
        .where(bouts.c.deleted == 0)
    )
    rows = [r for r in connection.execute(query) if _place(logged(r)) == place]
    groups = {row.exclusive_group for row in rows}
    found = []
    for group in sorted(groups, key=str):
        mine = [row for row in rows if row.exclusive_group == group]
        mine.sort(key=lambda row: (row.start_s, row.stop_s, row.name))
        for i, j in clashes(_as_bouts(mine), exclusive=group is not None):
            pair = [(mine[k].name, logged(mine[k])) for k in (i, j)]
            found.append(_text(connection, pair[0][1], *pair))
    return found


def _as_bouts(rows: Sequence[Row[Any]]) -> Bouts:
    return Bouts(
        np.array([row.start_s for row in rows]),
        np.array([row.stop_s for row in rows]),
        tuple(row.name for row in rows),
        np.array([row.state == 1 for row in rows], dtype=bool),
    )


def _text(
    connection: Connection,
    row: Mapping[str, Any],
    first: tuple[str, Mapping[str, Any]],
    second: tuple[str, Mapping[str, Any]],
) -> str:
    rater = connection.scalar(
        select(raters.c.name).where(raters.c.id == row["rater_id"])
    )
    said = [
        f"{'' if r['state'] else 'no '}{name} {r['start_s']:.3f}-{r['stop_s']:.3f} s"
        for name, r in (first, second)
    ]
    where = f"in {row['recording']!r} by {rater}"
    if first[1]["state"] != second[1]["state"]:
        return f"{said[0]} and {said[1]} {where} contradict each other."
    return f"{said[0]} and {said[1]} {where} {OVERLAP}"
