"""Damaged TIFFs are refused or opened whole: 200 in every run, 2,000 on demand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.data.fixtures.stack_files import SHAPES, movie
from tests.faults.hostile import corpus
from tests.faults.hostile.sandbox import CAP_BYTES, Sandbox
from tests.faults.hostile.tiff_mutants import KINDS, Mutant, chosen, mutants
from tests.faults.hostile.verdicts import verdict

TRIALS = "tests.faults.hostile.trials"
PRELOAD = (TRIALS, "napari_neuroembed.data.readers.tiff", "tifffile")
HAS_RATE = {"imagej above 4 GiB"}
FEW, MANY = -(-200 // len(SHAPES)), -(-2000 // len(SHAPES))

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(PRELOAD) as sandbox:
        yield sandbox


class Case:
    """A good file of one shape, and what its mutants come to."""

    def __init__(self, sandbox: Sandbox, shape: str, folder: Path) -> None:
        self.sandbox, self.shape = sandbox, shape
        self.path, self.bad = folder / "good.tif", folder / "bad.tif"
        SHAPES[shape](self.path, movie())
        self.content = self.path.read_bytes()
        self.good = self._run("read", self.path).told
        assert self.good["outcome"] == "opened"

    def fails(self, mutant: Mutant) -> str:
        """Return what is wrong with how a mutant was met; empty when nothing is."""
        self.bad.write_bytes(mutant.patch(self.content))
        report = self._run("read", self.bad)
        found = verdict(report, self.good)
        if report.peak_bytes > 2 * CAP_BYTES:
            found = f"{report.peak_bytes:,} bytes of memory"
        if found == "other values":
            return "" if self._says_so(report.told) else self._told(mutant, found)
        if found in ("refused", "whole"):
            return ""
        return self._told(mutant, found) + report.trace[-500:]

    def _says_so(self, told: dict[str, Any]) -> bool:
        """Whether another program decodes the same values from the same tags."""
        return self._run("pages", self.bad).told.get("frames") == told["frames"]

    def _run(self, trial: str, path: Path) -> Any:
        options: dict[str, Any] = {"paths": [str(path)]}
        if trial == "read":
            rate_hz = None if self.shape in HAS_RATE else 10.0
            options |= {"reader": "tiff", "rate_hz": rate_hz}
        return self.sandbox.run(f"{TRIALS}:{trial}", **options)

    def _told(self, mutant: Mutant, found: str) -> str:
        return f"{self.shape}: {mutant.name}: {found}; "


@pytest.mark.parametrize(
    "n", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_damaged_stack_is_refused_or_whole(sandbox, shape, n, tmp_path):
    case = Case(sandbox, shape, tmp_path)
    found = chosen(case.path, n, seed=n)
    assert len(found) == n
    assert len({mutant.kind for mutant in found}) >= len(KINDS) - 1
    assert "".join(case.fails(mutant) for mutant in found) == ""


@pytest.mark.parametrize("shape", SHAPES)
def test_what_went_wrong_once_is_refused_or_whole_now(sandbox, shape, tmp_path):
    known = (*corpus.CRASHED, *corpus.SHORT, *corpus.OTHER, *corpus.UNKNOWABLE)
    names = [name for own, name in known if own == shape]
    case = Case(sandbox, shape, tmp_path)
    every = {mutant.name: mutant for mutant in mutants(case.path)}
    assert set(names) <= set(every)
    assert "".join(case.fails(every[name]) for name in names) == ""


def test_the_same_seed_makes_the_same_mutants(tmp_path):
    SHAPES["tiles"](tmp_path / "a.tif", movie())
    one, two, other = (
        [mutant.name for mutant in chosen(tmp_path / "a.tif", 50, seed)]
        for seed in (1, 1, 2)
    )
    assert one == two != other
    assert len(mutants(tmp_path / "a.tif")) > 2000


def test_the_oracle_sees_what_a_careless_reader_does(sandbox, tmp_path):
    """tifffile.imread opens some of the same files shorter: the mutants do bite."""
    case = Case(sandbox, "one directory", tmp_path)
    found = set()
    for mutant in mutants(case.path):
        if mutant.kind == "text":
            case.bad.write_bytes(mutant.patch(case.content))
            found.add(verdict(case._run("imread", case.bad), case.good))
    assert "silently wrong" in found


def test_a_small_file_that_becomes_a_large_one_is_refused_or_read_in_pieces(
    sandbox, tmp_path
):
    page = np.zeros((4096, 4096), dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "bomb.tif") as tiff:
        for _ in range(6):
            tiff.write(page, photometric="minisblack", compression="zlib")
    where = {"paths": [str(tmp_path / "bomb.tif")], "reader": "tiff", "rate_hz": 10.0}
    refused = sandbox.run(f"{TRIALS}:read", **where)
    assert refused.told["outcome"] == "refused"
    assert "[size.cap]" in refused.told["why"]
    assert refused.peak_bytes < CAP_BYTES
    opened = sandbox.run(f"{TRIALS}:read", accept=["size.cap"], **where)
    assert len(opened.told["frames"]) == 6
    assert opened.peak_bytes <= 2 * CAP_BYTES < 6 * page.nbytes


def test_hangs_crashes_and_memory_are_seen(sandbox):
    crash = sandbox.run(f"{TRIALS}:no_such_trial")
    assert (crash.end, "no_such_trial" in crash.trace) == ("crash", True)
    assert sandbox.run(f"{TRIALS}:fill", n_bytes=3 << 30).end == "crash"
    filled = sandbox.run(f"{TRIALS}:fill", n_bytes=100 << 20)
    assert 100 << 20 <= filled.peak_bytes < 120 << 20
    with Sandbox((TRIALS,), limit_s=1) as impatient:
        assert impatient.run(f"{TRIALS}:spin").end == "hang"
        assert impatient.run(f"{TRIALS}:nothing").end == "done"
