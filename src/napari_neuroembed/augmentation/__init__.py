"""What must not matter: calcium decay, swapping, noise, pose changes."""

from napari_neuroembed.augmentation.base import Augmentation, AugmentationContext
from napari_neuroembed.augmentation.pipeline import (
    AUGMENTATIONS,
    apply_all,
    build,
    draw_all,
)
from napari_neuroembed.augmentation.swap import (
    SwapTable,
    build_swap_table,
    draw_swaps,
    neighbour_table,
    perplexity,
)

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "AugmentationContext",
    "SwapTable",
    "apply_all",
    "build",
    "build_swap_table",
    "draw_all",
    "draw_swaps",
    "neighbour_table",
    "perplexity",
]
