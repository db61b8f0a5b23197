"""F0 and dF/F against the loop written from the paper."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.preprocessing.reference_preprocessing import resting_by_loop

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import DffOptions
from napari_neuroembed.preprocessing.baseline import (
    DffScale,
    RunningMinimum,
    accumulator_for,
    baseline,
)


@pytest.mark.parametrize("n", [1, 2, 10, 15])
@pytest.mark.parametrize("n_frames", [15, 97])
def test_the_window_is_aligned_for_odd_and_even_lengths(n, n_frames, rng):
    stack = rng.integers(0, 4096, (n_frames, 3, 4)).astype(np.uint16)
    np.testing.assert_allclose(baseline(stack, n), resting_by_loop(stack, n), rtol=1e-7)


def test_full_range_uint16_does_not_overflow_and_is_exact(rng):
    stack = rng.integers(60_000, 65_536, (60, 4, 4)).astype(np.uint16)
    stack[:15] = 20_000
    running = RunningMinimum(15, (4, 4), stack.dtype)
    running.add(stack)
    exact = resting_by_loop(stack, 15)
    np.testing.assert_array_equal(running.minimum(), exact.astype(np.float32))
    assert running.accumulator == np.uint32
    assert exact.max() == 20_000


@pytest.mark.parametrize(
    ("dtype", "n", "expected"),
    [
        (np.uint8, 15, np.uint32),
        (np.int16, 15, np.int32),
        (np.uint16, 100_000, np.int64),
        (np.uint64, 15, np.float64),
        (np.float32, 15, np.float32),
        (np.float32, 17, np.float64),
        (np.float64, 15, np.float64),
    ],
)
def test_the_accumulator_is_the_smallest_that_is_exact_or_nearly_so(dtype, n, expected):
    assert accumulator_for(dtype, n) == expected


@given(
    cuts=st.lists(st.integers(0, 97), max_size=6),
    bad=st.lists(st.integers(0, 96), max_size=4),
    kind=st.sampled_from(["uint16", "float32"]),
)
@settings(max_examples=25, deadline=None)
def test_chunks_do_not_change_the_result(cuts, bad, kind):
    stack = np.random.default_rng(3).uniform(100, 900, (97, 2, 3)).astype(kind)
    valid = np.ones(97, dtype=bool)
    valid[bad] = False
    running = RunningMinimum(7, (2, 3), stack.dtype)
    edges = [0, *sorted(cuts), 97]
    for first, stop in itertools.pairwise(edges):
        chunk = stack[first:stop].copy()
        running.add(chunk, valid[first:stop])
        chunk[...] = 0  # a buffer that is used again must not matter
    expected = resting_by_loop(stack, 7, valid)
    np.testing.assert_allclose(running.minimum(), expected, rtol=1e-6)


def test_one_nan_frame_touches_at_most_n_windows(rng):
    stack = rng.uniform(100, 200, (60, 4, 4)).astype(np.float32)
    broken = stack.copy()
    broken[30] = np.nan
    valid = np.arange(60) != 30
    found = baseline(broken, 15, valid)
    assert np.isfinite(found).all()
    untouched = [t for t in range(46) if not t <= 30 < t + 15]
    assert len(untouched) == 46 - 15
    windows = [stack[t : t + 15].mean(axis=0, dtype=float) for t in untouched]
    np.testing.assert_allclose(found, np.min(windows, axis=0), rtol=1e-6)


@pytest.mark.parametrize("n", [15, 40])
def test_a_bright_moment_leaves_no_trace_in_later_windows(n, rng):
    stack = rng.uniform(1, 2, (150, 3, 3)).astype(np.float32)
    stack[40:70] = 1e9
    np.testing.assert_allclose(baseline(stack, n), resting_by_loop(stack, n), rtol=1e-6)


@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_images_larger_than_a_tile_are_summed_whole(kind, rng):
    stack = rng.uniform(100, 900, (23, 300, 500)).astype(kind)
    valid = np.arange(23) != 9
    running = RunningMinimum(4, (300, 500), stack.dtype)
    for first, stop in ((0, 7), (7, 23)):
        running.add(stack[first:stop], valid[first:stop])
    np.testing.assert_allclose(
        running.minimum(), resting_by_loop(stack, 4, valid), rtol=1e-6
    )


def test_the_running_sum_does_not_drift(rng):
    n, block = 200_000, rng.uniform(0, 60_000, (1000, 2, 2)).astype(np.float32)
    running = RunningMinimum(15, (2, 2), np.float32)
    for _ in range(n // 1000):
        running.add(block)
    quiet = (block * np.float32(1e-3)).astype(np.float32)
    running.add(quiet)
    np.testing.assert_allclose(running.minimum(), resting_by_loop(quiet, 15), rtol=1e-6)


@pytest.mark.slow
def test_a_million_frames_agree_with_float64(rng):
    stack = rng.uniform(0, 60_000, (1_000_000, 1, 2)).astype(np.float32)
    sums = np.lib.stride_tricks.sliding_window_view(stack.astype(float), 15, axis=0)
    np.testing.assert_allclose(
        baseline(stack), sums.mean(axis=-1).min(axis=0), rtol=1e-6
    )


def test_no_window_of_valid_frames_is_refused():
    valid = np.arange(30) % 10 != 0
    with pytest.raises(DataError, match="no 15 valid frames in a row"):
        baseline(np.ones((30, 2, 2)), 15, valid)


def test_dff_is_per_cent_over_the_offset_free_baseline():
    f0 = np.full((2, 2), 300, dtype=np.float32)
    scale = DffScale(f0, np.ones((2, 2), dtype=bool), DffOptions(offset=200))
    dff, clipped = scale.apply(np.full((1, 2, 2), 350, dtype=np.uint16))
    np.testing.assert_allclose(dff, 50.0)
    assert clipped == 0


def test_pixels_without_resting_fluorescence_become_0_and_are_counted():
    f0 = np.array([[100, 100, 100], [100, 0.5, -3]], dtype=np.float32)
    covered = np.array([[True, True, False], [True, True, True]])
    scale = DffScale(f0, covered, DffOptions(epsilon=0.01))
    dff, _ = scale.apply(np.full((4, 2, 3), 150, dtype=np.float32))
    np.testing.assert_allclose(dff[0], [[50, 50, 0], [50, 0, 0]])
    assert scale.dead.sum() == 2
    assert scale.dead_share == pytest.approx(2 / 5)
    assert scale.floor == pytest.approx(1.0)


def test_values_beyond_the_range_are_clipped_and_counted():
    f0 = np.full((1, 2), 1.0, dtype=np.float32)
    scale = DffScale(f0, np.ones((1, 2), dtype=bool), DffOptions(clip_percent=1000))
    frames = np.array([[[5.0, 50.0]], [[2.0, -70.0]]], dtype=np.float32)
    dff, clipped = scale.apply(frames)
    assert clipped == 2
    np.testing.assert_allclose(dff.ravel(), [400, 1000, 100, -1000])


def test_the_blur_of_f0_does_not_look_outside_the_mask():
    f0 = np.full((20, 20), 100, dtype=np.float32)
    f0[:, :5] = 1e6
    covered = np.ones((20, 20), dtype=bool)
    covered[:, :5] = False
    scale = DffScale(f0, covered, DffOptions(blur_px=2))
    dff, _ = scale.apply(np.full((1, 20, 20), 110, dtype=np.float32))
    np.testing.assert_allclose(dff[0, :, 5:], 10.0, rtol=1e-4)
    assert (dff[0, :, :5] == 0).all()
