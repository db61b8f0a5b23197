"""Resting fluorescence F0 by sums that grow, or by a mean for every window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from benchmarks.measure import Result, Settings, interleaved, measured, ratio
from napari_neuroembed.preprocessing.baseline import baseline

WINDOW = 15
NAIVE_TARGET, COPY_TARGET = 5.0, 0.6
LIMITS = {"uint16": 0.0, "float32": 1e-6}
"""Largest relative error of F0; whole numbers are exact."""


def run(settings: Settings) -> Result:
    """Take a movie of the paper's size; it is whole numbers until it is moved."""
    return compare(settings, 240 if settings.quick else 1000, (480, 736))


def compare(settings: Settings, n_frames: int, shape: tuple[int, int]) -> Result:
    """Find F0 of counts and of the same in float32.

    Parameters
    ----------
    settings
        Repeats and threads.
    n_frames, shape
        Of the movie. The plain ways see a quarter of the frames, 120 at least.
    """
    rng = np.random.default_rng(0)
    counts = rng.integers(200, 4000, (n_frames, *shape), dtype=np.uint16)
    moved = counts + rng.random(shape, dtype=np.float32)
    few = min(n_frames, max(8 * WINDOW, n_frames // 4))
    rows, ratios = [], []
    for stack in (counts, moved):
        kind = stack.dtype.name
        copy = np.zeros_like(stack)
        ours, naive = f"running sums {kind}", f"mean per window {kind}"
        filtered, copied = f"uniform_filter1d {kind}", f"copy {kind}"
        times = interleaved(
            {
                ours: lambda stack=stack: baseline(stack, WINDOW),
                naive: lambda stack=stack: mean_per_window(stack[:few]),
                filtered: lambda stack=stack: _filtered(stack[:few]),
                copied: lambda stack=stack, copy=copy: np.copyto(copy, stack),
            },
            settings,
        )
        frame_gb, lost = stack[0].nbytes / 1e9, WINDOW - 1
        gb = {copied: n_frames * frame_gb, ours: (n_frames - lost) * frame_gb}
        gb |= dict.fromkeys((naive, filtered), (few - lost) * frame_gb)
        errors = {
            ours: _error(baseline(stack, WINDOW), stack),
            naive: _error(mean_per_window(stack[:few]), stack[:few]),
            filtered: _error(_filtered(stack[:few]), stack[:few]),
            copied: 0.0,
        }
        rows += [
            measured(
                name,
                times,
                gb[name],
                "GB per CPU s",
                (errors[name], "relative"),
                is_peer=name != ours,
                error_limit=LIMITS[kind] if name == ours else None,
            )
            for name in times
        ]
        ratios += [
            ratio(ours, naive, times, gb, NAIVE_TARGET),
            ratio(ours, filtered, times, gb),
            ratio(ours, copied, times, gb, COPY_TARGET),
        ]
    parameters = {"frames": n_frames, "frames_plain": few, "shape": list(shape)}
    return Result(rows, ratios, {**parameters, "window_frames": WINDOW})


def mean_per_window(stack: NDArray[np.generic]) -> NDArray[np.float32]:
    """Write the equation down: the smallest mean over every window."""
    lowest = stack[:WINDOW].mean(axis=0)
    for start in range(1, len(stack) - WINDOW + 1):
        mean = stack[start : start + WINDOW].mean(axis=0)
        np.minimum(lowest, mean, out=lowest)
    return lowest.astype(np.float32)


def _filtered(stack: NDArray[np.generic]) -> NDArray[np.float32]:
    half = WINDOW // 2
    means = uniform_filter1d(stack, WINDOW, axis=0, output=np.float32)
    return means[half:-half].min(axis=0)


def _error(f0: NDArray[np.float32], stack: NDArray[np.generic]) -> float:
    """Return the largest relative error on some pixels, against float64."""
    some = np.ascontiguousarray(stack[:, ::16, ::16]).astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(some, WINDOW, axis=0)
    expected = (windows.sum(axis=-1).min(axis=0) / WINDOW).astype(np.float32)
    return float(np.abs(f0[::16, ::16] / expected - 1).max())
