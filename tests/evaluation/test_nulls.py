from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.reference_evaluation import shifted_error, weighted_ridge_accuracy

from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.folds import block_folds
from napari_neuroembed.evaluation.intervals import (
    Measure,
    bootstrap_counts,
    critical_value,
    mean_measure,
    p_value,
)
from napari_neuroembed.evaluation.nulls import (
    shifted_confusions,
    shifted_errors,
    shifted_rows,
)
from napari_neuroembed.evaluation.permutation import (
    RIDGE,
    Layout,
    ridge_statistics,
    vote_statistics,
)
from napari_neuroembed.evaluation.relabel import permuted_labels
from napari_neuroembed.evaluation.scaling import principal


def test_shifts_near_0_are_drawn_as_often_as_others() -> None:
    rows = shifted_rows(np.zeros(40), np.arange(40.0), 4000, np.random.default_rng(0))
    lags = -rows[:, 0] % 40
    assert np.bincount(lags, minlength=40).min() > 60


@pytest.mark.parametrize("n_windows", [40, 400])
def test_slow_predictions_that_know_nothing_have_a_p_at_its_level(
    n_windows: int,
) -> None:
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(6), n_windows)
    times = np.tile(np.arange(n_windows) * 0.5, 6)
    found = []
    for _ in range(400):
        true, called = (
            np.roll(np.repeat(rng.integers(3, size=6 * n_windows // 8), 8), shift)
            for shift in rng.integers(8, size=2)
        )
        rows = shifted_rows(recording, times, 39, rng)
        null = metrics.scores(shifted_confusions(true, called, rows, 3))
        value = metrics.scores(metrics.confusion(true, called, 3)[0])
        key = "balanced_accuracy"
        found.append(p_value(float(value[key]), null[key]))
    assert 0.02 < np.mean(np.array(found) <= 0.05) < 0.085


def test_a_shift_stays_within_its_recording() -> None:
    recording = np.repeat([0, 1], 50)
    times = np.tile(np.arange(50) * 0.5, 2)
    rows = shifted_rows(recording, times, 20, np.random.default_rng(0))
    assert (recording[rows] == recording).all()
    for row in rows:
        assert sorted(row) == list(range(100))
        lag = (np.arange(50) - row[:50]) % 50
        assert (lag == lag[0]).all()


def test_fast_shifted_errors_equal_the_loop() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.normal(size=(13, 2)), rng.normal(size=(13, 2))
    truth[4, 1] = np.nan
    found = shifted_errors(truth, guess)
    for shift in range(13):
        np.testing.assert_allclose(found[shift], shifted_error(truth, guess, shift))


def test_shifted_confusions_equal_counting_each_shift() -> None:
    rng = np.random.default_rng(0)
    true, called = rng.integers(-1, 3, size=40), rng.integers(3, size=40)
    rows = shifted_rows(np.zeros(40), np.arange(40.0), 6, rng)
    found = shifted_confusions(true, called, rows, 3)
    for counts, row in zip(found, rows, strict=True):
        np.testing.assert_array_equal(
            counts, metrics.confusion(true[row], called, 3)[0]
        )


def layout_and_features(
    strength: float, seed: int = 0, n_windows: int = 30
) -> tuple[Layout, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label_of = np.repeat(np.arange(3), 4)
    recording = np.repeat(np.arange(12), n_windows)
    cell = rng.integers(3, size=recording.size)
    x = strength * np.eye(3, 6)[label_of[recording]] + rng.normal(
        size=(recording.size, 6)
    )
    layout = Layout(recording, cell, 3, 2, 4, 12)
    return layout, x.astype(np.float32), label_of


def test_the_fast_ridge_null_equals_fitting_every_fold() -> None:
    layout, x, label_of = layout_and_features(0.6)
    labels = permuted_labels(label_of, np.zeros(12), 5, np.random.default_rng(1))
    fast = ridge_statistics(x, layout, labels)
    scaled = principal(x, 64).astype(np.float64)
    slow = [
        weighted_ridge_accuracy(scaled, of, layout.recording, layout.cell, 4, 2, RIDGE)
        for of in labels
    ]
    np.testing.assert_allclose(fast, slow, atol=2e-3)


@pytest.mark.parametrize("kind", ["linear", "knn"])
def test_the_permutation_null_is_centred_on_chance_for_random_features(
    kind: str,
) -> None:
    p_values, centres = [], []
    for seed in range(30):
        layout, x, label_of = layout_and_features(0.0, seed)
        labels = permuted_labels(
            label_of, np.zeros(12), 39, np.random.default_rng(seed)
        )
        if kind == "linear":
            found = ridge_statistics(x, layout, labels)
        else:
            found = vote_statistics(x, layout, labels, 15)
        centres.append(found[1:].mean())
        p_values.append(p_value(found[0], found[1:]))
    assert np.mean(centres) == pytest.approx(1 / 3, abs=0.02)
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.05) <= 0.2


def test_planted_identity_is_beyond_every_permutation() -> None:
    layout, x, label_of = layout_and_features(5.0)
    labels = permuted_labels(label_of, np.zeros(12), 99, np.random.default_rng(0))
    for found in (
        ridge_statistics(x, layout, labels),
        vote_statistics(x, layout, labels, 15),
    ):
        assert found[0] > 0.97
        assert p_value(found[0], found[1:]) == pytest.approx(0.01)


def test_readable_recordings_alone_are_no_leak_of_the_animal() -> None:
    rng = np.random.default_rng(0)
    label_of = np.repeat(np.arange(2), 3)
    recording = np.repeat(np.arange(6), 60)
    x = (8 * np.eye(6)[recording] + rng.normal(size=(360, 6))).astype(np.float32)
    folds = block_folds(recording, np.tile(np.arange(60) * 0.5, 6), 1.0, 4)
    layout = Layout(recording, np.zeros(360, dtype=int), 1, 1, 4, 6, folds)
    labels = permuted_labels(label_of, np.zeros(6), 50, rng)
    found = ridge_statistics(x, layout, labels)
    assert found[0] > 0.95
    assert p_value(found[0], found[1:]) > 0.5


def test_labels_are_permuted_within_groups_and_over_whole_recordings() -> None:
    label, group = np.array([0, 0, 1, 2, 2, 3]), np.array([0, 0, 0, 1, 1, 1])
    drawn = permuted_labels(label, group, 50, np.random.default_rng(0))
    assert drawn[0].tolist() == label.tolist()
    for row in drawn:
        assert sorted(row[:3]) == [0, 0, 1]
        assert sorted(row[3:]) == [2, 2, 3]
    assert len({tuple(row) for row in drawn}) == 9


def test_p_counts_the_data_as_one_draw_and_ties_as_reached() -> None:
    assert p_value(0.5, np.array([0.5, 0.4, 0.6])) == pytest.approx(3 / 4)
    assert p_value(0.7, np.zeros(199)) == pytest.approx(1 / 200)


def test_the_critical_value_score_is_where_p_reaches_five_percent() -> None:
    null = np.random.default_rng(0).random(199)
    edge = critical_value(null)
    assert p_value(edge + 1e-6, null) <= 0.05
    assert p_value(edge, null) > 0.05
    assert np.isnan(critical_value(np.zeros(10)))


def test_the_bootstrap_draws_as_many_units_of_each_stratum() -> None:
    strata = np.array([0, 0, 0, 1, 1])
    drawn = bootstrap_counts(strata, 400, np.random.default_rng(0))
    assert (drawn[:, :3].sum(axis=1) == 3).all()
    assert (drawn[:, 3:].sum(axis=1) == 2).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1.0, atol=0.15)


def test_the_interval_of_a_mean_holds_the_spread_between_animals() -> None:
    rng = np.random.default_rng(0)
    animals = [
        Measure(v, 0.5, v + 0.01 * rng.normal(size=500), np.full(9, 0.5))
        for v in (0.6, 0.7, 0.9)
    ]
    mean = mean_measure(animals, rng)
    found = mean.columns()
    assert found["value"] == pytest.approx(0.7333, abs=1e-3)
    assert found["low"] < 0.65
    assert found["high"] > 0.82
    assert found["p"] == pytest.approx(0.1)


def test_a_measure_without_draws_has_no_interval_and_no_p() -> None:
    found = Measure(0.4, 0.5).columns()
    assert np.isnan([found[k] for k in ("low", "high", "p", "critical")]).all()
