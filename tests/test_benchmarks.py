"""The benchmarks run, and the ratios that hold on any machine hold here."""

from __future__ import annotations

import importlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from benchmarks import (
    BENCHMARKS,
    augment,
    crash,
    crash_writers,
    dff,
    enc_embed,
    enc_train,
    hostile,
    import_time,
    knn_exact,
    memory,
    previews,
    resize,
    tiff_read,
    timeline,
    windows,
)
from benchmarks.__main__ import main
from benchmarks.measure import Ratio, Result, Settings, Times, missing, ratio, report
from numpy.typing import NDArray
from tests.faults.hostile.kinds import KINDS
from tests.faults.hostile.malice import every_malice

QUICK = Settings(quick=True)
SLACK = 0.75
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def imported() -> Result:
    return import_time.run(QUICK)


def holds(found: Result, ours: str, peer: str) -> Ratio:
    """Check errors without slack and one ratio with; return the ratio."""
    for row in found.rows:
        assert row.met is not False, f"{row.variant} errs by {row.error}"
    (one,) = [r for r in found.ratios if (r.ours, r.peer) == (ours, peer)]
    assert one.target is not None
    assert one.high >= SLACK * one.target, one
    return one


def test_the_list_names_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    modules = Path(enc_embed.__file__).parent.glob("[!_]*.py")
    assert {path.stem for path in modules} - {
        "measure",
        "crash_writers",
        "leaks",
        "new_animals",
        "label_choice",
        "maps",
        "semireal",
        "semireal_bodies",
        "semireal_data",
        "semireal_frames",
        "semireal_page",
        "semireal_poses",
        "semireal_project",
        "semireal_table",
        "semireal_wins",
    } == set(BENCHMARKS)
    assert all(f"{name} " in told for name in BENCHMARKS)
    assert all(importlib.import_module(f"benchmarks.{n}").run for n in BENCHMARKS)


def test_an_unknown_benchmark_lists_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["import_tiem"]) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in BENCHMARKS)


def test_importing_costs_no_heavy_library_and_little_time(imported: Result) -> None:
    assert import_time.heavy_modules("import napari_neuroembed") == []
    assert import_time.heavy_modules("import pandas") == ["pandas"]
    (limit,) = imported.ratios
    assert limit.median >= SLACK


def test_a_report_holds_what_is_needed_to_judge_it(imported: Result) -> None:
    content = json.loads(json.dumps(report("import_time", QUICK, imported)))
    assert (content["name"], content["quick"], content["threads"]) == (
        "import_time",
        True,
        1,
    )
    assert content["ratios"][0]["met"] is True
    assert {row["is_peer"] for row in content["rows"]} == {True, False}
    assert all(row["error_unit"] for row in content["rows"])
    assert content["versions"]["torch"]


def test_sharing_frames_is_faster_and_gives_the_same() -> None:
    found = enc_embed.compare(QUICK, n_frames=400, size=32, n_alone=24)
    shared, alone = found.rows
    assert shared.error is not None
    assert shared.error <= enc_embed.MAX_DIFFERENCE
    assert (shared.is_peer, alone.is_peer) == (False, True)
    (speed,) = found.ratios
    assert speed.median >= 3


def test_the_plain_encoder_is_the_same_network_and_every_layout_keeps_to_it() -> None:
    found = enc_train.compare(QUICK, (2,), frames=8, size=32)
    plain, *others = found.rows
    assert (plain.is_peer, plain.met) == (True, True)
    assert len(others) == 3
    assert all(row.met for row in others)
    assert {one.peer for one in found.ratios} == {"plain module, 2 windows"}


def test_a_preview_is_what_a_direct_call_gives() -> None:
    found = previews.compare(QUICK, (32, 48), 16, 24)
    assert [row.variant for row in found.rows] == list(previews.TARGETS_S)
    assert [row.error for row in found.rows] == [0.0] * 4


def test_a_gpu_that_is_not_there_is_said_and_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["enc_train", "--device", "cuda", "--out", str(tmp_path)]) == 0
    assert "SKIPPED (torch finds no CUDA device)" in capsys.readouterr().out
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text("utf-8"))["rows"][0]["status"] == "skipped"


def test_augmentations_of_a_batch_are_those_of_its_frames() -> None:
    ours, *plain = augment.compare(QUICK, n=6, frames=8, size=32).rows
    assert ours.met
    assert [row.is_peer for row in plain] == [True, True]


def test_neighbours_are_exact_beside_other_libraries() -> None:
    rows = knn_exact.compare(QUICK, n_poses=1000, n_queries=50).rows
    assert [row.met for row in rows if not row.is_peer] == [True, True]


def test_a_timeline_is_right_and_many_bouts_cost_it_little(qapp: object) -> None:
    if timeline.unfit():
        pytest.skip(timeline.unfit())
    found = timeline.compare(QUICK, n_frames=600_000, n_bouts=30_000)
    assert [row.met for row in found.rows if not row.is_peer] == [True] * 4
    (one,) = [r for r in found.ratios if timeline.PLAIN in r.peer]
    assert one.high >= 2


