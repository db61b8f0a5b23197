"""Damaged files of every other kind are refused or opened, never a crash or a hang.

What a file says of itself must agree with what is opened; text says nothing of how
long it is, and a changed number in it or in an array is a number like any other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.faults.hostile.byte_mutants import byte_mutants
from tests.faults.hostile.kinds import KINDS, PRELOAD, TORCH
from tests.faults.hostile.sandbox import CAP_BYTES, Sandbox
from tests.faults.hostile.verdicts import verdict

WITH_TORCH = {"safetensors"}
FEW, MANY = 12, 400

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(PRELOAD) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sandbox_with_torch() -> Iterator[Sandbox]:
    with Sandbox((*TORCH, PRELOAD[0])) as sandbox:
        yield sandbox


def failures(sandbox: Sandbox, name: str, folder, mutants) -> list[str]:
    """Return what is wrong with how mutants of a kind of file are met."""
    kind = KINDS[name]
    path = kind.make(folder)
    content = path.read_bytes()
    trial, arguments = kind.call(path)
    good = sandbox.run(trial, **arguments)
    assert (good.end, good.told["outcome"]) == ("done", "opened"), good
    allowed = {"refused", "whole", "other values"}
    if not kind.counted:
        allowed.add("silently wrong")
    found = []
    for mutant in mutants(content):
        path.write_bytes(mutant.patch(content))
        report = sandbox.run(trial, **arguments)
        judged = verdict(report, good.told)
        if judged not in allowed:
            found.append(f"{mutant.name}: {judged}: {report.told} {report.trace}")
        if report.peak_bytes > 2 * CAP_BYTES:
            found.append(f"{mutant.name}: {report.peak_bytes:,} bytes of memory")
    return found


@pytest.mark.parametrize(
    "n", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("name", sorted(set(KINDS) - WITH_TORCH))
def test_a_damaged_file_is_refused_or_opened_for_what_it_says(
    sandbox, name, n, tmp_path
):
    assert failures(sandbox, name, tmp_path, lambda c: byte_mutants(c, n, n)) == []


@pytest.mark.parametrize(
    "n", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_damaged_weights_are_refused_or_finite(sandbox_with_torch, n, tmp_path):
    found = failures(
        sandbox_with_torch, "safetensors", tmp_path, lambda c: byte_mutants(c, n, n)
    )
    assert found == []


CORPUS = [
    ("mp4", "b'\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff' at byte 2673"),
    ("mkv", "byte 488 ^ ff"),
    ("deeplabcut csv", "b'999999999999' at byte 128"),
    ("annotations.sqlite", "b'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00' at byte 32294"),
    ("annotations.sqlite", "b'1e400' at byte 31016"),
    ("annotations.sqlite", "byte 31788 ^ 10"),
]
"""Crashed once, with a seed of 7; places may move with the writers of other libraries,
so the same classes are tested by content where the readers are tested."""


@pytest.mark.parametrize(("name", "what"), CORPUS)
def test_what_crashed_once_does_not_now(sandbox, name, what, tmp_path):
    def known(content):
        return [m for m in byte_mutants(content, 400, 7) if m.name == what]

    assert failures(sandbox, name, tmp_path, known) == []
