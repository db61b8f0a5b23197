"""From an embedding to a pose window: the decoders of the regression baselines."""

from __future__ import annotations

from torch import Tensor, nn

N_LAYERS = 2
"""Layers of the recurrent decoder (Guenel et al.)."""


class LinearDecoder(nn.Module):
    """One linear layer to all frames at once.

    Parameters
    ----------
    dim
        Dimensions of the embedding.
    time, features
        Shape of a pose window.

    Examples
    --------
    >>> import torch
    >>> LinearDecoder(4, 8, 60)(torch.zeros(2, 4)).shape
    torch.Size([2, 8, 60])
    """

    def __init__(self, dim: int, time: int, features: int) -> None:
        super().__init__()
        self.shape = (time, features)
        self.layer = nn.Linear(dim, time * features)

    def forward(self, h: Tensor) -> Tensor:
        """Return poses (batch, time, feature) of embeddings (batch, dim)."""
        pose: Tensor = self.layer(h).unflatten(1, self.shape)
        return pose


class RecurrentDecoder(nn.Module):
    """Gated recurrent units that see the embedding at every frame.

    Parameters are those of `LinearDecoder`; the hidden state is as wide as the
    embedding, which the paper does not say.

    Examples
    --------
    >>> import torch
    >>> RecurrentDecoder(4, 8, 60)(torch.zeros(2, 4)).shape
    torch.Size([2, 8, 60])
    """

    def __init__(self, dim: int, time: int, features: int) -> None:
        super().__init__()
        self.time = time
        self.units = nn.GRU(dim, dim, N_LAYERS, batch_first=True)
        self.layer = nn.Linear(dim, features)

    def forward(self, h: Tensor) -> Tensor:
        """Return poses (batch, time, feature) of embeddings (batch, dim)."""
        states, _ = self.units(h.unsqueeze(1).expand(-1, self.time, -1))
        pose: Tensor = self.layer(states)
        return pose
