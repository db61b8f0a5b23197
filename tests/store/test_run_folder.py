"""A run folder is whole or refused; nothing in it is overwritten."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_neuroembed import files
from napari_neuroembed.errors import DataError, RunFolderError
from napari_neuroembed.leftovers import beside
from napari_neuroembed.store.history import History, read_history
from napari_neuroembed.store.run_folder import RunFolder


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "runs", "first", {"method": "simclr"})


@pytest.fixture
def windows():
    return pd.DataFrame({"window_id": [0, 1, 2], "recording": ["a", "a", "b"]})


def test_a_run_without_a_name_is_called_after_the_time(tmp_path):
    first = RunFolder.create(tmp_path, None, {})
    second = RunFolder.create(tmp_path, None, {})
    assert first.name != second.name
    assert RunFolder.open(first.path).info()["status"] == "created"


def test_two_runs_cannot_share_a_name(run, tmp_path):
    with pytest.raises(RunFolderError, match=r"'first' exists.*--resume"):
        RunFolder.create(tmp_path / "runs", "first", {})


def test_a_run_is_made_whole_or_not_at_all(tmp_path, monkeypatch):
    def fail(path, content):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_text", fail)
    with pytest.raises(KeyboardInterrupt):
        RunFolder.create(tmp_path / "runs", "first", {}, "seed: 0")
    assert list((tmp_path / "runs").iterdir()) == []
    monkeypatch.undo()
    run = RunFolder.create(tmp_path / "runs", "first", {}, "seed: 0")
    assert (run.path / "config.yaml").read_text() == "seed: 0"


def test_what_a_killed_process_left_is_removed_by_the_next_writer(run, windows):
    h = np.zeros((3, 2), dtype=np.float32)
    run.write_embeddings("eval", windows, {"neural": h}, {})
    folder = run.path / "embeddings"
    tag = beside(folder / "x", ".old").name.split(".")[2].partition("-")[0]
    moved = folder / f".eval.{tag}-999999999-5.1-abcd.old"
    half = folder / f".dense.{tag}-999999999-5.1-abcd.partial"
    (folder / "eval").rename(moved)
    half.mkdir()
    assert len(run.read_embedding("neural")[0]) == 3
    assert not moved.exists()
    run.write_embeddings("mine", windows, {"neural": h}, {})
    assert sorted(p.name for p in folder.iterdir()) == ["eval", "mine"]


def test_a_missing_run_is_refused_with_the_known_ones(run):
    with pytest.raises(RunFolderError, match="Known runs: first"):
        RunFolder.open(run.path.parent / "other")


def test_a_foreign_or_newer_run_is_refused(run):
    files.write_json(run.path / "run.json", {"hello": 1})
    with pytest.raises(RunFolderError, match="not a run of neuroembed"):
        RunFolder.open(run.path)
    files.write_json(run.path / "run.json", {"name": "first", "schema_version": 99})
    with pytest.raises(RunFolderError, match="schema_version 99"):
        RunFolder.open(run.path)


def test_embeddings_come_back_row_by_row(run, windows):
    h = np.arange(12, dtype=np.float32).reshape(3, 4)
    run.write_embeddings("eval", windows, {"neural": h}, {"stride_s": 0.5})
    found, array = run.read_embedding("neural")
    pd.testing.assert_frame_equal(found, windows)
    assert (array == h).all()
    assert run.embedding_sets() == ["eval"]
    assert run.embedding_streams() == ["neural"]


def test_a_set_is_made_again_only_when_asked(run, windows):
    h = np.zeros((3, 4), dtype=np.float32)
    run.write_embeddings("eval", windows, {"neural": h}, {})
    with pytest.raises(RunFolderError, match="--replace"):
        run.write_embeddings("eval", windows, {"neural": h}, {})
    run.write_embeddings("eval", windows, {"neural": h + 1}, {}, replace=True)
    assert run.read_embedding("neural")[1].max() == 1


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".hidden"])
def test_names_are_no_paths(name, run, windows, tmp_path):
    with pytest.raises(RunFolderError, match="letters, digits"):
        RunFolder.create(tmp_path, name, {})
    with pytest.raises(RunFolderError, match="letters, digits"):
        run.write_evaluation(name, "", pd.DataFrame(), {}, pd.DataFrame())
    with pytest.raises(RunFolderError, match="letters, digits"):
        run.write_embeddings(name, windows, {}, {})


def test_rows_that_do_not_match_are_refused(run, windows):
    with pytest.raises(RunFolderError, match="3 windows but rows"):
        run.write_embeddings("eval", windows, {"neural": np.zeros((2, 4))}, {})


def test_a_shortened_embedding_is_found(run, windows):
    h = np.zeros((3, 4), dtype=np.float32)
    folder = run.write_embeddings("eval", windows, {"neural": h}, {})
    (folder / "neural.npy").write_bytes((folder / "neural.npy").read_bytes()[:-4])
    with pytest.raises(DataError, match=r"neural\.npy: expected"):
        run.read_embedding("neural")


def test_an_unknown_set_or_stream_is_refused_with_the_known_ones(run, windows):
    with pytest.raises(RunFolderError, match="Known sets: none"):
        run.read_embedding("neural")
    run.write_embeddings("eval", windows, {"neural": np.zeros((3, 1))}, {})
    with pytest.raises(RunFolderError, match="Known: neural"):
        run.read_embedding("pose")


def test_scores_survive_the_file_with_empty_text_and_empty_numbers(run):
    scores = pd.DataFrame(
        {"task": ["identity"], "note": [""], "value": [np.nan], "p": [0.5]}
    )
    run.write_evaluation("one", "profile: quick\n", pd.DataFrame(), {}, scores)
    found = run.scores()
    assert found["note"].tolist() == [""]
    assert np.isnan(found["value"][0])
    with pytest.raises(RunFolderError, match="never overwritten"):
        run.write_evaluation("one", "", pd.DataFrame(), {}, scores)


def test_a_run_that_was_never_evaluated_says_how_to(run):
    with pytest.raises(RunFolderError, match="neuroembed evaluate"):
        run.scores()


def test_history_drops_the_steps_that_are_done_again_and_a_torn_line(tmp_path):
    path = tmp_path / "history.csv"
    history = History(path)
    for step in range(1, 6):
        history.append(step, {"loss": 1 / step})
    history.close()
    with path.open("a") as file:
        file.write("6,0.1")
    assert read_history(path)["step"].tolist() == [1, 2, 3, 4, 5]
    again = History(path, keep_until=3)
    again.append(4, {"loss": 9.0})
    again.close()
    assert read_history(path)["step"].tolist() == [1, 2, 3, 4]
    assert read_history(path)["loss"].tolist()[-1] == 9.0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"step,loss\n1,2,3,4\n", "more values than columns"),
        (b"step,loss\n1,2\n3,4,5\n", "Expected 2 fields in line 3, saw 3"),
        (b"step,loss\n1,\xb0\n", "utf-8"),
        (b"step,loss\n1,many\n", "a value is no number"),
        (b"loss\n1\n", "no column 'step'"),
    ],
)
def test_a_damaged_history_is_refused_and_says_what_helps(tmp_path, content, why):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunFolderError, match=rf"{why}[\s\S]*Delete it"):
        read_history(tmp_path / "history.csv")
