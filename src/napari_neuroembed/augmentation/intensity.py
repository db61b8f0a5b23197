"""Focus, gain and offset of the microscope."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from napari_neuroembed.augmentation.base import (
    AugmentationContext,
    Params,
    Target,
    check_batch,
    check_n,
    chosen,
    per_window,
    uniform,
)
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import (
    BrightnessContrastOptions,
    GaussianBlurOptions,
)

REFERENCE_WIDTH = 128
"""Image width for which the blur is given, in pixels."""


@dataclass(frozen=True)
class GaussianBlur:
    """Put the images slightly out of focus.

    Parameters
    ----------
    options
        Width in pixels of an image 128 pixels wide; a range (0, 0) is the identity.

    Notes
    -----
    Separable Gaussian of width sigma W / 128 pixels for images W pixels wide, cut at
    three sigma of the widest, edges repeated; sigma ~ U(0.1, 1.0) is our range. One
    sigma per window. Traces have no focus: they are refused, and the pipeline leaves
    this augmentation out for them.
    """

    options: GaussianBlurOptions = field(default_factory=GaussianBlurOptions)
    name: ClassVar[str] = "gaussian_blur"
    target: ClassVar[Target] = "neural"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the taps of every window, shape (n, 2 radius + 1).

        Raises
        ------
        TrainingError
            When windows are traces and not images.
        """
        if not context.is_image:
            raise TrainingError(
                "Augmentation 'gaussian_blur' works on images (time, y, x) only; found "
                f"windows of shape {context.shape}. Set augmentation.gaussian_blur.p "
                "to 0 for traces."
            )
        factor = context.shape[-1] / REFERENCE_WIDTH
        sigma = uniform(context.n, *self.options.sigma_px, generator) * factor
        sigma = sigma * chosen(context.n, self.options.p, generator)
        widest = self.options.sigma_px[1] * factor
        radius = min(max(1, math.ceil(3 * widest)), min(context.shape[-2:]) - 1)
        return {"taps": gaussian_taps(sigma, radius).to(context.device)}

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Blur windows of shape (n, time, y, x)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "taps")
        taps = params["taps"]
        if batch.device.type != "cpu":
            return _blurred(batch, taps)
        # A window stays in the processor's cache through all taps, a batch does not.
        out = torch.empty_like(batch)
        for i in range(len(batch)):
            out[i : i + 1] = _blurred(batch[i : i + 1], taps[i : i + 1])
        return out


def _blurred(batch: Tensor, taps: Tensor) -> Tensor:
    """Blur along rows, then along columns."""
    radius = taps.shape[1] // 2
    rows = functional.pad(batch, (radius, radius, 0, 0), mode="replicate")
    blurred = _weighted_shifts(rows, taps, dim=3)
    columns = functional.pad(blurred, (0, 0, radius, radius), mode="replicate")
    return _weighted_shifts(columns, taps, dim=2)


def gaussian_taps(sigma: Tensor, radius: int) -> Tensor:
    """Return one normalised Gaussian per row; sigma 0 is a single 1.

    Parameters
    ----------
    sigma
        Widths in pixels, shape (n,), 0 or more.
    radius
        Pixels on either side.

    Examples
    --------
    >>> gaussian_taps(torch.tensor([0.0]), 1).tolist()
    [[0.0, 1.0, 0.0]]
    """
    offset = torch.arange(-radius, radius + 1, dtype=torch.float64)
    width = sigma.double().clamp_min(1e-3).unsqueeze(1)
    taps = torch.exp(-0.5 * (offset / width).square())
    return (taps / taps.sum(dim=1, keepdim=True)).float()


def _weighted_shifts(padded: Tensor, taps: Tensor, dim: int) -> Tensor:
    """Return the sum over taps of the padded batch shifted along `dim`."""
    n_taps = taps.shape[1]
    size = padded.shape[dim] - n_taps + 1
    result = per_window(taps[:, 0], padded) * padded.narrow(dim, 0, size)
    for tap in range(1, n_taps):
        result += per_window(taps[:, tap], padded) * padded.narrow(dim, tap, size)
    return result


@dataclass(frozen=True)
class BrightnessContrast:
    """Change the gain around the window's mean, and the offset.

    Parameters
    ----------
    options
        Ranges of contrast c and brightness b; (1, 1) and (0, 0) are the identity.

    Notes
    -----
    y = c (x - mean) + mean + b S with the mean over the whole window and S the standard
    deviation of the scaled stack; c ~ U(0.8, 1.2) and b ~ U(-0.1, 0.1) are our ranges.
    Computed as x + (c - 1)(x - mean) + b S, so that c = 1, b = 0 changes no bit.
    """

    options: BrightnessContrastOptions = field(
        default_factory=BrightnessContrastOptions
    )
    name: ClassVar[str] = "brightness_contrast"
    target: ClassVar[Target] = "neural"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw c - 1 and b S of every window (0 where it is left alone)."""
        active = chosen(context.n, self.options.p, generator)
        contrast = uniform(context.n, *self.options.contrast, generator)
        brightness = uniform(context.n, *self.options.brightness, generator)
        return {
            "gain": ((contrast - 1) * active).to(context.device),
            "offset": (brightness * active * context.scale_sd).to(context.device),
        }

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Return windows of shape (n, time, ...) with another gain and offset."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "gain")
        mean = batch.mean(dim=tuple(range(1, batch.ndim)), keepdim=True)
        change = per_window(params["gain"], batch) * (batch - mean)
        return batch + change + per_window(params["offset"], batch)
