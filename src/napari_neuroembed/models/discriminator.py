"""The discriminator of domain-adversarial training."""

from __future__ import annotations

from torch import Tensor, nn

from napari_neuroembed.models.initial import initial_weights


class Discriminator(nn.Module):
    """Name the animal from an embedding.

    Parameters
    ----------
    dim
        Dimensions of the embedding, also of the hidden layer.
    n_animals
        Animals to tell apart.

    Notes
    -----
    Linear, ReLU, linear: the two layers of Guenel et al.; their width is our choice.

    Examples
    --------
    >>> import torch
    >>> Discriminator(4, 3)(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(self, dim: int, n_animals: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, n_animals)
        )

    def forward(self, h: Tensor) -> Tensor:
        """Return logits (batch, animals) of embeddings (batch, dim)."""
        logits: Tensor = self.layers(h)
        return logits


def build_discriminator(dim: int, n_animals: int, *, seed: int) -> Discriminator:
    """Return a discriminator whose initial weights depend on the seed alone.

    Examples
    --------
    >>> build_discriminator(4, 3, seed=0).layers[2].out_features
    3
    """
    with initial_weights(seed):
        return Discriminator(dim, n_animals)
