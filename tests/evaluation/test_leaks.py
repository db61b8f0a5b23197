"""Planted leaks: what the audit could have shown, and what it says where not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given as given_by
from hypothesis import settings
from hypothesis import strategies as st
from tests.evaluation.planted import Planted, features, noise, sample, windows

from napari_neuroembed.evaluation.evaluate import evaluate
from napari_neuroembed.evaluation.intervals import critical_value, p_value
from napari_neuroembed.evaluation.leaks import planted, without_animals
from napari_neuroembed.evaluation.permutation import Layout, ridge_statistics
from napari_neuroembed.evaluation.power import SIZES, Plan, margins, smallest_leak
from napari_neuroembed.evaluation.relabel import (
    n_relabellings,
    permuted_labels,
    smallest_p,
)
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.table import RunFacts
from napari_neuroembed.options.evaluation import EvaluationOptions

FACTS = RunFacts(run="first", method="guenel2022")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def layout_of(n_animals: int, n_recordings: int, n_windows: int) -> tuple[Layout, Any]:
    animal = np.repeat(np.arange(n_animals), n_recordings)
    recording = np.repeat(np.arange(animal.size), n_windows)
    cell = np.arange(recording.size) % 2
    folds = min(4, n_recordings)
    return Layout(recording, cell, 2, 1, folds, animal.size), animal


def embedding(layout: Layout, seed: int, drift: float = 0.3) -> np.ndarray:
    """Return features that differ from recording to recording and know no animal."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(layout.recording.size, 8))
    return x + drift * rng.normal(size=(layout.n_recordings, 8))[layout.recording]


def plan_of(layout: Layout, animal: Any, seed: int, **fields: Any) -> Plan:
    x = without_animals(embedding(layout, seed).astype(np.float32), layout, animal)

    def statistic(values: Any, labels: Any) -> Any:
        return ridge_statistics(values, layout, labels)

    plan = Plan(x, layout.recording, animal, statistic, 12, 39, (seed,))
    return dataclasses.replace(plan, **fields)


def test_a_planted_leak_is_one_offset_per_animal_of_the_size_asked_for() -> None:
    animal = np.repeat([0, 1, 2], 50)
    x = noise(150, 6, 0)
    moved = planted(x, animal, 0.5, np.random.default_rng(1)) - x
    for a in range(3):
        assert np.ptp(moved[animal == a], axis=0).max() < 1e-6
    spread = np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    size = np.sqrt((moved**2).sum(axis=1).mean())
    assert size == pytest.approx(0.5 * spread, rel=1e-4)
    np.testing.assert_allclose(moved[::50].mean(axis=0), 0.0, atol=1e-6)


def test_animals_are_taken_out_of_an_embedding_that_knows_them() -> None:
    layout, animal = layout_of(3, 6, 30)
    x = embedding(layout, 0) + 2.0 * np.eye(3, 8)[animal[layout.recording]]
    labels = animal[None, :]
    assert ridge_statistics(x.astype(np.float32), layout, labels)[0] > 0.8
    freed = without_animals(x.astype(np.float32), layout, animal)
    assert ridge_statistics(freed, layout, labels)[0] < 0.45


def test_what_recordings_differ_by_anyway_is_not_taken_for_the_animal() -> None:
    layout, animal = layout_of(4, 8, 30)
    moved = []
    for seed in range(8):
        x = embedding(layout, seed, drift=1.0).astype(np.float32)
        scaled = (x - x.mean(axis=0)) / x.std(axis=0)
        moved.append(
            np.sqrt(((without_animals(x, layout, animal) - scaled) ** 2).mean())
        )
    # Without shrinkage each would move by about 0.7 / sqrt(8) = 0.25.
    assert np.mean(moved) < 0.08


@pytest.mark.parametrize("n_recordings", [4, 8])
def test_leaks_above_the_smallest_are_found_in_recordings_it_was_not_stated_on(
    n_recordings: int,
) -> None:
    layout, animal = layout_of(3, n_recordings, 30)
    size = smallest_leak(plan_of(layout, animal, 0))
    assert SIZES[0] < size < SIZES[-1]
    found = {1.25: 0, 0.3: 0}
    for seed in range(30):
        fresh = plan_of(layout, animal, 100 + seed, n_leaks=1, n_draws=99)
        for factor in found:
            found[factor] += margins(fresh, factor * size)[0] > 0
    assert found[1.25] >= 27
    assert found[0.3] <= 12


