"""Rows from the store's tables, and which bouts are in view."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.widgets.timeline.ethograms import (
    GROOM,
    JUMP,
    NAMES,
    REST,
    WALK,
    Bout,
    four_actions,
    many_bouts,
    row,
    table_of,
)

from napari_neuroembed.data.annotations import AnnotationStore
from napari_neuroembed.data.palette import ACTIONS
from napari_neuroembed.errors import DataError
from napari_neuroembed.widgets.timeline.rows import lanes_of
from napari_neuroembed.widgets.timeline.tables import actions_of, ghost_row, rows_of

EVERYBODY = ("human", "rater", "model")


@given(many_bouts(), st.integers(0, 100), st.integers(1, 100))
def test_bouts_in_view_are_those_a_loop_finds(
    bouts: list[Bout], start: int, span: int
) -> None:
    view = start / 10, (start + span) / 10
    found = row(bouts)
    expected = [
        number
        for number, (_, first, last, _) in enumerate(bouts, start=1)
        if (first < view[1] and last > view[0])
        or (first == last and view[0] <= first < view[1])
    ]
    assert sorted(found.id[found.visible(*view)]) == expected


def test_a_long_bout_that_began_before_the_view_is_seen() -> None:
    bouts = [(WALK, 0.0, 100.0, 1), *((GROOM, t, t + 0.5, 1) for t in range(1, 90))]
    found = row(bouts)
    assert list(found.id[found.visible(95.0, 96.0)]) == [1]
    assert list(found.id[found.visible(50.6, 50.9)]) == [1]


def test_bouts_must_be_sorted() -> None:
    with pytest.raises(DataError, match="not sorted"):
        row([(WALK, 0.0, 1.0, 1), (WALK, 2.0, 3.0, 1)]).where(np.array([1, 0]))


def test_one_has_a_row_per_action_or_per_group_even_without_bouts() -> None:
    nothing = table_of([])
    actions = four_actions()
    assert [r.label for r in rows_of(nothing, actions, "ana")] == list(NAMES)
    grouped = rows_of(nothing, actions, "ana", by="group")
    assert [(r.label, r.actions) for r in grouped] == [
        ("moves", (WALK, GROOM, REST)),
        ("jump", (JUMP,)),
    ]


def test_others_and_runs_stand_below_and_only_when_asked() -> None:
    table = table_of(
        [
            {"action": "walk", "start_s": 5.0, "stop_s": 6.0},
            {"action": "rest", "start_s": 1.0, "stop_s": 2.0, "rater": "ben"},
            {"action": "jump", "start_s": 3.0, "stop_s": 3.0, "rater": "cleo"},
            {"action": "walk", "start_s": 4.0, "stop_s": 5.0, "rater": "cleo"},
            {
                "action": "groom",
                "start_s": 0.0,
                "stop_s": 1.0,
                "source": "model",
                "run": "first",
                "confidence": 0.8,
            },
            {"action": "walk", "start_s": 0.0, "stop_s": 2.0, "source": "imported"},
        ]
    )
    blind = rows_of(table, four_actions(), "ana")
    assert {r.kind for r in blind} == {"human"}
    assert sum(len(r) for r in blind) == 2
    assert list(blind[WALK].id) == [6, 1]
    rows = rows_of(table, four_actions(), "ana", shown=EVERYBODY)[4:]
    assert [(r.label, r.kind, r.rater, len(r)) for r in rows] == [
        ("ben", "rater", "ben", 1),
        ("cleo · moves", "rater", "cleo", 1),
        ("cleo · jump", "rater", "cleo", 1),
        ("run first", "model", "first", 1),
    ]
    assert rows[-1].confidence[0] == 0.8


def test_what_the_store_gives_is_understood(tmp_path: object) -> None:
    with AnnotationStore.open(f"{tmp_path}/annotations.sqlite") as store:
        store.add_rater("ana")
        for name in ("walk", "rest"):
            store.add_action(name)
        store.add_action("jump", group=None, kind="point")
        store.add_action("old")
        store.retire_action("old")
        late = store.add("fly1_001", "walk", 3.0, 4.5, rater="ana")
        early = store.add("fly1_001", "walk", 1.0, 2.5, rater="ana", state=0)
        store.add("fly1_001", "jump", 7.0, 7.0, rater="ana")
        actions = actions_of(store.actions())
        rows = rows_of(store.bouts("fly1_001"), actions, "ana")
    assert [r.label for r in rows] == ["walk", "rest", "jump"]
    assert list(rows[0].id) == [early.id, late.id]
    assert list(rows[0].state) == [0, 1]
    assert [len(r) for r in rows] == [2, 0, 1]
    assert [a.group for a in actions] == ["actions", "actions", None, "actions"]
    assert [a.color for a in actions] == [c.upper() for c in ACTIONS[:4]]


def test_a_retired_action_keeps_its_row_as_long_as_it_has_bouts() -> None:
    schema = pd.DataFrame({"name": ["walk", "old"], "retired": [False, True]})
    table = table_of([{"action": "old", "start_s": 0.0, "stop_s": 1.0}])
    actions = actions_of(schema)
    assert [r.label for r in rows_of(table, actions, "ana")] == ["walk", "old"]
    assert [r.label for r in rows_of(table[:0], actions, "ana")] == ["walk"]


def test_from_the_tenth_action_on_colours_repeat_and_are_counted() -> None:
    names = [f"a{number}" for number in range(20)]
    actions = actions_of(pd.DataFrame({"name": names}))
    assert [a.repeat for a in actions] == [0] * 9 + [1] * 9 + [2] * 2
    assert actions[9].color == actions[0].color
    chosen = pd.DataFrame({"name": ["a", "b"], "color": ["#332288", "#332288"]})
    assert [a.repeat for a in actions_of(chosen)] == [0, 1]


def test_other_recordings_and_unknown_actions_are_refused() -> None:
    two = table_of(
        [
            {"action": "walk", "start_s": 0.0, "stop_s": 1.0},
            {"action": "walk", "start_s": 0.0, "stop_s": 1.0, "recording": "fly2_001"},
        ]
    )
    with pytest.raises(DataError, match="one recording"):
        rows_of(two, four_actions(), "ana")
    strange = table_of([{"action": "fly", "start_s": 0.0, "stop_s": 1.0}])
    with pytest.raises(DataError, match="lacks fly"):
        rows_of(strange, four_actions(), "ana")


def test_proposals_lie_in_the_rows_of_their_actions_and_none_is_lost() -> None:
    actions = four_actions()
    proposals = pd.DataFrame(
        {
            "id": [7, 8, 9],
            "action": ["walk", "rest", "walk"],
            "start_s": [5.0, 2.0, 1.0],
            "stop_s": [6.0, 3.0, 2.0],
        }
    )
    ghosts = ghost_row(proposals, actions)
    lanes = lanes_of(rows_of(table_of([]), actions, "ana"), ghosts)
    held = [[] if lane.ghosts is None else list(lane.ghosts.id) for lane in lanes]
    assert held == [[9, 7], [], [8], []]
    (rest,) = lanes_of([], ghosts)
    assert rest.ghosts is not None
    assert (len(rest.row), rest.row.kind, list(rest.ghosts.id)) == (
        0,
        "ghost",
        [9, 8, 7],
    )
    assert lanes_of([], None) == []
