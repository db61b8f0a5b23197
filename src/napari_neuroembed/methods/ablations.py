"""Guenel et al. taken apart: one of its parts at a time, and Eq. 3 on its own.

The paper shows neither calcium decay nor swapping alone in its tables, and never Eq. 3
(negatives of the same animal) without a domain term or with its own augmentations.
"""

from __future__ import annotations

from types import MappingProxyType

from napari_neuroembed.methods.base import Needs
from napari_neuroembed.methods.contrastive import Contrastive

PLAIN = {"augmentation.calcium_decay.p": 0.0, "augmentation.pose_swap.p": 0.0}
"""Neither of the paper's two augmentations."""
SAME_ANIMAL = {"method_options.negatives": "same_animal", "training.balanced": True}
"""Eq. 3, which needs at least two windows of every animal in a batch."""


class CalciumOnly(Contrastive):
    """Eq. 1 with calcium decay, without swapping."""

    needs = Needs(pose=True, min_animals=1)
    fixed = MappingProxyType({"augmentation.pose_swap.p": 0.0})


class SwapOnly(Contrastive):
    """Eq. 1 with swapping, without calcium decay."""

    needs = Needs(pose=True, min_animals=2)
    fixed = MappingProxyType({"augmentation.calcium_decay.p": 0.0})


class Eq3(Contrastive):
    """Eq. 3: negatives of the same animal, ordinary augmentations only."""

    needs = Needs(pose=True, min_animals=1)
    fixed = MappingProxyType({**PLAIN, **SAME_ANIMAL})


class Eq3SwapCalcium(Contrastive):
    """Eq. 3 with swapping and calcium decay."""

    needs = Needs(pose=True, min_animals=2)
    fixed = MappingProxyType(SAME_ANIMAL)
