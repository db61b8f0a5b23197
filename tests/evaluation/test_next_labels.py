"""What to label next, against slow greedy choices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.next_labels import (
    STRATEGIES,
    next_stretches,
    stretches,
)


def setting(seed=0, n=40, per=3, dim=4):
    rng = np.random.default_rng(seed)
    stretch = np.repeat(np.arange(n), per)
    return rng.normal(size=(n * per, dim)), stretch, rng


def slow_farthest(h, stretch, known, n):
    """Return the k-centre greedy choice by loops."""
    x = (h - h.mean(axis=0)) / h.std(axis=0)
    centres = {s: x[stretch == s].mean(axis=0) for s in np.unique(stretch)}
    taken, chosen = set(known), []
    for _ in range(n):
        best, worth = None, -1.0
        for s, c in centres.items():
            if s in taken:
                continue
            far = min(float(np.linalg.norm(c - centres[t])) for t in taken)
            if far > worth:
                best, worth = s, far
        taken.add(best)
        chosen.append(best)
    return chosen


@pytest.mark.parametrize("seed", range(4))
def test_spread_equals_the_slow_greedy_choice(seed):
    h, stretch, rng = setting(seed)
    known = [3, 17]
    found = next_stretches(
        h, stretch, np.isin(stretch, known), None, 6, strategy="spread", generator=rng
    )
    assert found.tolist() == slow_farthest(h, stretch, known, 6)


def test_uncertain_takes_the_highest_entropy_first():
    h, stretch, rng = setting()
    p = np.tile([0.98, 0.02], (len(h), 1))
    p[stretch == 7] = 0.5
    p[stretch == 9] = [0.7, 0.3]
    found = next_stretches(
        h, stretch, stretch == 0, p, 2, strategy="uncertain", generator=rng
    )
    assert found.tolist() == [7, 9]


def test_mixed_prefers_the_far_one_of_two_equally_uncertain():
    stretch = np.arange(5)
    h = np.array([[0.0], [0.1], [5.0], [5.1], [0.2]])
    p = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [1.0, 0.0]])
    found = next_stretches(
        h, stretch, stretch == 0, p, 1, generator=np.random.default_rng(0)
    )
    assert found.tolist() == [2]


def test_with_nothing_labelled_the_first_is_typical_and_the_next_far():
    stretch = np.arange(9)
    h = np.array([[0.0], [0.1], [-0.1], [0.05], [9.0], [-0.05], [0.02], [0.0], [-8.0]])
    found = next_stretches(
        h,
        stretch,
        np.zeros(9, bool),
        None,
        3,
        strategy="spread",
        generator=np.random.default_rng(0),
    )
    assert abs(h[found[0], 0]) < 0.2
    assert set(found[1:]) == {4, 8}


@given(
    st.sampled_from(list(STRATEGIES)),
    st.integers(1, 60),
    st.integers(0, 39),
    st.booleans(),
)
def test_choices_are_new_distinct_and_never_too_many(strategy, n, n_known, has_probe):
    h, stretch, rng = setting()
    known = stretch < n_known
    p = rng.dirichlet(np.ones(3), size=len(h)) if has_probe else None
    found = next_stretches(h, stretch, known, p, n, strategy=strategy, generator=rng)
    assert len(found) == min(n, 40 - n_known)
    assert len(set(found.tolist())) == len(found)
    assert (found >= n_known).all()


def test_a_stretch_with_one_labelled_window_is_left_out():
    h, stretch, rng = setting(n=3)
    known = np.zeros(len(h), dtype=bool)
    known[4] = True
    found = next_stretches(h, stretch, known, None, 9, strategy="random", generator=rng)
    assert sorted(found.tolist()) == [0, 2]


def test_stretches_follow_the_clock_of_each_recording():
    recording = np.array([0, 0, 0, 1, 1, 1])
    times = np.array([1.0, 1.5, 5.0, 100.0, 103.9, 104.0])
    assert stretches(recording, times, 4.0).tolist() == [0, 0, 1, 2, 2, 3]
    with pytest.raises(DataError, match="longer than 0"):
        stretches(recording, times, 0.0)
