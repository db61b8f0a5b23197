"""Where actions are read, from the command line."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from tests.journeys.command import done, neuroembed, sets

import napari_neuroembed as ne
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.store.schema import MAP_COLUMNS

CHEAP = sets(
    "evaluation.permutations_linear=2",
    "evaluation.permutations_knn=0",
    "evaluation.bootstraps=10",
    "evaluation.shifts=2",
    "evaluation.controls=false",
    "evaluation.leaks=0",
    "evaluation.decode=false",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    options = SyntheticOptions(
        n_animals=2, n_recordings=4, duration_s=24.0, image_size=32, video=0
    )
    path = tmp_path_factory.mktemp("maps") / "flies"
    project = ne.make_synthetic_project(path, options=options)
    project.preprocess()
    settings = ["training.steps=20", "training.batch_size=16", "training.threads=1"]
    project.train(method="guenel2022", run="first", settings=settings)
    return path


def test_maps_are_made_kept_and_shown(trained):
    told = done("evaluate", trained, "first", "--maps", *CHEAP)
    assert "Where actions are read" in told.out
    assert "maps passed" in told.out
    run = ne.Project.open(trained).run("first")
    table, maps = run.maps()
    assert tuple(table.columns) == MAP_COLUMNS
    assert maps.shape == (len(table), 16, 16)
    made = table["note"] == ""
    assert made.any()
    assert np.isfinite(maps[made]).any(axis=(1, 2)).all()
    assert np.isnan(maps[~made]).all()
    assert (table.loc[~made, "note"].str.contains("windows|actions")).all()
    again, others = run.map_actions()
    pd.testing.assert_frame_equal(again, table)
    np.testing.assert_array_equal(others, maps)
    panels = [t for t in run.plot.maps().data if t.type == "heatmap"]
    assert len(panels) >= 2 * made.sum()


def test_without_maps_labels_or_encoder_the_reason_is_told(trained, tmp_path):
    project = tmp_path / "flies"
    shutil.copytree(trained, project)
    shutil.rmtree(project / "runs" / "first" / "maps", ignore_errors=True)
    run = ne.Project.open(project).run("first")
    with pytest.raises(ne.errors.RunFolderError, match="--maps"):
        run.maps()
    for suffix in ("", "-wal", "-shm"):
        (project / f"annotations.sqlite{suffix}").unlink(missing_ok=True)
    with pytest.raises(DataError, match="no action to look for"):
        run.map_actions()
    told = neuroembed("evaluate", project, "first", "--maps", *CHEAP)
    assert told.code == 2
    assert "Label some bouts" in told.err
