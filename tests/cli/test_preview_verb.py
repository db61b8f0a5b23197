"""`neuroembed preview` as a process: clean output, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from napari_neuroembed.jobs.preview import PreviewError, PreviewProcess

ROOT = Path(__file__).resolve().parents[2]
PREVIEW = [sys.executable, "-m", "napari_neuroembed", "preview"]

NOISY = """
import logging, os, sys, warnings
from napari_neuroembed.api.preview_augment import AugmentPreview
from napari_neuroembed.cli import main
inner = AugmentPreview.answer

def answer(self, ask, report):
    print("printed")
    os.write(1, b"written by a C library")
    logging.getLogger("napari_neuroembed").warning("logged")
    warnings.warn("warned")
    if ask.seed == 1:
        raise TypeError("a bug")
    return inner(self, ask, report)

AugmentPreview.answer = answer
raise SystemExit(main(["preview"]))
"""

PARENT = """
import os, sys, time
from napari_neuroembed.jobs.preview import PreviewProcess
previews = PreviewProcess()
facts = previews.ask("hello").result().facts
print(facts["pid"], facts["folder"], flush=True)
if sys.argv[1] == "fork" and os.fork() == 0:  # holds the input of the process open
    print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def until(condition: Callable[[], object]) -> None:
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < 20, "it did not happen"
        time.sleep(0.02)


def lines(*requests: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in requests)


def answered(out: bytes) -> dict[Any, dict[str, Any]]:
    return {one["id"]: one for one in map(json.loads, out.splitlines())}


def left(place: Path) -> list[Path]:
    return list(place.glob(".neuroembed-preview.*"))


def test_requests_from_a_pipe_are_answered_and_nothing_stays(
    tiny_project: Path, tmp_path: Path
) -> None:
    content = b"not json\n" + lines(
        {"id": 1, "ask": "hello"}, {"id": 2, "ask": "versions"}, {"id": 3, "ask": "x"}
    )
    done = subprocess.run(
        [*PREVIEW, str(tiny_project)], input=content, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    found = answered(done.stdout)
    assert set(found) == {None, 1, 2, 3}
    hello = found[1]["result"]
    assert hello["project"] == str(tiny_project)
    assert hello["folder"].startswith(str(tmp_path))
    assert "pose_swap" in hello["kinds"]
    assert found[2]["result"]["torch"]
    assert left(tmp_path) == []


def test_a_folder_that_is_no_project_is_a_plain_message(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PREVIEW, str(tmp_path / "typo")], input=b"", capture_output=True
    )
    assert done.returncode == 2
    assert b"is no project" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
    with (
        PreviewProcess(tmp_path / "typo") as previews,
        pytest.raises(PreviewError, match="is no project"),
    ):
        previews.ask("hello").result(30)


def test_standard_output_holds_answers_only() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NOISY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers = []
    for number in range(2):
        request = {"id": number, "ask": "augment", "array": "a.npy", "seed": number}
        process.stdin.write(lines(request))
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    out, errors = process.communicate(lines({"id": 2, "ask": "stop"}), timeout=30)
    assert [one["error"]["kind"] for one in answers] == ["mistake", "internal"]
    assert answers[1]["error"]["message"] == "Internal error: TypeError: a bug"
    assert answered(out) == {2: {"id": 2, "ok": True, "result": {}}}
    for text in (b"printed", b"written by a C library", b"logged", b"warned"):
        assert text in errors
    assert errors.count(b"Traceback") == 1
    assert process.returncode == 0


@pytest.fixture
def parent(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, request.param],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    assert process.stdout is not None
    process.stdout.close()
    process.wait()


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
@pytest.mark.parametrize("parent", ["alone", "fork"], indirect=True)
def test_it_goes_with_a_parent_that_is_killed(
    parent: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    assert Path(folder).is_dir()
    child = parent.stdout.readline() if "fork" in parent.args else ""
    parent.kill()
    parent.wait()
    until(lambda: not psutil.pid_exists(int(pid)))
    until(lambda: not Path(folder).exists())
    if child:
        os.kill(int(child), signal.SIGKILL)
    assert left(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at SIGTERM")
def test_real_previews_then_sigterm_then_again(
    tiny_project: Path, tmp_path: Path
) -> None:
    with PreviewProcess(tiny_project) as previews:
        answer = previews.ask("augment", recording="fly1_001", frame=40).result(60)
        assert answer.arrays["after"].shape == (32, 16, 16)
        movie = np.random.default_rng(0).integers(0, 99, (40, 32, 32)).astype(np.uint8)
        answer = previews.ask("preprocess", array=movie).result(60)
        np.testing.assert_array_equal(answer.arrays["before"], movie)
        wrong = {"dff": {"window_frames": -1}}
        with pytest.raises(PreviewError) as error:
            previews.ask("preprocess", array=movie, options=wrong).result(60)
        assert error.value.field == "preprocessing.dff.window_frames"
        pid = previews.pid
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        until(lambda: not psutil.pid_exists(pid))
        until(lambda: left(tmp_path) == [])
        again = previews.ask("augment", recording="fly1_001", frame=40).result(60)
        assert again.arrays["after"].shape == (32, 16, 16)
        assert previews.pid != pid
    assert left(tmp_path) == []
