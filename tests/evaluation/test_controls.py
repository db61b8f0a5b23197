"""Controls that must fail: silent on sound data, loud on each planted fault."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.evaluation.planted import Planted, features, noise, one_hot, windows

from napari_neuroembed.evaluation.clock import clock_features, elapsed
from napari_neuroembed.evaluation.evaluate import evaluate
from napari_neuroembed.evaluation.noise import noise_like
from napari_neuroembed.evaluation.nuisance import NUISANCES
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.table import RunFacts
from napari_neuroembed.evaluation.verdict import holm
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.store.schema import CONTROLS, VERDICTS

FACTS = RunFacts(run="first", method="guenel2022")
PLAN = Planted(n_animals=3, n_recordings=6, n_windows=60)
READ = {"labels_shuffled", "noise", "clock_target", "clock", *NUISANCES}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def traces(n: int, seed: int = 0, **planted: Any) -> dict[str, Any]:
    """Return motion, brightness and borders that know nothing, or what is planted."""
    idle = {
        "motion": noise(n, 4, seed + 50),
        "brightness": noise(n, 1, seed + 51),
        "borders": np.zeros((n, 1), dtype=np.float32),
        "anatomical": noise(n, 6, seed + 52),
    }
    return {**idle, **planted}


def sound(seed: int = 0, **fields: Any) -> Sample:
    """Return windows whose embedding knows the action and nothing else."""
    plan = dataclasses.replace(PLAN, seed=seed)
    table, x = features(plan, identity=0.0, action=1.0)
    return Sample(table, {"neural": x}, nuisances=traces(len(table), seed), **fields)


def controls(given: Sample, seed: int = 0, **options: Any) -> pd.DataFrame:
    quiet: dict[str, Any] = {
        "probes": ("linear", "knn"),
        "side_probes": (),
        "permutations_linear": 99,
        "permutations_knn": 0,
        "bootstraps": 0,
        "shifts": 99,
        "decode": False,
        "leaks": 0,
    }
    chosen = EvaluationOptions(**{**quiet, **options})
    rng = np.random.default_rng(seed)
    scores = evaluate(given, chosen, identity=FACTS, generator=rng).scores
    return scores[scores["control"].isin(READ)].reset_index(drop=True)


def warned(found: pd.DataFrame) -> set[tuple[str, str]]:
    wrong = found[found["verdict"] == "warning"]
    assert wrong["note"].str.startswith("WARNING: ").all()
    return set(zip(wrong["control"], wrong["task"], strict=True))


def test_every_control_has_its_rows_and_a_verdict_from_the_table() -> None:
    found = controls(sound())
    assert set(found["control"]) == READ <= set(CONTROLS)
    assert set(found["verdict"]) <= {*VERDICTS, ""}
    assert len(found) == 21
    tasks = found.groupby("control")["task"].apply(set)
    assert tasks["labels_shuffled"] == {"action_single", "action_multi"}
    assert tasks["clock_target"] == {"clock"}
    for name in ("noise", "clock", *NUISANCES):
        assert tasks[name] == {"action_single", "action_multi", "identity"}


@pytest.mark.parametrize(
    ("n", "most"), [(8, 1), pytest.param(100, 10, marks=pytest.mark.slow)]
)
def test_sound_windows_bring_a_warning_5_times_in_100(n: int, most: int) -> None:
    alarms = [warned(controls(sound(seed), seed)) for seed in range(n)]
    assert sum(map(bool, alarms)) <= most, alarms


def overlapping() -> Sample:
    """Return windows that share frames across fit and fresh: every other one is fit."""
    table, _, _ = windows(PLAN)
    table["role"] = np.where(np.arange(len(table)) % 2, "fit", "fresh")
    n, length = len(table) // PLAN.n_windows, PLAN.n_windows
    walk = noise(len(table), 8, 0).reshape(n, length, 8).cumsum(axis=1)
    walk += 10 * noise(n, 8, 1)[:, None]
    nuisances = traces(len(table))
    return Sample(table, {"neural": walk.reshape(-1, 8)}, nuisances=nuisances)


def test_windows_that_share_frames_are_seen_by_shuffled_labels_and_by_noise() -> None:
    found = warned(controls(overlapping()))
    assert ("labels_shuffled", "action_single") in found
    assert ("noise", "action_single") in found


def test_leaky_folds_are_seen_by_shuffled_labels() -> None:
    given = overlapping()
    roles = np.where(
        given.windows["recording"].str[-2:].astype(int) < 3, "fit", "fresh"
    )
    given = dataclasses.replace(given, windows=given.windows.assign(role=roles))
    honest = warned(controls(given))
    leaky = warned(controls(given, folds="random_leaky"))
    assert ("labels_shuffled", "action_single") in leaky - honest


def protocol() -> tuple[pd.DataFrame, Any]:
    """Return windows whose action follows the clock of every recording alike."""
    table, _, _ = windows(PLAN)
    code = (np.tile(np.arange(PLAN.n_windows), 18) // 10 % 3).astype(np.int64)
    return table.assign(action=[f"action{c}" for c in code]), code


def test_actions_that_follow_a_protocol_are_seen_by_the_clock_alone() -> None:
    table, code = protocol()
    x = one_hot(code) + 0.5 * noise(len(table), 3, 0)
    given = Sample(table, {"neural": x}, nuisances=traces(len(table)))
    found = controls(given)
    assert {("clock", "action_single"), ("clock", "action_multi")} <= warned(found)
    row = found[(found["control"] == "clock") & (found["task"] == "action_multi")]
    note = row["note"].item()
    assert "Read the embedding against this value, not against chance" in note
    assert "compare windows of equal times" in note


def test_an_embedding_that_drifts_with_the_clock_is_seen() -> None:
    given = sound()
    recording = pd.factorize(given.windows["recording"])[0].astype(np.int64)
    x = np.array(given.features["neural"])
    x[:, 0] += 0.2 * elapsed(recording, given.times)
    given = dataclasses.replace(given, features={"neural": x})
    assert warned(controls(given)) == {("clock_target", "clock")}


def test_drift_that_differs_from_recording_to_recording_is_no_clock() -> None:
    given = sound()
    recording = pd.factorize(given.windows["recording"])[0].astype(np.int64)
    x = np.array(given.features["neural"])
    slope = np.where(recording % 2, 0.2, -0.2)
    x[:, 0] += slope * (elapsed(recording, given.times) - 15)
    given = dataclasses.replace(given, features={"neural": x})
    assert warned(controls(given)) == set()


def with_trace(name: str, values: Any, **fields: Any) -> Sample:
    given = sound(**fields)
    nuisances = traces(len(given.windows), **{name: values.astype(np.float32)})
    return dataclasses.replace(given, nuisances=nuisances)


def test_a_border_that_tells_the_animal_is_seen() -> None:
    _, animal, _ = windows(PLAN)
    found = warned(controls(with_trace("borders", one_hot(animal))))
    assert found == {("borders", "identity")}


def test_animals_of_different_brightness_are_no_fault() -> None:
    _, animal, _ = windows(PLAN)
    found = controls(with_trace("brightness", animal[:, None]))
    row = found[(found["control"] == "brightness") & (found["task"] == "identity")]
    assert row["value"].item() == 1.0
    assert warned(found) == set()


@pytest.mark.parametrize("name", ["brightness", "motion"])
def test_a_trace_that_tells_the_action_as_well_as_the_embedding_is_seen(
    name: str,
) -> None:
    _, _, action = windows(PLAN)
    values = one_hot(action) + 0.3 * noise(action.size, 3, 9)
    found = controls(with_trace(name, values))
    assert warned(found) == {(name, "action_single"), (name, "action_multi")}
    row = found[(found["control"] == name) & (found["task"] == "action_single")]
    assert "; the embedding 0." in row["note"].item()


def test_a_trace_that_tells_the_action_far_worse_than_the_embedding_is_not() -> None:
    _, _, action = windows(PLAN)
    values = one_hot(action) + 3.0 * noise(action.size, 3, 9)
    found = controls(with_trace("brightness", values))
    rows = found[(found["control"] == "brightness") & (found["task"] != "identity")]
    assert (rows["p"] <= 0.01).all()
    assert (rows["verdict"] == "as it should").all()


def test_a_trace_that_is_missing_is_a_row_with_the_reason() -> None:
    given = dataclasses.replace(
        sound(), nuisances={}, absent={"motion": "traces have no registration"}
    )
    found = controls(given)
    missing = found[found["value"].isna()].set_index(["control", "task"])["note"]
    assert missing["motion", "action_multi"] == "traces have no registration"
    assert missing["brightness", "identity"] == "the registration's trace is not given"
    assert warned(found) == set()


def test_without_labels_the_controls_of_actions_are_rows_with_the_reason() -> None:
    given = sound()
    given = dataclasses.replace(given, windows=given.windows.assign(action=""))
    found = controls(given)
    rows = found[found["task"].isin(["action_single", "action_multi"])]
    assert rows["value"].isna().all()
    assert rows["note"].str.contains("no labelled windows").all()
    assert found.loc[found["task"] == "identity", "value"].notna().all()


@pytest.mark.parametrize("n_recordings", [1, 6])
def test_one_animal_has_its_controls_within(n_recordings: int) -> None:
    plan = Planted(n_animals=1, n_recordings=n_recordings, n_windows=240)
    table, x = features(plan, identity=0.0, action=2.0)
    blocks = np.where(np.arange(len(table)) % 80 < 40, "fit", "fresh")
    table["role"] = blocks if n_recordings == 1 else table["role"]
    given = Sample(table, {"neural": x}, nuisances=traces(len(table)))
    found = controls(given)
    across = found[found["task"] == "action_multi"]
    assert across["note"].str.contains("needs at least 2 animals").all()
    assert warned(found) == set()


def test_controls_can_be_left_out() -> None:
    assert controls(sound(), controls=False).empty


def test_an_inductive_run_has_controls_of_its_held_out_animal() -> None:
    facts = dataclasses.replace(FACTS, mode="inductive", held_out_animal="fly1")
    options = EvaluationOptions(
        probes=("linear", "knn"), shifts=99, leaks=0, decode=False
    )
    rng = np.random.default_rng(0)
    scores = evaluate(sound(), options, identity=facts, generator=rng).scores
    found = scores[scores["control"].isin(READ)]
    rows = found[found["task"] == "action_multi"]
    assert set(rows["held_out_animal"]) == {"fly1"}
    assert (rows["verdict"] == "as it should").all()


def test_noise_has_the_covariance_and_the_slowness_of_what_it_stands_for() -> None:
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(8), 300)
    times = np.tile(np.arange(300) * 0.5, 8)
    mix = np.array([[1.0, 0.8], [0.0, 0.6]])
    x = np.empty((2400, 2))
    state = np.zeros(2)
    for i in range(len(x)):
        state = 0.9 * state + rng.normal(size=2)
        x[i] = state @ mix
    drawn = noise_like(x.astype(np.float32), recording, times, rng)

    def shape(values: Any) -> tuple[float, float]:
        values = (values - values.mean(axis=0)) / values.std(axis=0)
        together = float((values[:, 0] * values[:, 1]).mean())
        parts = [values[recording == r, 0] for r in range(8)]
        slow = np.mean([np.corrcoef(p[:-1], p[1:])[0, 1] for p in parts])
        return together, float(slow)

    assert shape(drawn) == pytest.approx(shape(x), abs=0.08)
    across = np.abs(np.corrcoef(drawn[:, 0], x[:, 0])[0, 1])
    assert across < 0.25


def test_the_clock_is_told_by_its_features_in_every_recording_alike() -> None:
    recording = np.repeat([0, 1], 40)
    times = np.tile(np.arange(40.0), 2) + np.repeat([3.0, 70.0], 40)
    found = clock_features(recording, times)
    np.testing.assert_array_equal(found[:40], found[40:])
    assert np.linalg.matrix_rank(found) == 12


def test_with_nothing_wrong_some_warning_comes_in_5_of_100_tables() -> None:
    rng = np.random.default_rng(0)
    shared = rng.random((4000, 1))
    alone = rng.random((4000, 20))
    for p in (alone, np.where(alone < 0.3, shared, alone)):
        assert np.mean([any(holm(row)) for row in p]) < 0.06
