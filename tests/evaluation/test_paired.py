"""Differences of pairs, against all sign patterns and against theory."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_neuroembed.evaluation.paired import FEWEST_FOR_P, paired


def slow_p(each: list[float]) -> float:
    """Return the share of all sign patterns whose mean lies as far from 0."""
    as_far = 0
    patterns = list(product([-1, 1], repeat=len(each)))
    for signs in patterns:
        mean = sum(s * d for s, d in zip(signs, each, strict=True)) / len(each)
        as_far += abs(mean) >= abs(sum(each) / len(each)) - 1e-12
    return as_far / len(patterns)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=9))
def test_p_equals_all_sign_patterns(each):
    found = paired(np.array(each), np.zeros(len(each)))
    assert found.p == pytest.approx(slow_p(each))
    assert found.mean == pytest.approx(np.mean(each), abs=1e-12)


@pytest.mark.parametrize("n", range(FEWEST_FOR_P))
def test_few_units_have_no_p_but_show_themselves(n):
    found = paired(np.full(n, 0.5), np.full(n, 0.25))
    assert np.isnan(found.p)
    assert found.each == (0.25,) * n
    assert found.to_dict()["each"] == " ".join(["+0.250"] * n)


def test_pairs_with_a_missing_side_are_left_out():
    found = paired(np.array([0.9, np.nan, 0.7]), np.array([0.8, 0.1, np.nan]))
    assert found.n == 1
    assert found.mean == pytest.approx(0.1)
    assert np.isnan(found.low)


def test_intervals_cover_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        found = paired(rng.normal(0.1, 0.2, size=20), np.zeros(20))
        inside += found.low <= 0.1 <= found.high
    assert 0.88 <= inside / 200 <= 0.99  # a bootstrap over 20 units is a little short


def test_many_units_are_drawn_and_agree_with_all_patterns():
    each = np.random.default_rng(1).normal(0.1, 0.2, size=14)
    assert paired(each, np.zeros(14)).p == pytest.approx(slow_p(list(each)), abs=0.02)
