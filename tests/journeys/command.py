"""The command line as the journeys type it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from napari_neuroembed.cli import main
from napari_neuroembed.store.schema import SCORE_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--budget", "quick")
TINY = (
    "training.batch_size=16",
    "training.image_size=32",
    "training.log_every=1",
    "training.threads=1",
)
"""A network and batch that train in a second."""


@dataclass(frozen=True)
class Told:
    """What a verb returned and printed."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return what ``--json`` printed; fails on anything else."""
        return [json.loads(line) for line in self.out.splitlines()]


def neuroembed(*words: object) -> Told:
    """Run a verb in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Told(code, out.getvalue(), err.getvalue())


def done(*words: object) -> Told:
    """Run a verb that must succeed."""
    told = neuroembed(*words)
    assert told.code == 0, told.err
    return told


def sets(*settings: str) -> list[str]:
    """Return ``--set`` for each setting."""
    return [word for setting in settings for word in ("--set", setting)]


def train(project: Path, run: str, *words: object, steps: int = 4) -> list[object]:
    """Return the words of a tiny training."""
    settings = sets(*TINY, f"training.steps={steps}")
    return ["train", project, "--run", run, *SMALL, *settings, *words]


def start(*words: object) -> subprocess.Popen[bytes]:
    """Start a verb as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "napari_neuroembed", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def until(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Wait for something that another process does."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < timeout_s, "it did not happen"
        time.sleep(0.02)


def scores(project: Path, run: str) -> pd.DataFrame:
    """Read the latest scores.csv as any program would, and check its columns."""
    evaluation = project / "runs" / run / "evaluation"
    name = json.loads((evaluation / "latest.json").read_text())["name"]
    table = pd.read_csv(evaluation / name / "scores.csv", keep_default_na=False)
    assert tuple(table.columns) == SCORE_COLUMNS
    table["value"] = pd.to_numeric(table["value"])
    return table


def said_in(project: Path) -> dict[str, Any]:
    """Return the newest job of a project."""
    newest = max((project / "jobs").iterdir())
    facts: dict[str, Any] = json.loads((newest / "job.json").read_text())
    return facts


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file that a user calls theirs: all but jobs, locks and caches."""
    leave = {"jobs", ".neuroembed", ".work", "backups"}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not leave & set(path.relative_to(folder).parts)
        and path.suffix not in (".sqlite-wal", ".sqlite-shm")
    }
