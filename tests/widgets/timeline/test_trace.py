"""A trace decimated to columns of pixels, beside a loop over samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_neuroembed.errors import DataError
from napari_neuroembed.widgets.timeline.trace import BLOCK, COARSE, Trace, strokes


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(1, 50))
def test_columns_hold_the_extremes_of_their_samples(
    seed: int, n: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, 1.0, n))
    values = rng.normal(size=n).astype(np.float32)
    values[rng.random(n) < 0.1] = np.nan
    span = times[0] - 1.0, times[-1] + 1.0
    low, high = Trace(times, values, "speed").columns(*span, width)
    edges = np.linspace(*span, width + 1)
    for column in range(width):
        inside = (times >= edges[column]) & (times < edges[column + 1])
        samples = values[inside & np.isfinite(values)]
        if samples.size:
            assert low[column] <= samples.min()
            assert high[column] >= samples.max()
    known = np.isfinite(low)
    assert np.array_equal(known, np.isfinite(high))
    assert (low[known] <= high[known]).all()


def test_neighbouring_columns_meet() -> None:
    times = np.arange(20.0)
    low, high = Trace(times, times % 2, "steps").columns(0.0, 19.0, 200)
    assert (low[1:] <= high[:-1] + 1e-6).all()
    assert (high[1:] >= low[:-1] - 1e-6).all()


def test_gaps_stay_empty() -> None:
    values = np.ones(100)
    values[40:60] = np.nan
    low, _ = Trace(np.arange(100.0), values, "x").columns(0.0, 100.0, 100)
    assert np.isnan(low[41:58]).all()
    assert np.isfinite(low[:39]).all()
    low, _ = Trace([], [], "nothing").columns(0.0, 1.0, 5)
    assert np.isnan(low).all()


@pytest.mark.parametrize("place", [0, 1, 2_345, 40_000, 99_998, 99_999])
def test_no_spike_is_lost_among_very_many_samples(place: int) -> None:
    n, width = 100_000, 100
    assert n >= BLOCK * COARSE * width
    values = np.zeros(n)
    values[place] = 5.0
    trace = Trace(np.arange(n) * 0.01, values, "dF/F (%)")
    _, high = trace.columns(0.0, n * 0.01, width)
    seen = np.flatnonzero(high > 4.9)
    assert 1 <= seen.size <= 2
    assert (abs(seen - place / n * width) <= 1 + 1 / COARSE).all()
    assert (trace.low, trace.high) == (0.0, 5.0)


def test_strokes_are_as_high_as_the_values() -> None:
    low, high = np.array([0.0, 0.0, np.nan]), np.array([0.0, 1.0, np.nan])
    cover = strokes(low, high, (0.0, 1.0), 30)
    assert cover[:, 0].sum() == pytest.approx(1.25)
    assert cover[-1, 0] > 0
    assert cover[:, 1].sum() > 27
    assert (cover[:, 2] == 0).all()
    assert strokes(low, low, (0.0, 0.0), 30)[:, 0].sum() == pytest.approx(1.25)


def test_what_is_no_trace_is_refused() -> None:
    with pytest.raises(DataError, match="one value per time"):
        Trace([0.0, 1.0], [1.0], "speed")
    with pytest.raises(DataError, match="do not increase"):
        Trace([0.0, 0.0], [1.0, 2.0], "speed")
