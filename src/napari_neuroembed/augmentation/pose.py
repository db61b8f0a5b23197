"""Body size and camera tilt of a pose."""

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
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import PoseScaleOptions, PoseShearOptions


@dataclass(frozen=True)
class PoseScale:
    """Make the body larger or smaller along each coordinate axis.

    Parameters
    ----------
    options
        Spread of the factor; 0 is the identity.

    Notes
    -----
    Every coordinate times 1 + u of its axis, u ~ U(-0.1, 0.1), about the origin (the
    root of centred poses), shared by joints and frames of a window. Angles and scalars
    have no axes: one factor per window. The range is ours; the paper names the
    augmentation only.
    """

    options: PoseScaleOptions = field(default_factory=PoseScaleOptions)
    name: ClassVar[str] = "pose_scale"
    target: ClassVar[Target] = "pose"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the factor of every window and axis, shape (n, axes)."""
        n_axes = n_axes_of(context, self.name) if context.n_dims else 1
        active = chosen((context.n, 1), self.options.p, generator)
        spread = self.options.spread
        change = uniform((context.n, n_axes), -spread, spread, generator) * active
        return {"factor": (1 + change).to(context.device)}

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Scale windows of shape (n, time, features)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "factor")
        factor = params["factor"].to(batch.dtype)
        n, n_frames, n_features = batch.shape
        joints = batch.reshape(n, n_frames, n_features // factor.shape[1], -1)
        return (joints * factor[:, None, None, :]).reshape(batch.shape)


@dataclass(frozen=True)
class PoseShear:
    """Shear the coordinates of the joints, as a tilted camera does.

    Parameters
    ----------
    options
        Spread of the shear; 0 is the identity.

    Notes
    -----
    Every joint x becomes x + S x with a zero diagonal in S and S_ab ~ U(-0.1, 0.1)
    elsewhere, shared by joints and frames of a window. Only for coordinates in two or
    three dimensions: angles and scalars are refused, and the pipeline leaves this
    augmentation out for them. The range is ours.
    """

    options: PoseShearOptions = field(default_factory=PoseShearOptions)
    name: ClassVar[str] = "pose_shear"
    target: ClassVar[Target] = "pose"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the shear of every window, shape (n, axes, axes).

        Raises
        ------
        TrainingError
            When poses are not coordinates.
        """
        if context.n_dims is None:
            raise TrainingError(
                "Augmentation 'pose_shear' needs coordinates in 2 or 3 dimensions; "
                "found angles or scalars (n_dims is none). Set "
                "augmentation.pose_shear.p to 0."
            )
        n_axes = n_axes_of(context, self.name)
        active = chosen((context.n, 1, 1), self.options.p, generator)
        spread = self.options.spread
        shear = uniform((context.n, n_axes, n_axes), -spread, spread, generator)
        shear = shear * active * (1 - torch.eye(n_axes))
        return {"shear": shear.to(context.device)}

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Shear windows of shape (n, time, features)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "shear")
        shear = params["shear"].to(batch.dtype)
        joints = batch.reshape(batch.shape[0], -1, shear.shape[1])
        change = torch.bmm(joints, shear.transpose(1, 2))
        return batch + change.reshape(batch.shape)


def n_axes_of(context: AugmentationContext, name: str) -> int:
    """Return the coordinates per joint after checking that they divide the features.

    Raises
    ------
    TrainingError
        When they are neither 2 nor 3 or do not divide the number of features.
    """
    n_dims, n_features = context.n_dims, context.shape[-1]
    if n_dims not in (2, 3) or n_features % n_dims:
        raise TrainingError(
            f"Augmentation '{name}' expects joints of 2 or 3 coordinates that divide "
            f"the {n_features} pose features; found n_dims={n_dims}."
        )
    return n_dims
