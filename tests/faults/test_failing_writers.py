"""Whichever call of the system fails, what was there before is whole, and told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.faults.failing_calls import CODES, failures, hidden, refusal
from torch import nn

from napari_neuroembed.data import project as data_project
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.data.derived import read_derived
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.data.stacks import create_stack, read_stack
from napari_neuroembed.disk import create_exclusively
from napari_neuroembed.errors import DiskError
from napari_neuroembed.files import (
    RowWriter,
    check_folder,
    new_folder,
    read_json,
    reserve,
    write_folder,
    write_json,
    write_text,
)
from napari_neuroembed.jobs import create, read_facts
from napari_neuroembed.options.preprocessing import (
    DffOptions,
    PreprocessingOptions,
    RegistrationOptions,
)
from napari_neuroembed.preprocessing.pipeline import preprocess_recording
from napari_neuroembed.store.history import History, read_history
from napari_neuroembed.training.checkpoint import latest, load_resume, save_checkpoint

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="calls of POSIX"),
]


@dataclass
class Case:
    """Something that is written again and again.

    Parameters
    ----------
    write
        Writes version `n`.
    version
        Reads it back whole and returns its version; raises when it is torn.
    stride
        Fails only every so many calls, as there are many; all in `make test-full`.
    """

    write: Callable[[Path, int], object]
    version: Callable[[Path], int]
    stride: int = 1


def write_a_folder(folder: Path, n: int) -> None:
    with write_folder(folder / "set") as build:
        write_json(build / "a.json", n)
        (build / "inner").mkdir()
        np.save(build / "inner" / "b.npy", np.full(10, n))


def folder_version(folder: Path) -> int:
    check_folder(folder / "set", contents=True)
    array = np.load(folder / "set" / "inner" / "b.npy")
    assert (array == read_json(folder / "set" / "a.json")).all()
    return int(array[0])


def write_a_checkpoint(folder: Path, n: int) -> None:
    module = nn.Linear(2, 2)
    nn.init.constant_(module.weight, n)
    save_checkpoint(folder, n, module, {"method": "x"}, {"step": n}, keep=2)


def checkpoint_version(folder: Path) -> int:
    found = latest(folder)
    assert found.skipped == ""
    assert load_resume(found)["step"] == found.step
    return found.step


def write_a_project(folder: Path, n: int) -> None:
    project = data_project.Project.draft(folder / "flies")
    if not (folder / "flies" / "project.yaml").exists():
        project.save()
    project.set_preprocessing({"dff.window_frames": n + 1})


def project_version(folder: Path) -> int:
    spec = data_project.Project.open(folder / "flies")
    return spec.preprocessing().dff.window_frames - 1


def write_a_history(folder: Path, n: int) -> None:
    history = History(folder / "history.csv", keep_until=n - 1)
    try:
        history.append(n, {"loss": 0.5})
    finally:
        history.close()


def history_version(folder: Path) -> int:
    steps = read_history(folder / "history.csv")["step"].tolist()
    assert steps == sorted(set(steps))
    return int(steps[-1])


STACK = np.random.default_rng(0).integers(200, 900, (400, 4, 4), dtype=np.uint16)


def write_a_recording(folder: Path, n: int) -> None:
    neural = Stream("neural", STACK, TimeAxis(400, rate_hz=16.0))
    options = PreprocessingOptions(
        registration=RegistrationOptions(method="none"), dff=DffOptions(window_frames=n)
    )
    preprocess_recording(Recording("r", "a", {"neural": neural}), options, folder / "r")


def recording_version(folder: Path) -> int:
    check_folder(folder / "r", contents=True)
    found = read_derived(folder / "r", id="r", animal="a").streams["neural"]
    assert np.isfinite(found.data).all()
    options = read_json(folder / "r" / "provenance.json")["options"]
    return int(options["dff"]["window_frames"])


def write_a_stack(folder: Path, n: int) -> None:
    with write_folder(folder / "stack") as build:
        create_stack(build / "neural.tif", (3, 4, 4))[:] = n


def stack_version(folder: Path) -> int:
    check_folder(folder / "stack", contents=True)
    return int(read_stack(folder / "stack" / "neural.tif").max())


CASES = {
    "file": Case(
        lambda folder, n: write_text(folder / "a.txt", str(n)),
        lambda folder: int((folder / "a.txt").read_text()),
    ),
    "folder": Case(write_a_folder, folder_version),
    "checkpoint": Case(write_a_checkpoint, checkpoint_version),
    "project.yaml": Case(write_a_project, project_version),
    "history": Case(write_a_history, history_version),
    "derived": Case(write_a_recording, recording_version, 11),
    "stack": Case(write_a_stack, stack_version),
}


@pytest.mark.parametrize("code", CODES, ids=os.strerror)
@pytest.mark.parametrize("name", CASES)
def test_whichever_call_fails_one_version_is_whole(
    tmp_path: Path, name: str, code: int
) -> None:
    """P8: old data intact, no partial visible, the message names what and why."""
    stride = CASES[name].stride
    fail_all(tmp_path, name, code, 1 + CODES.index(code) % stride, stride)


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES, ids=os.strerror)
def test_whichever_call_of_preprocessing_fails_one_version_is_whole(
    tmp_path: Path, code: int
) -> None:
    fail_all(tmp_path, "derived", code)


def fail_all(
    tmp_path: Path, name: str, code: int, first: int = 1, stride: int = 1
) -> None:
    case, kinds = CASES[name], set()
    case.write(tmp_path, 1)
    calls = failures(tmp_path, code, first=first, step=stride)
    for n, call in enumerate(calls, start=2):
        before = set(tmp_path.iterdir())
        error = refusal(partial(case.write, tmp_path, n))
        if error is None:
            assert case.version(tmp_path) == n
        else:
            assert call.has_failed, error
            assert os.strerror(code) in str(error)
            assert str(tmp_path) in str(error)
            assert case.version(tmp_path) in (n - 1, n)
        kinds.add(call.failed)
        assert hidden(tmp_path) == []
        visible = {p for p in tmp_path.iterdir() if not p.name.startswith(".")}
        assert visible <= before | {tmp_path / f"step_{n:08d}", tmp_path / "last.json"}
        if case.version(tmp_path) != n:
            case.write(tmp_path, n)  # the same command again finishes it
    assert {"open", "write", "fsync"} & kinds
    assert n > 4


@pytest.mark.parametrize("code", CODES, ids=os.strerror)
def test_whichever_call_fails_a_new_thing_is_there_whole_or_not_at_all(
    tmp_path: Path, code: int
) -> None:
    def make_folder(path: Path) -> None:
        with new_folder(path) as build:
            write_text(build / "a.txt", "whole")

    makers: dict[str, Callable[[Path], object]] = {
        "folder": make_folder,
        "reserved": lambda path: reserve(path, 10_000),
        "job": lambda path: create(path, ["train"]),
    }
    for name, make in makers.items():
        for n, call in enumerate(failures(tmp_path, code)):
            path = tmp_path / f"{name}{n}"
            error = refusal(partial(make, path))
            if error is not None:
                assert os.strerror(code) in str(error)
                made = list(path.rglob("*.json")) if name == "job" else path.exists()
                assert not made or call.failed == "fsync"
            assert hidden(tmp_path) == []
        if name == "job":
            (job,) = path.glob("jobs/*")
            assert read_facts(job).verb == "train"


@pytest.mark.parametrize("code", CODES, ids=os.strerror)
def test_a_lock_that_cannot_be_made_is_a_plain_message(
    tmp_path: Path, code: int
) -> None:
    for _ in failures(tmp_path, code):
        lock = tmp_path / ".x.lock"
        error = refusal(partial(create_exclusively, lock, b"mine"))
        assert (error is None) == lock.exists()
        assert error is None or os.strerror(code) in str(error)
        lock.unlink(missing_ok=True)


@pytest.mark.parametrize("code", CODES, ids=os.strerror)
def test_a_row_that_cannot_be_written_leaves_whole_rows(
    tmp_path: Path, code: int
) -> None:
    path = tmp_path / "progress.jsonl"
    for call in failures(tmp_path, code):
        before = path.read_text() if path.exists() else ""
        try:
            with RowWriter(path) as rows:
                rows.append("one")
                rows.append("two")
        except DiskError:
            assert call.has_failed
        text = path.read_text() if path.exists() else ""
        assert text.removeprefix(before) in ("", "one\n", "one\ntwo\n")


def test_annotations_keep_what_they_acknowledged_on_any_small_disk(
    tmp_path: Path,
) -> None:
    """SQLite writes by itself: the size of its files is limited instead."""
    path = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(path) as store:
        store.add_rater("ana")
        store.add_action("walk")
    acknowledged = 0
    for pages in (1, 4, 9):
        with AnnotationStore.open(path) as store:
            n_before = len(store.bouts())
            assert n_before == acknowledged
            database = store._session.database
            n_pages = database.pragma("page_count") + pages
            database.connection().exec_driver_sql(f"PRAGMA max_page_count={n_pages}")
            error = None
            while error is None:
                start = acknowledged * 2.0
                add = partial(store.add, "r", "walk", start, start + 1, rater="ana")
                error = refusal(add)
                acknowledged += error is None
            assert "the disk is full" in str(error)
            assert store.verify() == []
    with AnnotationStore.open(path) as store:
        assert len(store.bouts()) == acknowledged