def test_more_recordings_show_smaller_leaks() -> None:
    sizes = []
    for n in (3, 6, 12):
        layout, animal = layout_of(3, n, 20)
        sizes.append(smallest_leak(plan_of(layout, animal, 1)))
    assert sizes[0] > sizes[1] > sizes[2]


def test_no_leak_is_large_enough_for_recordings_that_cannot_reach_p() -> None:
    layout, animal = layout_of(2, 3, 20)
    assert np.isnan(smallest_leak(plan_of(layout, animal, 0, n_draws=200)))


def test_a_leak_is_found_exactly_when_its_p_is_at_most_5_percent() -> None:
    layout, animal = layout_of(3, 4, 20)
    plan = plan_of(layout, animal, 0, n_leaks=3)
    for size in (0.05, 0.2, 0.8):
        by_margin = [m > 0 for m in margins(plan, size)]
        by_p = []
        for number in range(len(by_margin)):
            x, labels = plan.leak(size, number)
            scores = plan.statistic(x, labels)
            by_p.append(p_value(scores[0], scores[1:]) <= 0.05)
        assert by_margin == by_p


@given_by(st.lists(st.integers(1, 3), min_size=2, max_size=3))
@settings(deadline=None, max_examples=25)
def test_few_relabellings_are_all_taken_once(sizes: list[int]) -> None:
    label = np.repeat(np.arange(len(sizes)), sizes)
    group = np.zeros(label.size)
    n = n_relabellings(label, group)
    drawn = permuted_labels(label, group, 2000, np.random.default_rng(0))
    assert drawn[0].tolist() == label.tolist()
    assert len({tuple(row) for row in drawn}) == len(drawn) == n
    assert all(sorted(row) == sorted(label) for row in drawn)


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (2, 4), (3, 2), (4, 2)])
def test_the_smallest_p_is_that_of_a_perfect_score(shape: tuple[int, int]) -> None:
    layout, animal = layout_of(*shape, 20)
    perfect = np.eye(shape[0], 4)[animal[layout.recording]].astype(np.float32)
    group = np.zeros(animal.size)
    labels = permuted_labels(animal, group, 5000, np.random.default_rng(0))
    scores = ridge_statistics(perfect, layout, labels)
    lowest = smallest_p(animal, group)
    assert p_value(scores[0], scores[1:]) == pytest.approx(lowest)
    assert np.isnan(critical_value(scores[1:])) or (lowest <= 0.05) == (
        scores[0] > critical_value(scores[1:]) + 1e-9
    )


def identity(given: Sample, **options: Any) -> pd.DataFrame:
    quiet: dict[str, Any] = {
        "probes": ("linear",),
        "side_probes": (),
        "permutations_linear": 99,
        "bootstraps": 0,
        "shifts": 0,
        "decode": False,
        "controls": False,
    }
    chosen = EvaluationOptions(**{**quiet, **options})
    rng = np.random.default_rng(0)
    scores = evaluate(given, chosen, identity=FACTS, generator=rng).scores
    wanted = (scores["task"] == "identity") & (scores["control"] == "none")
    return scores[wanted & (scores["metric"] == "balanced_accuracy")].reset_index()


def test_beside_an_identity_score_stands_the_smallest_leak_found() -> None:
    found = identity(sample(Planted(), identity=0.0))
    row = found.iloc[0]
    assert row["chance"] < row["detectable"] < 0.8
    assert row["critical"] < row["detectable"]
    assert row["verdict"] == "none found"
    assert f"read at {row['detectable']:.2f} are found 95 times in 100" in row["note"]


def test_an_embedding_that_knows_the_animal_still_has_a_smallest_leak() -> None:
    row = identity(sample(Planted(), identity=6.0)).iloc[0]
    assert row["verdict"] == "leak"
    assert row["chance"] < row["detectable"] < 0.8


