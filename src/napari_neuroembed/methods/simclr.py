"""SimCLR as Guenel et al. use it: the paired loss without calcium decay or swapping."""

from __future__ import annotations

from types import MappingProxyType

from napari_neuroembed.methods.base import Needs
from napari_neuroembed.methods.contrastive import Contrastive


class SimCLR(Contrastive):
    """Paired contrastive learning with ordinary augmentations only."""

    needs = Needs(pose=True, min_animals=1)
    paper_name = "SimCLR"
    references = ("chen2020", "guenel2021", "guenel2022")
    fixed = MappingProxyType(
        {"augmentation.calcium_decay.p": 0.0, "augmentation.pose_swap.p": 0.0}
    )
