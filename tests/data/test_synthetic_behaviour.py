"""What the synthetic animals do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.reference_synthetic import phase_by_sum, pose_by_hand

from napari_neuroembed.data.synthetic.behaviour import (
    LEAD_S,
    draw_actions,
    draw_poses,
    draw_repertoire,
    draw_speed,
)
from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.options.synthetic import SyntheticOptions

OPTIONS = SyntheticOptions()


def drawn(stop_s=60.0, seed=0, options=OPTIONS):
    repertoire = draw_repertoire(options)
    return repertoire, draw_actions(repertoire, stop_s, np.random.default_rng(seed))


def test_time_is_spent_in_each_action_as_its_probability_says():
    repertoire, track = drawn(stop_s=60_000.0)
    spent = np.zeros(6)
    np.add.at(spent, track.action, track.stop_s - track.start_s)
    assert repertoire.probability == pytest.approx(
        np.arange(1, 7) ** -0.8 / np.sum(np.arange(1, 7) ** -0.8)
    )
    assert spent / spent.sum() == pytest.approx(repertoire.probability, abs=0.02)


def test_bouts_have_the_heavy_tail_of_a_pareto_law():
    many = SyntheticOptions(n_actions=24, action_exponent=0.0)
    _, track = drawn(stop_s=20_000.0, options=many)
    seconds = (track.stop_s - track.start_s)[:-1]
    assert seconds.min() >= 0.5
    # P(0.5 (1 + Pareto) > 2) = 4^-1.5; one bout in 24 is joined to the one before.
    assert np.mean(seconds > 2.0) == pytest.approx(0.125, abs=0.03)
    # P(at the ceiling of 20 s) = 40^-1.5; a Gaussian tail would have none.
    assert np.mean(seconds >= 20.0) == pytest.approx(0.004, abs=0.003)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), stop_s=st.floats(3.0, 100.0))
def test_bouts_cover_the_recording_without_gap_and_never_repeat(seed, stop_s):
    _, track = drawn(stop_s, seed)
    assert track.start_s[0] == -LEAD_S
    assert track.stop_s[-1] == stop_s
    assert np.array_equal(track.start_s[1:], track.stop_s[:-1])
    assert (track.stop_s > track.start_s).all()
    assert (np.diff(track.action) != 0).all()


@pytest.mark.parametrize("time_s", [-3.9, 0.3, 7.0])
def test_the_phase_is_the_integral_of_the_frequency(time_s):
    _, track = drawn()
    assert track.phase_at(np.array([time_s]))[0] == pytest.approx(
        phase_by_sum(track, time_s), abs=0.02
    )


def test_a_bout_begins_at_its_first_moment_and_ends_before_its_last():
    _, track = drawn()
    assert track.action_at(track.start_s).tolist() == track.action.tolist()
    before = np.nextafter(track.stop_s, -np.inf)
    assert track.action_at(before).tolist() == track.action.tolist()


@pytest.mark.parametrize("time_s", [0.0, 3.3, 21.7])
def test_a_pose_is_the_average_of_four_camera_frames(time_s):
    repertoire, track = drawn()
    rng = np.random.default_rng(0)
    pose = draw_poses(repertoire, track, np.array([time_s]), OPTIONS, rng)
    assert pose[0] == pytest.approx(pose_by_hand(repertoire, track, time_s, 32.0))


def test_running_speed_follows_the_action_and_is_never_negative():
    repertoire, track = drawn(stop_s=2000.0)
    time_s = (np.arange(1900 * 32) + 0.5) / 32
    speed = draw_speed(repertoire, track, time_s, 32.0, np.random.default_rng(0))
    action = track.action_at(time_s)
    means = np.array([speed[action == k].mean() for k in range(6)])
    assert speed.min() >= 0.0
    assert np.argmax(means) == repertoire.names.index("walking")
    assert means == pytest.approx(repertoire.speed_cm_s, abs=0.3)


def test_poses_of_paired_actions_meet_when_they_are_fully_ambiguous():
    plain = draw_repertoire(OPTIONS)
    equal = draw_repertoire(SyntheticOptions(pose_ambiguity=1.0))
    assert equal.prototype[0] == pytest.approx(equal.prototype[1])
    assert equal.amplitude[4] == pytest.approx(equal.amplitude[5])
    assert not np.allclose(equal.prototype[1], equal.prototype[2])
    assert np.array_equal(equal.frequency_hz, plain.frequency_hz)
    assert equal.prototype[0] == pytest.approx(plain.prototype[:2].mean(axis=0))


def test_an_odd_last_action_has_no_partner_and_stays_as_it_was():
    plain = draw_repertoire(SyntheticOptions(n_actions=5))
    ambiguous = draw_repertoire(SyntheticOptions(n_actions=5, pose_ambiguity=1.0))
    assert np.array_equal(plain.prototype[4], ambiguous.prototype[4])


def test_actions_beyond_the_named_ones_are_numbered():
    names = draw_repertoire(SyntheticOptions(n_actions=8)).names
    assert names[0] == "walking"
    assert names[6:] == ("action_7", "action_8")
    assert len(set(names)) == 8


def test_generators_of_different_names_are_unrelated():
    one = child_generator(0, "fly1_001", "spikes").random(1000)
    other = child_generator(0, "fly1_001", "motion").random(1000)
    joined = child_generator(0, "fly1_001spikes").random(1000)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
    assert not np.array_equal(one, joined)
