"""Augmentations of whole batches of windows, beside the same frame by frame."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

from benchmarks.measure import Result, Settings, interleaved, measured, ratio
from napari_neuroembed.augmentation.base import AugmentationContext, Params
from napari_neuroembed.augmentation.pipeline import apply_all, build, draw_all
from napari_neuroembed.methods.randomness import generator
from napari_neuroembed.options.augmentation import paper

TARGET = 3.0
LARGEST = 2e-3
"""Largest difference of mean and standard deviation, in sd of the windows."""

RATE_HZ = 16.0
BATCH, TORCH, SCIPY = "whole batch", "frame by frame, torch", "frame by frame, scipy"


def run(settings: Settings) -> Result:
    """Take 64 windows of 32 x 128 x 128 with everything switched on."""
    return compare(settings, *((8, 32, 64) if settings.quick else (64, 32, 128)))


def compare(settings: Settings, n: int, frames: int, size: int) -> Result:
    """Compare the three ways with one set of drawn parameters, the paper's options.

    Parameters
    ----------
    settings
        Device, repeats, threads.
    n, frames, size
        Windows, their frames, and height and width of these.
    """
    device = torch.device(settings.device)
    rng = torch.Generator().manual_seed(0)
    coarse = 50 + 20 * torch.randn(n, frames, 8, 8, generator=rng)
    windows = functional.interpolate(coarse, size=(size, size), mode="bilinear")
    donors = 20 * torch.rand(n, size, size, generator=rng)
    context = AugmentationContext(
        n=n,
        shape=(frames, size, size),
        rate_hz=RATE_HZ,
        device=device,
        scale_sd=20.0,
        donors=donors,
    )
    windows = windows.to(device)
    chain = build(paper(), "neural")
    params = draw_all(chain, context, partial(generator, 0, 0))
    drawn = {one.name: found for one, found in zip(chain, params, strict=True)}
    out: dict[str, Tensor] = {}

    def keep(name: str, result: Tensor) -> None:
        out[name] = result

    times = interleaved(
        {
            BATCH: lambda: keep(BATCH, apply_all(windows, chain, params)),
            TORCH: lambda: keep(TORCH, _by_torch(windows, drawn)),
            SCIPY: lambda: keep(SCIPY, _by_scipy(windows, drawn)),
        },
        settings,
    )
    work = dict.fromkeys(out, float(n))
    rows = [
        measured(
            name,
            times,
            n,
            f"windows per {settings.second}",
            (_distance(result, out[TORCH]), "mean and sd of windows, in sd"),
            is_peer=name != BATCH,
            error_limit=LARGEST if name == BATCH else None,
        )
        for name, result in out.items()
    ]
    ratios = [
        ratio(BATCH, TORCH, times, work, TARGET),
        ratio(BATCH, SCIPY, times, work, TARGET),
    ]
    names = ", ".join(drawn)
    parameters = {"windows": n, "frames": frames, "image_size": size, "chain": names}
    return Result(rows, ratios, parameters)


def _distance(found: Tensor, expected: Tensor) -> float:
    """Return how far means and deviations of windows are, averaged over the batch."""
    a, b = found.flatten(1).double().cpu(), expected.flatten(1).double().cpu()
    spread = b.std(dim=1)
    mean = ((a.mean(dim=1) - b.mean(dim=1)) / spread).mean().abs()
    return float(torch.maximum(mean, (a.std(dim=1) / spread - 1).mean().abs()))


def _shot_noise(window: Tensor, photons: Tensor) -> tuple[Tensor, Tensor]:
    """Return the window's minimum, and photons per unit above it."""
    flat = window.flatten()
    low = flat.min()
    rank = 1 + round(0.99 * (len(flat) - 1))
    return low, photons / (flat.kthvalue(rank).values - low)


def _by_torch(windows: Tensor, drawn: dict[str, Params]) -> Tensor:
    """Do it plainly: the windows' own numbers, then frame after frame."""
    calcium, poisson = drawn["calcium_decay"], drawn["poisson_noise"]
    gain = drawn["brightness_contrast"]
    taps = drawn["gaussian_blur"]["taps"]
    rng = torch.Generator(device=windows.device).manual_seed(1)
    done = []
    for i, window in enumerate(windows):
        kernel, share = calcium["kernel"][0], calcium["amplitude"][i]
        window = torch.stack(
            [
                f + share * k * calcium["donor"][i]
                for f, k in zip(window, kernel, strict=True)
            ]
        )
        low, scale = _shot_noise(window, poisson["photons"][i])
        row = taps[i].reshape(1, 1, 1, -1)
        radius = len(taps[i]) // 2
        blurred = []
        for frame in window:
            noisy = low + torch.poisson((frame - low) * scale, generator=rng) / scale
            image = noisy[None, None]
            image = functional.pad(image, (radius,) * 4, mode="replicate")
            image = functional.conv2d(functional.conv2d(image, row), row.mT)
            blurred.append(image[0, 0])
        mean = torch.stack(blurred).mean()
        done.append(
            torch.stack(
                [f + gain["gain"][i] * (f - mean) + gain["offset"][i] for f in blurred]
            )
        )
    return torch.stack(done)


def _by_scipy(windows: Tensor, drawn: dict[str, Params]) -> Tensor:
    """Do the same with numpy and scipy, which compute on a CPU."""
    calcium, gain = drawn["calcium_decay"], drawn["brightness_contrast"]
    kernel = calcium["kernel"][0].cpu().numpy()
    donors, stacks = calcium["donor"].cpu().numpy(), windows.cpu().numpy()
    sigmas = _widths(drawn["gaussian_blur"]["taps"].cpu())
    rng = np.random.default_rng(1)
    done = []
    for i, stack in enumerate(stacks):
        share = float(calcium["amplitude"][i])
        window = np.stack(
            [f + share * k * donors[i] for f, k in zip(stack, kernel, strict=True)]
        )
        low, high = window.min(), np.quantile(window, 0.99)
        scale = float(drawn["poisson_noise"]["photons"][i]) / (high - low)
        radius = drawn["gaussian_blur"]["taps"].shape[1] // 2
        blurred = []
        for frame in window:
            noisy = low + rng.poisson((frame - low) * scale) / scale
            blurred.append(
                gaussian_filter(noisy, sigmas[i], mode="nearest", radius=radius)
            )
        mean = np.mean(blurred)
        by, add = float(gain["gain"][i]), float(gain["offset"][i])
        done.append(np.stack([f + by * (f - mean) + add for f in blurred]))
    return torch.from_numpy(np.stack(done).astype(np.float32))


def _widths(taps: Tensor) -> list[float]:
    """Return the width of each Gaussian from its middle and the tap beside it."""
    middle = taps.shape[1] // 2
    shares = taps[:, middle].double() / taps[:, middle + 1].double().clamp_min(1e-300)
    return [float((0.5 / torch.log(one)).sqrt()) for one in shares]
