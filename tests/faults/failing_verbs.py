"""The long verbs, and what must hold whatever ends them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.failing_calls import hidden
from tests.tiny_project import CHEAP_EVALUATION, train_command

from napari_neuroembed.api import Project
from napari_neuroembed.files import check_folder
from napari_neuroembed.store.run_folder import RunFolder

LABELS = "start_s,stop_s,action\n0.5,1.0,rest\n2.0,3.0,walk\n"


def train(project: Path) -> list[str]:
    is_begun = (project / "runs/new/run.json").exists()
    resume = ["train", str(project), "--run", "new", "--resume"]
    return resume if is_begun else train_command(project, "new", steps=3)


def preprocess(project: Path) -> list[str]:
    done = len(list((project / "jobs").glob("*-preprocess-*")))
    words = ["preprocess", str(project), "--recordings", "fly1_001", "--workers", "1"]
    return [*words, "--set", f"dff.window_frames={9 + done % 80}"]


def add_labels(project: Path) -> list[str]:
    words = ["annotations", "import", str(project), str(project / "labels.csv")]
    return [*words, "--recording", "fly1_001", "--rater", "ana"]


VERBS: dict[str, tuple[Callable[[Path], Sequence[str]], int]] = {
    "train": (train, 19),
    "embed": (lambda project: ["embed", str(project), "r", "--replace"], 7),
    "preprocess": (preprocess, 23),
    "annotations": (add_labels, 2),
    "evaluate": (lambda p: ["evaluate", str(p), "r", *CHEAP_EVALUATION], 15),
    "report": (lambda p: ["report", str(p), "--kinds", "none"], 31),
    "bundle": (lambda p: ["bundle", str(p), "r"], 7),
}
"""Words of every verb, and how many calls lie between two that fail."""


def contents(project: Path) -> dict[str, bytes]:
    """Return what a failing verb has no business to change."""
    kept = [project / "labels.csv"]
    for folder in ("runs/r/checkpoints", "derived/fly2_001"):
        kept += [p for p in (project / folder).rglob("*") if p.is_file()]
    return {str(p): p.read_bytes() for p in kept}


def check_all(project: Path, left_before: list[Path]) -> None:
    """Everything that has a name is whole, and nothing unfinished was left."""
    assert [path for path in hidden(project) if path not in left_before] == []
    for manifest in project.rglob("manifest.json"):
        check_folder(manifest.parent, contents=True)
    for run in (project / "runs").glob("[!.]*/"):
        RunFolder.open(run)
    with Project.open(project).annotations() as store:
        assert store.verify() == []
