"""What damaged and malicious files come to: our readers, tifffile beside them.

Every file is opened in a process of its own with 2 GiB of address space and 10 s of
processor time. The oracle knows the good file, and for TIFFs decodes page by page what
the tags of the damaged one say.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Result, Row, Settings

VERDICTS = {
    "refused": "refused with a message",
    "whole": "opened whole",
    "other values": "opened, values as its tags or bytes say",
    "silently wrong": "silently short or other",
    "hang": "hung",
    "crash": "crashed",
    "did it": "did what it wanted",
}
WRONG = ("silently wrong", "hang", "crash", "did it")
SEED = 20261126


@dataclasses.dataclass
class Tally:
    """How the trials of one kind of file ended."""

    name: str
    is_peer: bool = False
    verdicts: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    peak_bytes: int = 0

    def add(self, verdict: str, peak_bytes: int) -> None:
        """Count one."""
        self.verdicts[verdict] += 1
        self.peak_bytes = max(self.peak_bytes, peak_bytes)

    def row(self, limit_bytes: int) -> Row:
        """Return it as a row; more memory than the limit is wrong as well."""
        n = self.verdicts.total()
        wrong = sum(self.verdicts[verdict] for verdict in WRONG)
        counts = {VERDICTS[name]: self.verdicts[name] for name in VERDICTS}
        counts = {told: number for told, number in counts.items() if number}
        counts["MiB of memory at most"] = round(self.peak_bytes / 2**20)
        too_much = self.peak_bytes > limit_bytes
        return Row(
            self.name,
            self.is_peer,
            value=float(wrong),
            unit=f"of {n} went wrong",
            error=float(wrong + too_much),
            error_unit="wrong",
            error_limit=None if self.is_peer else 0.0,
            repeats=n,
            counts=counts,
        )


def run(settings: Settings) -> Result:
    """Open all of them."""
    n_tiffs, n_others = (200, 12) if settings.quick else (2000, 200)
    return compare(n_tiffs, n_others)


def compare(n_tiffs: int, n_others: int) -> Result:
    """Open damaged files.

    Parameters
    ----------
    n_tiffs
        Damaged TIFFs of all shapes together.
    n_others
        Damaged files of every other kind.
    """
    if not hasattr(os, "fork"):
        reason = "this system does not fork"
        return Result(
            [Row("hostile", False, None, "", status="skipped", reason=reason)]
        )
    from tests.faults.hostile.sandbox import CAP_BYTES, LIMIT_S

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tallies = [*tiffs(folder, n_tiffs), *others(folder, n_others), malice(folder)]
    limits = {"seconds of processor each": LIMIT_S, "cap, MiB": CAP_BYTES >> 20}
    return Result([t.row(2 * CAP_BYTES) for t in tallies], parameters=limits)


def tiffs(folder: Path, n: int) -> Iterator[Tally]:
    """Damage stacks as eleven programs write them."""
    from tests.data.fixtures.stack_files import SHAPES, movie
    from tests.faults.hostile.sandbox import Sandbox
    from tests.faults.hostile.tiff_mutants import chosen
    from tests.faults.hostile.trials import __name__ as trials
    from tests.faults.hostile.verdicts import verdict

    ours, peer = Tally("TIFF"), Tally("TIFF, tifffile.imread", is_peer=True)
    reader = "napari_neuroembed.data.readers.tiff"
    with Sandbox((trials, reader, "tifffile"), quiet=True) as sandbox:
        for shape, write in SHAPES.items():
            good, bad = folder / "good.tif", folder / "bad.tif"
            write(good, movie())
            rate_hz = None if shape == "imagej above 4 GiB" else 10.0
            given = {"reader": "tiff", "rate_hz": rate_hz}
            known = sandbox.run(f"{trials}:read", paths=[str(good)], **given).told
            alone = sandbox.run(f"{trials}:imread", paths=[str(good)]).told
            content = good.read_bytes()
            for mutant in chosen(good, -(-n // len(SHAPES)), seed=SEED):
                bad.write_bytes(mutant.patch(content))
                paths = [str(bad)]
                report = sandbox.run(f"{trials}:read", paths=paths, **given)
                found = verdict(report, known)
                if found == "other values":
                    pages = sandbox.run(f"{trials}:pages", paths=paths).told
                    if pages.get("frames") != report.told["frames"]:
                        found = "silently wrong"
                ours.add(found, report.peak_bytes)
                report = sandbox.run(f"{trials}:imread", paths=paths)
                peer.add(verdict(report, alone), report.peak_bytes)
    return iter((ours, peer))


def others(folder: Path, n: int) -> Iterator[Tally]:
    """Damage one file of every other kind that a reader knows."""
    from tests.faults.hostile.byte_mutants import byte_mutants
    from tests.faults.hostile.kinds import KINDS
    from tests.faults.hostile.verdicts import verdict

    with _Sandboxes() as sandboxes:
        for number, (name, kind) in enumerate(KINDS.items()):
            place = folder / str(number)
            place.mkdir()
            path = kind.make(place)
            content = path.read_bytes()
            trial, arguments = kind.call(path)
            sandbox = sandboxes.of(kind.trial)
            known = sandbox.run(trial, **arguments).told
            tally = Tally(name)
            for mutant in byte_mutants(content, n, SEED):
                path.write_bytes(mutant.patch(content))
                report = sandbox.run(trial, **arguments)
                found = verdict(report, known)
                if found == "silently wrong" and not kind.counted:
                    found = "other values"  # text does not say how long it is
                tally.add(found, report.peak_bytes)
            yield tally


def malice(folder: Path) -> Tally:
    """Open files that want to run code, read a secret or fill memory."""
    from tests.faults.hostile.malice import (
        SECRET,
        elsewhere,
        every_malice,
        lay_secret,
    )

    tally = Tally("malicious")
    with _Sandboxes() as sandboxes:
        for number, malicious in enumerate(every_malice()):
            place = folder / f"malice{number}"
            (place / "given").mkdir(parents=True)
            lay_secret(place)
            path = malicious.make(place / "given", place / "canary")
            there = elsewhere(place, path)
            trial, arguments = malicious.call(path)
            report = sandboxes.of(malicious.trial).run(trial, **arguments)
            found = "refused" if report.end == "done" else report.end
            if report.told.get("outcome") == "opened":
                found = "whole"  # without the malicious part
            if elsewhere(place, path) != there or SECRET in str(report.told):
                found = "did it"
            tally.add(found, report.peak_bytes)
            shutil.rmtree(place)
    return tally


class _Sandboxes:
    """Servers for trials with and without torch, which takes seconds to import."""

    def __init__(self) -> None:
        from tests.faults.hostile.kinds import PRELOAD, TORCH
        from tests.faults.hostile.sandbox import Sandbox

        self._plain = Sandbox(PRELOAD, quiet=True)
        self._torch = Sandbox((*TORCH, PRELOAD[0]), quiet=True)

    def of(self, trial: str) -> Any:
        """Return the server for a trial."""
        return self._torch if trial == "weights" else self._plain

    def __enter__(self) -> _Sandboxes:
        return self

    def __exit__(self, *error: Any) -> None:
        self._plain.__exit__(*error)
        self._torch.__exit__(*error)
