from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.evaluation.planted import Planted, features, noise, one_hot, sample, windows

from napari_neuroembed.errors import Cancelled
from napari_neuroembed.evaluation.evaluate import Evaluation, evaluate
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.table import RunFacts
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.store.schema import SCORE_COLUMNS

FACTS = RunFacts(run="first", method="guenel2022", group="g", seed=7)
LIGHT: dict[str, Any] = {
    "probes": ("linear", "knn"),
    "side_probes": ("linear",),
    "permutations_linear": 99,
    "permutations_knn": 99,
    "shifts": 99,
    "bootstraps": 200,
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def judged(given: Sample, facts: RunFacts = FACTS, **options: Any) -> Evaluation:
    chosen = EvaluationOptions(**{**LIGHT, **options})
    return evaluate(given, chosen, identity=facts, generator=np.random.default_rng(0))


def values(scores: pd.DataFrame, **where: Any) -> pd.DataFrame:
    wanted = {"metric": "accuracy", "control": "none", **where}
    for column, value in wanted.items():
        scores = scores[scores[column] == value]
    return scores


def test_scores_have_exactly_the_columns_of_the_schema_and_name_the_run() -> None:
    found = judged(sample(Planted()))
    assert tuple(found.scores.columns) == SCORE_COLUMNS
    assert set(found.scores["run"]) == {"first"}
    assert set(found.scores["seed"]) == {7}
    assert set(found.scores["mode"]) == {"transductive"}
    again = pd.read_csv(_csv(found.scores), keep_default_na=False, na_values=[""])
    assert len(again) == len(found.scores)


def _csv(table: pd.DataFrame) -> Any:
    from io import StringIO

    return StringIO(table.to_csv(index=False))


def test_planted_identity_is_read_by_all_three_probes() -> None:
    given = sample(Planted(), identity=6.0, action=0.5)
    found = judged(given, probes=("linear", "knn", "mlp"), decode=False).scores
    rows = values(found, task="identity", target="animal", stream="neural")
    assert set(rows["probe"]) == {"linear", "knn", "mlp"}
    assert (rows["value"] > 0.98).all()
    assert rows["chance"].tolist() == pytest.approx([1 / 3] * 3)
    assert rows["balanced"].all()
    assert (rows.loc[rows["probe"] != "mlp", "p"] == 0.01).all()
    assert "no null for mlp" in rows.set_index("probe").loc["mlp", "note"]
    assert set(found.query("metric == 'recall' and task == 'identity'")["target"]) == {
        "fly0",
        "fly1",
        "fly2",
    }


def test_labels_as_embedding_are_read_perfectly_within_and_across_animals() -> None:
    table, _, action = windows(Planted())
    given = Sample(table, {"neural": one_hot(action)})
    found = judged(given, probes=("linear", "knn", "mlp")).scores
    for task in ("action_single", "action_multi"):
        rows = values(found, task=task, target="action", is_baseline=False)
        assert (rows["value"] == 1.0).all()
        assert len(rows) == 3 * (3 + 1)
        means = rows[(rows["animal"] == "mean") | (rows["held_out_animal"] == "mean")]
        assert len(means) == 3
        assert (means["p"] == 0.01).all()
        assert (means["chance"] < 0.6).all()
    recall = found.query("metric == 'f1' and task == 'action_multi'")
    assert set(recall["target"]) == {"action0", "action1", "action2"}
    assert (recall["value"] == 1.0).all()


def test_random_embeddings_stay_at_chance_with_unremarkable_p() -> None:
    p_values, levels = [], []
    for seed in range(8):
        table, _, _ = windows(Planted(seed=seed))
        given = Sample(table, {"neural": noise(len(table), 8, 100 + seed)})
        found = judged(given, probes=("linear",), decode=False, bootstraps=0).scores
        rows = found.query(
            "is_baseline == False and metric == 'balanced_accuracy' and "
            "control == 'none' and ((task == 'identity' and target == 'animal') or "
            "animal == 'mean' or held_out_animal == 'mean') and task != 'recording'"
        )
        p_values += rows["p"].to_list()
        levels += (rows["value"] - rows["chance"]).to_list()
    assert len(p_values) == 24
    assert np.mean(levels) == pytest.approx(0.0, abs=0.03)
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.05) < 0.25


