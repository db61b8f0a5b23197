"""The augmentations of a stream, in their order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from napari_neuroembed.augmentation.base import (
    Augmentation,
    AugmentationContext,
    Params,
)
from napari_neuroembed.augmentation.calcium import CalciumDecay
from napari_neuroembed.augmentation.intensity import BrightnessContrast, GaussianBlur
from napari_neuroembed.augmentation.masks import FrameDrop, JointDrop
from napari_neuroembed.augmentation.noise import GaussianNoise, PoissonNoise
from napari_neuroembed.augmentation.pose import PoseScale, PoseShear
from napari_neuroembed.augmentation.pose_swap import PoseSwap
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.augmentation import AugmentationOptions

logger = logging.getLogger(__name__)

AUGMENTATIONS: dict[str, type[Any]] = {
    "calcium_decay": CalciumDecay,
    "poisson_noise": PoissonNoise,
    "gaussian_noise": GaussianNoise,
    "gaussian_blur": GaussianBlur,
    "brightness_contrast": BrightnessContrast,
    "pose_swap": PoseSwap,
    "pose_scale": PoseScale,
    "pose_shear": PoseShear,
    "frame_drop": FrameDrop,
    "joint_drop": JointDrop,
}
"""Every augmentation by name, in the order of application."""


def build(
    options: AugmentationOptions,
    target: Literal["neural", "pose"],
    *,
    is_image: bool = True,
    n_dims: int | None = 2,
) -> list[Augmentation]:
    """Return the augmentations of a stream that are switched on, in order.

    Parameters
    ----------
    options
        One entry per augmentation; probability 0 leaves it out.
    target
        Which of the two streams.
    is_image
        False for traces: the blur is left out, with a warning in the log.
    n_dims
        Coordinates per joint; none for angles and scalars: the shear is left out, with
        a warning in the log.

    Raises
    ------
    ConfigError
        When `target` is neither neural nor pose.

    Examples
    --------
    >>> from napari_neuroembed.options.augmentation import twin
    >>> [augmentation.name for augmentation in build(twin(), "pose")]
    ['pose_swap', 'pose_scale', 'joint_drop']
    """
    if target not in ("neural", "pose"):
        raise ConfigError(f"Augmentations are for neural or pose, found {target!r}.")
    chosen: list[Augmentation] = []
    for name, kind in AUGMENTATIONS.items():
        augmentation: Augmentation = kind(getattr(options, name))
        if augmentation.target not in (target, "both") or augmentation.p == 0:
            continue
        if name == "gaussian_blur" and not is_image:
            logger.warning("gaussian_blur is left out: traces are not images.")
            continue
        if name == "pose_shear" and n_dims is None:
            logger.warning("pose_shear is left out: these poses are not coordinates.")
            continue
        chosen.append(augmentation)
    return chosen


def draw_all(
    augmentations: Sequence[Augmentation],
    context: AugmentationContext,
    generator: Callable[[str], torch.Generator],
) -> list[Params]:
    """Draw the parameters of all augmentations.

    Parameters
    ----------
    augmentations
        As from `build`.
    context
        What they may know about the batch.
    generator
        Gives the CPU generator of a purpose, here the augmentation's name, so that
        switching one off does not change the numbers of the others.
    """
    return [item.draw(context, generator(item.name)) for item in augmentations]


def own_share(
    params: Sequence[Params], n_all: int, own: slice, rank: int
) -> list[Params]:
    """Take one process's rows out of what was drawn for the windows of all of them.

    Parameters
    ----------
    params
        As from `draw_all`.
    n_all
        Windows they were drawn for.
    own
        This process's windows; all of them give the parameters back as they are.
    rank
        Number of the process, from 0: each has noise of its own.

    Raises
    ------
    ConfigError
        When an augmentation drew a tensor of another length.
    """
    if len(range(*own.indices(n_all))) == n_all:
        return list(params)
    return [
        {key: _rows(key, value, n_all, own, rank) for key, value in drawn.items()}
        for drawn in params
    ]


def _rows(key: str, value: Tensor, n_all: int, own: slice, rank: int) -> Tensor:
    if key == "seed":
        return value + rank
    if value.ndim == 0 or len(value) == 1:
        return value
    if len(value) != n_all:
        raise ConfigError(
            f"The augmentation parameter '{key}' has {len(value)} rows; expected one "
            f"for each of {n_all} windows, or a single one for all."
        )
    return value[own]


def apply_all(
    batch: Tensor, augmentations: Sequence[Augmentation], params: Sequence[Params]
) -> Tensor:
    """Apply augmentations one after the other; the batch itself is not changed."""
    for augmentation, drawn in zip(augmentations, params, strict=True):
        batch = augmentation.apply(batch, drawn)
    return batch
