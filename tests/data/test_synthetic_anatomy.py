"""How the synthetic animals differ."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from tests.data.reference_synthetic import calcium_by_hand

from napari_neuroembed.data.synthetic.anatomy import (
    calcium,
    draw_anatomy,
    draw_axons,
    draw_spikes,
    drifted,
)
from napari_neuroembed.data.synthetic.behaviour import draw_actions, draw_repertoire
from napari_neuroembed.options.synthetic import SyntheticOptions


def animal(name="fly1", **knobs):
    options = SyntheticOptions(**knobs)
    return draw_anatomy(options, draw_axons(options), name)


def test_without_gap_animals_are_identical_in_everything():
    one, other = animal("fly1", gap=0.0), animal("fly2", gap=0.0)
    for field in fields(one):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name))
    assert one.width == pytest.approx(1.3)
    assert one.tau_s == pytest.approx(1.05)
    assert one.brightness == 1.0
    assert set(one.gain) == {1.0}
    assert not one.background.any()
    assert np.array_equal(one.pose(np.full((1, 60), 0.3)), np.full((1, 60), 0.3))


def test_with_gap_animals_differ_in_everything():
    one, other = animal("fly1"), animal("fly2")
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert not np.array_equal(a, b), field.name


def test_half_the_gap_is_the_same_animal_half_as_far_from_the_plan():
    plan = draw_axons(SyntheticOptions()).position
    whole, half = animal(gap=1.0), animal(gap=0.5)
    assert half.position - plan == pytest.approx((whole.position - plan) / 2)
    assert half.width - 1.3 == pytest.approx((whole.width - 1.3) / 2)
    assert np.log(half.brightness) == pytest.approx(np.log(whole.brightness) / 2)
    assert np.log(half.pose_scale) == pytest.approx(np.log(whole.pose_scale) / 2)
    assert half.pose_offset == pytest.approx(whole.pose_offset / 2)
    present = (half.gain > 0) & (whole.gain > 0)
    assert half.gain[present] - 1 == pytest.approx((whole.gain[present] - 1) / 2)
    assert set(np.flatnonzero(half.gain == 0)) <= set(np.flatnonzero(whole.gain == 0))


def test_the_knobs_have_the_spreads_they_are_named_after():
    animals = [animal(f"fly{i}") for i in range(300)]
    plan = draw_axons(SyntheticOptions()).position
    position = np.stack([a.position for a in animals]) - plan
    gain = np.stack([a.gain for a in animals])
    assert position.std() == pytest.approx(1.5, rel=0.03)
    assert np.mean(gain == 0) == pytest.approx(0.2, abs=0.02)
    assert gain[gain > 0].mean() == pytest.approx(1.0, rel=0.03)
    assert gain[gain > 0].std() == pytest.approx(0.5, rel=0.05)
    bright = np.log([a.brightness for a in animals])
    assert bright.std() == pytest.approx(0.4, rel=0.15)
    assert np.std([a.background for a in animals]) == pytest.approx(0.3, rel=0.03)
    tau, width = [a.tau_s for a in animals], [a.width for a in animals]
    assert (min(tau), max(tau)) == pytest.approx((0.6, 1.5), abs=0.02)
    assert (min(width), max(width)) == pytest.approx((0.8, 1.8), abs=0.02)
    scale = np.log(np.stack([a.pose_scale for a in animals]))
    assert scale.std() == pytest.approx(0.15, rel=0.03)
    offset = np.stack([a.pose_offset for a in animals])
    assert offset.std() == pytest.approx(0.08, rel=0.03)


def test_calcium_equals_the_recursion_written_out(rng):
    spikes = rng.poisson(0.5, (50, 3))
    assert calcium(spikes, 0.8, 16.0) == pytest.approx(
        calcium_by_hand(spikes, 0.8, 16.0)
    )


@pytest.mark.parametrize("rate_hz", [8.0, 16.0])
def test_spikes_have_the_rate_of_the_equation_at_any_frame_rate(rate_hz):
    options = SyntheticOptions(n_axons=8, tuning=1.0)
    axons, repertoire = draw_axons(options), draw_repertoire(options)
    track = draw_actions(repertoire, 20.0, np.random.default_rng(0))
    time_s = (np.arange(int(15 * rate_hz)) + 0.5) / rate_hz
    draws = [
        draw_spikes(axons, track, time_s, rate_hz, np.random.default_rng(i))
        for i in range(400)
    ]
    t, m = int(5 * rate_hz), 3
    k = track.action_at(time_s)[t]
    swing = 1 + 0.8 * np.sin(0.25 * track.phase_at(time_s)[t] + axons.phase_rad[m])
    expected = 0.5 * (axons.tuning[k, m] * swing + 0.05) * 16.0 / rate_hz
    found = np.mean([spikes[t, m] for spikes in draws])
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / 400) + 0.01)


def test_no_drift_is_the_very_same_anatomy():
    anatomy = animal()
    assert drifted(anatomy, SyntheticOptions(), "fly1", 7) is anatomy


def test_drift_adds_up_from_recording_to_recording():
    options = SyntheticOptions(drift=1.0)
    far = [
        np.mean(
            [
                np.abs(
                    drifted(animal(f"fly{i}"), options, f"fly{i}", n).position
                    - animal(f"fly{i}").position
                ).mean()
                for i in range(8)
            ]
        )
        for n in (0, 3, 15)
    ]
    assert far[1] / far[0] == pytest.approx(2.0, rel=0.25)
    assert far[2] / far[0] == pytest.approx(4.0, rel=0.25)
    one = animal()
    assert drifted(one, options, "fly1", 3).width == one.width
    missing = one.gain == 0
    assert np.array_equal(drifted(one, options, "fly1", 3).gain == 0, missing)
