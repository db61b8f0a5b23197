"""Two clocks and what may be wrong between them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.reference_clocks import slow_fit

from napari_neuroembed.data.clocks import (
    check_drift,
    check_overlap,
    overlap,
    picture,
    spans,
)
from napari_neuroembed.data.clocks.frame_map import fit_map, place_map, read_map
from napari_neuroembed.data.clocks.shared import share_clock, steady
from napari_neuroembed.data.clocks.sync_numbers import read_numbers
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import DataError

NO_INDEX = -9223372036854775808


def stream(n: int, start_s: float, rate_hz: float, kind: str = "pose") -> Stream:
    return Stream(kind, np.zeros((n, 2)), TimeAxis(n, start_s, rate_hz))


def test_a_camera_that_starts_early_and_stops_late_is_told_with_both_ends():
    streams = {"neural": stream(960, 0, 16), "pose": stream(6400, -1.25, 100)}
    (problem,) = check_overlap(streams, "fly1_001")
    assert problem.severity == "warning"
    assert problem.id == "sync.overlap"
    for part in ("1.25 s before", "2.75 s after", "60.00 s and 64.00 s", "+66,667 ppm"):
        assert part in problem.text
    assert overlap(spans(streams)) == (0.0, 60.0)


def test_streams_that_share_no_second_are_refused_with_both_ranges():
    streams = {"neural": stream(979, 0, 16), "pose": stream(600, 70, 100)}
    (problem,) = check_overlap(streams, "fly2_003")
    assert problem.severity == "error"
    assert "neural covers 0.0-61.2 s, pose 70.0-76.0 s" in problem.text
    assert "no window fits" in problem.text


def test_a_stream_that_meets_only_one_of_two_others_is_refused():
    streams = {
        "neural": stream(100, 0, 10),
        "pose": stream(40, 0, 10),
        "scalar": stream(40, 6, 10),
    }
    problems = [p for p in check_overlap(streams, "a") if p.severity == "error"]
    assert "no second is covered by all" in problems[0].text


def test_streams_of_one_clock_are_told_of_once():
    camera = stream(6400, -1.25, 100)
    streams = {"neural": stream(960, 0, 16), "pose": camera, "scalar": camera}
    (problem,) = check_overlap(streams, "a")
    assert "pose and scalar start 1.25 s before" in problem.text


@pytest.mark.parametrize("rate", [None, 32.0])
def test_rounded_times_become_a_regular_clock_and_others_stay(rate):
    regular = TimeAxis(500, -0.4, 32.0)
    rounded = TimeAxis(500, times_s=np.round(regular.centers(), 4))
    found = steady(rounded, rate)
    assert found.rate_hz == pytest.approx(32.0, rel=1e-5)
    np.testing.assert_allclose(found.centers(), regular.centers(), atol=1e-4)
    lost = TimeAxis(499, times_s=np.delete(regular.centers(), 250))
    assert steady(lost, rate) is lost
    assert steady(regular, 30.0) is regular


def test_ends_within_one_frame_are_not_worth_a_word():
    streams = {"neural": stream(160, 0, 16), "pose": stream(1004, 0, 100)}
    assert check_overlap(streams, "a") == []


def test_the_drift_limit_counts_only_what_cannot_be_an_error_of_measurement():
    inside = {"recording": "a", "stream": "neural", "drift_ppm": 2500.0}
    assert check_drift(**inside, error_ppm=600.0) == []
    (problem,) = check_drift(**inside, error_ppm=100.0)
    assert problem.id == "sync.drift"
    assert "+2,500 ppm (at least 2,400)" in problem.text
    assert check_drift(**inside, limit_ppm=3000.0) == []


def test_the_picture_shows_gaps_and_the_shared_stretch():
    times = np.concatenate([np.arange(50), np.arange(70, 100)]) / 10 + 0.05
    broken = Stream("pose", np.zeros((80, 2)), TimeAxis(80, times_s=times))
    drawn = picture(spans({"neural": stream(80, 0, 10), "pose": broken}), width=20)
    first, second, shared = drawn.splitlines()
    assert first.endswith("█" * 16 + "·" * 4)
    assert "░" in second
    assert shared.startswith("shared")
    assert picture([]) == ""


@pytest.mark.parametrize("bad", [NO_INDEX, -1.0, np.nan, -np.inf])
def test_invalid_indices_at_the_ends_are_masked_and_counted(bad):
    values = np.array([bad, bad, 0, 0, 1, 1, 2, bad])
    index, (problem,) = read_map(values, 3, "map.npy")
    assert index.tolist() == [-1, -1, 0, 0, 1, 1, 2, -1]
    assert problem.severity == "note"
    assert "3 of 8 frames" in problem.text
    assert "first at 0, last at 7" in problem.text


@pytest.mark.parametrize("bad", [NO_INDEX, -1.0, np.nan, 0.5])
def test_invalid_indices_in_the_middle_are_refused(bad):
    index, (problem,) = read_map(np.array([0, 0, bad, 1, 1]), 2, "map.npy")
    assert (problem.id, problem.severity) == ("sync.invalid", "error")
    assert "1 are in the middle (2...)" in problem.text
    assert index[2] == -1


@pytest.mark.parametrize("row", [0, 2, 4])
def test_an_index_beyond_the_last_frame_is_refused_and_never_clamped(row):
    values = np.array([0.0, 0, 1, 1, 1])
    values[row] = 2
    index, problems = read_map(values, 2, "map.npy")
    assert index[row] == -1
    assert problems[0].severity == "error"
    assert "beyond the last frame 1" in problems[0].text


def test_frame_numbers_that_go_back_are_refused_with_the_first_bad_row():
    _, problems = read_map(np.array([0, 1, 2, 1, 2.0]), 3, "map.npy")
    assert [p.id for p in problems] == ["sync.order"]
    assert "frame 3 belongs to 1 and frame 2 before it to 2" in problems[0].text


def test_a_map_without_any_frame_is_refused():
    _, (problem,) = read_map(np.full(4, float(NO_INDEX)), 3, "map.npy")
    assert "none of 4 values" in problem.text


def test_a_map_of_another_length_is_refused_with_both_numbers():
    with pytest.raises(DataError, match="each of 9 frames, found 7"):
        place_map(np.zeros(7), None, 9, "map.npy")
    placed = place_map(np.arange(3.0), np.array([2, 3, 5.0]), 7, "map.npy")
    np.testing.assert_array_equal(placed, [np.nan, np.nan, 0, 1, np.nan, 2, np.nan])
    with pytest.raises(DataError, match="row 1 is 9"):
        place_map(np.arange(2.0), np.array([2, 9.0]), 7, "map.npy")


@pytest.mark.parametrize("drift_ppm", [0.0, 700.0, -5000.0])
def test_a_map_gives_back_start_and_drift_of_a_simulated_camera(drift_ppm):
    n_target, rate, start = 960, 16.0, -1.25
    true_rate = rate / (1 + drift_ppm * 1e-6)
    clock = TimeAxis(6400, 0.0, 100.0)
    frame = np.floor((clock.centers() + start) * true_rate)
    values = np.where((frame >= 0) & (frame < n_target), frame, NO_INDEX)
    index, problems = read_map(values, n_target, "map.npy")
    assert [p.severity for p in problems] == ["note"]
    fit = fit_map(index, clock, n_target, rate)
    assert fit.drift_ppm == pytest.approx(drift_ppm, abs=fit.drift_error_ppm)
    assert fit.drift_error_ppm < 300
    measured = fit_map(index, clock, n_target, None)
    assert measured.rate_hz == pytest.approx(true_rate, rel=3e-4)
    assert measured.start_s == pytest.approx(start, abs=0.5 / 100)
    assert measured.deviation_frames < 0.5
    seconds_off = fit.times_s[[100, 900]] - fit.times_s[100]
    assert seconds_off[1] == pytest.approx(800 / true_rate, abs=2 / 100)


def test_the_fit_equals_the_slow_one():
    clock = TimeAxis(90, 0.0, 30.0)
    index = np.repeat(np.arange(9), 10)
    index[:4] = -1
    fit = fit_map(index, clock, 12, 3.0)
    start, drift, times = slow_fit(index, clock.centers(), 12, 3.0)
    assert fit.start_s == pytest.approx(start)
    assert fit.drift_ppm == pytest.approx(drift, abs=1e-6)
    np.testing.assert_allclose(fit.times_s, times)


def test_a_map_of_one_frame_gives_no_clock():
    with pytest.raises(DataError, match="names 1 of 5 frames"):
        fit_map(np.zeros(10, dtype=np.int64), TimeAxis(10, 0.0, 10.0), 5, 1.0)


def test_the_real_map_of_a_fly_gives_its_imaging_rate(shared_data):
    folder = shared_data("fly_sync_labels_chen2018")
    values = read_numbers(folder / "fluorescence_idx.txt")
    frames = read_numbers(folder / "behavior_idx.txt")
    assert (values.size, frames[0], frames[-1]) == (8857, 95, 8951)
    with pytest.raises(DataError, match="each of 8,965 frames, found 8,857"):
        place_map(values, None, 8965, "fluorescence_idx.txt")
    index, (note,) = read_map(place_map(values, frames, 8965, "map"), 300, "map")
    assert note.severity == "note"
    assert "108 of 8,965 frames" in note.text
    fit = fit_map(index, TimeAxis(8965, 0.0, 30.0), 300, None)
    assert fit.rate_hz == pytest.approx(1.008, abs=0.002)
    assert fit.deviation_frames < 0.1


def test_a_shared_clock_masks_frames_that_the_other_stream_does_not_have():
    time, valid = share_clock(5, TimeAxis(3, 1.0, 10.0))
    assert (time.start_s, time.rate_hz) == (1.0, 10.0)
    assert valid.tolist() == [True] * 3 + [False] * 2
    times = np.array([0.0, 0.1, 0.25])
    time, valid = share_clock(5, TimeAxis(3, times_s=times))
    np.testing.assert_allclose(time.centers(), [0, 0.1, 0.25, 0.375, 0.5])
    time, _ = share_clock(2, TimeAxis(3, times_s=times))
    np.testing.assert_allclose(time.centers(), [0, 0.1])


def test_numbers_are_read_from_every_kind_of_file(tmp_path):
    np.save(tmp_path / "a.npy", np.array([0, 1, NO_INDEX]))
    np.savez(tmp_path / "b.npz", one=np.arange(3), two=np.ones(3))
    (tmp_path / "c.csv").write_text("frame;time\n0;1.5\n1;\n")
    (tmp_path / "d.txt").write_text("0.0\n1.0\nnan\n")
    assert read_numbers(tmp_path / "a.npy").tolist() == [0, 1, float(NO_INDEX)]
    assert read_numbers(tmp_path / "b.npz", "two").tolist() == [1, 1, 1]
    np.testing.assert_array_equal(
        read_numbers(tmp_path / "c.csv", "time"), [1.5, np.nan]
    )
    np.testing.assert_array_equal(read_numbers(tmp_path / "d.txt"), [0, 1, np.nan])


def test_files_of_numbers_that_are_none_are_refused(tmp_path):
    np.savez(tmp_path / "b.npz", one=np.arange(3), two=np.ones(3))
    np.save(tmp_path / "o.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.save(tmp_path / "d.npy", np.zeros((3, 2)))
    (tmp_path / "e.csv").write_text("a,b\n1,2\n")
    (tmp_path / "f.txt").write_text("1\nx\n")
    (tmp_path / "g.mat").write_bytes(b"x")
    for name, message in [
        ("b.npz", "several among one, two"),
        ("o.npy", "object array"),
        ("d.npy", r"one number per frame, found shape \(3, 2\)"),
        ("e.csv", "several among a, b"),
        ("f.txt", "row 2: 'x' is no number"),
        ("g.mat", "expected npy, npz, csv, tsv, txt or pkl"),
    ]:
        with pytest.raises(DataError, match=message):
            read_numbers(tmp_path / name)