def test_the_true_action_alone_tells_the_animal_exactly_at_chance() -> None:
    plan = Planted(n_recordings=8)
    table, _, action = windows(plan)
    table = table[
        ~((table["animal"] == "fly0") & (action == 2) & (np.arange(len(table)) % 7 > 0))
    ]
    table = table.reset_index(drop=True)
    given = Sample(table, {"neural": noise(len(table), 4, 0)})
    found = judged(given).scores
    row = found.query("control == 'action_onehot' and metric == 'accuracy'")
    assert len(row) == 1
    assert row["value"].item() == pytest.approx(1 / 3, abs=1e-12)
    assert row["is_baseline"].item()
    assert row["balanced"].item()


def test_an_action_missing_in_an_animal_is_dropped_and_named() -> None:
    table, _, action = windows(Planted())
    lost = (table["animal"] == "fly1") & (action == 2)
    table.loc[lost, "action"] = ""
    given = Sample(table, {"neural": one_hot(action)})
    found = judged(given).scores
    identity = values(found, task="identity", target="animal", probe="linear")
    assert "'action2' in 4" in identity["note"].iloc[0]
    assert "unlabelled windows left out" in identity["note"].iloc[0]
    rows = values(found, task="action_single", target="action", is_baseline=False)
    own = rows[rows["animal"] == "fly1"]
    assert set(own["n_classes"]) == {2}
    assert (rows[rows["animal"] == "fly0"]["n_classes"] == 3).all()
    multi = values(found, task="action_multi", is_baseline=False, target="action")
    note = multi[multi["held_out_animal"] == "fly1"]["note"].iloc[0]
    assert "'action2' left out" in note


def test_leaky_folds_score_higher_than_grouped_ones_and_are_marked() -> None:
    plan = Planted(n_animals=3, n_recordings=6, n_windows=60)
    table, _, _ = windows(plan)
    # A walk that starts anew in each recording: it knows which frame is nearest.
    walk = noise(len(table), 6, 0).reshape(18, 60, 6).cumsum(axis=1)
    walk += 10 * noise(18, 6, 1)[:, None]
    given = Sample(table, {"neural": walk.reshape(-1, 6)})
    asked: dict[str, Any] = {"probes": ("knn",), "decode": False, "permutations_knn": 0}
    honest = judged(given, **asked).scores
    leaky = judged(given, folds="random_leaky", **asked).scores
    one = values(honest, task="identity", target="animal", stream="neural")
    two = values(
        leaky, task="identity", target="animal", stream="neural", control="random_leaky"
    )
    assert two["value"].item() > one["value"].item() + 0.3
    assert "never report" in two["note"].item()
    single = values(leaky, task="action_single", control="random_leaky", probe="knn")
    plain = values(honest, task="action_single", probe="knn", animal="mean")
    mean = single[single["animal"] == "mean"]
    assert mean["value"].item() > plain["value"].item() + 0.2


def one_animal() -> Sample:
    return sample(Planted(n_animals=1))


def no_labels() -> Sample:
    given = sample(Planted())
    return dataclasses.replace(given, windows=given.windows.assign(action=""))


def one_recording() -> Sample:
    table, x = features(Planted(n_animals=1, n_recordings=1), identity=0, action=3.0)
    table["role"] = np.where(np.arange(len(table)) < 24, "fit", "fresh")
    return Sample(table, {"neural": x}, split_kind="blocks")


def one_class() -> Sample:
    given = sample(Planted())
    return dataclasses.replace(given, windows=given.windows.assign(action="rest"))


def few_windows() -> Sample:
    return sample(Planted(n_windows=2))


