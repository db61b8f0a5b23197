"""Every file and column of a run folder is described, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed.api import Project, Run
from napari_neuroembed.config import with_settings
from napari_neuroembed.jobs import create
from napari_neuroembed.jobs.facts import JOB_FILES
from napari_neuroembed.jobs.report import JobReport
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.store.map_folder import write_maps
from napari_neuroembed.store.schema import (
    DISTANCE_COLUMNS,
    MAP_COLUMNS,
    PREDICTION_COLUMNS,
    RUN_FILES,
    SCORE_COLUMNS,
    TASKS,
    WINDOW_COLUMNS,
)


@pytest.fixture(scope="module")
def run(tiny_project: Path) -> Run:
    """A run with embeddings, an evaluation and several checkpoints."""
    project = Project.open(tiny_project)
    settings = [f"{name}={value}" for name, value in SMALL_TRAINING.items()]
    settings += ["training.steps=6", "training.checkpoint_s=0.001"]
    settings += ["training.held_out=[fly2]"]  # an animal that the training never saw
    run = project.train(run="described", method="simclr", settings=settings)
    options = EvaluationOptions(
        permutations_linear=2,
        permutations_knn=0,
        permutations_mlp=0,
        shifts=2,
        bootstraps=5,
    )
    run.evaluate(options)
    return run


def described(path: str) -> str:
    """Return the name under which the schema lists a file."""
    path = re.sub(r"step_\d+", "step_*", path)
    path = re.sub(r"^embeddings/[^/]+/", "embeddings/<set>/", path)
    path = re.sub(r"neural_[a-z]+\.npy$", "neural_<transform>.npy", path)
    path = re.sub(r"^transforms/[^/]+/[^/]+\.npy$", "transforms/<name>/*.npy", path)
    path = re.sub(r"^transforms/[^/]+/", "transforms/<name>/", path)
    path = re.sub(r"^maps/[^/]+_occlusion/", "maps/<set>_occlusion/", path)
    return re.sub(r"^evaluation/[^/]+/", "evaluation/<name>/", path)


@pytest.fixture(scope="module")
def run_with_subspace(tiny_project: Path) -> Run:
    settings = [f"{name}={value}" for name, value in SMALL_TRAINING.items()]
    settings += ["training.steps=2", "transforms=[subspace]"]
    project = Project.open(tiny_project)
    return project.train(run="subspace", method="simclr", settings=settings)


def test_the_schema_lists_every_file_of_a_run_and_no_other(
    run: Run, run_with_subspace: Run
) -> None:
    none = pd.DataFrame(columns=list(MAP_COLUMNS))
    write_maps(run.folder.path, "eval_occlusion", none, np.empty((0, 4, 4), np.float32))
    folders = [one.folder.path for one in (run, run_with_subspace)]
    paths = [p.relative_to(f) for f in folders for p in f.rglob("*") if p.is_file()]
    found = {described(path.as_posix()) for path in paths}
    assert found == set(RUN_FILES)
    assert all(text.endswith(".") for text in RUN_FILES.values())


def test_the_schema_lists_every_column_in_order(run: Run) -> None:
    windows, _ = run.embedding()
    assert list(windows.columns) == list(WINDOW_COLUMNS)
    scores = run.scores()
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert tuple(run.folder.predictions().columns) == PREDICTION_COLUMNS
    assert set(scores["task"]) <= set(TASKS)
    assert tuple(run.distances().columns) == DISTANCE_COLUMNS
    history = run.history()
    assert {"step", "loss", "learning_rate", "windows_per_s"} <= set(history.columns)


def test_a_run_can_be_trained_again_from_its_own_configuration(run: Run) -> None:
    assert run.config == with_settings(run.config, [])
    assert run.info()["step"] == run.config.training.steps == 6
    best = pd.read_json(run.folder.checkpoints / "best.json", typ="series")
    assert best["loss"] <= run.history()["loss"].min() + 1e-6


def test_the_list_of_a_jobs_files_is_complete(tmp_path: Path) -> None:
    job = create(tmp_path, ["train", "flies"])
    with JobReport(job.folder) as report:
        report("train", 1, 1)
        job.cancel()
    assert {path.name for path in job.folder.iterdir()} == set(JOB_FILES)
