"""The pose encoder of Table S1."""

from __future__ import annotations

from torch import Tensor

from napari_neuroembed.models.base import Encoder
from napari_neuroembed.models.layers import TemporalHead
from napari_neuroembed.options.models import EncoderOptions


class PoseEncoder(Encoder):
    """Embed windows of poses or scalars.

    Parameters
    ----------
    options
        Temporal widths, dimensions, attention.
    n_features
        Pose features, any number (60 in the paper: 30 joints in two dimensions).

    Notes
    -----
    Guenel et al., Table S1: the temporal head on the poses themselves; 144,684
    parameters at 60 features. Poses are expected scaled to about 0-1.

    Examples
    --------
    >>> import torch
    >>> PoseEncoder(EncoderOptions(), 60).eval()(torch.zeros(1, 8, 60)).shape
    torch.Size([1, 128])
    """

    def __init__(self, options: EncoderOptions, n_features: int) -> None:
        super().__init__()
        self.dim = options.dim
        self.head = TemporalHead(
            n_features,
            options.temporal,
            options.dim,
            attention=options.attention,
            hidden=options.attention_hidden,
        )

    def forward(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Embed windows (batch, time, features) as (batch, dim)."""
        del animal
        embedding: Tensor = self.head(x)
        return embedding
