"""Small ethograms, and slow obvious ways to look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from napari_neuroembed.data.annotations.schema import BOUT_COLUMNS
from napari_neuroembed.widgets.timeline.rows import Action, Kind, Row
from napari_neuroembed.widgets.timeline.tables import actions_of

WALK, GROOM, REST, JUMP = range(4)
NAMES = ("walk", "groom", "rest", "jump")

Bout = tuple[int, float, float, int]
"""Action, start, stop, state."""


def four_actions() -> list[Action]:
    """Three that exclude one another, and one that may happen at any time."""
    table = pd.DataFrame({"name": NAMES, "group": ["moves", "moves", "moves", None]})
    return actions_of(table)


def table_of(bouts: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Bouts with the columns that the store gives; what is left out is usual."""
    usual = {
        "recording": "fly1_001",
        "state": 1,
        "rater": "ana",
        "source": "human",
        "run": None,
        "confidence": np.nan,
        "created_utc": "2026-03-01T12:00:00Z",
        "revision": 1,
    }
    rows = [{"id": i, **usual, **bout} for i, bout in enumerate(bouts, start=1)]
    return pd.DataFrame(rows, columns=list(BOUT_COLUMNS))


def row(
    bouts: Sequence[Bout],
    *,
    kind: Kind = "human",
    actions: tuple[int, ...] = (WALK, GROOM, REST, JUMP),
    first_id: int = 1,
) -> Row:
    """One row of bouts in any order; their numbers follow the order given."""
    order = sorted(range(len(bouts)), key=lambda i: bouts[i][1])
    action, start, stop, state = (
        np.array([bouts[i] for i in order], dtype=np.float64).reshape(-1, 4).T
    )
    return Row(
        label="row",
        kind=kind,
        rater="ana",
        actions=actions,
        start_s=start,
        stop_s=stop,
        action=action.astype(np.int64),
        state=state.astype(np.int8),
        id=np.array(order, dtype=np.int64) + first_id,
        source=np.array(["human"] * len(bouts), dtype=object),
        confidence=np.full(len(bouts), np.nan),
    )


@st.composite
def many_bouts(draw: st.DrawFn) -> list[Bout]:
    """Bouts on a grid of 0.1 s up to 10 s: touching, nested, long, and points."""
    spans = st.tuples(st.integers(0, 99), st.integers(0, 100))
    bouts = draw(
        st.lists(st.tuples(spans, st.integers(0, 3), st.integers(0, 1)), max_size=30)
    )
    return [
        (action, min(a, b) / 10, max(a, b) / 10, state)
        for (a, b), action, state in bouts
    ]
