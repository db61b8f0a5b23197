"""What a time budget buys, with a clock that only steps move."""

import numpy as np
import pytest

from napari_neuroembed.config import default, twin, with_settings
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.methods import as_defined
from napari_neuroembed.training.budget import plan_budget
from napari_neuroembed.training.setup import prepare
from napari_neuroembed.training.tryout import FEWEST_TIMED, list_candidates


class Clock:
    """Time that passes only in steps, and a count of them by image size and batch."""

    def __init__(self, step_s, first_s=0.0):
        self.now, self.step_s, self.first_s = 0.0, step_s, first_s
        self.steps = {}

    def __call__(self):
        return self.now

    def runner(self, setup):
        size = setup.data.neural.frame_shape[0]
        self.now += self.first_s
        while True:
            batch = setup.batches.size
            self.now += self.step_s(size, batch)
            self.steps[size, batch] = self.steps.get((size, batch), 0) + 1
            yield None


def movie(name="r", seconds=33, size=64, rate_hz=15.0):
    n = int(seconds * rate_hz)
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(n, size, size)).astype(np.float32)
    speed = rng.normal(size=(n, 1)).astype(np.float32)
    clock = TimeAxis(n, rate_hz=rate_hz)
    streams = {
        "neural": Stream("neural", frames, clock),
        "speed": Stream("scalar", speed, clock),
    }
    return Recording(name, "mouse", streams)


@pytest.fixture
def recordings():
    return [movie(seconds=80)]


@pytest.fixture
def config():
    return as_defined(default(), "simclr")


def plan(recordings, config, seconds, clock):
    return plan_budget(recordings, config, seconds, clock=clock, runner=clock.runner)


def by_work(at_64):
    """Return steps whose time goes with pixels and windows; `at_64` for 64 px, 128."""
    return lambda size, batch: at_64 * (size / 64) ** 2 * batch / 128


def always(step_s):
    return lambda *_: step_s


def test_fast_steps_keep_the_size_of_the_cache_and_the_batch(recordings, config):
    clock = Clock(by_work(0.01))
    made = plan(recordings, config, 600.0, clock).config.training
    assert (made.image_size, made.batch_size) == (0, 128)
    assert made.steps >= 400
    assert set(clock.steps) == {(64, 128)}


def test_a_slow_machine_gets_smaller_images_before_smaller_batches(recordings, config):
    made = plan(recordings, config, 40.0, Clock(by_work(1.2))).config.training
    assert (made.image_size, made.batch_size) == (16, 128)
    assert made.steps >= 400


def test_a_very_slow_machine_gets_the_smallest_of_all(recordings, config):
    made = plan(recordings, config, 40.0, Clock(by_work(8.0))).config.training
    assert (made.image_size, made.batch_size) == (16, 32)
    assert made.steps >= 100


@pytest.mark.parametrize("at_64", [0.01, 0.3, 1.5, 8.0])
def test_calibration_takes_little_of_the_budget(recordings, config, at_64):
    clock = Clock(by_work(at_64))
    plan(recordings, config, 40.0, clock)
    assert clock.now <= 0.45 * 40.0


@pytest.mark.parametrize("at_64", [0.01, 0.3, 1.5, 8.0])
@pytest.mark.parametrize("first_s", [0.0, 1.0])
def test_calibration_and_training_stay_within_the_budget(
    recordings, config, at_64, first_s
):
    clock = Clock(by_work(at_64), first_s)
    made = plan(recordings, config, 40.0, clock)
    assert clock.now + made.expected_s <= 1.2 * 40.0


def test_three_steps_are_timed_even_when_the_time_is_over(recordings, config):
    clock = Clock(always(5.0))
    config = with_settings(config, ["training.image_size=16", "training.batch_size=32"])
    made = plan(recordings, config, 10.0, clock)
    assert clock.steps == {(16, 32): 4}
    assert made.config.training.steps == 1


def test_a_hopeless_size_is_given_up_after_its_first_step(recordings, config):
    clock = Clock(by_work(8.0))
    plan(recordings, config, 40.0, clock)
    assert clock.steps[64, 128] == 1
    assert (32, 128) not in clock.steps


def test_without_time_to_try_the_smallest_size_is_extrapolated(recordings, config):
    clock = Clock(by_work(20.0))
    made = plan(recordings, config, 40.0, clock)
    assert set(clock.steps) == {(64, 128)}
    assert made.config.training.image_size == 16
    assert clock.now + made.expected_s <= 1.2 * 40.0


@pytest.mark.parametrize("at_64", [0.01, 1.5, 8.0])
def test_the_stride_leaves_four_batches_of_windows(config, at_64):
    recordings = [movie(seconds=120, size=32)]
    planned = plan(recordings, config, 40.0, Clock(by_work(at_64))).config
    setup = prepare(recordings, planned, None)
    assert len(setup.data.fit) >= 4 * planned.training.batch_size


def test_a_batch_that_cannot_be_filled_yet_is_extrapolated(config):
    made = plan([movie()], config, 600.0, Clock(by_work(0.01)))
    assert made.step_s == pytest.approx(0.01)


def test_a_short_recording_gives_all_its_windows(config):
    recordings = [movie()]
    planned = plan(recordings, config, 40.0, Clock(by_work(1.5))).config
    assert planned.windows.stride_s == pytest.approx(1 / 15)


def test_the_stride_makes_about_ten_epochs(config):
    recordings = [movie(seconds=240, size=16)]
    planned = plan(recordings, config, 60.0, Clock(always(0.5))).config
    setup = prepare(recordings, planned, None)
    samples = planned.training.steps * planned.training.batch_size
    assert 5 <= samples / len(setup.data.fit) <= 20


def test_no_more_steps_than_the_papers_schedule_are_planned(recordings, config):
    made = plan(recordings, config, 1e6, Clock(by_work(0.01)))
    assert made.expected_s <= made.paper_s


def test_traces_have_no_image_to_halve(config):
    traces = Recording(
        "r", "worm", {"trace": Stream("trace", np.zeros((90, 5)), TimeAxis(90, 0, 3.0))}
    )
    tried = [(c.image_size, c.batch_size) for c in list_candidates([traces], config)]
    assert tried == [(0, 128), (0, 64), (0, 32)]


def test_images_are_halved_as_far_as_both_sides_allow(config):
    tried = list_candidates([movie(size=48)], config)
    assert [c.image_size for c in tried] == [0, 24, 24, 24]


def test_an_image_size_that_was_asked_for_is_kept(recordings, config):
    config = with_settings(config, ["training.image_size=32"])
    tried = list_candidates(recordings, config)
    assert {c.image_size for c in tried} == {32}


def test_the_sentence_says_what_how_long_and_until_when(recordings, config):
    made = plan(recordings, config, 600.0, Clock(by_work(0.01)))
    text = made.sentence()
    assert f"{made.config.training.steps:,} steps of 128 windows" in text
    assert f"until about {made.ends:%H:%M}" in text
    assert "The paper's schedule (200 epochs over every frame) would take" in text


def test_real_steps_are_timed():
    small = with_settings(
        twin(), ["windows.stride_s=0.5", "training.batch_size=8", "training.threads=1"]
    )
    config = as_defined(small, "simclr")
    made = plan_budget([movie(seconds=20, size=16)], config, 2.0)
    assert made.step_s > 0
    assert made.config.training.steps > FEWEST_TIMED
