"""No acknowledged edit is lost, whoever is killed and whoever else writes."""

import multiprocessing
import random
import time

import pytest
from tests.faults.annotation_writer import acknowledged, write_edits

from napari_neuroembed.data.annotations.store import AnnotationStore

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def processes():
    kind = (
        "forkserver"
        if "forkserver" in multiprocessing.get_all_start_methods()
        else "spawn"
    )
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload(["tests.faults.annotation_writer"])
    return context


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(file) as store:
        store.add_action("sniff", group=None)
        store.add_rater("ana")
        store.add_rater("ben")
    return file


def missing(path, rater, said):
    """Return acknowledged edits that the log does not hold; check everything else."""
    with AnnotationStore.open(path, read_only=True) as store:
        assert store.verify() == []
        events = store.events()
        table = store.bouts()
    mine = events[events["rater"] == rater]
    kept = {
        (command, row["id"], row["revision"])
        for command, after in zip(mine["command"], mine["after"], strict=True)
        for _, row in after
    }
    assert not table["id"].duplicated().any()
    lost = [
        s for s in said if "id" in s and (s["op"], s["id"], s["revision"]) not in kept
    ]
    for op in ("undo", "redo"):
        told = sum(s["op"] == op for s in said)
        if int((mine["command"] == op).sum()) < told:
            lost.append({"op": op, "said": told})
    return lost


def kill_once(processes, path, folder, number, draw):
    log = folder / f"log{number}"
    writer = processes.Process(
        target=write_edits, args=(str(path), str(log), "ana", number, 100_000)
    )
    writer.start()
    deadline = time.monotonic() + 30
    wait_for_edit = number % 2 == 0  # the others may be killed while they open the file
    while time.monotonic() < deadline:
        if log.exists() and not (wait_for_edit and log.stat().st_size == 0):
            break
        time.sleep(0.002)
    time.sleep(draw.uniform(0.0, 0.25))
    writer.kill()
    writer.join()
    said = acknowledged(log)
    assert missing(path, "ana", said) == []
    return len(said)


def test_a_killed_writer_loses_no_acknowledged_edit(processes, path, tmp_path):
    draw = random.Random(1)
    assert sum(kill_once(processes, path, tmp_path, k, draw) for k in range(12)) >= 6


@pytest.mark.slow
def test_two_hundred_killed_writers_lose_no_acknowledged_edit(
    processes, path, tmp_path
):
    draw = random.Random(2)
    for number in range(200):
        kill_once(processes, path, tmp_path, number, draw)


def run_two(processes, path, folder, n_edits):
    logs = {rater: folder / f"{rater}.log" for rater in ("ana", "ben")}
    writers = [
        processes.Process(
            target=write_edits, args=(str(path), str(log), rater, seed, n_edits)
        )
        for seed, (rater, log) in enumerate(logs.items())
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=300)
        assert writer.exitcode == 0
    return {rater: acknowledged(log) for rater, log in logs.items()}


@pytest.mark.parametrize("n_edits", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_two_writers_at_once_lose_nothing(processes, path, tmp_path, n_edits):
    said = run_two(processes, path, tmp_path, n_edits)
    for rater, edits in said.items():
        assert len(edits) > n_edits / 3
        assert missing(path, rater, edits) == []
    with AnnotationStore.open(path, read_only=True) as store:
        events = store.events()
    for rater, edits in said.items():
        assert int((events["rater"] == rater).sum()) == len(edits)
