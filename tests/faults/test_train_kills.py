"""A training killed at random moments ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from tests.tiny_project import CHEAP_EVALUATION, train_command

from napari_neuroembed.files import check_folder
from napari_neuroembed.store.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
STEPS = 30
LONGEST_S = 0.25
"""Longest wait before a kill: shorter than the training on a fast machine."""

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]

Condition = Callable[[], object]


class Forks:
    """The process of ``forked_commands.py``."""

    def __init__(self) -> None:
        folders = (ROOT / "src", ROOT)
        path = os.pathsep.join(map(str, folders))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/faults/forked_commands.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self.answer() == "ready"

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, *argv: object) -> int:
        """Run a command to its end and return its exit code."""
        self.begin(*argv)
        return int(self.answer())

    def run_killed(self, *argv: object, after: Condition, delay_s: float) -> bool:
        """Kill a command `delay_s` after something happened; False: it was done."""
        pid = self.begin(*argv)
        begun_s = time.monotonic()
        while not after() and time.monotonic() - begun_s < 30:
            time.sleep(0.001)
        time.sleep(delay_s)
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(pid, signal.SIGKILL)
        code = int(self.answer())
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def begin(self, *argv: object) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([str(word) for word in argv]) + "\n")
        self.process.stdin.flush()
        return int(self.answer())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def project(tiny_project: Path, forks: Forks) -> Path:
    """A tiny project with one uninterrupted run, `whole`."""
    assert forks.run(*train_command(tiny_project, "whole", steps=STEPS)) == 0
    return tiny_project


def list_names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*")}


def has_new(folder: Path, known: set[str]) -> bool:
    return not list_names(folder) <= known


def weights(run: Path) -> bytes:
    return (run / f"checkpoints/step_{STEPS:08d}/model.safetensors").read_bytes()


def history(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "history.csv").drop(columns="windows_per_s")


def unfinished(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.suffix in (".partial", ".old")]


def whole_checkpoints(run: Path) -> int:
    """Check every checkpoint that has a name, and count them."""
    found = sorted(run.glob("checkpoints/step_*"))
    for path in found:
        check_folder(path, contents=True)
    return len(found)


def train_through_kills(forks: Forks, project: Path, n: int, seed: int) -> int:
    """Train `killed`, kill it `n` times, and return how many kills hit it."""
    delays = random.Random(seed)
    run = project / "runs/killed"
    shutil.rmtree(run, ignore_errors=True)
    command = train_command(project, "killed", steps=STEPS, checkpoint_s=0.05)
    resume = ["train", project, "--run", "killed", "--resume"]
    hits = 0
    for _ in range(n):
        is_begun = (run / "run.json").exists()
        words = resume if is_begun else command
        begun = partial(has_new, project / "jobs", list_names(project / "jobs"))
        delay_s = delays.uniform(0.0, LONGEST_S)
        hits += forks.run_killed(*words, after=begun, delay_s=delay_s)
        if run.exists():
            whole_checkpoints(run)
            RunFolder.open(run)
    is_begun = (run / "run.json").exists()
    assert forks.run(*(resume if is_begun else command)) == 0
    return hits


def assert_as_if_nothing_had_happened(project: Path) -> None:
    killed, whole = project / "runs/killed", project / "runs/whole"
    assert RunFolder.open(killed).info()["status"] == "finished"
    assert weights(killed) == weights(whole)
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
    assert train_through_kills(forks, project, n=6, seed=0) >= 3
    assert_as_if_nothing_had_happened(project)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_change_nothing_either(
    project: Path, forks: Forks, seed: int
) -> None:
    assert train_through_kills(forks, project, n=8, seed=seed) >= 4
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


def test_a_killed_embed_leaves_no_half_set(project: Path, forks: Forks) -> None:
    folder = project / "runs/whole/embeddings"
    for delay_s in (0.0, 0.002, 0.005, 0.01):
        kill_while_writing(forks, folder, ["embed", project, "whole"], delay_s)
    assert forks.run("embed", project, "whole") == 0
    windows, h = RunFolder.open(folder.parent).read_embedding("neural", "dense")
    assert len(windows) == len(h) > 0
    assert unfinished(folder) == []


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
