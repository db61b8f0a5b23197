"""Whichever call of the system fails within a verb: a plain message, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.faults.failing_calls import CODES, NthCall, hidden
from tests.faults.failing_verbs import VERBS, check_all, contents

from napari_neuroembed.cli import main

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="calls of POSIX"),
]


def fail_verb(
    project: Path, verb: str, stride: int, capsys: pytest.CaptureFixture[str]
) -> int:
    """Fail some calls of a verb, one at a time, each with the next error."""
    words, failed = VERBS[verb][0], 0
    before, left_before = contents(project), hidden(project)
    for k in range(1_000):
        code = CODES[k % len(CODES)]
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            call = NthCall(patch, 1 + k * stride, code, project)
            ended = main(list(words(project)))
        told = "".join(capsys.readouterr())
        assert ended in (0, 1), told
        assert "Traceback" not in told
        assert ended == 0 or os.strerror(code) in told
        assert contents(project) == before
        check_all(project, left_before)
        failed += ended
        if not call.has_failed:
            return failed
    raise AssertionError("it never ran through")


@pytest.mark.parametrize("verb", VERBS)
def test_a_failing_call_ends_a_verb_plainly_and_loses_nothing(
    project: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = fail_verb(project, verb, VERBS[verb][1], capsys)
    assert (failed > 0) == (verb != "annotations")  # theirs is only the backup


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_whichever_call_fails_a_verb_ends_plainly_and_loses_nothing(
    project: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (fail_verb(project, verb, 1, capsys) > 5) == (verb != "annotations")
