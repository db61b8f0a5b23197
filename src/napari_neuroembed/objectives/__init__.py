"""What training minimises."""

from collections.abc import Callable

from napari_neuroembed.objectives.adversarial import adversarial, reverse_gradient
from napari_neuroembed.objectives.base import Loss
from napari_neuroembed.objectives.infonce import info_nce
from napari_neuroembed.objectives.mmd import mmd
from napari_neuroembed.objectives.monitors import (
    alignment,
    effective_rank,
    embedding_monitors,
    monitors,
    spread,
    uniformity,
)
from napari_neuroembed.objectives.posterior import posterior
from napari_neuroembed.objectives.regression import regression
from napari_neuroembed.objectives.same_animal import info_nce_same_animal

OBJECTIVES: dict[str, Callable[..., Loss]] = {
    "info_nce": info_nce,
    "info_nce_same_animal": info_nce_same_animal,
    "mmd": mmd,
    "adversarial": adversarial,
    "regression": regression,
    "posterior": posterior,
}
"""Every objective by name."""

__all__ = [
    "OBJECTIVES",
    "Loss",
    "adversarial",
    "alignment",
    "effective_rank",
    "embedding_monitors",
    "info_nce",
    "info_nce_same_animal",
    "mmd",
    "monitors",
    "posterior",
    "regression",
    "reverse_gradient",
    "spread",
    "uniformity",
]