def no_fresh() -> Sample:
    given = sample(Planted())
    return dataclasses.replace(given, windows=given.windows.assign(role="fit"))


POOR: dict[str, tuple[Callable[[], Sample], str, str]] = {
    "one animal": (one_animal, "action_multi", "needs at least 2 animals; there is 1"),
    "one animal, identity": (
        one_animal,
        "identity",
        "needs at least 2 values of animal",
    ),
    "no labels": (no_labels, "action_single", "no labelled windows: annotate"),
    "one recording": (
        one_recording,
        "recording",
        "needs at least 2 values of recording",
    ),
    "one class": (one_class, "action_multi", "needs 2 actions with at least 5"),
    "few windows": (few_windows, "action_single", "needs 2 actions with at least 5"),
    "no fresh windows": (no_fresh, "action_single", "no fresh windows of animal fly0"),
    "no streams": (one_class, "decode_single", "no scalar or pose stream"),
}


@pytest.mark.parametrize("case", POOR)
def test_what_cannot_be_computed_is_a_row_with_the_reason(case: str) -> None:
    make, task, reason = POOR[case]
    found = judged(make()).scores
    rows = found[(found["task"] == task) & found["value"].isna()]
    assert not rows.empty
    assert rows["note"].str.contains(reason, regex=False).any()


def test_without_labels_identity_is_balanced_over_poses_else_says_it_is_not() -> None:
    plain = no_labels()
    row = values(judged(plain).scores, task="identity", target="animal", probe="linear")
    assert not row["balanced"].item()
    assert "not balanced (no labels, no poses" in row["note"].item()
    poses = noise(len(plain.windows), 3, 5)
    given = dataclasses.replace(plain, pose_features=poses)
    found = judged(given).scores
    row = values(
        found, task="identity", target="animal", probe="linear", stream="neural"
    )
    assert row["balanced"].item()
    assert "balanced over poses" in row["note"].item()
    control = found.query("control == 'pose_onehot' and metric == 'accuracy'")
    assert control["value"].item() == pytest.approx(1 / 3, abs=1e-12)


def test_few_recordings_per_animal_are_called_confounded() -> None:
    given = sample(Planted(n_recordings=3, n_fit=2, n_windows=80), identity=0.8)
    row = values(judged(given).scores, task="identity", target="animal", probe="linear")
    assert "recording and animal are confounded" in row["note"].item()
    assert "nothing to permute" in row["note"].item()
    assert np.isnan(row["p"].item())
    assert row["value"].item() > 0.7
    assert row["low"].item() < row["value"].item() < row["high"].item()


def test_a_covariate_tied_to_the_animal_is_refused_and_a_crossed_one_is_read() -> None:
    plan = Planted(n_recordings=10, n_fit=2)
    table, _, _ = windows(plan)
    number = table["recording"].str[-2:].astype(int)
    table["drug"] = np.where(number % 2 == 0, "saline", "caffeine")
    table["genotype"] = np.where(table["animal"] == "fly0", "wild", "mutant")
    table["neural_first_frame"] = np.arange(len(table))
    x = noise(len(table), 8, 0)
    x[:, 0] += 6 * (table["drug"] == "saline").to_numpy()
    found = judged(Sample(table, {"neural": x}), decode=False).scores
    covariates = found[found["task"] == "covariate"]
    assert set(covariates["target"]) == {"drug", "genotype"}
    drug = values(covariates, target="drug")
    assert drug["value"].item() > 0.95
    assert drug["p"].item() <= 0.05
    genotype = covariates[covariates["target"] == "genotype"]
    assert genotype["value"].isna().all()
    assert "cannot be told from the animal" in genotype["note"].iloc[0]


