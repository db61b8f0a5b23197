"""A training killed at random moments ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from tests.faults.forks import Forks, has_new, list_names, unfinished
from tests.tiny_project import CHEAP_EVALUATION, train_command

from napari_neuroembed.files import check_folder
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.checkpoint import latest, load_resume

STEPS = 30
LONGEST_S = 0.25
"""Longest wait before a kill: shorter than the training on a fast machine."""

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture(scope="module")
def project(
    tiny_project: Path, forks: Forks, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project of its own with one uninterrupted run, `whole`."""
    folder = tmp_path_factory.mktemp("kills") / "flies"
    shutil.copytree(tiny_project, folder)
    assert forks.run(*train_command(folder, "whole", steps=STEPS)) == 0
    return folder


def weights(run: Path) -> bytes:
    return (run / f"checkpoints/step_{STEPS:08d}/model.safetensors").read_bytes()


def resume_of(run: Path) -> dict[str, Any]:
    """Return optimiser and step at the end."""
    return load_resume(latest(run / "checkpoints"))


def assert_same(found: Any, expected: Any) -> None:
    """Compare what is nested, tensors bit for bit."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for mine, its in zip(found, expected, strict=True):
            assert_same(mine, its)
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected)
    else:
        assert found == expected


def history(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "history.csv").drop(columns="windows_per_s")


def whole_checkpoints(run: Path) -> int:
    """Check every checkpoint that has a name, and count them."""
    found = sorted(run.glob("checkpoints/step_*"))
    for path in found:
        check_folder(path, contents=True)
    return len(found)


def train_through_kills(forks: Forks, project: Path, n: int, seed: int) -> None:
    """Train `killed` and kill it `n` times; begin anew whenever it got to its end."""
    delays = random.Random(seed)
    run = project / "runs/killed"
    shutil.rmtree(run, ignore_errors=True)
    command = train_command(project, "killed", steps=STEPS, checkpoint_s=0.05)
    resume = ["train", project, "--run", "killed", "--resume"]
    hits = 0
    for _ in range(5 * n):
        if hits == n:
            break
        is_begun = (run / "run.json").exists()
        words = resume if is_begun else command
        begun = partial(has_new, project / "jobs", list_names(project / "jobs"))
        delay_s = delays.uniform(0.0, LONGEST_S)
        is_hit = forks.run_killed(*words, after=begun, delay_s=delay_s)
        hits += is_hit
        if run.exists():
            whole_checkpoints(run)
            RunFolder.open(run)
        if not is_hit:
            assert_as_if_nothing_had_happened(project)
            shutil.rmtree(run)
    assert hits == n
    is_begun = (run / "run.json").exists()
    assert forks.run(*(resume if is_begun else command)) == 0


def assert_as_if_nothing_had_happened(project: Path) -> None:
    killed, whole = project / "runs/killed", project / "runs/whole"
    assert RunFolder.open(killed).info()["status"] == "finished"
    assert weights(killed) == weights(whole)
    assert_same(resume_of(killed), resume_of(whole))
    pd.testing.assert_frame_equal(history(killed), history(whole))
    assert whole_checkpoints(killed) >= 1
    for name in ("neural", "pose"):
        _, ours = RunFolder.open(killed).read_embedding(name)
        _, theirs = RunFolder.open(whole).read_embedding(name)
        assert (ours == theirs).all()
    assert unfinished(killed) == []


def test_a_killed_and_resumed_training_equals_an_uninterrupted_one(
    project: Path, forks: Forks
) -> None:
    train_through_kills(forks, project, n=14, seed=0)
    assert_as_if_nothing_had_happened(project)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_change_nothing_either(
    project: Path, forks: Forks, seed: int
) -> None:
    train_through_kills(forks, project, n=10, seed=seed)
    assert_as_if_nothing_had_happened(project)


def kill_while_writing(
    forks: Forks, folder: Path, words: list[object], delay_s: float
) -> None:
    """Kill a command soon after something new appears in `folder`."""
    folder.mkdir(exist_ok=True)
    begun = partial(has_new, folder, list_names(folder))
    forks.run_killed(*words, after=begun, delay_s=delay_s)
    for found in folder.glob("[!.]*/"):
        check_folder(found, contents=True)


@pytest.mark.parametrize("n_kills", [12, pytest.param(50, marks=pytest.mark.slow)])
def test_a_killed_embed_leaves_no_half_set(
    project: Path, forks: Forks, n_kills: int
) -> None:
    """Killed at any time, with the set made anew and made again."""
    run, delays = RunFolder.open(project / "runs/whole"), random.Random(1)
    words = ["embed", project, "whole", "--set-name", f"s{n_kills}"]
    longest_s = forks.seconds_of(*words)
    _, expected = run.read_embedding("neural", f"s{n_kills}")
    expected = expected.copy()
    hits = 0
    for kill in range(5 * n_kills):
        if hits == n_kills:
            break
        begun = partial(has_new, project / "jobs", list_names(project / "jobs"))
        again = ["--replace"] if kill % 3 else []
        if not again:
            shutil.rmtree(run.path / f"embeddings/s{n_kills}", ignore_errors=True)
        delay_s = delays.uniform(0.0, longest_s)
        hits += forks.run_killed(*words, *again, after=begun, delay_s=delay_s)
        for found in run.path.glob("embeddings/[!.]*/"):
            check_folder(found, contents=True)
        if again and f"s{n_kills}" in run.embedding_sets():
            _, h = run.read_embedding("neural", f"s{n_kills}")
            assert (h == expected).all()
    assert hits == n_kills
    assert forks.run(*words, "--replace") == 0
    assert (run.read_embedding("neural", f"s{n_kills}")[1] == expected).all()
    assert unfinished(run.path / "embeddings") == []


def test_a_killed_evaluation_leaves_no_half_table(project: Path, forks: Forks) -> None:
    folder = project / "runs/whole/evaluation"
    command: list[object] = ["evaluate", project, "whole", *CHEAP_EVALUATION]
    for k, delay_s in enumerate((0.0, 0.005, 0.01)):
        words = [*command, "--name", f"killed{k}"]
        kill_while_writing(forks, folder, words, delay_s)
    assert forks.run(*command, "--name", "judged") == 0
    assert len(RunFolder.open(folder.parent).scores()) > 10
    assert unfinished(folder) == []


def test_a_run_killed_before_its_embedding_gets_it_by_resuming(
    project: Path, forks: Forks
) -> None:
    folder = project / "runs/whole/embeddings"
    before = (folder / "eval/neural.npy").read_bytes()
    kept = weights(project / "runs/whole")
    shutil.rmtree(folder / "eval")
    assert forks.run("train", project, "--run", "whole", "--resume") == 0
    assert (folder / "eval/neural.npy").read_bytes() == before
    assert weights(project / "runs/whole") == kept


def test_killed_runs_of_a_group_go_on_one_by_one(project: Path, forks: Forks) -> None:
    """The first animal's run is done, the second's is killed, then both resumed."""
    command: list[object] = [*train_command(project, "each", steps=5)]
    command += ["--method", "simclr", "--leave-one-animal-out"]
    second = project / "runs/each-fly2"
    assert forks.run_killed(*command, after=second.exists, delay_s=0.05)
    first = (project / "runs/each-fly1/run.json").read_bytes()
    assert forks.run(*command, "--resume") == 0
    assert (project / "runs/each-fly1/run.json").read_bytes() == first
    info = RunFolder.open(second).info()
    assert (info["status"], info["held_out"]) == ("finished", ["fly2"])
