"""A disk that is full, and a folder that is closed: plain words, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.failing_calls import hidden
from tests.faults.failing_verbs import VERBS, check_all, contents
from tests.faults.small_disks import (
    closed_for_writing,
    fill,
    largest_file,
    small_disk,
)
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed.api import Project
from napari_neuroembed.cli import main
from napari_neuroembed.errors import DiskError
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.run import train

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="limits and mounts of POSIX"),
]

ROOM = {
    "train": (60_000, 700_000),
    "embed": (20_000,),
    "preprocess": (50_000,),
    "annotations": (8_192,),
    "evaluate": (8_192,),
}
"""Bytes left on the disk, or in the largest file: too few for every one of them."""
CASES = [(verb, room) for verb, rooms in ROOM.items() for room in rooms]


@contextlib.contextmanager
def no_room(kind: str, disk: Path, left: int) -> Iterator[None]:
    if kind == "largest file":
        with largest_file(left):
            yield
        return
    filler = fill(disk, left)
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture(params=["tmpfs", "largest file"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    if request.param == "largest file":
        yield request.param, tmp_path
        return
    with small_disk(tmp_path / "disk") as folder:
        yield request.param, folder


@pytest.mark.parametrize(("verb", "left"), CASES)
def test_a_full_disk_ends_a_verb_plainly_and_room_lets_it_go_on(
    original: Path,
    disk: tuple[str, Path],
    verb: str,
    left: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind, folder = disk
    project = folder / "flies"
    shutil.copytree(original, project)
    words, before = VERBS[verb][0], contents(project)
    with no_room(kind, folder, left):
        ended = main(list(words(project)))
        told = "".join(capsys.readouterr())
        assert ended == 1, told
    assert "Traceback" not in told
    assert str(project) in told
    assert " bytes are " in told or "the disk is full" in told or kind != "tmpfs"
    assert contents(project) == before
    check_all(project, [])
    assert main(list(words(project))) == 0


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_closed_for_writing_is_told_and_stays_as_it_is(
    original: Path, tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "flies"
    shutil.copytree(original, project)
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    with closed_for_writing(project):
        assert main(list(VERBS[verb][0](project))) == 1
        told = "".join(capsys.readouterr())
        assert "ix the permissions" in told
        assert str(project) in told
        assert main(["check", str(project)]) == 0
        assert main(["jobs", "list", str(project)]) == 0
    after = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    assert after == before


def test_a_training_that_loses_its_permission_midway_goes_on_as_if_it_had_not(
    original: Path, tmp_path: Path
) -> None:
    project_folder = tmp_path / "flies"
    shutil.copytree(original, project_folder)
    project = Project.open(project_folder)
    chosen = {**SMALL_TRAINING, "training.steps": 8, "training.checkpoint_s": 0.001}
    words = [f"{name}={value}" for name, value in chosen.items()]
    config = project.config(method="guenel2022", settings=words)
    whole = train(project, config, run="whole")
    run = project.runs_folder / "closed"
    with contextlib.ExitStack() as stack:

        def close(stage: str, done: int, *_: object) -> None:
            if (stage, done) == ("train", 4):
                stack.enter_context(closed_for_writing(run))

        with pytest.raises(DiskError, match=r"Cannot write .*checkpoints.*permissions"):
            train(project, config, run="closed", report=close)
    assert hidden(run) == []
    assert not (run / "checkpoints/step_00000008").exists()
    train(project, config, run="closed", resume=True)
    weights = "checkpoints/step_00000008/model.safetensors"
    assert (run / weights).read_bytes() == (whole.path / weights).read_bytes()
    assert RunFolder.open(run).info()["status"] == "finished"


def test_a_preprocessing_that_loses_its_permission_midway_keeps_the_old_folder(
    original: Path, tmp_path: Path
) -> None:
    project_folder = tmp_path / "flies"
    shutil.copytree(original, project_folder)
    project = Project.open(project_folder)
    project.set_preprocessing({"dff.window_frames": 9})
    before = contents(project_folder)
    with contextlib.ExitStack() as stack:

        def close(stage: str, done: int, *_: object) -> None:
            if done and not closed:
                closed.append(stage)
                stack.enter_context(closed_for_writing(project_folder / "derived"))

        closed: list[str] = []
        table = project.preprocess(report=close, workers=1)
    assert table["status"].tolist() == ["made", "failed", "failed", "failed"]
    assert table["detail"][1:].str.contains("Fix the permissions").all()
    assert contents(project_folder) == before
    again = project.preprocess(workers=1)
    assert again["status"].tolist() == ["kept", "made", "made", "made"]


def test_a_stack_that_does_not_fit_is_refused_before_it_is_mapped(
    tmp_path: Path,
) -> None:
    """Filling a map on a full disk would end the process by SIGBUS."""
    code = """
    import sys
    from pathlib import Path
    from napari_neuroembed.data.stacks import create_stack
    from napari_neuroembed.errors import DiskError
    from napari_neuroembed.files import write_folder
    disk = Path(sys.argv[1])

    def make(n_frames):
        with write_folder(disk / "derived") as build:
            create_stack(build / "neural.tif", (n_frames, 64, 64))[:] = 1

    make(100)
    try:
        make(2000)
    except DiskError as error:
        assert "No space left on device" in str(error), error
    else:
        raise SystemExit("it fitted")
    assert [path.name for path in disk.iterdir()] == ["derived"]
    make(200)
    """
    with small_disk(tmp_path / "disk") as disk:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), str(disk)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
