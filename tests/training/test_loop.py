"""The loop: learns, resumes bit for bit, stops on request, refuses NaN."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.prepared import make_recording

from napari_neuroembed.config import with_settings
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods import METHODS, as_defined
from napari_neuroembed.training.loop import (
    TrainingState,
    learning_rate,
    make_fabric,
    train_steps,
)
from napari_neuroembed.training.setup import prepare


def trained(recordings, config, stop_after=None):
    setup = prepare(recordings, config, None)
    state = TrainingState(setup.parts.method, setup.parts.method.optimizer())
    reports = []
    for done in train_steps(
        state,
        setup.batches.draw,
        make_fabric(config.training),
        should_stop=lambda: state.step == stop_after,
    ):
        reports.append(done)
    return setup, state, reports


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_and_two_trainings_are_equal(method, recordings, config):
    config = as_defined(config, method)
    _, first, reports = trained(recordings, config)
    _, second, _ = trained(recordings, config)
    own = next(t for t in ("nce", "mse", "cross_entropy") if t in reports[0].terms)
    if config.method_options.domain != "adversarial":  # a dozen steps of a contest
        assert reports[-1].terms[own] < reports[0].terms[own]
    a, b = first.method.state_dict(), second.method.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(recordings, config):
    _, whole, _ = trained(recordings, config)
    _, part, _ = trained(recordings, config, stop_after=5)
    assert part.step == 5
    setup = prepare(recordings, config, None)
    setup.parts.method.load_state_dict(part.method.state_dict())
    state = TrainingState(setup.parts.method, setup.parts.method.optimizer(), 5)
    state.optimizer.load_state_dict(part.optimizer.state_dict())
    list(train_steps(state, setup.batches.draw, make_fabric(config.training)))
    a, b = whole.method.state_dict(), state.method.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_traces_of_different_counts_train_with_their_own_input_layers(config):
    recordings = [
        make_recording(f"{animal}_{i}", animal, 10 * a + 3 * i + a, kind="trace")
        for a, animal in enumerate(("w1", "w2"))
        for i in range(2)
    ]
    setup, _, reports = trained(recordings, config)
    assert setup.data.shapes.neurons == (5, 7)
    assert reports[-1].terms["loss"] < reports[0].terms["loss"]


def test_a_loss_that_is_not_finite_stops_with_step_and_value(recordings, config):
    config = dataclasses.replace(
        config,
        training=dataclasses.replace(
            config.training, learning_rate=10.0, steps=50, warmup=0.0
        ),
    )
    config = with_settings(config, ["training.schedule=constant"])
    setup = prepare(recordings, config, None)
    with torch.no_grad():
        next(setup.parts.method.parameters()).fill_(float("nan"))
    state = TrainingState(setup.parts.method, setup.parts.method.optimizer())
    with pytest.raises(TrainingError, match=r"no longer finite|not finite"):
        list(train_steps(state, setup.batches.draw, make_fabric(config.training)))


def test_a_training_of_no_steps_is_legal(recordings, config):
    config = with_settings(config, ["training.steps=0"])
    _, state, reports = trained(recordings, config)
    assert state.step == 0
    assert reports == []


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "constant"])
def test_the_learning_rate_rises_to_its_peak_and_ends_low(schedule, config):
    options = dataclasses.replace(config.training, schedule=schedule, warmup=0.1)
    rates = [learning_rate(step, 100, options) for step in range(100)]
    assert max(rates) == pytest.approx(options.learning_rate, rel=0.01)
    assert rates[0] < 0.2 * options.learning_rate
    assert (rates[-1] < 0.01 * options.learning_rate) == (schedule != "constant")


def test_asking_for_a_gpu_that_is_not_there_is_a_clear_error(config):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    options = dataclasses.replace(config.training, device="cuda")
    with pytest.raises(TrainingError, match="no CUDA device"):
        make_fabric(options)
