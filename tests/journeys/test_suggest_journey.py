"""A rater asks what to label next."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests.journeys.command import done, neuroembed

import napari_neuroembed as ne
from napari_neuroembed.api.suggesting import COLUMNS, suggest
from napari_neuroembed.options.synthetic import SyntheticOptions


@pytest.fixture(scope="module")
def flies(tmp_path_factory):
    options = SyntheticOptions(
        n_animals=2, n_recordings=3, duration_s=24.0, image_size=32, video=0
    )
    path = tmp_path_factory.mktemp("suggest") / "flies"
    project = ne.make_synthetic_project(path, options=options)
    project.preprocess()
    settings = ["training.steps=3", "training.batch_size=16", "training.threads=1"]
    project.train(method="guenel2022", run="first", settings=settings)
    with project.annotations() as store:
        bouts = store.snapshot(project.recording_ids())
        for _, one in bouts[bouts["recording"] != "fly1_001"].iterrows():
            store.remove(int(one["id"]), int(one["revision"]), rater="simulation")
    return path


def test_stretches_without_labels_are_suggested_and_written(flies, tmp_path):
    out = tmp_path / "next.csv"
    told = done("suggest", flies, "first", "--n", 6, "--out", out)
    found = pd.read_csv(out)
    assert tuple(found.columns) == COLUMNS
    assert found["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert "fly1_001" not in set(found["recording"])
    assert ((found["stop_s"] - found["start_s"]) <= 6.001).all()  # with a short tail
    assert (found["start_s"] >= 0).all()
    assert (found["stop_s"] <= 24.5).all()
    for _, own in found.sort_values("start_s").groupby("recording"):
        assert (own["start_s"].to_numpy()[1:] >= own["stop_s"].to_numpy()[:-1]).all()
    assert found["uncertainty"].between(0, 1).all()
    for name in found["recording"]:
        assert name in told.out
    (row,) = done("suggest", flies, "first", "--n", 6, "--json").rows
    assert json.dumps(row["stretches"])
    assert [s["recording"] for s in row["stretches"]] == found["recording"].tolist()


def test_the_same_seed_suggests_the_same(flies):
    run = ne.Project.open(flies).run("first")
    for strategy in ("mixed", "random", "spread", "uncertain"):
        pd.testing.assert_frame_equal(
            suggest(run, 5, strategy=strategy), suggest(run, 5, strategy=strategy)
        )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--n", "0"], "At least one stretch"),
        (["--length", "0"], "longer than 0"),
        (["--strategy", "best"], "mixed"),
        (["--set-name", "nosuch"], "nosuch"),
    ],
)
def test_wrong_words_are_refused(flies, more, said):
    told = neuroembed("suggest", flies, "first", *more)
    assert told.code == 2
    assert said in told.err
