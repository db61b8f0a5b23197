"""The synthetic data set as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.data.reference_synthetic import ARRAYS, fingerprint

from napari_neuroembed.data.synthetic import simulate
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.options.base import from_dict
from napari_neuroembed.options.synthetic import SyntheticOptions

SMALL = {"n_animals": 2, "n_recordings": 2, "duration_s": 4.0, "image_size": 32}


def twin_of(**knobs):
    return simulate(SyntheticOptions(**(SMALL | knobs)))


def differing(one, other):
    return [n for n in ARRAYS if not np.array_equal(getattr(one, n), getattr(other, n))]


def test_the_same_seed_gives_the_same_animals_in_another_process():
    script = (
        "from napari_neuroembed.data.synthetic import simulate;"
        "from napari_neuroembed.options.synthetic import SyntheticOptions;"
        "from tests.data.reference_synthetic import fingerprint;"
        f"print(fingerprint(simulate(SyntheticOptions(**{SMALL}, seed=3))))"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": "17",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    other = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == fingerprint(twin_of(seed=3))


def test_another_seed_gives_other_animals():
    assert len(differing(twin_of().recordings[0], twin_of(seed=1).recordings[0])) == 6


def test_fewer_animals_and_recordings_leave_the_rest_as_it_was():
    many, few = twin_of(n_animals=3, n_recordings=4), twin_of(n_animals=1)
    for recording in few.recordings:
        assert differing(recording, many.recording(recording.id)) == []
        frames = zip(few.frames(recording.id), many.frames(recording.id), strict=True)
        assert all(np.array_equal(a, b) for a, b in frames)


def test_a_shorter_recording_is_the_beginning_of_a_longer_one():
    short, long = twin_of(duration_s=4.0), twin_of(duration_s=11.0)
    for a, b in zip(short.recordings, long.recordings, strict=True):
        assert a.pose_time.start_s == b.pose_time.start_s
        for name in ("spikes", "calcium", "motion_px", "points", "speed_cm_s"):
            beginning = getattr(b, name)[: len(getattr(a, name))]
            assert np.array_equal(getattr(a, name), beginning), name
        frames = zip(short.frames(a.id), long.frames(a.id), strict=False)
        assert all(np.array_equal(one, other) for one, other in frames)


@pytest.mark.parametrize(
    ("knob", "changed"),
    [
        ({"pose_ambiguity": 0.5}, {"points"}),
        ({"motion": 0.0}, {"motion_px"}),
        ({"scale_sd": 0.4}, {"points"}),
        ({"tau_high_s": 2.0}, {"calcium"}),
        ({"video": 0, "noise": 0.3, "brightness": 1.0}, set()),
    ],
)
def test_a_knob_changes_what_it_is_for_and_nothing_else(knob, changed):
    assert set(differing(twin_of().recordings[1], twin_of(**knob).recordings[1])) == (
        changed
    )


def test_drift_leaves_behaviour_and_spikes_alone_but_not_anatomy():
    plain, wandering = twin_of().recordings[1], twin_of(drift=1.0).recordings[1]
    assert differing(plain, wandering) == ["points"]
    assert not np.array_equal(plain.anatomy.position, wandering.anatomy.position)
    assert not np.array_equal(plain.anatomy.gain, wandering.anatomy.gain)


def test_without_gap_only_behaviour_noise_and_motion_differ_between_animals():
    twin = twin_of(gap=0.0)
    one, other = (twin.recording(f"{animal}_001") for animal in ("fly1", "fly2"))
    for field in fields(one.anatomy):
        a, b = getattr(one.anatomy, field.name), getattr(other.anatomy, field.name)
        assert np.array_equal(a, b), field.name
    assert set(differing(one, other)) == set(ARRAYS)


def test_clocks_and_arrays_have_the_same_number_of_frames():
    for recording in twin_of(neural_rate_hz=15.5, pose_rate_hz=30.0).recordings:
        assert len(recording.spikes) == recording.neural_time.n_frames == 62
        assert recording.motion_px.shape == (62, 2)
        assert len(recording.points) == recording.pose_time.n_frames
        assert len(recording.speed_cm_s) == len(recording.action)


def test_cameras_start_with_before_and_after_the_imaging():
    recordings = twin_of(n_animals=4, n_recordings=12).recordings
    starts = np.array([r.pose_time.start_s for r in recordings])
    assert 8 <= (starts == 0).sum() <= 24
    assert 8 <= (starts < 0).sum() <= 24
    assert 8 <= (starts > 0).sum() <= 24
    assert starts.min() >= -1.5
    assert starts.max() <= 1.0
    early = [r for r in recordings if r.pose_time.start_s < 0]
    assert max(r.pose_time.stop_s - r.neural_time.stop_s for r in early) > 0.3


def test_the_rig_is_confounded_with_neither_animal_nor_date_nor_sex():
    recordings = twin_of(n_animals=4, n_recordings=12).recordings
    for other in ("animal", "date", "sex"):
        groups = {}
        for r in recordings:
            group = r.animal if other == "animal" else r.covariates[other]
            groups.setdefault(group, []).append(r.covariates["rig"])
        for rigs in groups.values():
            assert rigs.count("A") == rigs.count("B")


def test_an_unknown_recording_is_refused_with_the_known_names():
    with pytest.raises(DataError, match=r"no synthetic recording 'fly9_001'.*fly1_001"):
        twin_of().frames("fly9_001")


def test_the_truth_is_frozen():
    twin = twin_of()
    for part in (twin, twin.recordings[0], twin.axons, twin.anatomy["fly1"]):
        assert is_dataclass(part)
        with pytest.raises(AttributeError):
            part.seed = 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"gap": 1.5}, "gap: .*less than or equal to 1.*1.5"),
        ({"signal": "dendrites"}, "axons.*somata"),
        ({"n_animal": 3}, "Did you mean n_animals"),
        ({"spot_low": 2.0}, r"spot_low \(2.0\) must not be above spot_high \(1.8\)"),
    ],
)
def test_wrong_options_are_refused_with_what_is_allowed(wrong, message):
    with pytest.raises(ConfigError, match=message):
        from_dict(SyntheticOptions, wrong)


def window_means(twin):
    """Give truth-registered dF/F window means, their action, animal and recording."""
    rows = []
    for recording in twin.recordings:
        stack = np.stack(list(twin.frames(recording.id))) - 200.0
        for frame, shift in zip(stack, np.rint(recording.motion_px), strict=True):
            frame[:] = np.roll(frame, -shift.astype(int), axis=(0, 1))
        stack = stack.reshape(len(stack), 16, 2, 16, 2).mean(axis=(2, 4))
        running = np.cumsum(stack, axis=0)
        rest = ((running[15:] - running[:-15]) / 15).min(axis=0)
        action = recording.track.action_at(recording.neural_time.centers())
        for t in range(16, len(stack) - 16, 8):
            mean = stack[t - 16 : t + 16].mean(axis=0) / rest - 1
            rows.append((mean.ravel(), action[t], recording.animal, recording.number))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return columns[0], columns[1], columns[2], columns[3]


def accuracies(twin):
    """Give raw linear accuracy within and across animals, and of identity."""
    x, action, animal, number = window_means(twin)
    fit = number <= 3
    probe = make_pipeline(StandardScaler(), RidgeClassifier(alpha=100.0))
    within, across = [], []
    for name in np.unique(animal):
        own = animal == name
        test = own & ~fit
        for rows, found in ((own & fit, within), (~own & fit, across)):
            probe.fit(x[rows], action[rows])
            found.append(probe.score(x[test], action[test]))
    probe.fit(x[fit], animal[fit])
    return np.mean(within), np.mean(across), probe.score(x[~fit], animal[~fit])


def test_raw_pixels_tell_actions_and_identity_but_do_not_carry_over_to_others():
    within, across, identity = accuracies(
        simulate(SyntheticOptions(n_animals=3, n_recordings=6, image_size=32, seed=2))
    )
    assert within > across + 0.1
    assert identity > 0.9


def test_without_gap_raw_pixels_carry_over_and_hide_the_animal():
    options = SyntheticOptions(
        n_animals=3, n_recordings=6, image_size=32, seed=2, gap=0.0
    )
    within, across, identity = accuracies(simulate(options))
    assert abs(within - across) < 0.1
    assert identity < 0.55
