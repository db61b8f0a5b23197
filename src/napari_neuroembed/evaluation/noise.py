"""Noise that moves like an embedding and knows nothing."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.scaling import Array, Scaler

FREQUENCIES = 65


def noise_like(
    x: Array, recording: Codes, times: Floats, generator: np.random.Generator
) -> Array:
    """Draw noise with the covariance and the spectrum in time of an embedding.

    Parameters
    ----------
    x
        Embedding, shape (n, dim).
    recording, times
        Recording and centre of each window.

    Returns
    -------
    array, shape (n, dim)
        Gaussian noise. Within recordings it has the covariance of `x` and, in all
        directions, the mean power spectrum of its features; recordings differ by
        offsets with the covariance of the recordings' means. White noise would not
        do: what changes as slowly as actions do agrees with them more often.
    """
    values = Scaler.fit(x).apply(x).astype(np.float64)
    members = [
        rows[np.argsort(times[rows], kind="stable")]
        for rows in (np.flatnonzero(recording == r) for r in np.unique(recording))
    ]
    means = np.stack([values[rows].mean(axis=0) for rows in members])
    within = values - means[np.unique(recording, return_inverse=True)[1]]
    root = _root(within.T @ within / len(within))
    shape = _spectrum([within[rows] for rows in members])
    offsets = means - means.mean(axis=0)
    out = np.empty_like(values)
    for rows in members:
        slow = _series(rows.size, values.shape[1], shape, generator)
        mixture = generator.standard_normal(len(members)) / np.sqrt(len(members))
        out[rows] = slow @ root + mixture @ offsets
    return out.astype(np.float32)


def _root(covariance: Floats) -> Floats:
    size, axes = np.linalg.eigh(covariance)
    return np.asarray(np.sqrt(np.maximum(size, 0.0))[:, None] * axes.T)


def _spectrum(parts: list[Floats]) -> Floats:
    """Return the mean power of the features at frequencies 0 to half the stride."""
    grid = np.linspace(0.0, 0.5, FREQUENCIES)
    total = np.zeros(FREQUENCIES)
    for part in parts:
        if len(part) > 1:
            power = (np.abs(np.fft.rfft(part, axis=0)) ** 2).mean(axis=1) / len(part)
            power[0] = power[1]  # the mean was taken out, which emptied this place
            total += np.interp(grid, np.fft.rfftfreq(len(part)), power)
    return total


def _series(n: int, dim: int, shape: Floats, generator: np.random.Generator) -> Floats:
    """Return independent columns of unit variance with the given spectrum."""
    # Twice as long as needed: the end of a Fourier series is its beginning.
    white = generator.standard_normal((2 * n, dim))
    grid = np.linspace(0.0, 0.5, FREQUENCIES)
    gain = np.sqrt(np.interp(np.fft.rfftfreq(2 * n), grid, shape))
    slow = np.fft.irfft(np.fft.rfft(white, axis=0) * gain[:, None], n=2 * n, axis=0)
    scale = np.sqrt((gain**2).mean())
    return np.asarray(slow[:n] / scale if scale > 0 else slow[:n])
