"""The window's side: nothing waits, nothing is lost in silence, nothing is left."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tests.previews.fake_server import PROGRAM

from napari_neuroembed.jobs import preview_connection
from napari_neuroembed.jobs.preview import (
    PreviewAnswer,
    PreviewError,
    PreviewProcess,
)

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 20.0


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def previews() -> Iterator[PreviewProcess]:
    with PreviewProcess(program=PROGRAM) as process:
        yield process


def until(condition: Callable[[], object]) -> None:
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < WAIT_S, "it did not happen"
        time.sleep(0.02)


def got(future: Future[PreviewAnswer]) -> PreviewAnswer:
    return future.result(WAIT_S)


def test_asking_takes_no_time_and_the_answer_is_a_memory_map(
    previews: PreviewProcess,
) -> None:
    assert previews.pid is None
    start_s = time.perf_counter()
    future = previews.ask("augment", array=np.ones((3, 4, 5)), options={"a": 1})
    assert time.perf_counter() - start_s < 0.05
    answer = got(future)
    assert answer.facts["asked"] == {"a": 1}
    assert isinstance(answer.arrays["total"], np.memmap)
    assert answer.arrays["total"].tolist() == [[60.0, 60.0], [60.0, 60.0]]
    assert "arrays" not in answer.facts


def test_a_lazy_array_is_read_in_another_thread(previews: PreviewProcess) -> None:
    class Lazy:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            seen.append(threading.current_thread())
            return np.full((2, 2, 2), 2.0)

    seen: list[threading.Thread] = []
    answer = got(previews.ask("augment", array=Lazy()))
    assert answer.arrays["total"][0, 0] == 16
    assert seen
    assert threading.current_thread() not in seen


def test_what_cannot_be_sent_is_told_and_the_process_lives_on(
    previews: PreviewProcess,
) -> None:
    class Broken:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise OSError("the drive is gone")

    wrong: list[tuple[dict[str, Any], str, str | None]] = [
        ({"array": Broken()}, "the drive is gone", "array"),
        ({"array": np.array([{}])}, "cannot be read", "array"),
        ({"options": {"a": float("nan")}}, "cannot be written as JSON", None),
        ({"options": {"a": object()}}, "object is no JSON", None),
        ({"options": {"a": "x" * 1_100_000}}, "at most 1,048,576 bytes", None),
    ]
    for fields, said, field in wrong:
        with pytest.raises(PreviewError, match=said) as error:
            got(previews.ask("augment", **fields))
        assert (error.value.kind, error.value.field) == ("mistake", field)
    assert got(previews.ask("augment", frame=np.int64(3))).facts["frame"] == 3


def test_only_the_newest_of_a_kind_waits(previews: PreviewProcess) -> None:
    """While the process starts, as a slider is moved."""
    futures = [previews.ask("augment", frame=i) for i in range(10)]
    other = previews.ask("preprocess", frame=77)
    assert got(futures[-1]).facts["frame"] == 9
    assert got(other).facts["frame"] == 77
    assert sum(future.cancelled() for future in futures) >= 8
    for future in futures[:-1]:
        assert future.cancelled() or future.done()


def test_a_killed_process_is_started_again_and_the_reason_told_once(
    previews: PreviewProcess,
) -> None:
    first = got(previews.ask("augment")).facts["pid"]
    folder = Path(str(got(previews.ask("hello")).facts["folder"]))
    waiting = [
        previews.ask("preprocess", options={"die": True}),
        previews.ask("augment"),
    ]
    with pytest.raises(PreviewError) as error:
        waiting[0].result(WAIT_S)
    assert error.value.kind == "ended"
    assert "was ended by signal 9" in str(error.value)
    assert str(error.value).endswith("Out of luck.\nOut of memory.")
    try:
        again = waiting[1].result(WAIT_S).facts["pid"]
    except CancelledError:  # it had been sent before the end was seen
        again = got(previews.ask("augment")).facts["pid"]
    assert again != first
    assert not folder.exists()


def test_an_end_nobody_waited_at_is_logged_and_the_next_request_starts_anew(
    previews: PreviewProcess, caplog: pytest.LogCaptureFixture
) -> None:
    pid = got(previews.ask("augment")).facts["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: "was ended by signal 9" in caplog.text)
    assert got(previews.ask("augment")).facts["pid"] != pid
    assert caplog.text.count("was ended by signal 9") == 1


def test_a_process_that_refuses_to_start_gives_its_plain_message() -> None:
    with PreviewProcess(Path("broken"), program=PROGRAM) as previews:
        waiting = [previews.ask("augment"), previews.ask("preprocess")]
        with pytest.raises(PreviewError, match=r"^flies is no project\.$") as error:
            waiting[0].result(WAIT_S)
        assert error.value.kind == "mistake"
        until(lambda: waiting[1].done())


def test_a_failed_start_ahead_of_requests_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with PreviewProcess(Path("broken"), program=PROGRAM) as previews:
        previews.start()
        until(lambda: "flies is no project" in caplog.text)


def test_a_program_that_is_not_there_is_a_plain_message() -> None:
    with (
        PreviewProcess(program=("/no/such/program",)) as previews,
        pytest.raises(PreviewError, match="cannot be started"),
    ):
        got(previews.ask("augment"))


def test_another_version_is_not_talked_to() -> None:
    with (
        PreviewProcess(Path("old"), program=PROGRAM) as previews,
        pytest.raises(PreviewError, match="two versions of neuroembed are mixed"),
    ):
        got(previews.ask("augment"))


def test_a_silent_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_connection, "START_S", 0.3)
    with (
        PreviewProcess(Path("mute"), program=PROGRAM) as previews,
        pytest.raises(PreviewError, match=r"silent for 0\.3 s"),
    ):
        got(previews.ask("augment"))


def test_what_is_no_answer_is_passed_over(
    previews: PreviewProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert got(previews.ask("augment", options={"noise": True})).arrays
    assert "wrote no answer: b'this is no answer" in caplog.text


@pytest.mark.parametrize("options", [{}, {"deaf": True}], ids=["idle", "deaf"])
def test_closing_ends_the_process_and_its_folder(options: dict[str, Any]) -> None:
    previews = PreviewProcess(program=PROGRAM)
    facts = got(previews.ask("hello")).facts
    pid = previews.pid
    assert pid is not None
    waiting = previews.ask("augment", options=options)
    if options:
        time.sleep(0.1)
    else:
        got(waiting)
    start_s = time.monotonic()
    previews.close()
    assert time.monotonic() - start_s < 2.6
    assert not psutil.pid_exists(pid)
    assert not Path(str(facts["folder"])).exists()
    assert waiting.done()
    assert previews.ask("augment").cancelled()
    previews.close()


def test_closing_while_it_starts_ends_it_at_once() -> None:
    previews = PreviewProcess(Path("mute"), program=PROGRAM)
    future = previews.ask("augment")
    until(lambda: previews.pid is not None)
    pid = previews.pid
    start_s = time.monotonic()
    previews.close()
    assert time.monotonic() - start_s < 1.5
    assert future.cancelled()
    assert pid is not None
    until(lambda: not psutil.pid_exists(pid))


def test_closing_what_never_began_does_nothing() -> None:
    PreviewProcess(program=PROGRAM).close()


def test_the_window_s_side_loads_no_torch() -> None:
    code = (
        "import sys, napari_neuroembed.jobs.preview\n"
        "print(*[n for n in ('torch', 'sklearn', 'napari') if n in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == ""
