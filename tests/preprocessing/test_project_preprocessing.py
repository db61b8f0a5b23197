"""Pre-processing whole projects: side by side, stopped, locked and made again."""

import os
import shutil

import numpy as np
import psutil
import pytest
import tifffile

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.spec import Acceptance, RecordingSpec, StreamSpec
from napari_neuroembed.errors import Cancelled, DataError
from napari_neuroembed.files import check_folder, sha256_of
from napari_neuroembed.leftovers import PARTIAL, beside
from napari_neuroembed.locks import working_alone
from napari_neuroembed.preprocessing.order import Order, firsts_of, select
from napari_neuroembed.preprocessing.project import preprocess_project
from napari_neuroembed.preprocessing.workers import (
    MODULE,
    WORKERS_VARIABLE,
    count_workers,
)

IDS = ("a1", "b1", "a2", "b2", "a3")
BETTER = Acceptance(check="source.changed", why="a better export", by="me")


def write_movie(path, seed, frames=40):
    rng = np.random.default_rng(seed)
    image = rng.integers(300, 3000, size=(24, 24))
    counts = rng.poisson(image, size=(frames, 24, 24)).astype(np.uint16)
    write_stack(path, np.roll(counts, seed % 3, axis=1))


def write_stack(path, counts):
    tifffile.imwrite(path, counts, metadata={"axes": "TYX"})


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "project")
    made.set_preprocessing({"resize.height": 8, "resize.width": 8})
    for seed, name in enumerate(IDS):
        write_movie(made.path / f"{name}.tif", seed)
        stream = StreamSpec(source=f"PROJECT:{name}.tif", reader="tiff", rate_hz=16.0)
        made.add(RecordingSpec(id=name, animal=name[0], streams={"neural": stream}))
    return Project.open(made.path)


def hashes(project):
    return {
        f"{folder.name}/{file.name}": sha256_of(file)
        for folder in sorted(project.derived_root.iterdir())
        for file in sorted(folder.iterdir())
        if file.suffix in (".tif", ".npy", ".parquet")
    }


def leftovers(project):
    folder = project.derived_root
    names = [path.name for path in folder.rglob("*")] if folder.exists() else []
    return [name for name in names if name.endswith((".partial", ".lock", ".old"))]


def status_of(table):
    return dict(zip(table["recording"], table["status"], strict=True))


def test_results_do_not_depend_on_the_number_of_workers(project):
    assert set(preprocess_project(project, workers=1)["status"]) == {"made"}
    alone = hashes(project)
    shutil.rmtree(project.derived_root)
    rows = []
    table = preprocess_project(project, workers=3, report=lambda *row: rows.append(row))
    assert list(table["recording"]) == list(IDS)
    assert set(table["status"]) == {"made"}
    assert hashes(project) == alone
    assert leftovers(project) == []
    assert [rows[0][:3], rows[-1][:3]] == [("preprocess", 0, 5), ("preprocess", 5, 5)]
    assert any(row[3].startswith("a1: ") for row in rows)


def test_one_bad_recording_fails_alone_whoever_does_it(project):
    still = np.full((40, 24, 24), 500, dtype=np.uint16)
    write_stack(project.path / "b2.tif", still)
    project.remove("b2")
    stream = StreamSpec(source="PROJECT:b2.tif", reader="tiff", rate_hz=16.0)
    project.add(RecordingSpec(id="b2", animal="b", streams={"neural": stream}))
    table = preprocess_project(project, workers=2)
    failed = table[table["status"] == "failed"]
    assert list(failed["recording"]) == ["b2"]
    assert "neural.constant" in failed["detail"].iloc[0]


class Stopper:
    """A report that asks to stop at a call."""

    def __init__(self, after):
        self.left = after

    def __call__(self, *_):
        self.left -= 1
        if self.left < 0:
            raise Cancelled("Stopped on request.")


@pytest.mark.parametrize("after", [1, 5])
def test_cancelling_workers_leaves_nothing_partial(project, after):
    with pytest.raises(Cancelled):
        preprocess_project(project, workers=2, report=Stopper(after))
    assert leftovers(project) == []
    for folder in project.derived_root.glob("[ab]?"):
        check_folder(folder, contents=True)
    assert set(preprocess_project(project)["status"]) <= {"made", "kept"}


def running_workers():
    children = psutil.Process().children()
    running = [c for c in children if c.status() != psutil.STATUS_ZOMBIE]
    return [c for c in running if MODULE in c.cmdline()]


