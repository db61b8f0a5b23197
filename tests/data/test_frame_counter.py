"""Frame counters and camera pulses become times; a slow walk agrees."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.clocks.frame_counter import counted_frames, pulsed_frames
from napari_neuroembed.data.clocks.steps import as_digital, find_steps
from napari_neuroembed.errors import DataError

HZ = 1000.0

gaps = st.lists(st.integers(2, 40), min_size=6, max_size=60)


def line_of(starts: list[int], n_samples: int) -> np.ndarray:
    line = np.zeros(n_samples, dtype=np.uint32)
    for start in starts:
        line[start:] += 1
    return line


def chunks(line: np.ndarray, size: int) -> list[np.ndarray]:
    return [line[i : i + size] for i in range(0, len(line), size)]


def slow_rises(line: np.ndarray) -> list[int]:
    """Walk along a line; a rise over several samples begins at the first of them."""
    found, was_rising = [], False
    for i in range(1, len(line)):
        rises = line[i] > line[i - 1]
        if rises and not was_rising:
            found.append(i)
        was_rising = rises
    return found


def slow_starts(line: np.ndarray, n_frames: int, per_frame: int) -> list[int]:
    """Return for every frame the first sample at which its first scan is counted."""
    starts = []
    for frame in range(n_frames):
        sample = 0
        while line[sample] < frame * per_frame + 1:
            sample += 1
        starts.append(sample)
    return starts


def slow_centres(starts: list[int], phase: float) -> list[float]:
    steps = sorted((b - a) / HZ for a, b in pairwise(starts))
    half = len(steps) // 2
    median = steps[half] if len(steps) % 2 else (steps[half - 1] + steps[half]) / 2
    return [start / HZ + phase * median for start in starts]


@settings(max_examples=60, deadline=None)
@given(gaps, st.integers(1, 3), st.integers(1, 50), st.sampled_from([0.25, 0.5]))
def test_a_frame_begins_when_its_first_scan_is_counted(steps, per_frame, size, phase):
    n_frames = len(steps) // per_frame
    starts = np.cumsum(steps)[: n_frames * per_frame].tolist()
    line = line_of(starts, starts[-1] + 50)
    if n_frames < 2:
        return
    found = counted_frames(
        find_steps(chunks(line, size)),
        n_frames,
        counts_per_frame=per_frame,
        sample_rate_hz=HZ,
        phase=phase,
    )
    wanted = slow_centres(slow_starts(line, n_frames, per_frame), phase)
    np.testing.assert_allclose(found.times_s, wanted, atol=1e-9)
    assert found.valid.all()
    assert found.problems == ()


@settings(max_examples=60, deadline=None)
@given(gaps, st.integers(1, 50), st.data())
def test_lost_camera_frames_leave_gaps_and_the_others_their_times(steps, size, data):
    starts = np.cumsum(steps).tolist()
    line = np.zeros(starts[-1] + 60, dtype=np.uint8)
    line[starts] = 4
    numbers = data.draw(
        st.sets(st.integers(0, len(starts) - 1), min_size=2).map(sorted)
    )
    rises = slow_rises(line)
    found = pulsed_frames(
        find_steps(chunks(line, size)), np.array(numbers), sample_rate_hz=HZ
    )
    every = slow_centres(rises[: numbers[-1] + 1], 0.5)
    np.testing.assert_allclose(found.times_s, [every[n] for n in numbers], atol=1e-9)
    lost = numbers[-1] + 1 - len(numbers)
    warned = [p.text for p in found.problems if p.id == "thor.lost"]
    assert bool(warned) == bool(lost)
    if lost:
        assert f"lost {lost} of {numbers[-1] + 1} frames" in warned[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.integers(1, 20))
def test_steps_do_not_depend_on_the_pieces_a_line_is_read_in(values, size):
    line = np.array(values, dtype=np.uint32)
    steps = find_steps(chunks(line, size))
    assert steps.samples.tolist() == slow_rises(line)
    assert steps.falls.tolist() == [
        i for i in range(1, len(line)) if line[i] < line[i - 1]
    ]
    assert (steps.first, steps.n_samples) == (values[0], len(values))


def test_a_rise_over_several_samples_is_one_step():
    steps = find_steps([np.array([0, 0, 1, 3, 4, 4, 0, 0, 2, 4, 4])])
    assert steps.samples.tolist() == [2, 8]
    assert steps.values.tolist() == [4, 4]


def test_noise_in_the_middle_of_an_analogue_line_is_no_edge():
    noisy = np.array([0.1, 0.0, 2.4, 2.6, 2.5, 4.9, 5.0, 2.6, 2.4, 4.8, 0.2, 0.0, 5.0])
    digital = list(as_digital([noisy[:4], noisy[4:]], 0.0, 5.0))
    assert find_steps(digital).samples.tolist() == [5, 12]


def counted(counts: int, n_frames: int, per_frame: int = 1, **changes):
    starts = [100 + 50 * i for i in range(counts)]
    line = line_of(starts, starts[-1] + 200)
    settings_ = {"counts_per_frame": per_frame, "sample_rate_hz": HZ, **changes}
    return counted_frames(find_steps([line]), n_frames, **settings_)


def test_equal_numbers_of_frames_are_no_problem():
    assert counted(12, 12).problems == ()
    assert counted(36, 12, 3).problems == ()


@pytest.mark.parametrize(
    ("counts", "n_frames", "per_frame", "what"),
    [(13, 12, 1, "not kept"), (38, 12, 3, "not kept"), (37, 13, 3, "in the stack")],
)
def test_one_frame_that_was_begun_is_a_warning(counts, n_frames, per_frame, what):
    (problem,) = counted(counts, n_frames, per_frame).problems
    assert (problem.id, problem.severity) == ("thor.frames", "warning")
    assert what in problem.text


@pytest.mark.parametrize(("counts", "side"), [(15, "3 more"), (9, "3 fewer")])
def test_other_numbers_are_refused_with_both_and_where(counts, side):
    (problem,) = counted(counts, 12).problems
    assert (problem.id, problem.severity) == ("thor.frames", "error")
    for word in (f"= {counts} complete frames", "the stack has 12", side):
        assert word in problem.text
    assert "silent for 0.10 s before and 0.20 s after" in problem.text
    assert counted(9, 12).valid.tolist() == [True] * 9 + [False] * 3


def test_a_counter_that_runs_at_either_end_says_so():
    late = line_of([100 + 50 * i for i in range(9)], 520)
    begun = late + 3
    problem = counted_frames(
        find_steps([begun]), 15, counts_per_frame=1, sample_rate_hz=HZ
    ).problems[0]
    assert "at the start it stood at 3 already" in problem.text
    assert "at the end the file stops while it counts" in problem.text


def test_dropped_frames_are_gaps_and_nothing_is_shifted():
    line = line_of([100 + 50 * i for i in range(12)], 800)
    jumped = np.where(line >= 5, line + 2, line)  # frames 4 and 5 have no step
    found = counted_frames(
        find_steps([jumped]), 12, counts_per_frame=1, sample_rate_hz=HZ
    )
    (problem,) = found.problems
    assert (problem.id, problem.severity) == ("thor.dropped", "warning")
    assert "counts 14 frames in 12 steps" in problem.text
    assert found.times_s[4] == pytest.approx((100 + 50 * 4) / HZ + 0.025)


def test_frames_that_a_counter_jumps_over_are_masked():
    line = line_of([100 + 50 * i for i in range(12)], 800)
    jumped = np.where(line >= 5, line + 2, line)
    found = counted_frames(
        find_steps([jumped]), 14, counts_per_frame=1, sample_rate_hz=HZ
    )
    assert [p.id for p in found.problems] == ["thor.jump"]
    assert np.flatnonzero(~found.valid).tolist() == [4, 5]
    assert (np.diff(found.times_s) > 0).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (np.array([0, 1, 2, 3, 0, 1, 2]), r"falls back at sample 4.*thor.counter"),
        (np.array([0, 0, 0, 0]), r"counts 0 scans.*two frames.*thor.frames"),
        (np.array([0, 1, 1]), r"counts 1 scans.*thor.frames"),
        (np.array([0, 9000, 9000, 10**9]), r"no counter of scans.*thor.counter"),
    ],
)
def test_what_is_no_counter_is_refused(line, message):
    with pytest.raises(DataError, match=message):
        counted_frames(find_steps([line]), 2, counts_per_frame=1, sample_rate_hz=HZ)


def pulsed(n_pulses: int, numbers: list[int]):
    line = np.zeros(n_pulses * 20 + 20, dtype=np.uint8)
    line[20 * np.arange(1, n_pulses + 1)] = 1
    return pulsed_frames(find_steps([line]), np.array(numbers), sample_rate_hz=HZ)


def test_as_many_pulses_as_frames_are_no_problem():
    assert pulsed(10, list(range(10))).problems == ()


def test_pulses_after_the_last_frame_are_counted_and_unused():
    (problem,) = pulsed(13, list(range(10))).problems
    assert (problem.id, problem.severity) == ("thor.pulses", "note")
    assert "rises 13 times, 10 frames were taken; 3 at the end" in problem.text


def test_fewer_pulses_than_frames_are_refused():
    found = pulsed(7, list(range(10)))
    (problem,) = found.problems
    assert (problem.id, problem.severity) == ("thor.pulses", "error")
    assert "rises 7 times, but 10 frames were taken; 3 have no time" in problem.text
    assert found.valid.tolist() == [True] * 7 + [False] * 3


def test_a_frame_number_beyond_the_samples_takes_no_memory():
    with pytest.raises(DataError, match=r"too few for frame .*thor.pulses"):
        pulsed(5, [0, 10**12])


def test_a_line_that_never_rises_is_refused():
    line = np.zeros(50, dtype=np.uint8)
    with pytest.raises(DataError, match=r"rises 0 times, 4 frames.*thor.pulses"):
        pulsed_frames(find_steps([line]), np.arange(4), sample_rate_hz=HZ)
