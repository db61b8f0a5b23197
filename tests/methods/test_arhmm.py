"""The model of poses equals an enumeration of all paths, and finds known states."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

from napari_neuroembed.errors import Cancelled, TrainingError
from napari_neuroembed.methods.arhmm import (
    ARHMM,
    choose_arhmm,
    fit_arhmm,
    log_likelihood,
    posterior,
)

Floats = NDArray[np.float64]


def simulated(
    n_states: int, dims: int, seed: int, n: int = 6, length: int = 300
) -> tuple[list[Floats], list[NDArray[np.int64]]]:
    """Draw sequences and their states; a state stays for 33 frames on average."""
    rng = np.random.default_rng(seed)
    turn = np.stack(
        [0.9 * np.linalg.qr(rng.normal(size=(dims, dims)))[0] for _ in range(n_states)]
    )
    shift = 0.6 * rng.normal(size=(n_states, dims))
    sequences, states = [], []
    for _ in range(n):
        z, pose = np.zeros(length, dtype=np.int64), np.zeros((length, dims))
        z[0], pose[0] = rng.integers(n_states), rng.normal(size=dims)
        for t in range(1, length):
            moves = rng.random() < 0.03
            z[t] = rng.integers(n_states) if moves else z[t - 1]
            noise = 0.3 * rng.normal(size=dims)
            pose[t] = turn[z[t]] @ pose[t - 1] + shift[z[t]] + noise
        sequences.append(pose)
        states.append(z)
    return sequences, states


def small_model(seed: int = 0) -> ARHMM:
    rng = np.random.default_rng(seed)
    flow = rng.random((2, 2)) + 0.1
    root = rng.normal(size=(2, 2, 2))
    return ARHMM(
        np.array([0.3, 0.7]),
        flow / flow.sum(axis=1, keepdims=True),
        0.5 * rng.normal(size=(2, 2, 2)),
        rng.normal(size=(2, 2)),
        root @ root.transpose(0, 2, 1) + 0.5 * np.eye(2),
    )


def weight(model: ARHMM, pose: Floats, path: tuple[int, ...]) -> float:
    """Return p(poses after the first, path)."""
    total = model.initial[path[0]]
    for t in range(1, len(path)):
        k = path[t]
        mean = model.weights[k] @ pose[t - 1] + model.bias[k]
        density = multivariate_normal(mean, model.covariance[k]).pdf(pose[t])
        total *= model.transition[path[t - 1], k] * density
    return float(total)


def test_likelihood_and_posteriors_equal_the_sum_over_all_paths() -> None:
    model, rng = small_model(), np.random.default_rng(1)
    sequences = [rng.normal(size=(n, 2)) for n in (5, 2, 4)]
    expected_total, expected = 0.0, []
    for pose in sequences:
        paths = list(itertools.product(range(2), repeat=len(pose)))
        weights = [weight(model, pose, path) for path in paths]
        expected_total += math.log(sum(weights))
        soft = np.zeros((len(pose), 2))
        for path, w in zip(paths, weights, strict=True):
            for t, k in enumerate(path):
                soft[t, k] += w / sum(weights)
        expected.append(soft)
    assert log_likelihood(model, sequences) == pytest.approx(expected_total, rel=1e-10)
    for found, soft in zip(posterior(model, sequences), expected, strict=True):
        assert np.allclose(found, soft, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_known_states_are_found(seed: int) -> None:
    sequences, states = simulated(3, 4, seed)
    model, _ = fit_arhmm(sequences, 3, np.random.default_rng(0))
    found = np.concatenate(posterior(model, sequences)).argmax(axis=1)
    assert adjusted_rand_score(np.concatenate(states), found) >= 0.9


def test_the_likelihood_never_falls() -> None:
    sequences, _ = simulated(3, 3, 7)
    for k in (1, 2, 5):
        _, told = fit_arhmm(sequences, k, np.random.default_rng(0))
        assert min(np.diff(told), default=0.0) > -1e-6 * abs(told[-1])


def test_the_number_of_states_is_that_of_the_best_held_out_likelihood() -> None:
    sequences, _ = simulated(4, 4, 1, n=8)
    model, found = choose_arhmm(sequences, (2, 4, 8), np.random.default_rng(0))
    assert model.n_states == 4
    assert set(found) == {2, 4, 8}
    assert max(found, key=lambda k: found[k]) == 4


def test_the_same_generator_gives_the_same_model() -> None:
    sequences, _ = simulated(2, 3, 3)
    a, _ = fit_arhmm(sequences, 2, np.random.default_rng(5))
    b, _ = fit_arhmm(sequences, 2, np.random.default_rng(5))
    assert np.array_equal(a.weights, b.weights)
    assert np.array_equal(a.transition, b.transition)


def test_more_states_than_the_frames_allow_are_left_out_or_refused() -> None:
    sequences = [np.random.default_rng(0).normal(size=(30, 4))]
    model, found = choose_arhmm(sequences, (2, 12), np.random.default_rng(0))
    assert (model.n_states, set(found)) == (2, {2})
    with pytest.raises(TrainingError, match=r"needs at least 120 pairs.*found 29 in 1"):
        fit_arhmm(sequences, 12, np.random.default_rng(0))


def test_a_fit_can_be_stopped() -> None:
    sequences, _ = simulated(2, 3, 3)

    def stop(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fit_arhmm(sequences, 2, np.random.default_rng(0), report=stop)
