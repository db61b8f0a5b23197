"""Pose swapping (Eq. 2): an animal first, then one of its similar poses."""

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
)
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import PoseSwapOptions


@dataclass(frozen=True)
class PoseSwap:
    """Put similar poses of other animals in place of the animal's own.

    Parameters
    ----------
    options
        Probabilities; neighbours and temperature belong to the table of
        `build_swap_table` and the draw of `draw_swaps`.

    Notes
    -----
    Frame k of animal s becomes b_l of animal s' ~ U(S without s) with P(l) =
    softmax_l(-||b_l - b_k|| / T) over its N nearest neighbours in s' (Guenel et al.,
    Eq. 2; N = 128, T = 1). Who is swapped for whom is drawn by `draw_swaps`; the poses
    are gathered from fit recordings and come in the context, so that this class only
    decides where they are used: `p` per window, `p_frame` per frame (both 1 in the
    paper, which gives no rate).
    """

    options: PoseSwapOptions = field(default_factory=PoseSwapOptions)
    name: ClassVar[str] = "pose_swap"
    target: ClassVar[Target] = "pose"

    @property
    def p(self) -> float:
        """Probability per window."""
        return self.options.p

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw which frames take the swapped pose, True in shape (n, time).

        Raises
        ------
        TrainingError
            When swapped poses are missing, of another shape or not finite.
        """
        n_frames = context.shape[0]
        mask = chosen((context.n, 1), self.options.p, generator).expand(-1, n_frames)
        if self.options.unit == "frame":
            frames = chosen((context.n, n_frames), self.options.p_frame, generator)
            mask = mask & frames
        swapped, given = self._swapped(context)
        return {"mask": mask.to(context.device) & given, "swapped": swapped}

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Replace frames of windows of shape (n, time, features)."""
        check_batch(self.name, batch)
        check_n(self.name, batch, params, "mask")
        swapped = params["swapped"].to(batch.dtype)
        return torch.where(params["mask"].unsqueeze(-1), swapped, batch)

    def _swapped(self, context: AugmentationContext) -> tuple[Tensor, Tensor]:
        expected = (context.n, *context.shape)
        if context.swapped is None or context.swap_mask is None:
            raise TrainingError(
                "Augmentation 'pose_swap' needs `swapped` poses of shape "
                f"{expected} and `swap_mask` in the context, found none. They are "
                "drawn with draw_swaps from the neighbour table of the fit recordings; "
                "or set augmentation.pose_swap.p to 0."
            )
        found = tuple(context.swapped.shape), tuple(context.swap_mask.shape)
        if found != (expected, expected[:2]):
            raise TrainingError(
                f"Augmentation 'pose_swap' expected swapped poses of shape {expected} "
                f"and a mask of shape {expected[:2]}, found {found[0]} and {found[1]}."
            )
        check_batch(self.name, context.swapped)
        device = context.device
        return context.swapped.to(device), context.swap_mask.bool().to(device)
