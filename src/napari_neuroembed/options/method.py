"""What the step of a method can be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MethodOptions:
    """What the step of a method can be told."""

    temperature: Annotated[float, Field(gt=0, le=100)] = 0.1
    """Divides cosine similarities before the softmax (the paper: 0.1)."""

    negatives: Literal["all", "same_animal"] = "all"
    """Eq. 1 compares with all windows of a batch, Eq. 3 with those of one animal."""

    sides: Literal["both", "b2n", "n2b"] = "both"
    """Directions in which Eq. 3 restricts the negatives."""

    view_shift_s: Annotated[float, Field(ge=0, le=60)] = 0.25
    """`simclr_views`: largest time shift between the two views, in seconds."""

    domain: Literal["none", "mmd", "adversarial"] = "none"
    """What draws the embeddings of the animals together: nothing, their maximum mean
    discrepancy, or a discriminator behind a gradient reversal (GRL)."""

    domain_weight: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Weight of that term (the paper: 1 for MMD, 10 for GRL)."""

    domain_from: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the steps after which it begins (the paper: 10 of 200 epochs)."""

    mmd_unbiased: bool = False
    """Leave every window's distance to itself out of the MMD."""

    mmd_on_sphere: bool = False
    """Compare the directions of embeddings in the MMD, not their lengths."""

    regression_weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Regression: weight of the squared error of poses scaled to 0-1."""

    states: tuple[Annotated[int, Field(ge=2, le=64)], ...] = (2, 4, 8, 12)
    """BehaveNet: numbers of states of the pose to choose from."""

    em_iterations: Annotated[int, Field(ge=1, le=1000)] = 20
    """BehaveNet: most rounds of expectation and maximisation."""
