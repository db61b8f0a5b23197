"""What is said of an animal that the training never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed.api import Project
from napari_neuroembed.cli import main
from napari_neuroembed.cli.new_animal_table import new_animal_lines
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.new_animal import (
    FEWEST_WINDOWS,
    Windows,
    compare,
    familiarity,
    judge,
    mean_correlation,
)

DIM, N = 6, 200


def animal(rng, mixing, *, noise=0.3, shift=0.0, n=N, posed=True) -> Windows:
    """Windows whose embedding and pose come from the same hidden state."""
    state = rng.normal(size=(n, 3))
    h = state @ mixing + noise * rng.normal(size=(n, DIM)) + shift
    pose = state @ rng.normal(size=(3, 1)) * 0 + state[:, :2] + 5 * shift
    return Windows(h, pose if posed else None)


@pytest.fixture
def mixing(rng):
    return rng.normal(size=(3, DIM))


@pytest.fixture
def training(rng, mixing):
    return {
        f"fly{k}": animal(rng, mixing, shift=float(k)).prepared() for k in range(1, 5)
    }


def test_an_animal_like_the_others_is_trusted_wherever_its_mean_lies(
    rng, mixing, training
):
    verdict, each = judge("fly9", animal(rng, mixing, shift=30.0).prepared(), training)
    assert verdict.trusted is True
    assert verdict.reason == ""
    assert verdict.readout == pytest.approx(verdict.readout_reference, abs=0.05)
    assert verdict.distance == pytest.approx(verdict.distance_reference, rel=0.3)
    assert each.shape == (N,)
    assert np.median(each) == pytest.approx(1.0, rel=0.3)


def test_an_animal_whose_poses_do_not_follow_from_its_embedding_is_not_trusted(
    rng, mixing, training
):
    new = animal(rng, mixing)
    wrong_clock = Windows(np.roll(new.h, N // 2, axis=0), new.pose).prepared()
    verdict, _ = judge("fly9", wrong_clock, training)
    assert verdict.trusted is False
    assert "times as well as in the training's animals" in verdict.reason


def test_without_a_second_stream_the_distance_decides(rng, mixing, training):
    blind = {name: Windows(w.h) for name, w in training.items()}
    near, _ = judge("a", animal(rng, mixing, posed=False).prepared(), blind)
    far, _ = judge(
        "b", animal(rng, rng.normal(size=(3, DIM)), posed=False).prepared(), blind
    )
    assert np.isnan(near.readout)
    assert near.trusted is True
    assert far.distance > near.distance
    assert far.trusted is False
    assert "lie" in far.reason


def test_one_animal_or_few_windows_say_nothing(rng, mixing, training):
    new = animal(rng, mixing)
    alone, each = judge("b", new.prepared(), {"fly1": training["fly1"]})
    assert alone.trusted is None
    assert "1 animal of the training" in alone.reason
    assert np.isnan(each).all()
    few, _ = judge("b", Windows(new.h[:5], new.pose[:5]).prepared(), training)
    assert few.trusted is None
    assert f"only {5} windows" in few.reason
    assert few.n_windows < FEWEST_WINDOWS
    assert few.to_dict()["distance"] is None


def test_a_second_stream_that_follows_in_no_animal_gives_no_verdict(rng, mixing):
    noise = {
        f"fly{k}": Windows(animal(rng, mixing).h, rng.normal(size=(N, 2))).prepared()
        for k in range(4)
    }
    verdict, _ = judge("fly9", animal(rng, mixing).prepared(), noise)
    assert verdict.trusted is None
    assert "follows from the embedding in no animal" in verdict.reason


def test_windows_that_are_not_finite_are_left_out(rng, mixing, training):
    new = animal(rng, mixing)
    h = new.h.copy()
    h[7] = np.nan
    kept = Windows(h, new.pose).prepared()
    assert len(kept) == N - 1
    assert 7 not in kept.rows
    assert np.isfinite(compare(kept, training).readout)


def test_the_distance_is_that_of_a_slow_loop(rng, mixing, training):
    others = Windows(np.concatenate([w.h for w in training.values()]))
    new = animal(rng, mixing).prepared()
    spread = others.h.std(axis=0)
    expected = []
    for x in new.h / spread:
        similar = [
            float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
            for y in others.h / spread
        ]
        expected.append(1 - np.mean(sorted(similar)[-15:]))
    found = familiarity(Windows(new.h), others)
    np.testing.assert_allclose(found.each, expected, atol=1e-5)
    assert found.distance == pytest.approx(np.median(expected), abs=1e-5)


def test_a_signal_that_does_not_change_has_no_correlation():
    still = np.ones((5, 2))
    assert np.isnan(mean_correlation(np.arange(10.0).reshape(5, 2), still))


def test_other_numbers_of_pose_features_are_refused(rng, mixing, training):
    new = Windows(animal(rng, mixing).h, rng.normal(size=(N, 3))).prepared()
    with pytest.raises(DataError, match="3 values per window, that of the training 2"):
        judge("fly9", new, training)


@pytest.fixture(scope="module")
def run(tiny_project: Path):
    """A run that never saw fly2."""
    settings = [f"{name}={value}" for name, value in SMALL_TRAINING.items()]
    settings += ["training.steps=6", "training.held_out=[fly2]"]
    project = Project.open(tiny_project)
    return project.train(run="unseen", method="simclr", settings=settings)


def test_the_command_says_whether_a_new_animal_can_be_trusted(run, capsys):
    words = ["embed", str(run.project.path), run.name, "--animal", "fly2"]
    assert main([*words, "--replace"]) == 0
    told = capsys.readouterr().out
    assert "Animals that the training never saw" in told
    row = next(line for line in told.splitlines() if line.startswith("fly2"))
    assert row.split()[0] == "fly2"
    (new,) = run.new_animals("new-fly2").to_dict("records")
    assert new["animal"] == "fly2"
    assert new["trusted"] is None  # one animal was trained on: nothing to compare with
    assert "cannot be told" in row
    folder = run.folder.path / "embeddings" / "new-fly2"
    distances = pd.read_parquet(folder / "distances.parquet")
    windows, _ = run.embedding("neural", "new-fly2")
    assert list(distances["window_id"]) == list(windows["window_id"])
    assert set(windows["animal"]) == {"fly2"}


def test_an_animal_that_was_trained_on_has_no_report(run):
    run.embed("known", animals=["fly1"], replace=True)
    assert run.new_animals("known").empty
    with pytest.raises(DataError, match=r"There is no animal fly9 .*fly1, fly2"):
        run.embed("other", animals=["fly9"])


def test_a_warning_is_loud_and_says_what_to_look_at():
    row = {
        "animal": "fly9",
        "n_windows": 100,
        "distance": 0.3,
        "distance_reference": 0.2,
        "readout": 0.1,
        "readout_reference": 0.5,
        "trusted": False,
        "reason": "its poses do not follow",
    }
    text = "\n".join(new_animal_lines(pd.DataFrame([row])))
    assert "WARNING: do not trust the embedding of fly9: its poses do not" in text
    assert "1.50" in text
    assert "0.20" in text
    assert "orientation" in text
