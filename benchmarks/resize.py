"""Area averages of frames, beside scikit-image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.transform import resize, resize_local_mean

from benchmarks.measure import Result, Settings, interleaved, measured, ratio
from napari_neuroembed.options.preprocessing import ResizeOptions
from napari_neuroembed.preprocessing.resize import Resizer, resize_weights

TARGET = 20.0
LARGEST_ERROR = 1.0
"""Grey levels."""
OURS, SMOOTH, LOCAL = "area products", "skimage resize", "skimage resize_local_mean"
DENSE = "dense float64 weights"


def run(settings: Settings) -> Result:
    """Bring frames of the paper's size to 128 x 128."""
    return compare(settings, 32 if settings.quick else 256, (480, 736), 128)


def compare(
    settings: Settings, n_frames: int, shape: tuple[int, int], size: int
) -> Result:
    """Resize a movie of 12-bit counts.

    Parameters
    ----------
    settings
        Repeats and threads.
    n_frames, shape
        Of the movie. The plain ways see an eighth of the frames, 8 at least.
    size
        Height and width afterwards.
    """
    frames = _movie(n_frames, shape)
    few = frames[: min(n_frames, max(8, n_frames // 8))]
    resizer = Resizer(shape, ResizeOptions(height=size, width=size))
    weights = [resize_weights(n, size) for n in shape]
    variants = {
        OURS: lambda: resizer.frames(frames),
        DENSE: lambda: np.stack([weights[0] @ f @ weights[1].T for f in few]),
        SMOOTH: lambda: np.stack([_smooth(f, size) for f in few]),
        LOCAL: lambda: np.stack([_local(f, size) for f in few]),
    }
    times = interleaved(variants, settings)
    work = {name: float(len(few)) for name in variants} | {OURS: float(n_frames)}
    exact = np.asarray(variants[DENSE]())
    rows = []
    for name, variant in variants.items():
        error = float(np.abs(np.asarray(variant())[: len(few)] - exact).max())
        rows.append(
            measured(
                name,
                times,
                work[name],
                "frames per CPU s",
                (error, "grey levels from the exact area means"),
                is_peer=name != OURS,
                error_limit=LARGEST_ERROR if name == OURS else None,
            )
        )
    targets = {SMOOTH: TARGET, LOCAL: None, DENSE: None}
    ratios = [ratio(OURS, name, times, work, t) for name, t in targets.items()]
    parameters = {"frames": n_frames, "frames_plain": len(few), "shape": list(shape)}
    return Result(rows, ratios, {**parameters, "size": size})


def _movie(n_frames: int, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Return soft shapes under shot noise, 200 to 4000 counts."""
    rng = np.random.default_rng(0)
    scene = gaussian_filter(rng.standard_normal(shape), 4)
    scene = 200 + 3000 * (scene - scene.min()) / np.ptp(scene)
    return rng.poisson(scene, (n_frames, *shape)).astype(np.uint16)


def _smooth(frame: NDArray[np.uint16], size: int) -> NDArray[np.float64]:
    resized: NDArray[np.float64] = resize(
        frame, (size, size), preserve_range=True, anti_aliasing=True
    )
    return resized


def _local(frame: NDArray[np.uint16], size: int) -> NDArray[np.float64]:
    resized: NDArray[np.float64] = resize_local_mean(
        frame, (size, size), preserve_range=True
    )
    return resized
