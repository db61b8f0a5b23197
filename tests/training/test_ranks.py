"""Several processes share a training: the same numbers as one, and no hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from tests.tiny_project import train_command

from napari_neuroembed import processes
from napari_neuroembed.cli import main
from napari_neuroembed.config import with_settings
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.loop import TrainingState, make_fabric, train_steps
from napari_neuroembed.training.ranks import Place, free_port
from napari_neuroembed.training.setup import prepare

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("share_steps.py")


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python with arguments; what a failed test leaves behind is ended."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([f"{ROOT}/src", f"{ROOT}"]),
            },
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            processes.end(psutil.Process(process.pid))
        assert process.stdout is not None
        process.stdout.close()
        process.wait()


def take_steps(
    start: Start, method: str, size: int, folder: Path
) -> list[dict[str, Any]]:
    """Run the script in `size` processes and return what each saved."""
    port = free_port()
    files = [folder / f"{method}-{size}-{rank}.pt" for rank in range(size)]
    for process in [
        start(SCRIPT, method, rank, size, port, file) for rank, file in enumerate(files)
    ]:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    return [torch.load(file, weights_only=True) for file in files]


@pytest.mark.parametrize(
    "method",
    ["guenel2022", "simclr_views", "eq3_grl", "regression_conv_mmd", "behavenet"],
)
def test_two_processes_compute_what_one_does(
    start: Start, method: str, tmp_path: Path
) -> None:
    (alone,) = take_steps(start, method, 1, tmp_path)
    for shared in take_steps(start, method, 2, tmp_path):
        for mine, its in zip(shared["losses"], alone["losses"], strict=True):
            assert mine.keys() == its.keys()
            for name, value in mine.items():
                assert value == pytest.approx(its[name], abs=1e-9, rel=1e-9), name
        for mine, its in zip(shared["gradients"], alone["gradients"], strict=True):
            assert mine.keys() == its.keys()
            for name, value in mine.items():
                torch.testing.assert_close(value, its[name], rtol=0, atol=1e-9)
        for name, value in shared["state"].items():
            torch.testing.assert_close(value, alone["state"][name], rtol=0, atol=1e-7)


PROGRAM = ("-m", "napari_neuroembed")


def helper_of(process: subprocess.Popen[str]) -> psutil.Process:
    (helper,) = psutil.Process(process.pid).children()
    return helper


def steps_done(run: Path) -> int:
    history = run / "history.csv"
    return max(0, history.read_text().count("\n") - 1) if history.exists() else 0


def wait_for_helper(
    run: Path, process: subprocess.Popen[str], before: int = 0
) -> psutil.Process:
    """Wait until a step more than `before` was taken and return the helping process."""
    while steps_done(run) <= before:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return helper_of(process)


def test_a_training_of_two_processes_survives_the_loss_of_one(
    start: Start, tiny_project: Path
) -> None:
    run = tiny_project / "runs" / "shared"
    # 1. One of two processes is killed while they train.
    words = train_command(
        tiny_project, "shared", steps=400, devices=2, checkpoint_s=0.2
    )
    training = start(*PROGRAM, *words)
    wait_for_helper(run, training).kill()
    said, _ = training.communicate(timeout=60)
    assert training.returncode == 2, said
    assert "Process 2 of 2 that train together has ended" in said
    assert RunFolder.open(run).info()["status"] == "failed"
    # 2. It goes on, and is asked to stop: nothing of it is left behind.
    resume = ["train", tiny_project, "--run", "shared", "--resume"]
    done = steps_done(run)
    training = start(*PROGRAM, *resume)
    helper = wait_for_helper(run, training, done)
    training.send_signal(signal.SIGINT)
    said, _ = training.communicate(timeout=60)
    assert training.returncode == 130, said
    assert RunFolder.open(run).info()["status"] == "stopped"
    assert not helper.is_running()


def kill_with_helper(training: subprocess.Popen[str], helper: psutil.Process) -> None:
    """Kill a training; its helper ends by itself."""
    training.kill()
    training.communicate()
    psutil.wait_procs([helper], timeout=20)
    assert not helper.is_running()


def test_helpers_end_when_the_training_is_killed(
    start: Start, tiny_project: Path
) -> None:
    run = tiny_project / "runs" / "ended"
    words = train_command(tiny_project, "ended", steps=10_000, devices=2)
    training = start(*PROGRAM, *words)
    kill_with_helper(training, wait_for_helper(run, training))


@pytest.mark.slow
def test_a_killed_training_of_two_processes_goes_on_as_if_it_had_not_been(
    start: Start, tiny_project: Path
) -> None:
    """Killed three times: the weights are the same bit for bit."""
    chosen = {"steps": 60, "devices": 2, "checkpoint_s": 0.05}
    run = tiny_project / "runs" / "pair-killed"
    words = train_command(tiny_project, run.name, **chosen)
    for steps in (1, 15, 30):
        training = start(*PROGRAM, *words)
        kill_with_helper(training, wait_for_helper(run, training, steps))
        words = ["train", str(tiny_project), "--run", run.name, "--resume"]
    assert main(words) == 0
    assert main(train_command(tiny_project, "pair", **chosen)) == 0
    assert RunFolder.open(run).info()["bit_exact"] is True
    weights = "checkpoints/step_00000060/model.safetensors"
    expected = (run.with_name("pair") / weights).read_bytes()
    assert (run / weights).read_bytes() == expected


def test_a_batch_that_cannot_be_shared_names_one_that_can(recordings, config) -> None:
    config = with_settings(config, ["training.batch_size=15"])
    with pytest.raises(TrainingError, match=r"Set training.batch_size to 14"):
        prepare(recordings, config, None, place=Place(0, 2))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precision_is_that_of_the_network(recordings, config, precision) -> None:
    config = with_settings(config, [f"training.precision={precision}"])
    setup = prepare(recordings, config, None)
    method = setup.parts.method
    seen = set()
    method.g_n.register_forward_hook(lambda *given: seen.add(given[2].dtype))
    state = TrainingState(method, method.optimizer())
    next(train_steps(state, setup.batches.draw, make_fabric(config.training)))
    expected = {"fp32": torch.float32, "bf16": torch.bfloat16}
    assert seen == {expected[precision]}
    assert {p.dtype for p in method.parameters()} == {torch.float32}
