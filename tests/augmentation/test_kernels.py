from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest

from napari_neuroembed.augmentation.kernels import (
    INDICATORS,
    double_exponential,
    estimate_decay,
    exponential,
    peak_time,
    rise_from_peak,
)
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.options.augmentation import Indicator


def activity(
    decay_s: float, rate_hz: float, noise: float, n_frames: int = 6000
) -> np.ndarray:
    rng = np.random.default_rng(3)
    traces = rng.poisson(0.2, size=(n_frames, 10)).astype(float)
    gamma = math.exp(-1 / (rate_hz * decay_s))
    for t in range(1, n_frames):
        traces[t] += gamma * traces[t - 1]
    noisy: np.ndarray = traces + noise * traces.std() * rng.standard_normal(
        traces.shape
    )
    return noisy


def test_the_kernel_is_gamma_to_the_power_of_the_frame() -> None:
    gamma = math.exp(-1 / (16 * 2.0))
    expected = [gamma**j for j in range(32)]
    np.testing.assert_allclose(exponential(32, 16.0, 2.0), expected, rtol=1e-12)


def test_a_stepped_window_decays_in_real_seconds() -> None:
    decay_s = INDICATORS["twin"].decay_s
    every = exponential(32, 16.0, decay_s)
    fourth = exponential(8, 4.0, decay_s)
    np.testing.assert_allclose(fourth, every[::4], rtol=1e-12)
    assert every[1] == pytest.approx(0.93)
    assert fourth[1] == pytest.approx(0.93**4)


def test_the_fly_preset_is_the_laboratorys_response() -> None:
    fly = INDICATORS["gcamp6s_fly"]
    time_s = np.linspace(0, 5, 50_001)
    response = np.exp(-0.3 * time_s) - np.exp(-7.4 * time_s)
    assert response.max() == pytest.approx(0.838, abs=5e-4)
    assert peak_time(fly.rise_s, fly.decay_s) == pytest.approx(0.45, abs=5e-3)
    assert math.exp(-1 / (16 * fly.decay_s)) == pytest.approx(0.981, abs=5e-4)
    kernel = double_exponential(50_001, 10_000.0, fly.rise_s, fly.decay_s)
    np.testing.assert_allclose(kernel, response / response.max(), atol=1e-7)


def test_every_indicator_of_the_options_has_a_preset_with_its_source() -> None:
    assert set(get_args(Indicator)) == set(INDICATORS)
    for name, indicator in INDICATORS.items():
        assert 0 < indicator.rise_s < indicator.decay_s, name
        assert len(indicator.source) > 20, name


def test_the_fast_indicators_are_faster_than_the_slow_ones() -> None:
    order = ["gcamp8f", "gcamp8m", "gcamp8s", "gcamp6s", "gcamp6s_fly"]
    decays = [INDICATORS[name].decay_s for name in order]
    assert decays == sorted(decays)


def test_the_rise_of_a_published_peak_gives_that_peak() -> None:
    rise_s = rise_from_peak(0.179, 0.55 / math.log(2))
    time_s = np.linspace(0, 2, 200_001)
    curve = np.exp(-time_s * math.log(2) / 0.55) - np.exp(-time_s / rise_s)
    assert time_s[curve.argmax()] == pytest.approx(0.179, abs=1e-4)


@pytest.mark.parametrize("decay_s", [0.2, 0.86, 3.3])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_decay_of_simulated_activity_is_found(decay_s: float, noise: float) -> None:
    found = estimate_decay(activity(decay_s, 16.0, noise), 16.0)
    assert found == pytest.approx(decay_s, rel=0.25)


def test_lasting_activity_makes_the_estimate_longer() -> None:
    rng = np.random.default_rng(0)
    rate = np.repeat(rng.gamma(0.5, 0.6, size=(120, 10)), 50, axis=0)
    traces = rng.poisson(rate).astype(float)
    for t in range(1, len(traces)):
        traces[t] += 0.93 * traces[t - 1]
    assert estimate_decay(traces, 16.0) > 0.86


def test_what_shows_no_decay_is_refused_with_what_to_do() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="traces are constant"):
        estimate_decay(np.ones((100, 3)), 16.0)
    with pytest.raises(DataError, match=r"expected above 0\. Give active neurons"):
        estimate_decay(np.resize([0.0, 1.0], (100, 1)), 16.0)
    with pytest.raises(DataError, match=r"at least 20 frames, found 5"):
        estimate_decay(rng.random((5, 2)), 16.0)
    broken = rng.random((50, 2))
    broken[3, 1] = np.nan
    with pytest.raises(DataError, match=r"1 of 100 values"):
        estimate_decay(broken, 16.0)
    flicker = np.resize([-1.0, 1.0], 4000) + 1.7 * np.sin(np.arange(4000) / 300)
    with pytest.raises(DataError, match="does not fall"):
        estimate_decay(flicker, 16.0, max_lag_s=0.125)


def test_impossible_time_constants_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"rise_s=2 and decay_s=1"):
        double_exponential(8, 16.0, 2.0, 1.0)
    with pytest.raises(ConfigError, match="rate_hz must be positive"):
        exponential(8, 0.0, 1.0)
    with pytest.raises(ConfigError, match="at least one frame"):
        exponential(0, 16.0, 1.0)
    with pytest.raises(ConfigError, match=r"found 0\.1 s"):
        rise_from_peak(0.2, 0.1)
