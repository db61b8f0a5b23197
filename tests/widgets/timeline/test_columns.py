"""Which action a column of pixels shows, beside a loop over bouts and columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.widgets.timeline.ethograms import GROOM, REST, WALK, Bout, many_bouts, row

from napari_neuroembed.widgets.timeline.columns import WIDE_PX, columns_of


def covered(
    bouts: list[Bout], span: tuple[float, float], width: int
) -> NDArray[np.float64]:
    """Return what present bouts cover of every column, shape (4, width)."""
    found = np.zeros((4, width))
    scale = width / (span[1] - span[0])
    for action, start, stop, state in bouts:
        for column in range(width):
            first = max((start - span[0]) * scale, column)
            last = min((stop - span[0]) * scale, column + 1)
            found[action, column] += state * max(0.0, last - first)
    return found


@given(many_bouts(), st.integers(0, 90), st.integers(1, 100), st.integers(1, 60))
def test_columns_show_what_covers_most_of_them(
    bouts: list[Bout], start: int, length: int, width: int
) -> None:
    span = start / 10, (start + length) / 10
    shown = columns_of(row(bouts), span, width, 1).winner
    expected = covered(bouts, span, width)
    most = expected.max(axis=0)
    assert np.array_equal(shown >= 0, most > 1e-9)
    ours = expected[shown, np.arange(width)]
    assert (ours[shown >= 0] >= most[shown >= 0] - 0.003 * len(bouts)).all()


def test_no_bout_is_too_short_to_be_seen() -> None:
    day = 86_400.0
    bouts = [(WALK, 1000.0, 1000.01, 1), (GROOM, day - 0.01, day, 1)]
    shown = columns_of(row(bouts), (0.0, day), 900, 1).winner
    assert list(np.flatnonzero(shown >= 0)) == [10, 899]
    assert list(shown[[10, 899]]) == [WALK, GROOM]


def test_states_are_told_apart() -> None:
    found = row([(WALK, 1.0, 3.0, 1), (GROOM, 5.0, 8.0, 0)])
    present = columns_of(found, (0.0, 10.0), 10, 1).winner
    absent = columns_of(found, (0.0, 10.0), 10, 0).winner
    assert list(present) == [-1, 0, 0, *[-1] * 7]
    assert list(absent) == [*[-1] * 5, 1, 1, 1, -1, -1]


def test_only_wide_bouts_have_edges_and_touching_ones_share_a_line() -> None:
    bouts = [
        (WALK, 0.0, 10.0, 1),
        (GROOM, 10.0, 20.0, 1),
        (REST, 30.0, 30.0 + WIDE_PX - 1, 1),
        (REST, 50.0, 120.0, 1),
    ]
    found = columns_of(row(bouts), (0.0, 100.0), 100, 1)
    assert list(found.left) == [0, 10, 50]
    assert list(found.right) == [19]


def test_points_of_one_column_are_one() -> None:
    bouts = [(WALK, 5.0, 5.0, 1), (WALK, 5.2, 5.2, 1), (GROOM, 0.0, 0.0, 1)]
    found = columns_of(row(bouts), (0.0, 10.0), 10, 1)
    assert list(found.points) == [0, 5]
    assert list(found.point_action) == [GROOM, WALK]
    assert (found.winner == -1).all()
