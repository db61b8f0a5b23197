"""Calcium decay: the remains of another moment, fading at the indicator's pace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
from napari_neuroembed.augmentation.kernels import (
    INDICATORS,
    double_exponential,
    exponential,
)
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import CalciumDecayOptions


@dataclass(frozen=True)
class CalciumDecay:
    """Add a donor frame of the same animal that decays through the window.

    Parameters
    ----------
    options
        Kernel, amplitude and probability. A range of amplitudes (0, 0) is the identity.

    Notes
    -----
    x_j + A K_j m for frame j, with K_j = gamma^j and gamma = exp(-1 / (rate decay)), or
    a rise and decay with peak 1; m is the donor frame (Guenel et al., section 3.2), by
    default minus the temporal median of its recording, because the sum of two dF/F
    would otherwise hold a static image twice. A ~ U(0.5, 1.5) is our range; the paper
    has 1. Time is in real seconds: `context.rate_hz` is the rate within the window.

    Examples
    --------
    >>> context = AugmentationContext(
    ...     n=1, shape=(3, 2), rate_hz=16.0, donors=torch.ones(1, 2))
    >>> add = CalciumDecay(
    ...     CalciumDecayOptions(p=1, amplitude=(1, 1), indicator="twin"))
    >>> params = add.draw(context, torch.Generator().manual_seed(0))
    >>> add.apply(torch.zeros(1, 3, 2), params)[0, :, 0]
    tensor([1.0000, 0.9300, 0.8649])
    """

    options: CalciumDecayOptions = field(default_factory=CalciumDecayOptions)
    name: ClassVar[str] = "calcium_decay"
    target: ClassVar[Target] = "neural"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def kernel(self, n_frames: int, rate_hz: float) -> NDArray[np.float64]:
        """Return the kernel at every frame of a window.

        Time constants of the options go before those of the indicator.
        """
        indicator = INDICATORS[self.options.indicator]
        decay_s = self.options.decay_s or indicator.decay_s
        if self.options.kernel == "exp":
            return exponential(n_frames, rate_hz, decay_s)
        rise_s = self.options.rise_s or indicator.rise_s
        return double_exponential(n_frames, rate_hz, rise_s, decay_s)

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the amplitude of every window (0 where it is left alone).

        Raises
        ------
        TrainingError
            When donor frames are missing, of another shape or not finite.
        """
        active = chosen(context.n, self.options.p, generator)
        amplitude = uniform(context.n, *self.options.amplitude, generator)
        return {
            "amplitude": (amplitude * active).to(context.device),
            "kernel": torch.from_numpy(self.kernel(context.shape[0], context.rate_hz))
            .float()
            .unsqueeze(0)
            .to(context.device),
            "donor": self._donors(context).to(context.device),
        }

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Add the decaying donor to windows of shape (n, time, ...)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "amplitude")
        kernel = params["kernel"].to(batch.dtype)
        kernel = kernel.reshape((1, -1) + (1,) * (batch.ndim - 2))
        donor = params["donor"].to(batch.dtype).unsqueeze(1)
        return batch + per_window(params["amplitude"], batch) * kernel * donor

    def _donors(self, context: AugmentationContext) -> Tensor:
        expected = (context.n, *context.shape[1:])
        if context.donors is None:
            raise TrainingError(
                "Augmentation 'calcium_decay' needs a donor frame for every window, "
                f"shape {expected}, found none. Give `donors` in the context or set "
                "augmentation.calcium_decay.p to 0."
            )
        if tuple(context.donors.shape) != expected:
            raise TrainingError(
                "Augmentation 'calcium_decay' expected donor frames of shape "
                f"{expected}, found {tuple(context.donors.shape)}."
            )
        check_batch(self.name, context.donors)
        return context.donors
