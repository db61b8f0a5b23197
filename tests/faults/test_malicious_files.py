"""Files that want to run code, read a secret or fill memory do nothing of it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from tests.faults.hostile.kinds import PRELOAD, TORCH
from tests.faults.hostile.malicious import MALICIOUS, SECRET, TOLD
from tests.faults.hostile.sandbox import CAP_BYTES, Sandbox

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


@pytest.mark.parametrize("name", MALICIOUS)
def test_a_malicious_file_does_nothing(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    malice, canary = MALICIOUS[name], tmp_path / "canary"
    (tmp_path / "secret.txt").write_text(SECRET)
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["key"] = SECRET
    (tmp_path / "given").mkdir()
    path = malice.make(tmp_path / "given", canary)
    there = sorted(tmp_path.rglob("*"))
    trial, arguments = malice.call(path)
    kind = "sandbox_with_torch" if malice.trial == "weights" else "sandbox"
    report = request.getfixturevalue(kind).run(trial, **arguments)
    assert report.end == "done", report.trace
    assert report.peak_bytes <= 2 * CAP_BYTES
    assert not canary.exists()
    assert sorted(tmp_path.rglob("*")) == there
    assert SECRET not in str(report.told)
    if name in TOLD:
        assert TOLD[name] in report.told["problems"]
    else:
        assert report.told["outcome"] == "refused"
        assert len(report.told["why"]) < 2000


@pytest.mark.parametrize("name", [n for n in MALICIOUS if n.startswith("pickle, ")])
def test_the_canary_comes_when_nobody_guards(name: str, tmp_path: Path) -> None:
    path = MALICIOUS[name].make(tmp_path, tmp_path / "canary")
    pickle.loads(path.read_bytes())
    assert (tmp_path / "canary").exists()
