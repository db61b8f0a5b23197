"""How progress and results are shown."""

from __future__ import annotations

import io
import json
import sys

import pytest

from napari_neuroembed.cli.progress import (
    BarDisplay,
    JsonDisplay,
    LineDisplay,
    choose_display,
)
from napari_neuroembed.progress import time_left


@pytest.mark.parametrize(
    ("elapsed_s", "done", "total", "expected"),
    [
        (10.0, 1, 2, "0:10"),
        (1.0, 1, 3601, "1:00:00"),
        (5.0, 10, 10, "0:00"),
        (5.0, 0, 10, ""),
        (5.0, 3, 0, ""),
        (5.0, 11, 10, ""),
    ],
)
def test_the_time_left_is_told_only_when_it_is_known(
    elapsed_s: float, done: int, total: int, expected: str
) -> None:
    assert time_left(elapsed_s, done, total) == expected


def test_a_pipe_gets_lines_and_a_program_gets_json() -> None:
    assert isinstance(choose_display(as_json=False), LineDisplay)
    assert isinstance(choose_display(as_json=True), JsonDisplay)


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(choose_display(as_json=False), BarDisplay)
    assert isinstance(choose_display(as_json=False, quiet=True), LineDisplay)


def test_lines_are_few_and_the_last_is_always_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = LineDisplay()
    for step in range(1, 101):
        display("train", step, 100, "loss 0.5")
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("train 1/100, 0:0")
    assert told[-1] == "train 100/100, loss 0.5"
    assert len(told) == 2


def test_a_quiet_display_prints_results_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = choose_display(as_json=False, quiet=True)
    display("train", 100, 100)
    display.say("done", score=1)
    out = capsys.readouterr()
    assert (out.out, out.err) == ("done\n", "")


def test_json_results_hold_the_data_or_else_the_text() -> None:
    out = io.StringIO()
    display = JsonDisplay(out)
    display.say("The score is 0.5.", score=0.5)
    display.say("done")
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert rows == [
        {"event": "result", "score": 0.5},
        {"event": "result", "text": "done"},
    ]


def test_a_bar_shows_count_and_prints_results_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with BarDisplay() as display:
        display("train [1]", 3, 10, "loss [0.5]")
        display("train [1]", 10, 10)
        display.say("[bold]no markup[/bold]")
    out = capsys.readouterr()
    assert out.out == "[bold]no markup[/bold]\n"
    assert "train [1]" in out.err
    assert "10/10" in out.err