@pytest.mark.faults
def test_a_worker_that_is_killed_is_a_failed_row(project):
    killed = []

    def kill_first(stage, done, total, message=""):
        if not killed and message.startswith("a1: "):
            for worker in running_workers()[:1]:
                worker.kill()
                killed.append(worker.pid)

    table = preprocess_project(project, workers=2, report=kill_first)
    rows = table[table["status"] == "failed"]
    assert len(rows) <= 1
    if len(rows):
        assert "ended before it was done" in rows["detail"].iloc[0]
    assert set(preprocess_project(project)["status"]) <= {"made", "kept"}


def test_a_recording_that_another_process_works_on_is_a_failed_row(project):
    with working_alone(
        project.derived_folder("a2"), "Recording 'a2' is being processed"
    ):
        table = preprocess_project(project, workers=1)
    assert status_of(table)["a2"] == "failed"
    text = table.set_index("recording")["detail"]["a2"]
    assert f"is being processed by process {os.getpid()} on" in text


def test_a_new_first_recording_lets_those_that_follow_it_be_made_again(project):
    preprocess_project(project)
    write_movie(project.path / "a1.tif", seed=77)
    project.accept([BETTER])
    assert status_of(preprocess_project(project)) == {
        "a1": "made",
        "b1": "kept",
        "a2": "made",
        "b2": "kept",
        "a3": "made",
    }
    assert set(preprocess_project(project)["status"]) == {"kept"}


def test_a_follower_is_out_of_date_while_only_the_first_was_made_again(project):
    preprocess_project(project)
    write_movie(project.path / "a1.tif", seed=77)
    project.accept([BETTER])
    preprocess_project(project, recordings=["a1"])
    with pytest.raises(DataError, match="the template of the animal's first recording"):
        project.prepared("a2")
    project.prepared("b2")


def test_the_same_template_again_keeps_the_followers(project):
    preprocess_project(project)
    shutil.rmtree(project.derived_folder("a1"))
    table = preprocess_project(project, recordings=["a1", "a2"])
    assert status_of(table) == {"a1": "made", "a2": "kept"}


def test_templates_do_not_matter_where_recordings_stand_alone(project):
    project.set_preprocessing({"registration.reference": "recording"})
    assert "registration:template" not in project.provenance("a2")["sources"]


def test_raters_who_disagree_do_not_keep_images_from_being_prepared(project):
    edges = np.array([0.0, 1.0, 2.0])
    with project.annotations() as store:
        for rater, labels in (("ana", ["walk", "rest"]), ("ben", ["walk", "walk"])):
            store.import_bouts(
                "a1", Bouts.from_frames(np.array(labels), edges), rater=rater
            )
    table = preprocess_project(project, recordings=["a1"])
    assert list(table["status"]) == ["made"]


def test_first_recordings_go_first_and_let_the_others_go():
    firsts = firsts_of({"a1": "a", "a2": "a", "b1": "b", "a3": "a"})
    order = Order(["a3", "b1", "a2", "a1"], firsts)
    assert [order.take(), order.take(), order.take()] == ["a1", "b1", None]
    order.finish("b1")
    assert order.take() is None
    order.finish("a1")
    assert [order.take(), order.take(), order.take()] == ["a3", "a2", None]
    assert order.place == (2, 4)


def test_followers_are_looked_at_again_when_their_first_is_made():
    firsts = {"a1": "a1", "a2": "a1", "b1": "b1"}
    assert select(["a1", "a2", "b1"], firsts, lambda name: name != "a1") == ["a1", "a2"]


def test_workers_are_no_more_than_recordings_memory_and_wishes(monkeypatch):
    monkeypatch.setenv(WORKERS_VARIABLE, "5")
    assert count_workers(None, 100, 1) == 5
    assert count_workers(2, 100, 1) == 2
    assert count_workers(8, 3, 1) == 3
    assert count_workers(8, 100, 1_000_000_000) == 1


def test_what_a_killed_process_left_beside_a_kept_recording_goes(project):
    preprocess_project(project)
    mine = beside(project.derived_folder("a1"), PARTIAL)
    left = mine.with_name(mine.name.replace(f"-{os.getpid()}-", "-1-"))
    left.mkdir()
    assert set(preprocess_project(project)["status"]) == {"kept"}
    assert not left.exists()
