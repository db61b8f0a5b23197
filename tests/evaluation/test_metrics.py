from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from napari_neuroembed.evaluation import metrics

codes = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60
)


@settings(max_examples=40, deadline=None)
@given(codes)
def test_scores_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, called = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    found = metrics.scores(metrics.confusion(true, called, 4)[0])
    present = np.unique(true)
    recall = recall_score(true, called, labels=present, average=None, zero_division=0)
    f1 = f1_score(true, called, labels=present, average=None, zero_division=0)
    assert found["accuracy"] == pytest.approx(accuracy_score(true, called))
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recall))
    assert found["macro_f1"] == pytest.approx(np.mean(f1))
    np.testing.assert_allclose(found["recall"][present], recall)
    np.testing.assert_allclose(found["f1"][present], f1)


def test_unknown_truth_is_not_counted_and_units_are_kept_apart() -> None:
    true = np.array([0, -1, 1, 1])
    called = np.array([0, 0, 0, 1])
    units = np.array([0, 0, 1, 1])
    counts = metrics.confusion(true, called, 2, units=units, n_units=2)
    assert counts.tolist() == [[[1, 0], [0, 0]], [[0, 0], [1, 1]]]


def test_chance_follows_from_the_data() -> None:
    chance = metrics.chance_levels(np.array([6.0, 3.0, 1.0]), np.array([2.0, 2.0, 4.0]))
    assert chance["accuracy"] == pytest.approx(0.25)  # always the first class
    assert chance["balanced_accuracy"] == pytest.approx(1 / 3)


def test_expected_scores_of_guessing_equal_many_real_guesses() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(3, p=[0.5, 0.3, 0.2], size=200_000)
    way = metrics.guesses(np.array([2.0, 1.0, 1.0]))["stratified"]
    called = rng.choice(3, p=way, size=truth.size)
    real = metrics.scores(metrics.confusion(truth, called, 3)[0])
    counted = np.bincount(truth, minlength=3).astype(float)
    expected = metrics.scores(metrics.guess(counted, way))
    for name in metrics.METRICS:
        assert float(expected[name]) == pytest.approx(float(real[name]), abs=0.01)
