"""An autoregressive hidden Markov model of poses, fitted by expectation-maximisation.

z_t is a Markov chain over K states; b_t ~ N(A_z b_{t-1} + c_z, Q_z). This is the model
of behaviour in BehaveNet (Batty et al. 2019); settings that Guenel et al. do not give
are those of its code: lag 1, Gaussian noise, no stickiness, 20 rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.cluster import KMeans

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.progress import Report, silent

Floats = NDArray[np.float64]
RIDGE = 1e-3
"""Added to the noise variance of standardised poses, so that Q can be inverted."""
RESTARTS = 6
"""Guesses to begin from; the most likely end is kept."""
ENOUGH = 1e-5
"""Relative gain of the likelihood below which more rounds are not worth it."""


@dataclass(frozen=True)
class ARHMM:
    """A fitted model.

    Parameters
    ----------
    initial, transition
        Probabilities, shape (K,) and (K, K), from row to column.
    weights, bias, covariance
        A, c and Q of every state, shape (K, D, D), (K, D), (K, D, D).
    """

    initial: Floats
    transition: Floats
    weights: Floats
    bias: Floats
    covariance: Floats

    @property
    def n_states(self) -> int:
        """Number of states K."""
        return len(self.initial)


def fit_arhmm(
    sequences: Sequence[Floats],
    n_states: int,
    generator: np.random.Generator,
    *,
    iterations: int = 20,
    report: Report = silent,
) -> tuple[ARHMM, list[float]]:
    """Fit a model with a given number of states.

    Parameters
    ----------
    sequences
        Standardised poses, shape (n, D) each; no step leads from one to the next.
    n_states
        K, at least 1.
    generator
        Of the first guess (k-means of poses and their steps).
    iterations
        Most rounds.
    report
        Told after every round; may raise ``Cancelled``.

    Returns
    -------
    model, likelihoods
        The log-likelihood per frame before every round and after the last.

    Raises
    ------
    TrainingError
        When there are fewer than ``2 K (D + 1)`` steps between frames.
    """
    steps = _Steps(sequences)
    dims = steps.now.shape[1]
    needed = 2 * n_states * (dims + 1)
    if len(steps.now) < needed:
        raise TrainingError(
            f"An autoregressive model of {n_states} states and {dims} pose features "
            f"needs at least {needed:,} pairs of consecutive frames, found "
            f"{len(steps.now):,} in {len(steps.lengths)} stretches. Use fewer states "
            "(method_options.states) or more fit recordings."
        )
    found: list[tuple[ARHMM, list[float]]] = []
    for start in range(RESTARTS if n_states > 1 else 1):
        part = partial(_tell, report, start, n_states)
        guess = _guess(steps, n_states, start, generator)
        found.append(_climb(steps, guess, iterations, part))
    return max(found, key=lambda one: one[1][-1])


def _climb(
    steps: _Steps, guess: Floats, iterations: int, tell: Callable[[int, int], None]
) -> tuple[ARHMM, list[float]]:
    """Return where a guess of the states leads to."""
    first = guess[steps.is_first].sum(axis=0)
    model = _maximise(steps, guess, first, _soft_counts(steps, guess))
    told: list[float] = []
    for done in range(iterations + 1):
        tell(done, iterations)
        found, first, pairs, likelihood = _expect(model, steps)
        told.append(likelihood / steps.n_frames)
        is_flat = done and told[-1] - told[-2] < ENOUGH * abs(told[-1])
        if is_flat or done == iterations:
            break
        model = _maximise(steps, found, first, pairs)
    return model, told


def _tell(report: Report, start: int, n_states: int, done: int, total: int) -> None:
    text = f"{n_states} states of the pose, start {start + 1} of {RESTARTS}"
    report("prepare", done, total, text)


def choose_arhmm(
    sequences: Sequence[Floats],
    states: Sequence[int],
    generator: np.random.Generator,
    *,
    iterations: int = 20,
    report: Report = silent,
) -> tuple[ARHMM, dict[int, float]]:
    """Choose the number of states by held-out likelihood and fit on everything.

    Parameters
    ----------
    sequences
        As in `fit_arhmm`. Every fourth is held out; with fewer than four the last
        quarter of each.
    states
        Numbers of states to try; those with too few frames are left out.
    generator, iterations, report
        As in `fit_arhmm`.

    Returns
    -------
    model, likelihoods
        Number of states -> log-likelihood per held-out frame.

    Raises
    ------
    TrainingError
        When there are too few frames for the smallest number of states.
    """
    fit, held = _fit_and_held(sequences)
    n_held = sum(map(len, held))
    found: dict[int, float] = {}
    problem: TrainingError | None = None
    for k in sorted(set(states)):
        try:
            model, _ = fit_arhmm(
                fit, k, generator, iterations=iterations, report=report
            )
        except TrainingError as error:
            problem = error
            break
        found[k] = log_likelihood(model, held) / n_held
    if problem is not None and not found:
        raise problem
    best = max(found, key=lambda k: found[k])
    model, _ = fit_arhmm(
        sequences, best, generator, iterations=iterations, report=report
    )
    return model, found


def posterior(model: ARHMM, sequences: Sequence[Floats]) -> list[Floats]:
    """Return the probability of every state at every frame, shape (n, K) each."""
    steps = _Steps(sequences)
    found, _, _, _ = _expect(model, steps)
    return steps.split(found)


def log_likelihood(model: ARHMM, sequences: Sequence[Floats]) -> float:
    """Return the log-likelihood of all frames but the first of every sequence."""
    steps = _Steps(sequences)
    alpha = _forward(model, _padded_emission(model, steps))
    last = alpha[np.arange(len(steps.lengths)), steps.lengths - 1]
    return float(logsumexp(last, axis=1).sum())


class _Steps:
    """Consecutive frames of all sequences: b_{t-1} and b_t, one row per step."""

    def __init__(self, sequences: Sequence[Floats]) -> None:
        kept = [np.asarray(s, dtype=np.float64) for s in sequences]
        self.lengths = np.array([len(s) for s in kept])
        self.n_frames = int(self.lengths.sum())
        self.before = np.concatenate([s[:-1] for s in kept])
        self.now = np.concatenate([s[1:] for s in kept])
        self.frames = np.concatenate(kept)
        starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.is_first = np.zeros(self.n_frames, dtype=bool)
        self.is_first[starts] = True

    def split(self, rows: Floats) -> list[Floats]:
        """Return rows of frames sequence by sequence."""
        return np.split(rows, np.cumsum(self.lengths)[:-1])

    def pad(self, rows: Floats) -> Floats:
        """Return rows of frames in shape (sequences, longest, ...), 0 after the end."""
        shape = (len(self.lengths), int(self.lengths.max()), *rows.shape[1:])
        padded = np.zeros(shape)
        for place, part in enumerate(self.split(rows)):
            padded[place, : len(part)] = part
        return padded

    def unpad(self, padded: Floats) -> Floats:
        """Return the rows of frames again."""
        return np.concatenate(
            [part[:n] for part, n in zip(padded, self.lengths, strict=True)]
        )


def _padded_emission(model: ARHMM, steps: _Steps) -> Floats:
    """Return log p(b_t | b_{t-1}, state); nothing is said of a first frame."""
    rows = np.zeros((steps.n_frames, model.n_states))
    dims = steps.now.shape[1]
    for k in range(model.n_states):
        left = steps.now - steps.before @ model.weights[k].T - model.bias[k]
        root = np.linalg.cholesky(model.covariance[k])
        scaled = solve_triangular(root, left.T, lower=True, check_finite=False)
        volume = 2 * np.log(np.diagonal(root)).sum() + dims * np.log(2 * np.pi)
        rows[~steps.is_first, k] = -0.5 * (np.square(scaled).sum(axis=0) + volume)
    return steps.pad(rows)


def _forward(model: ARHMM, emission: Floats) -> Floats:
    """Return log p(b_1..t, z_t), shape (sequences, longest, K)."""
    alpha = np.empty_like(emission)
    with np.errstate(divide="ignore"):
        initial, transition = np.log(model.initial), np.log(model.transition)
    alpha[:, 0] = initial + emission[:, 0]
    for t in range(1, emission.shape[1]):
        alpha[:, t] = emission[:, t] + _log_product(alpha[:, t - 1], transition)
    return alpha


def _log_product(values: Floats, matrix: Floats) -> Floats:
    """Return log(exp(values) @ exp(matrix)) without leaving the log scale."""
    top = values.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - top) @ np.exp(matrix)) + top)


def _expect(model: ARHMM, steps: _Steps) -> tuple[Floats, Floats, Floats, float]:
    """Return posteriors of frames, of first frames, of steps (summed), likelihood."""
    emission = _padded_emission(model, steps)
    alpha = _forward(model, emission)
    n, longest, k = alpha.shape
    beta = np.zeros_like(alpha)
    with np.errstate(divide="ignore"):
        transition = np.log(model.transition)
    for t in range(longest - 2, -1, -1):
        inside = (t + 1 < steps.lengths)[:, None]
        ahead = _log_product(beta[:, t + 1] + emission[:, t + 1], transition.T)
        beta[:, t] = np.where(inside, ahead, 0.0)
    total = logsumexp(alpha[np.arange(n), steps.lengths - 1], axis=1)
    found = np.exp(alpha + beta - total[:, None, None])
    pairs = np.zeros((k, k))
    for place, length in enumerate(steps.lengths):
        after = beta[place, 1:length] + emission[place, 1:length] - total[place]
        before = alpha[place, : length - 1]
        top_a = before.max(axis=1, keepdims=True)
        left, right = np.exp(before - top_a), np.exp(after + top_a)
        pairs += (left.T @ right) * model.transition
    return steps.unpad(found), found[:, 0].sum(axis=0), pairs, float(total.sum())


def _maximise(steps: _Steps, posterior: Floats, first: Floats, pairs: Floats) -> ARHMM:
    """Return the most likely model of soft states; weak states keep to the others."""
    k, dims = posterior.shape[1], steps.now.shape[1]
    design = np.hstack([steps.before, np.ones((len(steps.before), 1))])
    soft = posterior[~steps.is_first]
    weights, bias = np.zeros((k, dims, dims)), np.zeros((k, dims))
    covariance = np.zeros((k, dims, dims))
    for state in range(k):
        weight = soft[:, state] + 1e-6
        gram = (design * weight[:, None]).T @ design
        gram[np.diag_indices(dims)] += RIDGE
        found = np.linalg.solve(gram, (design * weight[:, None]).T @ steps.now)
        left = steps.now - design @ found
        weights[state], bias[state] = found[:-1].T, found[-1]
        covariance[state] = (left * weight[:, None]).T @ left / weight.sum()
        covariance[state][np.diag_indices(dims)] += RIDGE
    start = first + 1e-3
    flow = pairs + 1e-3
    return ARHMM(
        start / start.sum(),
        flow / flow.sum(axis=1, keepdims=True),
        weights,
        bias,
        covariance,
    )


def _guess(
    steps: _Steps, n_states: int, start: int, generator: np.random.Generator
) -> Floats:
    """Return soft states of frames from clusters of poses and their steps.

    Every second start weighs the steps ten times: states that differ in how the pose
    moves are not found where it is.
    """
    step = np.zeros_like(steps.frames)
    step[~steps.is_first] = steps.now - steps.before
    spread = step.std(axis=0)
    step *= (10.0 if start % 2 else 1.0) / np.where(spread > 0, spread, 1.0)
    features = np.hstack([steps.frames, step])
    seed = int(generator.integers(2**31))
    clusters = KMeans(n_states, n_init=1, init="random", random_state=seed)
    soft: Floats = 0.9 * np.eye(n_states)[clusters.fit_predict(features)]
    return soft + 0.1 / n_states


def _soft_counts(steps: _Steps, soft: Floats) -> Floats:
    """Return how often one soft state follows another."""
    last = np.roll(steps.is_first, -1)
    return np.asarray(soft[~last].T @ soft[~steps.is_first])


def _fit_and_held(sequences: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
    if len(sequences) >= 4:
        held = [s for i, s in enumerate(sequences) if i % 4 == 3]
        return [s for i, s in enumerate(sequences) if i % 4 != 3], held
    cuts = [max(2, 3 * len(s) // 4) for s in sequences]
    parts = list(zip(sequences, cuts, strict=True))
    return [s[:c] for s, c in parts], [s[c:] for s, c in parts if len(s) - c > 1]
