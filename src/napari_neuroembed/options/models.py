"""The shape of the encoders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT

Width = Annotated[int, Field(ge=1, le=4096)]
Attention = Literal["softmax", "neglogsoftmax", "mean"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EncoderOptions:
    """One encoder; the defaults are Table S1 of the paper."""

    name: str = "auto"
    """Encoder, a name of `ENCODERS`; `auto`: the one for the kind of input."""

    widths: Annotated[tuple[Width, ...], Field(min_length=1)] | None = None
    """Filters of the 2-D convolutions, each followed by a pooling; none: from the
    image size (128 px: 2, 4, 8, 16, 32, 64)."""

    frame_dim: Width = 128
    """Features of one frame (fc13, fc14) or of one time point of the traces."""

    temporal: Annotated[tuple[Width, ...], Field(min_length=1)] = (
        64,
        80,
        96,
        112,
        128,
    )
    """Filters of the convolutions over time; one pooling after the second."""

    dim: Width = 128
    """Dimensions of the embedding."""

    attention: Attention = "softmax"
    """How time points are weighted; `neglogsoftmax` (as the paper prints it, which
    turns the ranking round) and `mean` are for comparison only."""

    attention_hidden: Width = 12
    """Hidden units of the attention."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelOptions:
    """The two encoders and their projection heads."""

    neural: EncoderOptions = EncoderOptions()
    """Encoder of images or traces."""

    pose: EncoderOptions = EncoderOptions()
    """Encoder of poses or scalars."""

    projection_dim: Width = 128
    """Dimensions of the projection in which the loss is computed."""


def paper() -> ModelOptions:
    """Return the networks of Table S1.

    Examples
    --------
    >>> paper().neural.dim
    128
    """
    return ModelOptions()


def twin() -> ModelOptions:
    """Return the small networks of the synthetic twin.

    Examples
    --------
    >>> twin().neural.widths
    (8, 16, 32)
    """
    neural = EncoderOptions(
        widths=(8, 16, 32), frame_dim=64, temporal=(64, 64, 64), dim=64
    )
    pose = EncoderOptions(frame_dim=64, temporal=(64, 64, 64), dim=64)
    return ModelOptions(neural=neural, pose=pose, projection_dim=64)


PRESETS = {"paper": paper, "twin": twin}
