"""Files made to do harm run nothing, reach nowhere, end soon, and are refused."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator

import pytest
from tests.data.fixtures.table_files import Evil
from tests.faults.hostile.kinds import PRELOAD, TORCH
from tests.faults.hostile.malice import (
    SECRET,
    Malice,
    elsewhere,
    every_malice,
    lay_secret,
)
from tests.faults.hostile.sandbox import CAP_BYTES, Report, Sandbox

MALICE = every_malice()
KINDS = sorted({malice.kind for malice in MALICE})

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox((*PRELOAD, *TORCH)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_made_to_do_harm_is_refused_and_runs_nothing(sandbox, kind, tmp_path):
    found = []
    for number, malice in enumerate(m for m in MALICE if m.kind == kind):
        folder = tmp_path / str(number)
        (folder / "given").mkdir(parents=True)
        lay_secret(folder)
        path = malice.make(folder / "given", folder / "canary")
        there = elsewhere(folder, path)
        trial, arguments = malice.call(path)
        report = sandbox.run(trial, **arguments)
        wrong = _wrong(malice, report)
        if elsewhere(folder, path) != there:
            wrong.append("files came or went")
        found += [f"{malice.name}: {what}" for what in wrong]
    assert found == []


def _wrong(malice: Malice, report: Report) -> list[str]:
    """Say what is wrong with how a trial ended."""
    wrong = []
    came_to = report.told.get("outcome", f"{report.end} {report.trace[-700:]}")
    if came_to != malice.outcome:
        wrong.append(came_to)
    elif came_to == "refused" and len(report.told["why"]) > 5000:
        wrong.append(f"a message of {len(report.told['why'])}")
    if malice.told and malice.told not in report.told.get("problems", ()):
        wrong.append(f"{malice.told} is not told")
    if report.peak_bytes > 2 * CAP_BYTES:
        wrong.append(f"{report.peak_bytes >> 20} MiB")
    if SECRET in str(report.told):
        wrong.append("the secret is told")
    return wrong


def test_the_canary_sings_when_nobody_guards_it(tmp_path):
    pickle.loads(pickle.dumps(Evil(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()
