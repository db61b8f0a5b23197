"""An embedding made elsewhere is a run: its rows, its notes, its limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.config import quick
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.errors import DataError, RunFolderError
from napari_neuroembed.evaluation.imported import (
    APART,
    EmbeddingRequest,
    plan_embedding,
    write_embedding_run,
)
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.model import load_model

RATE = 4.0


def recording(name: str, n: int, *, valid: np.ndarray | None = None) -> Recording:
    rng = np.random.default_rng(0)
    axis = TimeAxis(n, start_s=1.0, rate_hz=RATE)
    masked = np.ones(n, dtype=bool) if valid is None else valid
    traces = rng.normal(size=(n, 5)).astype(np.float32)
    pose = np.zeros((n * 2, 2, 2))
    half = Bouts([1.0], [1.0 + n / RATE / 2], ("walk",), [True])
    return Recording(
        name,
        name.partition("_")[0],
        {
            "trace": Stream("trace", traces, axis, masked),
            "pose": Stream("pose", pose, TimeAxis(n * 2, 1.0, 2 * RATE)),
        },
        bouts=half,
    )


def save(folder: Path, n: int, dim: int = 3, name: str = "h.npy") -> Path:
    rows = np.arange(n, dtype=np.float32)[:, None] + np.zeros(dim, dtype=np.float32)
    np.save(folder / name, rows)
    return folder / name


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(20, 60),
    lacking=st.integers(0, 10),
    offset=st.integers(0, 10),
    seen=st.integers(1, 12),
)
def test_every_row_is_the_window_that_ends_with_its_frame(
    n, lacking, offset, seen, tmp_path_factory
):
    path = save(tmp_path_factory.mktemp("h"), n - lacking)
    one = recording("worm0_001", n)
    request = EmbeddingRequest(paths={one.id: path}, row_offset=offset, row_frames=seen)
    if offset > lacking:
        with pytest.raises(DataError, match=r"\[embedding\.rows\]"):
            plan_embedding({one.id: one}, request)
        return
    plan = plan_embedding({one.id: one}, request)
    for window, h in zip(plan.windows.itertuples(), plan.embedding, strict=True):
        frame = int(h[0]) + offset
        assert window.center_s == one.streams["trace"].time.center(frame)
        assert window.neural_first == frame - seen + 1 >= 0
        assert (window.neural_count, window.neural_step) == (seen, 1)
        is_walk = window.center_s < 1.0 + n / RATE / 2
        assert window.action == ("walk" if is_walk else "")
    lost = sum(plan.dropped[one.id].values())
    assert lost == max(0, seen - 1 - offset)
    assert len(plan.windows) == n - lacking - lost


def test_rows_that_cannot_be_matched_are_told_for_all_files_together(tmp_path):
    many = {r.id: r for r in (recording("worm0_001", 20), recording("worm1_001", 30))}
    paths = {
        "worm0_001": save(tmp_path, 15, name="a.npy"),
        "worm1_001": save(tmp_path, 31, dim=2, name="b.npy"),
    }
    match = (
        r"(?s)3 problems.*a\.npy has 15 rows and worm0_001 has 20 trace frames, 5 mo.*"
        r"--row-offset N, 0 to 5.*b\.npy has 31 rows.*different dimensions "
        r"\(worm0_001 3, worm1_001 2\)"
    )
    firm = {"embedding.rows", "embedding.dimension"}
    for accept in (frozenset(), firm):
        with pytest.raises(DataError, match=match):
            plan_embedding(many, EmbeddingRequest(paths=paths), accept)


def test_a_transposed_file_is_named_as_such(tmp_path):
    np.save(tmp_path / "h.npy", np.zeros((3, 20)))
    one = recording("worm0_001", 20)
    request = EmbeddingRequest(paths={one.id: tmp_path / "h.npy"}, row_offset=18)
    with pytest.raises(DataError, match="20 columns may be the frames: transpose it"):
        plan_embedding({one.id: one}, request)


def test_rows_of_masked_frames_and_without_a_number_are_left_out(tmp_path):
    valid = np.ones(20, dtype=bool)
    valid[7] = False
    one = recording("worm0_001", 20, valid=valid)
    rows = np.zeros((20, 3))
    rows[3, 1] = np.nan
    np.save(tmp_path / "h.npy", rows)
    request = EmbeddingRequest(paths={one.id: tmp_path / "h.npy"}, row_frames=2)
    with pytest.raises(DataError, match=r"1 of 20 rows are not finite, first row 3"):
        plan_embedding({one.id: one}, request)
    plan = plan_embedding({one.id: one}, request, accept={"embedding.not_finite"})
    assert plan.dropped[one.id] == {
        "neural edge": 1,
        "neural invalid": 2,
        "not finite": 1,
    }


def test_rows_can_be_frames_of_another_stream(tmp_path):
    one = recording("worm0_001", 20)
    request = EmbeddingRequest(
        paths={one.id: save(tmp_path, 40)}, like="pose", row_frames=2
    )
    plan = plan_embedding({one.id: one}, request)
    windows = plan.windows
    assert plan.period_s == 1 / (2 * RATE)
    assert windows["neural_first"].tolist() == [k // 2 for k in range(40)]
    assert set(windows["neural_count"]) == {1}
    with pytest.raises(DataError, match=r"no stream 'video'.*--embedding-like"):
        plan_embedding(
            {one.id: one}, EmbeddingRequest(paths=request.paths, like="video")
        )


@pytest.mark.parametrize("numbers", [{"row_offset": -1}, {"row_frames": 0}])
def test_counts_below_their_least_are_refused(numbers, tmp_path):
    with pytest.raises(DataError, match=r"--row-frames must be 1 or more"):
        EmbeddingRequest(paths={"a": tmp_path}, **numbers)


def write(folder: Path, tmp_path: Path, **told: bool) -> RunFolder:
    many = {r.id: r for r in (recording("worm0_001", 40), recording("worm1_001", 40))}
    paths = {name: save(tmp_path, 40, name=f"{name}.npy") for name in many}
    request = EmbeddingRequest(paths=paths, method="cebra", **told)
    plan = plan_embedding(many, request)
    return write_embedding_run(folder, "theirs", plan, request, quick(), many)


def test_a_run_of_it_is_read_like_any_other_and_has_no_encoder(tmp_path):
    run = write(tmp_path / "runs", tmp_path)
    info = RunFolder.open(run.path).info()
    assert (info["status"], info["method"], info["origin"]) == (
        "finished",
        "cebra",
        "imported",
    )
    assert [s["file"] for s in info["sources"]] == ["worm0_001.npy", "worm1_001.npy"]
    assert APART in info["notes"]
    assert run.embedding_sets() == ["dense", "eval"]
    windows, h = run.read_embedding("neural", "dense")
    assert (len(windows), h.shape) == (80, (80, 3))
    windows, h = run.read_embedding("neural")
    assert len(h) == 40  # every half second of 4 Hz
    assert h[:, 0].tolist() == [*range(0, 40, 2)] * 2
    assert run.splits()["roles"] == {"worm0_001": "blocks", "worm1_001": "blocks"}
    with pytest.raises(RunFolderError, match=r"made elsewhere\. It has no encoder"):
        load_model(run)
    with pytest.raises(RunFolderError, match="'theirs' exists"):
        write(tmp_path / "runs", tmp_path)


def test_one_fit_of_all_recordings_is_not_warned_of(tmp_path):
    info = write(tmp_path / "runs", tmp_path, one_space=True).info()
    assert APART not in info["notes"]


def test_a_run_that_cannot_be_finished_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "write_embeddings", fail)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "runs", tmp_path)
    assert [p for p in (tmp_path / "runs").iterdir() if p.name[0] != "."] == []
