"""What to label next: stretches from which the probe would learn most."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.metrics import Codes, Floats

Strategy = Literal["random", "uncertain", "spread", "mixed"]
STRATEGIES: dict[str, str] = {
    "random": "Any stretch, for comparison.",
    "uncertain": "Where the probe of the present labels hesitates most.",
    "spread": "Farthest from everything that is labelled, one after the other.",
    "mixed": "Hesitation times distance from what is labelled.",
}
"""How stretches are chosen."""


def stretches(recording: Codes, times: Floats, length_s: float) -> Codes:
    """Cut recordings into stretches of equal length.

    Parameters
    ----------
    recording, times
        Recording code and centre in seconds of each window, shape (n,).
    length_s
        Seconds of a stretch; the last of a recording may be shorter or longer.

    Returns
    -------
    array of int, shape (n,)
        Number of each window's stretch, from 0, in order of recording and time. One
        at the end with fewer than half of the windows belongs to that before it.

    Examples
    --------
    >>> stretches(np.zeros(5, dtype=int), np.arange(5.0), 2.0)
    array([0, 0, 1, 1, 2])
    """
    if not length_s > 0:
        raise DataError(
            f"A stretch must last longer than 0 seconds, found {length_s:g}."
        )
    first = np.full(int(recording.max(initial=-1)) + 1, np.inf)
    np.minimum.at(first, recording, times)
    place = np.floor((times - first[recording]) / length_s + 1e-9).astype(np.int64)
    place = _without_tails(recording, place)
    pairs = np.stack([recording.astype(np.int64), place], axis=1)
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _without_tails(recording: Codes, place: Codes) -> Codes:
    """Join the last stretch of a recording to the one before when it is short."""
    joined = place.copy()
    for r in np.unique(recording):
        own = recording == r
        counts = np.bincount(place[own])
        last = counts.size - 1
        if last and counts[last] < counts.max() / 2:
            earlier = np.flatnonzero(counts[:last])
            if earlier.size:
                joined[own & (place == last)] = earlier[-1]
    return joined


def uncertainty(probabilities: Floats, stretch: Codes) -> Floats:
    """Return the mean entropy of the windows of every stretch, 0 to 1.

    Parameters
    ----------
    probabilities
        Of every action in every window, shape (n_windows, n_actions).
    stretch
        Stretch of each window, 0 to n - 1.

    Examples
    --------
    >>> uncertainty(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1])).round(3)
    array([1., 0.])
    """
    p = np.clip(probabilities, 1e-12, 1.0)
    entropy = -(p * np.log(p)).sum(axis=1) / np.log(max(2, p.shape[1]))
    counts = np.bincount(stretch)
    return np.asarray(np.bincount(stretch, weights=entropy) / np.maximum(counts, 1))


def next_stretches(
    h: NDArray[np.floating],
    stretch: Codes,
    labelled: NDArray[np.bool_],
    probabilities: Floats | None,
    n: int,
    *,
    strategy: Strategy = "mixed",
    generator: np.random.Generator,
) -> Codes:
    """Choose the stretches to label next, best first.

    Parameters
    ----------
    h
        Embedding of the windows, shape (n_windows, dim).
    stretch
        Stretch of each window, as :func:`stretches` gives them.
    labelled
        Windows that have a label.
    probabilities
        Of every action in every window, by a probe of the present labels, shape
        (n_windows, n_actions); None before there is one, and distance alone decides.
    n
        Stretches wanted; fewer are returned when fewer are left.
    strategy
        See :data:`STRATEGIES`.
    generator
        Of random choices and of ties.

    Returns
    -------
    array of int
        Numbers of stretches without any label.

    Notes
    -----
    A stretch is as uncertain as the mean entropy of its windows, in units of the
    largest possible one. Distance is that of its mean embedding (standardised) to the
    nearest labelled or already chosen stretch, as in core-set selection (Sener &
    Savarese 2018, k-centre greedy); with nothing labelled the first is the one nearest
    to the mean of all.
    """
    numbers = np.unique(stretch)
    known = np.zeros(numbers.size, dtype=bool)
    place = np.searchsorted(numbers, stretch)
    known[place[labelled]] = True
    open_ones = np.flatnonzero(~known)
    n = min(n, open_ones.size)
    if strategy == "random":
        return np.asarray(numbers[generator.permutation(open_ones)[:n]])
    unsure = np.ones(numbers.size)
    if probabilities is not None:
        unsure = uncertainty(probabilities, place)
    unsure = unsure + 1e-9 * generator.random(numbers.size)  # ties at random
    if strategy == "uncertain" and probabilities is not None:
        return numbers[open_ones[np.argsort(-unsure[open_ones])[:n]]]
    weight = unsure if strategy == "mixed" and probabilities is not None else None
    return numbers[_farthest(_centres(h, place, numbers.size), known, weight, n)]


def _centres(h: NDArray[np.floating], place: Codes, n: int) -> Floats:
    x = np.asarray(h, dtype=np.float64)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
    sums = np.zeros((n, x.shape[1]))
    np.add.at(sums, place, x)
    return np.asarray(sums / np.bincount(place, minlength=n)[:, None])


def _farthest(
    centres: Floats, known: NDArray[np.bool_], weight: Floats | None, n: int
) -> list[int]:
    """Take the stretch farthest from all known ones, n times."""
    taken, chosen = known.copy(), []
    if known.any():
        distance = np.min(
            [np.linalg.norm(centres - c, axis=1) for c in centres[known]], axis=0
        )
    else:
        middle = np.linalg.norm(centres - centres.mean(axis=0), axis=1)
        distance = middle.max() - middle + 1e-9
    for _ in range(n):
        worth = distance if weight is None else distance * weight
        best = int(np.argmax(np.where(taken, -np.inf, worth)))
        taken[best] = True
        chosen.append(best)
        reach = np.linalg.norm(centres - centres[best], axis=1)
        first = len(chosen) == 1 and not known.any()
        distance = reach if first else np.minimum(distance, reach)
    return chosen
