"""Rigid motion against known shifts and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.registration import phase_cross_correlation
from tests.preprocessing.reference_preprocessing import (
    brain,
    moving_movie,
    sampled_by_loop,
)

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import RegistrationOptions
from napari_neuroembed.preprocessing.registration import RigidAligner, shift_frames
from napari_neuroembed.preprocessing.template import anchor, build_template


def distance(found, true):
    return np.hypot(*(found - true).T)


def test_known_shifts_are_found_to_a_twentieth_of_a_pixel(rng):
    frames, shifts, still = moving_movie(40, 128, peak=100, reach=5, rng=rng)
    motion = RigidAligner(still.astype(np.float32)).measure(frames)
    assert distance(motion.shifts, shifts).max() < 0.05
    assert not motion.at_limit.any()


def test_shifts_are_closer_to_the_truth_than_those_of_scikit_image(rng):
    frames, shifts, still = moving_movie(12, 128, peak=30, reach=5, rng=rng)
    ours = RigidAligner(still.astype(np.float32)).measure(frames).shifts
    theirs = np.array(
        [-phase_cross_correlation(still, f, upsample_factor=50)[0] for f in frames]
    )
    assert np.abs(ours - theirs).max() < 1.0
    assert distance(ours, shifts).mean() < 0.05
    assert distance(ours, shifts).mean() < distance(theirs, shifts).mean()


def test_noise_free_whole_pixel_shifts_are_exact(rng):
    still = brain(96, rng).astype(np.float32)
    moved = np.stack([np.roll(still, s, axis=(0, 1)) for s in ((3, -2), (-5, 4))])
    motion = RigidAligner(still, upsample=10).measure(moved)
    np.testing.assert_array_equal(motion.shifts, [[3, -2], [-5, 4]])


@pytest.mark.parametrize("shape", [(64, 97), (33, 64), (101, 50)])
def test_odd_and_oblong_images_are_aligned(shape, rng):
    whole = brain(128, rng)
    still = whole[10 : 10 + shape[0], 10 : 10 + shape[1]]
    moved = whole[8 : 8 + shape[0], 11 : 11 + shape[1]]  # moved[y + 2, x - 1] = still
    motion = RigidAligner(still.astype(np.float32)).measure(moved[None])
    np.testing.assert_allclose(motion.shifts, [[2, -1]], atol=0.05)


def test_shifts_do_not_depend_on_gain_offset_or_batch(rng):
    frames, _, still = moving_movie(40, 96, peak=200, reach=3, rng=rng)
    aligner = RigidAligner(still.astype(np.float32))
    whole = aligner.measure(frames).shifts
    np.testing.assert_allclose(
        aligner.measure(frames * 3 + 500).shifts, whole, atol=0.02
    )
    parts = [aligner.measure(frames[i : i + 7]).shifts for i in range(0, 40, 7)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=0.011)


def test_a_shift_beyond_the_search_range_is_flagged_or_uncorrelated(rng):
    still = brain(128, rng)
    far = np.roll(still, 50, axis=0)
    motion = RigidAligner(still.astype(np.float32), max_shift=0.1).measure(far[None])
    assert motion.at_limit[0] or motion.correlation[0] < 0.5


def test_a_template_made_from_the_frames_aligns_them_to_each_other(rng):
    frames, shifts, _ = moving_movie(60, 128, peak=60, reach=4, rng=rng)
    template = build_template(frames.astype(np.float32), RegistrationOptions())
    found = RigidAligner(template).measure(frames).shifts
    rest = found - shifts
    assert distance(rest, np.median(rest, axis=0)).max() < 0.1
    assert np.abs(np.median(rest, axis=0)).max() < 4.1


def test_a_recording_is_placed_where_the_first_one_was(rng):
    whole = brain(160, rng).astype(np.float32)
    first, later = whole[16:144, 16:144], whole[9:137, 20:148]
    placed = anchor(later, first, upsample=100)
    assert placed.used
    np.testing.assert_allclose(placed.shift, (7, -4), atol=0.05)


def test_another_field_of_view_is_left_in_its_own_place(rng):
    other = brain(96, np.random.default_rng(99)).astype(np.float32)
    first = brain(96, rng).astype(np.float32)
    assert not anchor(other, first, upsample=100).used
    assert anchor(first[:64], first, upsample=100).shift == (0.0, 0.0)


def test_images_too_small_to_register_are_refused():
    with pytest.raises(DataError, match=r"at least 16 x 16 pixels, found \(8, 64\)"):
        RigidAligner(np.zeros((8, 64), dtype=np.float32))


@given(dy=st.floats(-9, 9), dx=st.floats(-9, 9))
@settings(max_examples=15, deadline=None)
def test_moving_equals_the_bilinear_loop(dy, dx):
    frame = np.random.default_rng(1).uniform(0, 100, (7, 8)).astype(np.float32)
    dy, dx = round(dy, 2), round(dx, 2)
    moved = shift_frames(frame[None], np.array([[dy, dx]]))[0]
    np.testing.assert_allclose(moved, sampled_by_loop(frame, dy, dx), atol=1e-3)


def test_whole_pixels_keep_counts_and_type_exactly(rng):
    frames = rng.integers(0, 65536, (3, 9, 11), dtype=np.uint16)
    moved = shift_frames(frames, np.array([[1, 0], [-2, 3], [0, 0]], dtype=float))
    assert moved.dtype == np.uint16
    np.testing.assert_array_equal(moved[0, :-1], frames[0, 1:])
    np.testing.assert_array_equal(moved[1, 2:, :-3], frames[1, :-2, 3:])
    np.testing.assert_array_equal(moved[2], frames[2])


def test_moving_leaves_the_input_alone(rng):
    frames = rng.normal(size=(2, 8, 8)).astype(np.float32)
    before = frames.copy()
    shift_frames(frames, np.array([[0.5, -0.5], [np.nan, 1.0]]))
    np.testing.assert_array_equal(frames, before)
