"""Slow, obvious versions of the equations of frame maps."""

from __future__ import annotations

import numpy as np


def slow_fit(index, centers, n_target, rate_hz):
    """Return start, drift in ppm and times, by loops and the textbook line fit."""
    mean = {}
    for n in range(n_target):
        its = [centers[i] for i in range(len(index)) if index[i] == n]
        if its:
            mean[n] = sum(its) / len(its)
    inner = sorted(mean)[1:-1]
    x = sum(inner) / len(inner)
    y = sum(mean[n] for n in inner) / len(inner)
    above = sum((n - x) * (mean[n] - y) for n in inner)
    period = above / sum((n - x) ** 2 for n in inner)
    start = sum((n + 0.5) / rate_hz - mean[n] for n in inner) / len(inner)
    times = np.empty(n_target)
    for n in range(n_target):
        if n < inner[0]:
            times[n] = mean[inner[0]] - (inner[0] - n) * period
        elif n > inner[-1]:
            times[n] = mean[inner[-1]] + (n - inner[-1]) * period
        else:
            low = max(m for m in inner if m <= n)
            high = min(m for m in inner if m >= n)
            part = 0 if high == low else (n - low) / (high - low)
            times[n] = mean[low] + part * (mean[high] - mean[low])
    return start, (period * rate_hz - 1) * 1e6, times + start
