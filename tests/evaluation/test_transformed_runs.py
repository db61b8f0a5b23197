"""Transforms of a run: fitted once on fit recordings, kept, scored, calibrated."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed.api import Project
from napari_neuroembed.api.run import Run
from napari_neuroembed.cli import main
from napari_neuroembed.errors import ConfigError, DataError, RunFolderError
from napari_neuroembed.evaluation.transformed import CALIBRATED
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.transforms import TRANSFORMS

CHEAP = EvaluationOptions(
    probes=("linear",),
    side_probes=("linear",),
    permutations_linear=2,
    bootstraps=10,
    shifts=3,
    leaks=0,
    controls=False,
    decode=False,
)


@pytest.fixture(scope="module")
def flies(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("transformed") / "flies"
    shutil.copytree(tiny_project, folder)
    return Project.open(folder)


def trained(project: Project, name: str, method: str, *settings: str) -> Run:
    known = [f"{key}={value}" for key, value in SMALL_TRAINING.items()]
    words = [*known, "training.steps=3", *settings]
    return project.train(method=method, run=name, settings=words)


@pytest.fixture(scope="module")
def run(flies: Project) -> Run:
    return trained(flies, "own", "neuroembed2026", "windows.eval_stride_s=0.1")


def test_the_projects_method_keeps_its_subspace_beside_the_embedding(run: Run) -> None:
    windows, s = run.embedding("neural_subspace")
    _, h = run.embedding("neural")
    assert len(s) == len(windows) == len(h)
    assert s.shape[1] <= 8 < h.shape[1]
    assert np.isfinite(s).all()


def test_every_transform_is_fitted_once_and_a_finished_run_gets_it_later(
    flies: Project,
) -> None:
    run = trained(flies, "plain", "guenel2022")
    assert run.folder.embedding_streams() == ["neural", "pose"]
    before = {p: p.read_bytes() for p in run.folder.path.rglob("*") if p.is_file()}
    run.embed("more", transforms=list(TRANSFORMS))
    first = {n: np.array(run.embedding(f"neural_{n}", "more")[1]) for n in TRANSFORMS}
    assert all(path.read_bytes() == content for path, content in before.items())
    state = (run.folder.path / "transforms/subspace/matrix.npy").read_bytes()
    run.embed("again", transforms=["subspace"])
    assert (run.folder.path / "transforms/subspace/matrix.npy").read_bytes() == state
    assert np.array_equal(
        run.embedding("neural_subspace", "again")[1], first["subspace"]
    )
    with pytest.raises(ConfigError, match=r"'subspaces'\. Known"):
        run.embed("wrong", transforms=["subspaces"])
    assert "wrong" not in run.folder.embedding_sets()
    with pytest.raises(ConfigError, match=r"'subspaces'\. Known"):
        trained(flies, "wrong", "guenel2022", "transforms=[subspaces]")
    assert "wrong" not in list(flies.runs()["name"])


def test_fresh_recordings_take_no_part_in_the_fit(
    flies: Project, tmp_path: Path
) -> None:
    """Another movie in a fresh recording changes its own rows and no other."""
    run = trained(flies, "fit_only", "guenel2022", "transforms=[subspace]")
    windows, s = run.embedding("neural_subspace")
    fresh = [n for n, role in run.folder.splits()["roles"].items() if role == "fresh"]
    shutil.copytree(flies.path, tmp_path / "flies")
    other = Project.open(tmp_path / "flies")
    shutil.rmtree(other.path / "runs/fit_only/transforms")
    stack = other.derived_folder(fresh[0]) / "neural.tif"
    tifffile.memmap(stack, mode="r+")[40:] += 50
    again = other.run("fit_only")
    again.embed("other", transforms=["subspace"])
    _, changed = again.embedding("neural_subspace", "other")
    same = (windows["recording"] != fresh[0]).to_numpy()
    assert np.array_equal(changed[same], s[same])
    assert not np.array_equal(changed[~same], s[~same])


def test_scores_stand_beside_those_of_h_and_of_baselines_after_the_same_step(
    run: Run,
) -> None:
    scores = run.evaluate(CHEAP)
    found = scores[scores["stream"] == "neural"].groupby("method")["transform"]
    assert {name: set(values) for name, values in found} == {
        "neuroembed2026": {"none", "subspace"},
        "raw": {"none", "subspace"},
        "random_encoder": {"none", "subspace"},
    } | {k: set(v) for k, v in found if k in ("majority", "random", "guess")}


def test_one_animal_has_no_subspace_and_the_table_says_why(
    flies: Project, tmp_path: Path
) -> None:
    run = trained(
        flies, "held", "simclr", "transforms=[subspace]", "training.held_out=[fly2]"
    )
    assert "neural_subspace" not in run.folder.embedding_streams()
    scores = run.evaluate(dataclasses.replace(CHEAP))
    rows = scores[scores["transform"] == "subspace"]
    assert len(rows) >= 2
    assert rows["value"].isna().all()
    assert rows["note"].str.contains("needs fit recordings of at least 2").all()


def test_an_animal_is_calibrated_by_its_own_windows_alone(run: Run, capsys) -> None:
    path = str(run.project.path)
    assert main(["calibrate", path, "own", "--animal", "fly1"]) == 0
    told = capsys.readouterr().out
    assert "Readout of fly1 corrected on" in told
    assert "--set-name calibrated-fly1" in told
    windows, corrected = run.embedding(CALIBRATED, "calibrated-fly1")
    _, s = run.embedding("neural_subspace", "calibrated-fly1")
    own = (windows["animal"] == "fly1").to_numpy()
    assert np.array_equal(corrected[~own], s[~own])
    assert not np.allclose(corrected[own], s[own])
    scores = run.evaluate(CHEAP, set_name="calibrated-fly1")
    rows = scores[scores["transform"] == "subspace_calibrate"]
    assert rows["note"].str.contains("readout of fly1 corrected on").all()
    with pytest.raises(RunFolderError, match="has a set 'calibrated-fly1'"):
        run.calibrate("fly1")
    with pytest.raises(DataError, match="no animal fly9"):
        run.calibrate("fly9")
