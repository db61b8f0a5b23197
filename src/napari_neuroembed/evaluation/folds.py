"""Which windows a probe is fitted on and which ones it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.metrics import Codes, Floats

FoldKind = Literal["recordings", "blocks", "random_leaky"]


@dataclass(frozen=True)
class Fold:
    """Masks over the audited windows: fitted on `train`, tested on `test`."""

    train: NDArray[np.bool_]
    test: NDArray[np.bool_]


def rank_within(labels: Codes) -> Codes:
    """Return how many earlier entries carry the same label.

    Examples
    --------
    >>> rank_within(np.array([0, 1, 0, 0, 1]))
    array([0, 0, 1, 2, 1])
    """
    rank = np.empty(labels.size, dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(members.size)
    return rank


def recording_folds(recording: Codes, label: Codes, n_folds: int) -> list[Fold]:
    """Deal whole recordings out, so that every fold tests each label.

    The i-th recording of a label goes to fold i modulo `n_folds`.

    Parameters
    ----------
    recording
        Recording code of each window, 0 to R - 1.
    label
        Label code of each recording, shape (R,).
    n_folds
        Number of folds; no label may have fewer recordings.
    """
    fold = (rank_within(label) % n_folds)[recording]
    return [Fold(fold != f, fold == f) for f in range(n_folds)]


def block_folds(
    recording: Codes, times: Floats, window_s: float, n_folds: int
) -> list[Fold]:
    """Cut every recording into contiguous blocks of equal counts of windows.

    Each fold tests one block of every recording. Windows closer than one window
    length (edge to edge, so two lengths centre to centre) to a tested one of their
    recording are not fitted on.

    Parameters
    ----------
    recording, times
        Recording code and centre in seconds of each window.
    window_s
        Length of a window in seconds.
    n_folds
        Number of blocks and of folds.
    """
    block = np.zeros(recording.size, dtype=np.int64)
    for r in np.unique(recording):
        members = np.flatnonzero(recording == r)
        order = members[np.argsort(times[members], kind="stable")]
        block[order] = np.arange(order.size) * n_folds // order.size
    folds = []
    for f in range(n_folds):
        test = block == f
        train = ~test
        for r in np.unique(recording):
            inside = recording == r
            tested = np.sort(times[inside & test])
            if tested.size:
                far = _distance(times[inside], tested) >= 2 * window_s - 1e-9
                train[inside] &= far
        folds.append(Fold(train, test))
    return folds


def random_folds(n: int, n_folds: int, generator: np.random.Generator) -> list[Fold]:
    """Deal windows out at random: neighbours that share frames are on both sides.

    Only to demonstrate how much that inflates a score.
    """
    fold = generator.permutation(n) % n_folds
    return [Fold(fold != f, fold == f) for f in range(n_folds)]


def runs_of_one_action(recording: Codes, times: Floats, action: Codes) -> Codes:
    """Give every stretch of consecutive windows with one action a number.

    Parameters
    ----------
    recording, times, action
        Recording code, centre in seconds and action code of each window; negative
        actions are unlabelled.

    Returns
    -------
    array of int, shape (n,)
        Number of each window's stretch; -1 where unlabelled. A stretch ends where
        the recording, the action or the stride of windows does.
    """
    out = np.full(action.size, -1, dtype=np.int64)
    order = np.lexsort((times, recording))
    step = np.diff(times[order])
    same = np.diff(recording[order]) == 0
    stride = np.median(step[same]) if same.any() else 0.0
    breaks = ~same | (np.diff(action[order]) != 0) | (step > 1.5 * stride)
    number = np.concatenate([[0], np.cumsum(breaks)])
    out[order] = number
    out[action < 0] = -1
    return out


def draw_bouts(
    bout: Codes,
    recording: Codes,
    action: Codes,
    fraction: float,
    generator: np.random.Generator,
) -> NDArray[np.bool_]:
    """Keep a share of the labelled bouts, whole ones, of each recording and action.

    Within a recording and action `fraction` times the number of bouts are kept,
    rounded up or down at random so that the mean is exact; every action keeps at
    least one bout overall.

    Parameters
    ----------
    bout, recording, action
        Bout (-1 = unlabelled), recording and action code of each window.
    fraction
        Share of bouts to keep, above 0 and at most 1.

    Returns
    -------
    array of bool, shape (n,)
        Windows whose bout was drawn.
    """
    numbers, first = np.unique(bout, return_index=True)
    first, numbers = first[numbers >= 0], numbers[numbers >= 0]
    if fraction >= 1.0:
        return np.isin(bout, numbers)
    chosen: list[int] = []
    for a in np.unique(action[first]):
        of_action: list[int] = []
        for r in np.unique(recording[first]):
            members = numbers[(action[first] == a) & (recording[first] == r)]
            n = int(fraction * members.size + generator.random())
            of_action.extend(int(b) for b in generator.permutation(members)[:n])
        if not of_action:
            of_action = [int(generator.choice(numbers[action[first] == a]))]
        chosen.extend(of_action)
    return np.isin(bout, chosen)


def _distance(times: Floats, tested: Floats) -> Floats:
    """Return the seconds from each time to the nearest of the sorted `tested`."""
    right = np.clip(np.searchsorted(tested, times), 0, tested.size - 1)
    left = np.maximum(right - 1, 0)
    return np.minimum(np.abs(times - tested[right]), np.abs(times - tested[left]))
