"""What the contrastive step of a method can be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MethodOptions:
    """What the contrastive step of a method can be told."""

    temperature: Annotated[float, Field(gt=0, le=100)] = 0.1
    """Divides cosine similarities before the softmax (the paper: 0.1)."""

    negatives: Literal["all", "same_animal"] = "all"
    """Eq. 1 compares with all windows of a batch, Eq. 3 with those of one animal."""

    sides: Literal["both", "b2n", "n2b"] = "both"
    """Directions in which Eq. 3 restricts the negatives."""

    view_shift_s: Annotated[float, Field(ge=0, le=60)] = 0.25
    """`simclr_views`: largest time shift between the two views, in seconds."""
