"""Two commands in one project at the same time, and signals in the midst of one."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.faults.failing_verbs import LABELS
from tests.faults.forks import Forks, has_new, last_words, list_names, unfinished
from tests.tiny_project import train_command

from napari_neuroembed.api import Project
from napari_neuroembed.files import check_folder
from napari_neuroembed.locks import lock_beside
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.checkpoint import latest

STEPS = 20
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks"),
]


@pytest.fixture(scope="module")
def others() -> Iterator[Forks]:
    """A second process to fork from."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def project(
    tiny_project: Path, forks: Forks, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A tiny project with one run that was trained alone, `alone`."""
    folder = tmp_path_factory.mktemp("two") / "flies"
    shutil.copytree(tiny_project, folder)
    assert forks.run(*train_command(folder, "alone", steps=STEPS)) == 0
    return folder


@pytest.fixture
def own(tiny_project: Path, tmp_path: Path) -> Path:
    """A project whose pre-processing a test may change."""
    shutil.copytree(tiny_project, tmp_path / "flies")
    return tmp_path / "flies"


def weights(project: Path, run: str) -> bytes:
    path = project / "runs" / run / f"checkpoints/step_{STEPS:08d}"
    return (path / "model.safetensors").read_bytes()


def test_two_trainings_at_once_are_what_each_is_alone(
    project: Path, forks: Forks, others: Forks
) -> None:
    both = (forks, "one"), (others, "other")
    for starter, run in both:
        starter.begin(*train_command(project, run, steps=STEPS))
    assert [int(starter.answer()) for starter, _ in both] == [0, 0]
    for _, run in both:
        assert weights(project, run) == weights(project, "alone")


def test_of_two_trainings_of_one_name_one_is_made(
    project: Path, forks: Forks, others: Forks
) -> None:
    both = forks, others
    for starter in both:
        starter.begin(*train_command(project, "same", steps=STEPS))
    assert sorted(int(starter.answer()) for starter in both) == [0, 2]
    assert weights(project, "same") == weights(project, "alone")


def test_of_two_preprocessings_of_one_recording_one_is_made(
    own: Path, forks: Forks, others: Forks
) -> None:
    """The second is refused, or comes late enough to keep what the first made."""
    project = own
    Project.open(project).set_preprocessing({"dff.window_frames": 11})
    words = ["preprocess", project, "--recordings", "fly1_001", "--workers", "1"]
    both = forks, others
    for starter in both:
        starter.begin(*words)
    assert sorted(int(starter.answer()) for starter in both) in ([0, 0], [0, 1])
    folder = project / "derived/fly1_001"
    Project.open(project).prepared("fly1_001")
    check_folder(folder, contents=True)
    assert not lock_beside(folder).exists()
    assert unfinished(project / "derived") == []


def test_labels_of_two_imports_at_once_are_all_there(
    own: Path, forks: Forks, others: Forks
) -> None:
    project = own
    (project / "labels.csv").write_text(LABELS)
    words = ["annotations", "import", project, project / "labels.csv"]
    both = {"ana": forks, "ben": others}
    for rater, starter in both.items():
        starter.begin(*words, "--recording", "fly2_001", "--rater", rater)
    assert [int(starter.answer()) for starter in both.values()] == [0, 0]
    with Project.open(project).annotations() as store:
        assert store.verify() == []
        table = store.bouts("fly2_001")
    assert table.groupby("rater").size()[["ana", "ben"]].tolist() == [2, 2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("times", [1, 2])
def test_a_training_that_is_signalled_stops_and_goes_on_as_if_it_had_not(
    project: Path, forks: Forks, number: signal.Signals, times: int
) -> None:
    run = f"{number.name}{times}"
    history = project / "runs" / run / "history.csv"
    words = train_command(project, run, steps=STEPS, checkpoint_s=1000)
    code = forks.run_signalled(
        *words, after=history.exists, delay_s=0.02, number=number, times=times
    )
    assert code == 130, last_words(project)
    folder = RunFolder.open(project / "runs" / run)
    assert folder.info()["status"] == "stopped"
    assert f'"message": "Stopped by {number.name}."' in last_words(project) or (
        times == 2 and number is signal.SIGINT
    )
    if times == 1:
        assert latest(folder.checkpoints).step > 0
    assert forks.run("train", project, "--run", run, "--resume") == 0
    assert weights(project, run) == weights(project, "alone")
    assert unfinished(folder.path) == []


def test_a_preprocessing_that_is_signalled_leaves_what_there_was(
    own: Path, forks: Forks
) -> None:
    project = own
    before = (project / "derived/fly2_002/neural.tif").read_bytes()
    words = ["preprocess", project, "--recordings", "fly2_002", "--workers", "1"]
    for number, window in ((signal.SIGTERM, 13), (signal.SIGINT, 14)):
        begun = partial(has_new, project / "jobs", list_names(project / "jobs"))
        code = forks.run_signalled(
            *words,
            "--set",
            f"dff.window_frames={window}",
            after=lambda begun=begun: (
                begun() and lock_beside(project / "derived/fly2_002").exists()
            ),
            delay_s=0.0,
            number=number,
        )
        assert code == 130, last_words(project)
        assert (project / "derived/fly2_002/neural.tif").read_bytes() == before
    assert forks.run(*words) == 0
    assert unfinished(project / "derived") == []