def test_leaks_are_planted_into_baselines_in_profile_full_only() -> None:
    table, x = features(Planted(), identity=0.0, action=1.0)
    given = Sample(table, {"neural": x}, {"raw_neural": x})
    for profile, n in (("quick", 1), ("full", 2)):
        found = identity(given, profile=profile, fractions=(1.0,), leaks=5)
        assert found["detectable"].notna().sum() == n
    assert identity(given, leaks=0)["detectable"].isna().all()


def test_too_few_permutations_say_nothing() -> None:
    row = identity(sample(Planted()), permutations_linear=10).iloc[0]
    assert row["verdict"] == ""
    assert np.isnan(row["detectable"])


UNTESTABLE: dict[str, tuple[Planted, str, str, int]] = {
    "one fresh recording": (
        Planted(n_animals=3, n_recordings=2, n_fit=1, n_windows=80),
        "1 fresh recording",
        "recording and animal cannot be told apart",
        4,
    ),
    "two animals with two": (
        Planted(n_animals=2, n_recordings=4, n_fit=2),
        "2 fresh recordings",
        "4 recordings cannot reach p = 0.05",
        2,
    ),
    "two animals with three": (
        Planted(n_animals=2, n_recordings=5, n_fit=2),
        "3 fresh recordings",
        "6 recordings cannot reach p = 0.05",
        1,
    ),
}


@pytest.mark.parametrize("case", UNTESTABLE)
def test_what_cannot_be_shown_is_called_not_testable_with_what_to_record(
    case: str,
) -> None:
    plan, fresh, why, more = UNTESTABLE[case]
    row = identity(sample(plan, identity=3.0)).iloc[0]
    assert row["verdict"] == "not testable"
    told = f"not testable with {fresh} per animal: {why}"
    assert f"{told}; record at least {more} more per animal" in row["note"]
    assert np.isnan(row["detectable"])


def test_where_only_large_leaks_would_show_it_says_how_many_recordings_it_takes() -> (
    None
):
    table, _, _ = windows(Planted(n_animals=2, n_recordings=6))
    code = pd.factorize(table["recording"])[0]
    x = noise(len(table), 8, 0) + 3 * noise(code.max() + 1, 8, 1)[code]
    given = Sample(table, {"neural": x})
    row = identity(given, leak_to_show=0.3, permutations_linear=200).iloc[0]
    assert row["verdict"] == "not testable"
    assert "would stay hidden; record about" in row["note"]
    excess = (row["detectable"] - 0.5) / 0.5
    total = 6 + int(row["note"].rsplit("about ")[-1].split()[0])
    needed = np.ceil(4 * (excess / 0.3) ** 2)
    # A third of the recordings is fit.
    assert total - round(total / 3) >= needed > total - 1 - round((total - 1) / 3)


def test_recordings_of_the_same_design_but_more_of_them_are_testable() -> None:
    row = identity(sample(Planted(n_animals=2, n_recordings=8), identity=0.0)).iloc[0]
    assert row["verdict"] == "none found"


def test_without_labels_leaks_are_planted_all_the_same() -> None:
    given = sample(Planted(), identity=0.0)
    plain = dataclasses.replace(given, windows=given.windows.assign(action=""))
    row = identity(plain).iloc[0]
    assert row["verdict"] == "none found"
    assert row["detectable"] > row["chance"]


def test_two_recordings_per_animal_are_folds_of_their_own() -> None:
    plan = Planted(n_animals=4, n_recordings=4, n_fit=2)
    row = identity(sample(plan, identity=6.0), permutations_linear=200).iloc[0]
    assert row["value"] > 0.95
    assert row["verdict"] == "leak"
    assert "2 folds: 2 fresh recordings of some animal" in row["note"]


def test_the_network_probe_has_its_own_smallest_leak() -> None:
    plan = Planted(n_animals=3, n_recordings=6, n_windows=16)
    options = {"probes": ("mlp",), "permutations_mlp": 19, "leaks": 4}
    row = identity(sample(plan, identity=0.0), **options).iloc[0]
    assert row["chance"] < row["detectable"] < 1.0
    assert "refitted network" in row["note"]
