"""Whichever call of the system fails within a verb: a plain message, nothing lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.faults.failing_calls import CODES, NthCall, hidden
from tests.tiny_project import CHEAP_EVALUATION, train_command

from napari_neuroembed.api import Project
from napari_neuroembed.cli import main
from napari_neuroembed.files import check_folder
from napari_neuroembed.store.run_folder import RunFolder

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="calls of POSIX"),
]

LABELS = "start_s,stop_s,action\n0.5,1.0,rest\n2.0,3.0,walk\n"


@pytest.fixture(scope="module")
def original(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one finished run, `r`, and a file of labels."""
    folder = tmp_path_factory.mktemp("verbs") / "flies"
    shutil.copytree(tiny_project, folder)
    assert main(train_command(folder, "r", steps=3)) == 0
    (folder / "labels.csv").write_text(LABELS)
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "flies")
    return tmp_path / "flies"


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
