"""Slow, obvious versions of the pre-processing equations, and a known movie."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def resting_by_loop(stack, n, valid=None):
    """F0[y, x] = min over t of mean(F[t : t + n]), windows of valid frames only."""
    stack = stack.astype(np.float64)
    valid = np.ones(len(stack), dtype=bool) if valid is None else valid
    lowest = np.full(stack.shape[1:], np.inf)
    for t in range(len(stack) - n + 1):
        if valid[t : t + n].all():
            lowest = np.minimum(lowest, stack[t : t + n].mean(axis=0))
    return lowest


def sampled_by_loop(frame, dy, dx):
    """out[y, x] = frame[y + dy, x + dx] by bilinear weights, 0 outside."""
    height, width = frame.shape
    out = np.zeros(frame.shape)
    for y in range(height):
        for x in range(width):
            row, column = y + dy, x + dx
            top, left = int(np.floor(row)), int(np.floor(column))
            fy, fx = row - top, column - left
            total, reaches = 0.0, True
            for r, wy in ((top, 1 - fy), (top + 1, fy)):
                for c, wx in ((left, 1 - fx), (left + 1, fx)):
                    if wy * wx == 0:
                        continue
                    if not (0 <= r < height and 0 <= c < width):
                        reaches = False
                        continue
                    total += wy * wx * frame[r, c]
            out[y, x] = total if reaches else 0.0
    return out


def area_mean_by_loop(frame, height, width):
    """Average over the area every output pixel covers."""
    rows, columns = frame.shape
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            total = area = 0.0
            for r in range(rows):
                for c in range(columns):
                    tall = min(r + 1, (i + 1) * rows / height) - max(
                        r, i * rows / height
                    )
                    wide = min(c + 1, (j + 1) * columns / width) - max(
                        c, j * columns / width
                    )
                    if tall > 0 and wide > 0:
                        total += tall * wide * frame[r, c]
                        area += tall * wide
            out[i, j] = total / area
    return out


def brain(size, rng):
    """Textured tissue with bright cells, 0 to 1."""
    y, x = np.mgrid[:size, :size]
    image = 0.3 * gaussian_filter(rng.standard_normal((size, size)), 1.5) * 4
    for _ in range(size // 3):
        cy, cx = rng.uniform(0, size, 2)
        radius = rng.uniform(2, 6)
        square = (y - cy) ** 2 + (x - cx) ** 2
        image += rng.uniform(0.2, 1) * np.exp(-square / (2 * radius**2))
    image -= image.min()
    return np.clip(image / np.percentile(image, 99.9), 0, 1)


def moving_movie(n_frames, size, *, peak, reach, rng, noise=True):
    """Make a movie that drifts by known amounts.

    Returns (frames, shifts, still): frame[y + dy, x + dx] shows still[y, x]. Shifted in
    the Fourier domain of a larger image, so that nothing wraps round.
    """
    margin = int(reach) + 8
    whole = brain(size + 2 * margin, rng)
    shifts = np.cumsum(rng.standard_normal((n_frames, 2)), axis=0)
    shifts -= np.median(shifts, axis=0)
    shifts *= reach / max(np.abs(shifts).max(), 1e-9)
    spectrum = np.fft.rfft2(whole)
    ky = np.fft.fftfreq(len(whole))[:, None]
    kx = np.fft.rfftfreq(len(whole))[None]
    inner = np.s_[margin : margin + size, margin : margin + size]
    frames = []
    for dy, dx in shifts:
        wave = np.exp(-2j * np.pi * (ky * dy + kx * dx))
        moved = np.fft.irfft2(spectrum * wave, s=whole.shape)[inner].clip(0) * peak
        frames.append(rng.poisson(moved) if noise else moved)
    return np.stack(frames), shifts, whole[inner] * peak
