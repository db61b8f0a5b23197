"""Noise of the detector: shot noise and white noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from napari_neuroembed.augmentation.base import (
    AugmentationContext,
    Params,
    Target,
    check_batch,
    check_n,
    chosen,
    draw_seed,
    log_uniform,
    noise_generator,
    per_window,
)
from napari_neuroembed.options.augmentation import (
    GaussianNoiseOptions,
    PoissonNoiseOptions,
)

PERCENTILE = 0.99
"""The brightness at which the drawn number of photons is counted."""


@dataclass(frozen=True)
class PoissonNoise:
    """Add shot noise as if every value had been counted in few photons.

    Parameters
    ----------
    options
        Photons at the 99th percentile, log-uniform; probability; method.

    Notes
    -----
    y = m + Poisson((x - m) s) / s with m the window's minimum and s = photons / (99th
    percentile of x - m, nearest rank). dF/F is in per cent and may be negative, where
    Poisson is undefined: hence the shift and the scale. photons ~ logU(10, 100); the
    paper names the noise but no level. ``method="anscombe"`` draws
    ((sqrt(k + 3/8) + z / 2)^2 - 3/8 with z ~ N(0, 1) and k the expected count, never
    below 0): close from about 5 photons on, and several times faster on a CPU. A window
    without contrast is returned as it is. Noise is fresh for every value; the number of
    photons is shared by the frames of a window.
    """

    options: PoissonNoiseOptions = field(default_factory=PoissonNoiseOptions)
    name: ClassVar[str] = "poisson_noise"
    target: ClassVar[Target] = "neural"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the photons of every window and the seed of the noise."""
        active = chosen(context.n, self.options.p, generator)
        photons = log_uniform(context.n, *self.options.photons, generator)
        return {
            "active": active.to(context.device),
            "photons": photons.to(context.device),
            "seed": draw_seed(generator),
        }

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Return windows of shape (n, time, ...) with shot noise."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "photons")
        rows = params["active"].nonzero().squeeze(1)
        values = batch[rows] if batch.dtype == torch.float64 else batch[rows].float()
        flat = values.flatten(1)
        low = flat.amin(dim=1)
        rank = 1 + round(PERCENTILE * (flat.shape[1] - 1))
        spread = flat.kthvalue(rank, dim=1).values - low
        safe = torch.where(spread > 0, spread, torch.ones_like(spread))
        scale = per_window(params["photons"][rows].to(values.dtype) / safe, values)
        low = per_window(low, values)
        expected = (values - low).clamp_min(0) * scale
        noisy = low + self._count(expected, noise_generator(batch, params)) / scale
        noisy = torch.where(per_window(spread > 0, values), noisy, values)
        return batch.index_copy(0, rows, noisy.to(batch.dtype))

    def _count(self, expected: Tensor, generator: torch.Generator) -> Tensor:
        if self.options.method == "poisson":
            return torch.poisson(expected, generator=generator)
        z = torch.empty_like(expected).normal_(generator=generator)
        root = (expected + 0.375).sqrt() + 0.5 * z
        return (root.clamp_min(0).square() - 0.375).clamp_min(0)


@dataclass(frozen=True)
class GaussianNoise:
    """Add white noise.

    Parameters
    ----------
    options
        Standard deviation relative to the scaled stack (0 is the identity);
        probability.

    Notes
    -----
    y = x + sd S e with e ~ N(0, 1) fresh for every value and S the standard deviation
    of the stack as the encoder sees it. 0.2 is the setting measured on the synthetic
    twin; the paper gives no level.
    """

    options: GaussianNoiseOptions = field(default_factory=GaussianNoiseOptions)
    name: ClassVar[str] = "gaussian_noise"
    target: ClassVar[Target] = "neural"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the noise of every window (0 where it is left alone) and a seed."""
        active = chosen(context.n, self.options.p, generator)
        sd = active * (self.options.sd * context.scale_sd)
        return {"sd": sd.to(context.device), "seed": draw_seed(generator)}

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Return windows of shape (n, time, ...) with white noise."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "sd")
        noise = torch.empty_like(batch).normal_(
            generator=noise_generator(batch, params)
        )
        return batch + per_window(params["sd"], batch) * noise
