"""Slow, obvious versions of the augmentations, written from the paper's text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def calcium(window: Array, donor: Array, gamma: float, amplitude: float) -> Array:
    """Frame j gets the donor frame times gamma to the power of j."""
    result = window.copy()
    for j in range(len(window)):
        weight = 1.0
        for _ in range(j):
            weight *= gamma
        result[j] = window[j] + amplitude * weight * donor
    return result


def brightness_contrast(
    window: Array, contrast: float, brightness: float, sd: float
) -> Array:
    """c (x - mean) + mean + b sd, value by value."""
    mean = sum(float(value) for value in window.ravel()) / window.size
    result = np.empty_like(window)
    for place in np.ndindex(*window.shape):
        result[place] = contrast * (window[place] - mean) + mean + brightness * sd
    return result


def blur(image: Array, sigma: float, radius: int) -> Array:
    """Two-dimensional Gaussian with repeated edges, pixel by pixel."""
    height, width = image.shape
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            total, weights = 0.0, 0.0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    weight = math.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma))
                    row = min(max(y + dy, 0), height - 1)
                    column = min(max(x + dx, 0), width - 1)
                    total += weight * image[row, column]
                    weights += weight
            result[y, x] = total / weights
    return result


def scale(pose: Array, factors: Sequence[float]) -> Array:
    """Multiply coordinate a of every joint of (time, features) by factor a."""
    result = pose.copy()
    for frame in range(pose.shape[0]):
        for feature in range(pose.shape[1]):
            axis = feature % len(factors)
            result[frame, feature] = pose[frame, feature] * factors[axis]
    return result


def shear(pose: Array, matrix: Array) -> Array:
    """Add to every coordinate the sheared other coordinates of its joint."""
    n_axes = len(matrix)
    result = pose.copy()
    for frame in range(pose.shape[0]):
        for joint in range(pose.shape[1] // n_axes):
            for a in range(n_axes):
                for b in range(n_axes):
                    if a != b:
                        other = pose[frame, joint * n_axes + b]
                        result[frame, joint * n_axes + a] += matrix[a, b] * other
    return result


def swap_law(
    poses: Sequence[Array], own: int, row: int, n: int, temperature: float
) -> dict[tuple[int, int], float]:
    """Probability of every (animal, row) under Eq. 2: uniform animal, then softmax."""
    law: dict[tuple[int, int], float] = {}
    others = [animal for animal in range(len(poses)) if animal != own]
    for animal in others:
        distances = []
        for candidate in range(len(poses[animal])):
            total = 0.0
            for a, b in zip(poses[own][row], poses[animal][candidate], strict=True):
                total += (a - b) ** 2
            distances.append((math.sqrt(total), candidate))
        nearest = sorted(distances)[:n]
        weights = [math.exp(-distance / temperature) for distance, _ in nearest]
        for weight, (_, candidate) in zip(weights, nearest, strict=True):
            law[animal, candidate] = weight / sum(weights) / len(others)
    return law