def test_signals_are_decoded_with_their_null_and_an_unrelated_one_is_not() -> None:
    plan = Planted()
    table, x = features(plan, identity=0.0, action=0.0, spread=1.0)
    smooth = np.convolve(noise(len(table), 1, 3)[:, 0], np.ones(6), "same")[:, None]
    smooth = (smooth - smooth.mean()) / smooth.std()
    x = np.hstack([x, smooth + 0.1 * noise(len(table), 1, 4)])
    pose = np.column_stack([smooth[:, 0], np.full(len(table), 2.0), -smooth[:, 0]])
    pose[::9] = np.nan
    rng = np.random.default_rng(9)
    slow = np.repeat(rng.normal(size=len(table) // 12 + 1), 12)[: len(table), None]
    given = Sample(
        table,
        {"neural": x},
        targets={"speed": smooth, "pose": pose, "other": slow},
        target_names={"pose": ("a", "b", "c")},
    )
    found = judged(given).scores
    for task in ("decode_single", "decode_multi"):
        rows = found[(found["task"] == task) & ~found["is_baseline"]]
        ridge = rows[(rows["probe"] == "ridge") & (rows["metric"] == "r2")]
        mean = ridge[(ridge["animal"] == "mean") | (ridge["held_out_animal"] == "mean")]
        mean = mean.set_index("target")
        assert mean.loc["speed", "value"] > 0.8
        assert mean.loc["speed", "p"] <= 0.05
        assert mean.loc["other", "value"] < 0.1
        assert mean.loc["other", "p"] > 0.05
        assert mean.loc["speed", "low"] < mean.loc["speed", "value"]
        assert {"pose", "pose:a", "pose:c"} <= set(mean.index)
        assert "pose:b" not in mean.index
        errors = rows[(rows["target"] == "speed") & (rows["metric"] == "median_error")]
        assert (errors["value"] < errors["chance"]).all()
    assert found["note"].str.contains("pose:b constant or unknown, left out").any()


def test_baselines_go_through_the_same_probes_and_are_marked() -> None:
    table, x = features(Planted(), identity=1.0, action=2.0)
    other = noise(len(table), 5, 1)
    given = Sample(
        table,
        {"neural": x, "neural_subspace": x[:, :3]},
        {"raw_neural": other, "random_encoder": other, "raw_neural_subspace": other},
    )
    found = judged(given).scores
    rows = values(found, task="identity", target="animal", probe="linear")
    who = rows[["method", "stream", "transform", "is_baseline"]].to_records(index=False)
    assert {tuple(r) for r in who} == {
        ("guenel2022", "neural", "none", False),
        ("guenel2022", "neural", "subspace", False),
        ("raw", "neural", "none", True),
        ("random_encoder", "neural", "none", True),
        ("raw", "neural", "subspace", True),
    }
    guesses = found[found["method"].isin(["majority", "uniform", "stratified"])]
    assert guesses["is_baseline"].all()
    majority = values(guesses, method="majority", task="action_single")
    assert majority["value"].tolist() == majority["chance"].tolist()


def test_an_inductive_run_has_a_row_for_its_held_out_animal_alone() -> None:
    facts = dataclasses.replace(FACTS, mode="inductive", held_out_animal="fly1")
    found = judged(sample(Planted()), facts).scores
    multi = values(found, task="action_multi", probe="linear", target="action")
    assert multi["held_out_animal"].tolist() == ["fly1"]
    assert set(found["mode"]) == {"inductive"}


def test_an_inductive_run_decodes_its_held_out_animal_signal_by_signal() -> None:
    facts = dataclasses.replace(FACTS, mode="inductive", held_out_animal="fly1")
    given = sample(Planted())
    given = dataclasses.replace(
        given, targets={"pose": given.features["neural"][:, :2]}
    )
    found = judged(given, facts).scores
    rows = values(found, task="decode_multi", probe="ridge", metric="r2")
    assert set(rows["held_out_animal"]) == {"fly1"}
    assert sorted(rows["target"]) == ["pose", "pose:0", "pose:1"]
    assert (rows["value"] > 0.95).all()


def test_one_recording_is_judged_on_blocks_of_itself_and_says_so() -> None:
    table, x = features(
        Planted(n_animals=1, n_recordings=1, n_windows=240), identity=0, action=3.0
    )
    table["role"] = np.where(np.arange(len(table)) < 120, "fit", "fresh")
    found = judged(Sample(table, {"neural": x}, split_kind="blocks")).scores
    row = values(
        found, task="action_single", target="action", probe="linear", animal="fly0"
    )
    assert row["value"].item() > 0.9
    assert row["low"].item() <= row["value"].item() <= row["high"].item()
    assert "blocks of the same recordings" in row["note"].item()


def test_label_fractions_give_more_rows_and_fewer_fit_windows() -> None:
    given = sample(Planted(n_recordings=8, n_fit=4), action=2.0)
    found = judged(given, fractions=(0.1, 1.0), draws=3, decode=False).scores
    rows = values(found, task="action_multi", probe="linear", held_out_animal="mean")
    rows = rows[(rows["target"] == "action") & ~rows["is_baseline"]]
    assert rows["fraction"].tolist() == [0.1, 0.1, 0.1, 1.0]
    assert rows["draw"].tolist() == [0, 1, 2, 0]
    few, all_ = rows["n_fit"].iloc[0], rows["n_fit"].iloc[-1]
    assert few < 0.3 * all_
    assert rows["value"].iloc[-1] >= rows["value"].iloc[:3].mean()


def test_the_same_seed_gives_the_same_table_and_more_embeddings_change_no_row() -> None:
    table, x = features(Planted(), identity=0.5, action=0.5)
    small = {"probes": ("linear", "mlp")}
    one = judged(Sample(table, {"neural": x}), **small)
    two = judged(Sample(table, {"neural": x}), **small)
    pd.testing.assert_frame_equal(one.scores, two.scores)
    pd.testing.assert_frame_equal(one.predictions, two.predictions)
    more = judged(
        Sample(table, {"neural": x, "pose": noise(len(table), 3, 2)}), **small
    )
    rows = more.scores[more.scores["stream"] == "neural"].reset_index(drop=True)
    before = one.scores[one.scores["stream"] == "neural"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, before)


def test_predictions_agree_with_the_scores() -> None:
    found = judged(sample(Planted(), action=1.0), decode=False)
    table = found.predictions
    own = table[(table["task"] == "action_multi") & (table["probe"] == "linear")]
    for animal, part in own.groupby("animal"):
        row = values(
            found.scores,
            task="action_multi",
            probe="linear",
            held_out_animal=animal,
            target="action",
        )
        right = (part["true"] == part["predicted"]).mean()
        assert row["value"].item() == pytest.approx(right)
    who = table[(table["task"] == "identity") & (table["probe"] == "linear")]
    hits = (who["true"] == who["predicted"]) * who["weight"]
    row = values(found.scores, task="identity", probe="linear", target="animal")
    assert row["value"].item() == pytest.approx(
        hits.sum() / who["weight"].sum(), abs=1e-5
    )


def test_the_refitted_null_of_the_network_probe_is_near_chance() -> None:
    given = sample(Planted(n_windows=24), identity=4.0)
    found = judged(
        given, probes=("mlp",), permutations_mlp=19, decode=False, bootstraps=0
    ).scores
    row = values(found, task="identity", target="animal", probe="mlp", stream="neural")
    assert row["value"].item() > 0.9
    assert row["p"].item() == pytest.approx(0.05)
    assert "refitted network, 19 permutations" in row["note"].item()


def test_equal_draws_of_windows_can_be_asked_for() -> None:
    found = judged(sample(Planted()), identity_windows=120, balance="none").scores
    row = values(found, task="identity", target="animal", probe="linear")
    assert row["n_test"].item() == 120
    assert not row["balanced"].item()


def test_a_report_can_stop_the_evaluation() -> None:
    def stop(stage: str, done: int, total: int, message: str = "") -> None:
        if done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        evaluate(
            sample(Planted()),
            EvaluationOptions(**LIGHT),
            identity=FACTS,
            generator=np.random.default_rng(0),
            report=stop,
        )
