"""What training minimises."""

from collections.abc import Callable

from napari_neuroembed.objectives.base import Loss
from napari_neuroembed.objectives.infonce import info_nce
from napari_neuroembed.objectives.monitors import (
    alignment,
    effective_rank,
    monitors,
    spread,
    uniformity,
)
from napari_neuroembed.objectives.same_animal import info_nce_same_animal

OBJECTIVES: dict[str, Callable[..., Loss]] = {
    "info_nce": info_nce,
    "info_nce_same_animal": info_nce_same_animal,
}
"""Every objective by name."""

__all__ = [
    "OBJECTIVES",
    "Loss",
    "alignment",
    "effective_rank",
    "info_nce",
    "info_nce_same_animal",
    "monitors",
    "spread",
    "uniformity",
]
