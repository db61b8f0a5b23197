"""Pairs of animals: discrepancy, gap and transfer, and identity within an action."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.evaluation.planted import Planted, features, noise, one_hot, sample, windows

from napari_neuroembed.evaluation.evaluate import Evaluation, evaluate
from napari_neuroembed.evaluation.kernel import kernel_of, weighted_mmd
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.table import RunFacts
from napari_neuroembed.objectives.mmd import BANDWIDTHS, mmd
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.store.schema import DISTANCE_COLUMNS

PLAN = Planted(n_animals=3, n_recordings=6, n_windows=40)


def judged(given: Sample, **options: Any) -> Evaluation:
    quiet: dict[str, Any] = {
        "probes": ("linear",),
        "side_probes": ("linear",),
        "permutations_linear": 19,
        "bootstraps": 0,
        "shifts": 0,
        "leaks": 0,
        "decode": False,
        "controls": False,
        "distances": True,
        "within_actions": True,
    }
    facts = RunFacts("first", "", "guenel2022", "transductive", "", "none", 0)
    return evaluate(
        given,
        EvaluationOptions(**{**quiet, **options}),
        identity=facts,
        generator=np.random.default_rng(0),
    )


def slow_mmd(x: np.ndarray, first: list[int], second: list[int]) -> float:
    """Return the unbiased discrepancy by loops over pairs of windows."""
    d2 = [
        float(((x[i] - x[j]) ** 2).sum())
        for i in range(len(x))
        for j in range(i + 1, len(x))
    ]
    median = sorted(d2)[(len(d2) - 1) // 2]

    def k(i: int, j: int) -> float:
        d = float(((x[i] - x[j]) ** 2).sum())
        return sum(np.exp(-d / (b * median)) for b in BANDWIDTHS)

    def own(rows: list[int]) -> float:
        pairs = [k(i, j) for i in rows for j in rows if i != j]
        return sum(pairs) / len(pairs)

    across = [k(i, j) for i in first for j in second]
    return own(first) + own(second) - 2 * sum(across) / len(across)


@pytest.mark.parametrize("seed", range(5))
def test_equal_weights_equal_loops_and_the_objective(seed):
    x = np.random.default_rng(seed).normal(size=(15, 4))
    x[9:] += 0.5
    label = np.arange(15) >= 9
    found = weighted_mmd(kernel_of(x), ~label * 1.0, label * 1.0)
    first, second = list(range(9)), list(range(9, 15))
    assert found == pytest.approx(slow_mmd(x, first, second), abs=1e-12)
    trained = mmd(torch.tensor(x), torch.tensor(label).long(), unbiased=True)
    assert found == pytest.approx(float(trained.total), abs=1e-9)


def test_weights_have_no_scale_and_one_window_is_no_sample():
    x = np.random.default_rng(0).normal(size=(8, 3))
    kernel = kernel_of(x)
    a = np.array([1.0, 2, 0, 0, 0, 0, 0, 0])
    assert np.isnan(weighted_mmd(kernel, np.eye(8)[0], a))  # one window is no sample
    b = np.array([0.0, 0, 1, 1, 1, 0, 0, 0])
    assert weighted_mmd(kernel, a, b) == pytest.approx(weighted_mmd(kernel, 3 * a, b))


def test_animals_that_differ_lie_apart_and_those_that_do_not_do_not():
    for identity, far in ((3.0, True), (0.0, False)):
        table = judged(sample(PLAN, identity=identity)).distances
        assert tuple(table.columns) == DISTANCE_COLUMNS
        assert len(table) == 3
        assert ((table["p"] <= 0.05) == far).all(), identity
        assert ((table["gap"] > 0.8) == far).all(), identity
        assert ((table["mmd2"] > 0.1) == far).all(), identity


def test_p_is_uniform_enough_where_animals_are_alike():
    p = [
        value
        for seed in range(8)
        for value in judged(
            sample(Planted(3, 6, n_windows=30, seed=seed), identity=0.0),
            within_actions=False,
        ).distances["p"]
    ]
    assert np.mean(np.array(p) <= 0.1) <= 0.3
    assert 0.3 < np.mean(p) < 0.7


def test_transfer_is_read_from_one_animal_to_the_other():
    table, animal, action = windows(Planted(n_animals=3, n_windows=120))
    x = one_hot(action) + 0.1 * noise(len(table), 3, 1)
    x[animal == 2] = x[animal == 2][:, [1, 2, 0]]  # the third animal's code is another
    found = judged(Sample(table, {"neural": x})).distances.set_index(
        ["animal_a", "animal_b"]
    )
    assert found.loc[("fly0", "fly1"), "transfer_ab"] > 0.95
    assert found.loc[("fly0", "fly2"), "transfer_ab"] < 0.1
    assert found.loc[("fly0", "fly2"), "transfer_ba"] < 0.1


def test_a_different_mix_of_actions_is_no_distance():
    table, animal, action = windows(PLAN)
    rare = (animal == 0) & (action == 0) & (np.arange(len(table)) % 5 > 0)
    x = (one_hot(action) + 0.3 * noise(len(table), 3, 1))[~rare]
    found = judged(Sample(table[~rare].reset_index(drop=True), {"neural": x})).distances
    assert (found["p"] > 0.05).all()
    assert (found["gap"] < 0.65).all()


def test_without_actions_and_with_one_animal_the_reason_is_there():
    table, x = features(PLAN, identity=1.0, action=1.0)
    found = judged(Sample(table.assign(action=""), {"neural": x})).distances
    assert found["transfer_ab"].isna().all()
    assert found["note"].str.contains("fewer than 2 shared actions").all()
    assert found["gap"].notna().all()
    alone = table["animal"] == "fly0"
    one = Sample(table[alone].reset_index(drop=True), {"neural": x[alone]})
    assert judged(one).distances.empty


def test_identity_is_read_within_every_single_action():
    table, animal, action = windows(PLAN)
    x = noise(len(table), 8, 0)
    x[action == 1] += 2 * one_hot(animal)[action == 1] @ noise(3, 8, 1)
    scores = judged(Sample(table, {"neural": x})).scores
    own = scores[scores["target"].str.startswith("animal within ")]
    own = own[own["metric"] == "balanced_accuracy"].set_index("target")
    assert set(own.index) == {f"animal within action{i}" for i in range(3)}
    assert own.loc["animal within action1", "value"] > 0.8
    assert own.loc["animal within action1", "p"] <= 0.05
    assert own.loc["animal within action0", "value"] < 0.5
    np.testing.assert_allclose(own["chance"], 1 / 3)


def test_an_action_that_one_animal_shows_says_so():
    table, animal, action = windows(PLAN)
    left = ~((action == 2) & (animal > 0))
    given = Sample(
        table[left].reset_index(drop=True), {"neural": noise(len(table), 4, 0)[left]}
    )
    scores = judged(given).scores
    own = scores[scores["target"] == "animal within action2"]
    assert own["value"].isna().all()
    assert own["note"].str.contains("needs at least 2 values of animal").all()
    assert "fly1" in own["note"].iloc[0]


def test_a_quick_look_leaves_both_out():
    found = judged(sample(PLAN), distances=None, within_actions=None)
    assert found.distances.empty
    assert not found.scores["target"].str.startswith("animal within ").any()
    assert isinstance(found.distances, pd.DataFrame)
