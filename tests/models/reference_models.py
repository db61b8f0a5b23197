"""Slow, obvious versions of the layers of Table S1, written from the paper's text."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def image_layer(images: Array, weight: Array, bias: Array) -> Array:
    """Convolve (channels, y, x) with 3 x 3 kernels, one pixel of zeros around it."""
    filters, channels = weight.shape[:2]
    height, width = images.shape[1:]
    result = np.zeros((filters, height, width))
    for f in range(filters):
        for y in range(height):
            for x in range(width):
                total = bias[f]
                for c in range(channels):
                    for dy in (-1, 0, 1):
                        for dx in (-1, 0, 1):
                            if 0 <= y + dy < height and 0 <= x + dx < width:
                                value = images[c, y + dy, x + dx]
                                total += weight[f, c, dy + 1, dx + 1] * value
                result[f, y, x] = total
    return result


def time_layer(series: Array, weight: Array, bias: Array) -> Array:
    """Convolve (channels, time) with kernels of 3, one zero on either side."""
    filters, channels = weight.shape[:2]
    length = series.shape[1]
    result = np.zeros((filters, length))
    for f in range(filters):
        for t in range(length):
            total = bias[f]
            for c in range(channels):
                for dt in (-1, 0, 1):
                    if 0 <= t + dt < length:
                        total += weight[f, c, dt + 1] * series[c, t + dt]
            result[f, t] = total
    return result


def batch_norm_relu(
    values: Array, mean: Array, variance: Array, gain: Array, shift: Array
) -> Array:
    """Normalise every channel with stored statistics, then cut at 0."""
    result = np.empty_like(values)
    for c in range(len(values)):
        scaled = (values[c] - mean[c]) / math.sqrt(variance[c] + 1e-5)
        result[c] = np.maximum(scaled * gain[c] + shift[c], 0)
    return result


def pool_image(values: Array) -> Array:
    """Take the maximum of every 2 x 2 block."""
    channels, height, width = values.shape
    result = np.empty((channels, height // 2, width // 2))
    for c, y, x in np.ndindex(*result.shape):
        result[c, y, x] = values[c, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].max()
    return result


def pool_time(values: Array) -> Array:
    """Take the maximum of every pair of time points."""
    channels, length = values.shape
    result = np.empty((channels, length // 2))
    for c, t in np.ndindex(*result.shape):
        result[c, t] = max(values[c, 2 * t], values[c, 2 * t + 1])
    return result


def attention(series: Array, inner: Array, outer: Array) -> Array:
    """Weighted sum of (time, dim): softmax of W2 tanh(W1 S^T)."""
    scores = []
    for step in series:
        hidden = [
            math.tanh(sum(w * s for w, s in zip(row, step, strict=True)))
            for row in inner
        ]
        scores.append(sum(w * h for w, h in zip(outer[0], hidden, strict=True)))
    total = sum(math.exp(score) for score in scores)
    result = np.zeros(series.shape[1])
    for score, step in zip(scores, series, strict=True):
        result += math.exp(score) / total * step
    return result
