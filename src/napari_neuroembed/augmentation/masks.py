"""Missing frames and missing joints."""

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
    uniform,
)
from napari_neuroembed.augmentation.pose import n_axes_of
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import (
    Fill,
    FrameDropOptions,
    JointDropOptions,
)


@dataclass(frozen=True)
class FrameDrop:
    """Replace whole pose frames by the training mean (or 0).

    Parameters
    ----------
    options
        Rate per frame (0 is the identity) and what a missing value becomes.

    Notes
    -----
    Each frame is dropped with probability 0.1 (ours); at least one frame stays.
    """

    options: FrameDropOptions = field(default_factory=FrameDropOptions)
    name: ClassVar[str] = "frame_drop"
    target: ClassVar[Target] = "pose"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the dropped frames, True in shape (n, time)."""
        n_frames = context.shape[0]
        active = chosen((context.n, 1), self.options.p, generator)
        dropped = drop_mask(
            (context.n, n_frames), self.options.rate, n_frames - 1, generator
        )
        return {
            "dropped": (dropped & active).to(context.device),
            "fill": fill_of(self.name, self.options.fill, context),
        }

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Fill the dropped frames of windows of shape (n, time, features)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "dropped")
        fill = params["fill"].to(batch.dtype)
        return torch.where(params["dropped"].unsqueeze(-1), fill, batch)


@dataclass(frozen=True)
class JointDrop:
    """Replace joints by the training mean (or 0), the same over a window.

    Parameters
    ----------
    options
        Rate per joint (0 is the identity) and what a missing value becomes.

    Notes
    -----
    Each joint (each feature, where poses are angles or scalars) is dropped with
    probability 0.1 (ours) for the whole window; at least half of them stay.
    """

    options: JointDropOptions = field(default_factory=JointDropOptions)
    name: ClassVar[str] = "joint_drop"
    target: ClassVar[Target] = "pose"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the dropped features, True in shape (n, features)."""
        n_axes = n_axes_of(context, self.name) if context.n_dims else 1
        n_joints = context.shape[-1] // n_axes
        active = chosen((context.n, 1), self.options.p, generator)
        dropped = drop_mask(
            (context.n, n_joints), self.options.rate, n_joints // 2, generator
        )
        dropped = (dropped & active).repeat_interleave(n_axes, dim=1)
        return {
            "dropped": dropped.to(context.device),
            "fill": fill_of(self.name, self.options.fill, context),
        }

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Fill the dropped joints of windows of shape (n, time, features)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "dropped")
        fill = params["fill"].to(batch.dtype)
        return torch.where(params["dropped"].unsqueeze(1), fill, batch)


def drop_mask(
    size: tuple[int, int], rate: float, most: int, generator: torch.Generator
) -> Tensor:
    """Draw a mask that is True with probability `rate`, at most `most` times per row.

    Where more would drop, those with the smallest random numbers do.

    Examples
    --------
    >>> drop_mask((1, 4), 1.0, 2, torch.Generator().manual_seed(0)).sum().item()
    2
    """
    u = uniform(size, 0.0, 1.0, generator)
    rank = u.argsort(dim=1).argsort(dim=1)
    return (u < rate) & (rank < most)


def fill_of(name: str, fill: Fill, context: AugmentationContext) -> Tensor:
    """Return what missing values become, shape (1, features), on the batch's device.

    Raises
    ------
    TrainingError
        When the training mean is asked for but not given, or of another length.
    """
    n_features = context.shape[-1]
    if fill == "zero":
        return torch.zeros((1, n_features), device=context.device)
    if context.fill is None:
        raise TrainingError(
            f"Augmentation '{name}' fills with the training mean of {n_features} pose "
            "features, but the context has no `fill`. Give it, or set "
            f"augmentation.{name}.fill to zero."
        )
    if tuple(context.fill.shape) != (n_features,):
        raise TrainingError(
            f"Augmentation '{name}' expected a training mean of shape ({n_features},), "
            f"found {tuple(context.fill.shape)}."
        )
    check_batch(name, context.fill)
    return context.fill.unsqueeze(0).to(context.device)
