"""How calcium indicators rise and decay, and how fast the one in a recording does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from napari_neuroembed.errors import ConfigError, DataError

LN2 = math.log(2.0)


@dataclass(frozen=True)
class Indicator:
    """Time constants of a calcium indicator.

    Parameters
    ----------
    rise_s
        Time constant of the rise in seconds.
    decay_s
        Time constant of the decay in seconds (half-time / ln 2).
    source
        Where the figures come from and how they were turned into time constants.
    """

    rise_s: float
    decay_s: float
    source: str


def rise_from_peak(peak_s: float, decay_s: float) -> float:
    """Return the rise constant that puts the peak of a double exponential at a time.

    Parameters
    ----------
    peak_s
        Time from onset to peak in seconds, above 0 and below `decay_s`.
    decay_s
        Decay constant in seconds.

    Raises
    ------
    ConfigError
        When the peak is not between 0 and the decay constant.

    Notes
    -----
    Solves peak = ln(d/r) d r / (d - r) for r; the peak tends to d as r does.

    Examples
    --------
    >>> round(rise_from_peak(0.4515, 1 / 0.3), 3)
    0.135
    """
    if not 0 < peak_s < decay_s:
        raise ConfigError(
            f"A peak at {peak_s:g} s needs a decay constant above it; "
            f"found {decay_s:g} s."
        )

    def miss(rise_s: float) -> float:
        return peak_time(rise_s, decay_s) - peak_s

    return float(brentq(miss, decay_s * 1e-9, decay_s * (1 - 1e-6)))


def peak_time(rise_s: float, decay_s: float) -> float:
    """Return when a double exponential is largest, in seconds after its onset.

    Examples
    --------
    >>> round(peak_time(1 / 7.4, 1 / 0.3), 2)
    0.45
    """
    return math.log(decay_s / rise_s) * decay_s * rise_s / (decay_s - rise_s)


def _chen(
    peak_s: float, half_decay_s: float, decay_s: float | None = None
) -> Indicator:
    single = half_decay_s / LN2
    text = (
        "Chen et al. 2013, doi 10.1038/nature12354, supplementary table 3, single "
        f"spikes in mouse V1: time to peak {peak_s:g} s, half-decay {half_decay_s:g} s"
    )
    if decay_s is not None:
        text += (
            f" (decay {single:.2f} s); decay here {decay_s:g} s, the lower end of the "
            "0.4-0.7 s in common use for populations: set decay_s for your preparation"
        )
    decay = decay_s or single
    return Indicator(rise_from_peak(peak_s, single), decay, text)


def _half(half_rise_s: float, half_decay_s: float, source: str) -> Indicator:
    text = f"{source}: half-rise {half_rise_s:g} s, half-decay {half_decay_s:g} s"
    return Indicator(half_rise_s / LN2, half_decay_s / LN2, text)


_ZHANG = (
    "Zhang et al. 2023, doi 10.1038/s41586-023-05828-9, one action potential, "
    "cultured neurons"
)
_DANA = (
    "Dana et al. 2019, doi 10.1038/s41592-019-0435-6, one action potential, "
    "cultured neurons"
)

INDICATORS: dict[str, Indicator] = {
    "gcamp6s": _chen(0.179, 0.550),
    "gcamp6f": _chen(0.045, 0.142, decay_s=0.4),
    "gcamp7f": _half(0.026, 0.265, _DANA),
    "gcamp8s": _half(0.0101, 0.3067, _ZHANG),
    "gcamp8m": _half(0.0071, 0.1183, _ZHANG),
    "gcamp8f": _half(0.0071, 0.0674, _ZHANG),
    "gcamp6s_fly": Indicator(
        1 / 7.4,
        1 / 0.3,
        "response exp(-0.3 t) - exp(-7.4 t) of GCaMP6s in fly descending neurons, as "
        "used by the paper's laboratory",
    ),
    "twin": Indicator(
        0.05,
        -1 / (16 * math.log(0.93)),
        "synthetic twin: gamma 0.93 per frame at 16 Hz",
    ),
}
"""Presets. They differ with cell type, expression and temperature: prefer a measured
decay (`estimate_decay`) where there is one."""


def exponential(n_frames: int, rate_hz: float, decay_s: float) -> NDArray[np.float64]:
    """Return the decay of an indicator at every frame of a window.

    Parameters
    ----------
    n_frames
        Frames of the window.
    rate_hz
        Frames per second within the window.
    decay_s
        Decay constant in seconds.

    Returns
    -------
    array, shape (n_frames,)
        1 at the first frame.

    Notes
    -----
    K_j = gamma^j with gamma = exp(-1 / (rate decay)), Guenel et al., section 3.2.

    Examples
    --------
    >>> exponential(3, 16.0, INDICATORS["twin"].decay_s).round(4)
    array([1.    , 0.93  , 0.8649])
    """
    _check(n_frames, rate_hz, decay_s)
    return np.asarray(np.exp(-np.arange(n_frames) / (rate_hz * decay_s)))


def double_exponential(
    n_frames: int, rate_hz: float, rise_s: float, decay_s: float
) -> NDArray[np.float64]:
    """Return the rise and decay of an indicator at every frame of a window.

    Parameters
    ----------
    n_frames
        Frames of the window.
    rate_hz
        Frames per second within the window.
    rise_s, decay_s
        Time constants in seconds, rise below decay.

    Returns
    -------
    array, shape (n_frames,)
        0 at the first frame; the peak of the continuous curve is 1.

    Notes
    -----
    K(t) = (exp(-t / decay) - exp(-t / rise)) / peak.

    Raises
    ------
    ConfigError
        When the rise is not faster than the decay.

    Examples
    --------
    >>> double_exponential(3, 2.0, 1 / 7.4, 1 / 0.3).round(3)
    array([0.   , 0.998, 0.883])
    """
    _check(n_frames, rate_hz, decay_s)
    if not 0 < rise_s < decay_s:
        raise ConfigError(
            f"An indicator rises faster than it decays; found rise_s={rise_s:g} and "
            f"decay_s={decay_s:g}."
        )

    def curve(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-time_s / decay_s) - np.exp(-time_s / rise_s))

    peak = curve(np.array([peak_time(rise_s, decay_s)]))[0]
    return np.asarray(curve(np.arange(n_frames) / rate_hz) / peak)


def estimate_decay(
    traces: NDArray[np.floating], rate_hz: float, max_lag_s: float = 10.0
) -> float:
    """Estimate the decay constant of the indicator from activity itself.

    Parameters
    ----------
    traces
        dF/F of one animal, shape (time,) or (time, ...): neurons or pixels. Give
        those that are active; time needs at least 20 frames.
    rate_hz
        Frames per second.
    max_lag_s
        Longest lag looked at.

    Returns
    -------
    float
        Decay constant in seconds.

    Raises
    ------
    DataError
        When values are missing, nothing varies, or the autocorrelation of neighbouring
        frames is not positive.

    Notes
    -----
    Spikes without memory through K_j = gamma^j give an autocovariance proportional to
    gamma^k; white noise adds to lag 0 only. So log r_k is fitted by a line, weighted by
    r_k^2, over lags 1, 2, ... while r_k > r_1 / e^2 (at least two lags). Activity that
    lasts (bouts) makes the estimate longer: it is an upper bound on the indicator's.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spikes = rng.poisson(0.3, size=(4000, 8)).astype(float)
    >>> for t in range(1, 4000):
    ...     spikes[t] += 0.93 * spikes[t - 1]
    >>> bool(0.75 < estimate_decay(spikes, 16.0) < 0.97)
    True
    """
    flat = np.asarray(traces, dtype=np.float64).reshape(len(traces), -1)
    _check(len(flat), rate_hz, max_lag_s)
    if len(flat) < 20:
        raise DataError(
            f"Estimating a decay needs at least 20 frames, found {len(flat)}."
        )
    if not np.isfinite(flat).all():
        bad = int((~np.isfinite(flat)).sum())
        raise DataError(
            f"Estimating a decay needs finite traces; {bad:,} of {flat.size:,} values "
            "are not. Give valid frames only."
        )
    correlation = _autocorrelation(flat, int(max_lag_s * rate_hz))
    first = correlation[1]
    if not first > 0:
        raise DataError(
            "No decay can be seen: the autocorrelation of neighbouring frames is "
            f"{first:.3f}, expected above 0. Give active neurons or pixels, or set "
            "decay_s by hand."
        )
    low = np.flatnonzero(correlation[1:] <= first * math.exp(-2))
    n_lags = int(low[0]) if len(low) else len(correlation) - 1
    n_lags = max(n_lags, min(2, len(correlation) - 1))
    lags = np.arange(1, n_lags + 1)
    level = np.maximum(correlation[1 : n_lags + 1], 1e-3 * first)
    slope = np.polyfit(lags, np.log(level), 1, w=level)[0]
    if not slope < 0:
        raise DataError(
            f"No decay can be seen within {max_lag_s:g} s: the autocorrelation does "
            "not fall. Remove drift, use more frames, or set decay_s by hand."
        )
    return float(-1 / (slope * rate_hz))


def _autocorrelation(traces: NDArray[np.float64], n_lags: int) -> NDArray[np.float64]:
    """Return the autocorrelation pooled over traces at lags 0, 1, ..."""
    n = len(traces)
    centred = traces - traces.mean(axis=0)
    n_lags = max(2, min(n_lags, n // 4))
    covariance = np.array(
        [(centred[: n - lag] * centred[lag:]).sum() / n for lag in range(n_lags + 1)]
    )
    if covariance[0] <= 1e-12 * max(1.0, float(np.square(traces).mean())):
        raise DataError(
            "No decay can be seen: the traces are constant. Give active neurons or "
            "pixels."
        )
    return np.asarray(covariance / covariance[0])


def _check(n_frames: int, rate_hz: float, decay_s: float) -> None:
    if n_frames < 1:
        raise ConfigError(f"A kernel needs at least one frame, found {n_frames}.")
    for name, value in (("rate_hz", rate_hz), ("seconds", decay_s)):
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{name} must be positive and finite, found {value}.")
