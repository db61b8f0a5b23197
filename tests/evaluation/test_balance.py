from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.balance import (
    action_cells,
    balanced_weights,
    pose_cells,
)

pairs = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-1, 3)), min_size=30, max_size=90
)


@settings(max_examples=40, deadline=None)
@given(pairs, st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_any_answer_from_the_cell_alone_scores_exactly_chance(
    found: list[tuple[int, int]], answer: list[int]
) -> None:
    label, cell = (np.array(side, dtype=np.int64) for side in zip(*found, strict=True))
    weights, kept = balanced_weights(label, cell, 3, 4)
    if not kept.any():
        assert not weights.any()
        return
    called = np.array(answer)[np.maximum(cell, 0)]
    counts = metrics.confusion(label, called, 3, weights=weights)[0]
    scores = metrics.scores(counts)
    assert float(scores["accuracy"]) == pytest.approx(1 / 3, abs=1e-12)
    assert float(scores["balanced_accuracy"]) == pytest.approx(1 / 3, abs=1e-12)


def test_every_label_and_cell_weighs_the_same() -> None:
    label = np.array([0] * 10 + [1] * 4)
    cell = np.array([0] * 9 + [1] + [0] * 2 + [1] * 2)
    weights, kept = balanced_weights(label, cell, 2, 2)
    sums = [weights[(label == a) & (cell == c)].sum() for a in (0, 1) for c in (0, 1)]
    np.testing.assert_allclose(sums, sums[0])
    assert kept.all()
    assert weights.sum() == pytest.approx(14)


def test_a_cell_missing_in_one_label_is_dropped_for_all() -> None:
    label = np.array([0, 0, 0, 1, 1])
    cell = np.array([0, 0, 1, 0, -1])
    weights, kept = balanced_weights(label, cell, 2, 2)
    assert kept.tolist() == [True, False]
    assert weights[[2, 4]].tolist() == [0.0, 0.0]


def test_unlabelled_windows_have_no_cell() -> None:
    cells = action_cells(np.array(["walk", "", "rest"], dtype=object))
    assert cells.names == ("rest", "walk")
    assert cells.code.tolist() == [1, -1, 0]


def test_pose_cells_follow_postures_and_not_whose_they_are() -> None:
    rng = np.random.default_rng(0)
    animal = np.repeat([0, 1], 200)
    posture = rng.integers(3, size=400)
    body = np.array([[1.0, 0.0], [3.0, 20.0]])[animal]  # scale and offset
    poses = (4 * np.eye(3)[posture] + 0.2 * rng.normal(size=(400, 3))) * body[:, :1]
    poses += body[:, 1:]
    poses[5, 0] = np.nan
    cells = pose_cells(poses, animal, np.random.default_rng(0))
    assert cells.code[5] == -1
    for c in range(len(cells.names)):
        inside = cells.code == c
        assert np.bincount(posture[inside]).max() > 0.95 * inside.sum()
        assert min((animal[inside] == 0).sum(), (animal[inside] == 1).sum()) >= 3
