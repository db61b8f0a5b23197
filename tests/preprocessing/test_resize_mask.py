"""Resizing and valid pixels against loops and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import resize_local_mean
from tests.preprocessing.reference_preprocessing import area_mean_by_loop

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import ResizeOptions
from napari_neuroembed.preprocessing.mask import common_mask, coverage
from napari_neuroembed.preprocessing.registration import shift_frames
from napari_neuroembed.preprocessing.resize import Resizer, resize_weights


def test_area_means_equal_the_loop(rng):
    frame = rng.uniform(0, 255, (13, 17)).astype(np.float32)
    small = Resizer((13, 17), ResizeOptions(height=5, width=4)).frames(frame[None])[0]
    np.testing.assert_allclose(small, area_mean_by_loop(frame, 5, 4), rtol=1e-5)


def test_area_means_equal_scikit_image_at_the_size_of_the_paper(rng):
    frame = rng.uniform(0, 255, (480, 736)).astype(np.float32)
    resizer = Resizer((480, 736), ResizeOptions(height=128, width=128))
    expected = resize_local_mean(frame, (128, 128))
    assert np.abs(resizer.frames(frame[None])[0] - expected).max() < 0.01


@given(n_in=st.integers(1, 60), n_out=st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_weights_sum_to_one_and_keep_a_constant_image(n_in, n_out):
    weights = resize_weights(n_in, n_out)
    assert weights.shape == (n_out, n_in)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)


def test_the_native_size_passes_through_unchanged(rng):
    frames = rng.normal(size=(2, 9, 9)).astype(np.float32)
    same = Resizer((9, 9), ResizeOptions(method="none")).frames(frames)
    np.testing.assert_array_equal(same, frames)


def test_pad_keeps_proportions_and_marks_borders_invalid():
    resizer = Resizer((48, 96), ResizeOptions(height=64, width=64, aspect="pad"))
    covered = np.ones((48, 96), dtype=bool)
    mask = resizer.mask(covered, ~covered)
    assert mask[16:48].all()
    assert not mask[:16].any()
    assert not mask[48:].any()
    frame = resizer.frames(np.full((1, 48, 96), 7, dtype=np.float32))[0]
    np.testing.assert_allclose(frame[mask], 7.0, rtol=1e-6)


def test_a_cache_pixel_needs_every_covered_pixel_and_half_of_the_living():
    resizer = Resizer((8, 8), ResizeOptions(height=4, width=4))
    covered = np.ones((8, 8), dtype=bool)
    covered[0, 0] = False
    dead = np.zeros((8, 8), dtype=bool)
    dead[4:6, 4:6] = True  # all of one cache pixel
    dead[7, 7] = True  # a quarter of another
    mask = resizer.mask(covered, dead)
    assert not mask[0, 0]
    assert not mask[2, 2]
    assert mask.sum() == 14


@given(
    shifts=st.lists(
        st.tuples(st.floats(-4, 4), st.floats(-4, 4)), min_size=1, max_size=5
    )
)
@settings(max_examples=30, deadline=None)
def test_covered_pixels_are_those_every_moved_frame_fills(shifts):
    given_shifts = np.round(np.array(shifts), 1)
    ones = np.ones((len(shifts), 12, 10), dtype=np.float32)
    filled = (shift_frames(ones, given_shifts) > 0.5).all(axis=0)
    np.testing.assert_array_equal(coverage(given_shifts, (12, 10)), filled)


def test_a_common_mask_is_what_all_recordings_show():
    a, b = np.ones((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)
    a[0], b[:, 0] = False, False
    assert common_mask([a, b]).sum() == 9


def test_masks_that_cannot_be_shared_are_refused():
    a = np.ones((4, 4), dtype=bool)
    with pytest.raises(DataError, match="prepared to one size"):
        common_mask([a, np.ones((5, 4), dtype=bool)])
    with pytest.raises(DataError, match="No pixel is valid in all 2"):
        common_mask([a, ~a])
