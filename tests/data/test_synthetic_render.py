"""How the synthetic animals look through the microscope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.data.reference_synthetic import gaussian_spot

from napari_neuroembed.data.synthetic.anatomy import draw_anatomy, draw_axons
from napari_neuroembed.data.synthetic.render import (
    build_scene,
    draw_motion,
    render,
)
from napari_neuroembed.data.synthetic.shapes import (
    Canvas,
    draw_neurite,
    draw_soma,
    neurite,
    soma,
)
from napari_neuroembed.options.synthetic import SyntheticOptions

VIEW = Canvas(size=128, margin=0, scale=4.0)
PAINTERS = {
    "axons": lambda centre, width, rng: neurite(VIEW, centre, width, draw_neurite(rng)),
    "somata": lambda centre, width, rng: soma(VIEW, centre, width, draw_soma(rng)),
}


def scene_of(**knobs):
    options = SyntheticOptions(**knobs)
    axons = draw_axons(options)
    return options, build_scene(options, axons, draw_anatomy(options, axons, "fly1"))


def resting(options, scene, n_frames=200, motion=(0.0, 0.0), seed=0):
    rng = np.random.default_rng(seed)
    calcium = np.zeros((n_frames, options.n_axons))
    moved = np.tile(np.array(motion, dtype=float), (n_frames, 1))
    return np.stack(list(render(scene, calcium, moved, options, rng)))


def coarse(image, n=16):
    k = image.shape[0] // n
    return image.reshape(n, k, n, k).mean(axis=(1, 3))


@pytest.mark.parametrize("signal", PAINTERS)
@pytest.mark.parametrize("width", [0.8, 1.3, 1.8])
def test_a_shape_weighs_and_spreads_like_the_spot_it_stands_for(signal, width):
    spot = gaussian_spot((16.0, 16.0), width, 128, 4.0)
    axis = VIEW.axis()
    for seed in range(5):
        centre = np.array([16.0, 16.0])
        image = PAINTERS[signal](centre, width, np.random.default_rng(seed))
        assert image.sum() == pytest.approx(spot.sum(), rel=0.02)
        y = np.average(axis, weights=image.sum(axis=1))
        x = np.average(axis, weights=image.sum(axis=0))
        assert (y, x) == pytest.approx((16.0, 16.0), abs=0.05)
        spread = np.average((axis - y) ** 2, weights=image.sum(axis=1))
        spread += np.average((axis - x) ** 2, weights=image.sum(axis=0))
        assert spread == pytest.approx(2 * width**2, rel=0.12)


@pytest.mark.parametrize("signal", PAINTERS)
def test_averaged_over_coarse_pixels_a_shape_says_what_the_spot_says(signal):
    rng = np.random.default_rng(0)
    alike = []
    for _ in range(20):
        centre = rng.uniform(8, 24, 2)
        spot = coarse(gaussian_spot(centre, 1.3, 128, 4.0))
        image = coarse(PAINTERS[signal](centre, 1.3, rng))
        alike.append(np.corrcoef(spot.ravel(), image.ravel())[0, 1])
    assert np.median(alike) > 0.85


@pytest.mark.parametrize("signal", PAINTERS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_resting_fluorescence_is_above_zero_in_every_pixel(signal, seed):
    _, scene = scene_of(signal=signal, seed=seed, background=2.0)
    assert scene.rest.min() >= 0.5
    assert scene.light.min() > 0
    assert scene.footprints.min() >= 0


def test_counts_are_the_offset_plus_gain_times_photons_with_shot_noise():
    options, scene = scene_of(gap=0.0)
    stack = resting(options, scene, 400).astype(float)
    m = scene.canvas.margin
    photons = scene.rest[m:-m, m:-m] * scene.light
    mean, spread = stack.mean(axis=0), stack.var(axis=0)
    assert stack.dtype == np.float64
    assert (mean - 200) / (24 * photons) == pytest.approx(1.0, rel=0.1)
    assert np.mean((mean - 200) / (24 * photons)) == pytest.approx(1.0, rel=0.002)
    assert np.mean(spread / (24**2 * photons)) == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_noise_of_a_pixel_of_32_is_what_the_knob_says_at_any_size(size):
    options, scene = scene_of(gap=0.0, image_size=size)
    stack = resting(options, scene).astype(float) - options.offset
    fluorescence = stack / (options.counts_per_photon * scene.light)
    k = size // 32
    pixels = fluorescence.reshape(200, 32, k, 32, k).mean(axis=(2, 4))
    rest = pixels.mean()
    expected = options.noise * np.sqrt(rest / 8.0)
    assert pixels.std(axis=0).mean() == pytest.approx(expected, rel=0.06)


def test_what_moves_down_and_left_is_seen_lower_and_further_left():
    options, scene = scene_of()
    still = resting(options, scene, 100).mean(axis=0) - 200
    moved = resting(options, scene, 100, motion=(5.0, -7.0), seed=1).mean(axis=0) - 200
    still, moved = still / scene.light, moved / scene.light
    agreement = {
        shift: np.corrcoef(
            np.roll(still, shift, axis=(0, 1))[10:-10, 10:-10].ravel(),
            moved[10:-10, 10:-10].ravel(),
        )[0, 1]
        for shift in ((5, -7), (-5, 7), (5, 7), (4, -7), (0, 0))
    }
    assert max(agreement, key=lambda shift: agreement[shift]) == (5, -7)
    assert agreement[(5, -7)] > 0.95


def test_active_axons_light_up_where_their_footprint_is():
    options, scene = scene_of()
    calcium = np.zeros((50, options.n_axons))
    present = int(np.argmax(scene.footprints.sum(axis=1)))
    calcium[:, present] = 8.0
    rng = np.random.default_rng(0)
    stack = np.stack(list(render(scene, calcium, np.zeros((50, 2)), options, rng)))
    gained = stack.mean(axis=0) - resting(options, scene, 50).mean(axis=0)
    m = scene.canvas.margin
    side = scene.canvas.side
    footprint = scene.footprints[present].reshape(side, side)[m:-m, m:-m]
    assert np.corrcoef(gained.ravel(), footprint.ravel())[0, 1] > 0.9


def test_motion_is_a_few_pixels_with_jerks_and_stays_within_the_margin():
    options = SyntheticOptions()
    motion = draw_motion(options, 100_000, np.random.default_rng(0))
    assert np.abs(motion).max() <= 12.0
    assert np.median(np.abs(motion)) == pytest.approx(1.1, abs=0.3)
    steps = np.abs(np.diff(motion, axis=0)).max(axis=1)
    assert np.median(steps) < 0.4
    assert (steps > 2.0).sum() > 100
    wild = replace(options, motion=2.0, image_size=64)
    assert np.abs(draw_motion(wild, 5000, np.random.default_rng(0))).max() == 6.0


def test_the_largest_motion_in_any_direction_can_be_rendered():
    options, scene = scene_of(image_size=50, n_axons=2)
    reach = 3 * 50 / 32
    for motion in ((reach, reach), (-reach, -reach), (reach, -reach)):
        assert resting(options, scene, 2, motion).shape == (2, 50, 50)


def test_a_rendered_recording_shows_the_motion_it_tells():
    skimage = pytest.importorskip("skimage.registration")
    options, scene = scene_of(gap=0.0)
    template = resting(options, scene, 200).mean(axis=0)
    for motion in ((3.0, -2.0), (-6.0, 4.5)):
        seen = resting(options, scene, 30, motion, seed=2).mean(axis=0)
        found = skimage.phase_cross_correlation(
            template, seen, upsample_factor=10, normalization=None
        )[0]
        assert -found == pytest.approx(motion, abs=0.5)
