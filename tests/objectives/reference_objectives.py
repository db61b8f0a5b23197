"""Slow, obvious versions of the objectives, written from the paper's equations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def cosine(a: Array, b: Array) -> float:
    """Return the cosine of the angle between two vectors."""
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    lengths = [math.sqrt(sum(float(x) ** 2 for x in vector)) for vector in (a, b)]
    return dot / (lengths[0] * lengths[1])


def direction(
    query: Array, keys: Array, temperature: float, animals: Sequence[int] | None = None
) -> float:
    """Mean of -log(exp(s_ii) / sum_k exp(s_ik)), k of the same animal if given."""
    total = 0.0
    for i in range(len(query)):
        weights = 0.0
        for k in range(len(keys)):
            if animals is None or animals[i] == animals[k]:
                weights += math.exp(cosine(query[i], keys[k]) / temperature)
        own = math.exp(cosine(query[i], keys[i]) / temperature)
        total -= math.log(own / weights)
    return total / len(query)


def info_nce(z_a: Array, z_b: Array, temperature: float) -> float:
    """Eq. 1: the sum of both directions."""
    return direction(z_a, z_b, temperature) + direction(z_b, z_a, temperature)


def same_animal(
    z_neural: Array,
    z_pose: Array,
    animals: Sequence[int],
    temperature: float,
    sides: str,
) -> float:
    """Eq. 3 on the given sides, Eq. 1 on the other."""
    b2n = animals if sides in ("both", "b2n") else None
    n2b = animals if sides in ("both", "n2b") else None
    return direction(z_pose, z_neural, temperature, b2n) + direction(
        z_neural, z_pose, temperature, n2b
    )


def uniformity(z: Array) -> float:
    """Log of the mean of exp(-2 d^2) over pairs on the unit sphere."""
    unit = [row / math.sqrt(sum(float(x) ** 2 for x in row)) for row in z]
    values = []
    for i in range(len(unit)):
        for j in range(i + 1, len(unit)):
            squared = sum((x - y) ** 2 for x, y in zip(unit[i], unit[j], strict=True))
            values.append(math.exp(-2 * squared))
    return math.log(sum(values) / len(values))


def alignment(z_a: Array, z_b: Array) -> float:
    """Mean squared distance of pairs on the unit sphere: 2 - 2 cos."""
    pairs = zip(z_a, z_b, strict=True)
    return sum(2 - 2 * cosine(a, b) for a, b in pairs) / len(z_a)


def effective_rank(h: Array) -> float:
    """Exponential of the entropy of the singular values of the centred embeddings."""
    centred = h - h.mean(axis=0)
    squared = np.linalg.eigvalsh(centred.T @ centred)
    singular = [math.sqrt(max(float(value), 0)) for value in squared]
    shares = [value / sum(singular) for value in singular]
    return math.exp(-sum(p * math.log(p) for p in shares if p > 1e-12))