def test_sums_that_grow_beat_a_mean_for_every_window() -> None:
    found = dff.compare(QUICK, n_frames=120, shape=(240, 368))
    holds(found, "running sums uint16", "mean per window uint16")
    exact = [row for row in found.rows if row.error_limit == 0.0]
    assert [row.variant for row in exact] == ["running sums uint16"]


def test_area_means_are_exact_and_several_times_faster_than_plain_products() -> None:
    found = resize.compare(QUICK, n_frames=16, shape=(480, 736), size=128)
    assert all(row.met is not False for row in found.rows)
    (one,) = [r for r in found.ratios if r.peer == resize.DENSE]
    assert one.high >= 5


def test_windows_of_the_map_are_exact_and_faster_than_pages() -> None:
    found = windows.compare(QUICK, n_frames=200, n_windows=100, size=64)
    for kind in ("float32", "float16"):
        holds(found, f"memory map {kind}", f"tifffile pages {kind}")


def test_a_movie_read_in_chunks_or_with_a_kept_index_is_the_movie() -> None:
    found = tiff_read.compare(QUICK, n_frames=40, part_pages=20)
    ours = [row for row in found.rows if not row.is_peer]
    assert len(ours) == 5
    assert all(row.met for row in ours)


@pytest.mark.slow
def test_a_longer_stack_takes_no_more_memory() -> None:
    found = memory.run(QUICK)
    assert all(row.met for row in found.rows)
    assert all(one.met for one in found.ratios), found.ratios


def test_a_peer_that_is_not_there_is_named_and_never_measured() -> None:
    assert missing("numpy") == ""
    assert "no_such_library" in missing("no_such_library")


def test_a_ratio_is_of_work_per_second_repeat_by_repeat() -> None:
    times = {"ours": Times([], [1.0, 2.0, 4.0]), "peer": Times([], [10.0, 10.0, 10.0])}
    found = ratio("ours", "peer", times, {"ours": 4.0, "peer": 2.0}, target=10.0)
    assert (found.median, found.low, found.high) == (10.0, 5.0, 20.0)
    assert found.met is True


@pytest.mark.faults
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_killed_writers_of_ours_lose_nothing_and_a_plain_one_is_found_torn() -> None:
    """The careless one never writes the second half, whenever it is killed."""

    def half(path: Path, array: NDArray[np.float32]) -> None:
        whole = io.BytesIO()
        np.save(whole, array)
        path.write_bytes(whole.getvalue()[: whole.tell() // 2])

    plain = crash_writers.plain("careless", "numpy", half, np.load)
    ours = tuple(w for w in crash_writers.WRITERS if not w.needs)
    found = crash.compare((*ours, plain), n_kills=2)
    *own, theirs = found.rows
    assert len(own) == 4
    assert all(row.met and row.value == 0 for row in own)
    assert (theirs.is_peer, theirs.met, theirs.value) == (True, None, 2)


def test_a_peer_that_is_not_installed_is_skipped_with_the_reason() -> None:
    missing = crash_writers.plain("fast", "no_such_module", lambda *_: None, np.load)
    (row,) = crash.compare((missing,), n_kills=1).rows
    assert (row.status, row.value) == ("skipped", None)
    assert "no_such_module is not installed" in row.reason


def test_the_table_in_the_documentation_has_every_writer_that_is_killed() -> None:
    text = (ROOT / "docs/explanation/reliability.md").read_text("utf-8")
    lines = text.partition("| writer |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows] == [w.name for w in crash_writers.WRITERS]
    for writer, (_, torn, *rest) in zip(crash_writers.WRITERS, rows, strict=True):
        assert torn.endswith(f" of {crash.KILLS}")
        assert writer.needs or (torn, *rest) == (f"0 of {crash.KILLS}", "0", "0")


@pytest.mark.faults
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_hostile_files_come_to_no_harm_and_tifffile_opens_some_of_them_short() -> None:
    found = hostile.compare(n_tiffs=66, n_others=2)
    peers = [row for row in found.rows if row.is_peer]
    assert all(row.met for row in found.rows if not row.is_peer)
    assert [row.variant for row in peers] == ["TIFF, tifffile.imread"]
    assert peers[0].value
    wrong = hostile.Tally("bad")
    wrong.add("crash", 0)
    assert wrong.row(1).met is False
    greedy = hostile.Tally("large")
    greedy.add("whole", 2)
    assert greedy.row(1).met is False


def test_the_table_in_the_documentation_has_every_kind_of_hostile_file() -> None:
    text = (ROOT / "docs/explanation/reliability.md").read_text("utf-8")
    lines = text.partition("| files |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    kinds = ["TIFF", "TIFF, tifffile.imread", *KINDS, "malicious"]
    assert [row[0] for row in rows] == kinds
    for name, n, refused, whole, other, *wrong, _ in rows:
        assert int(n) == sum(map(int, (refused, whole, other, *wrong)))
        assert "imread" in name or set(wrong) == {"0"}
    assert int(rows[-1][1]) == len(every_malice())
