"""What every encoder is: a window in, an embedding of `dim` numbers out."""

from __future__ import annotations

from torch import Tensor, nn


class Encoder(nn.Module):
    """Turns windows (batch, time, ...) into embeddings (batch, dim).

    All are called as ``encoder(x, animal)``; only an encoder with parts of its own for
    every animal looks at the animals' numbers, shape (batch,).
    """

    dim: int
    """Dimensions of the embedding."""

    def forward(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Embed windows."""
        raise NotImplementedError


class FrameEncoder(Encoder):
    """An encoder that looks at frames one by one before it looks at their order.

    In evaluation mode the features of a frame depend on that frame alone, so that all
    windows that hold it can share them:
    ``encoder(x) == encoder.temporal(encoder.frames(x.flatten(0, 1)).reshape(...))``.
    """

    frame_dim: int
    """Features of a frame."""

    def frames(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Turn frames (n, ...) of animals (n,) into features (n, frame_dim)."""
        raise NotImplementedError

    def temporal(self, features: Tensor) -> Tensor:
        """Embed features (batch, time, frame_dim) as (batch, dim)."""
        raise NotImplementedError
