"""The projection head: where the loss is computed, and nothing else."""

from __future__ import annotations

from torch import Tensor, nn

from napari_neuroembed.models.initial import initial_weights


class ProjectionHead(nn.Module):
    """Project an embedding h to z, the only place the contrastive loss looks at.

    Parameters
    ----------
    dim
        Dimensions of the embedding, also of the hidden layer.
    projection_dim
        Dimensions of the projection; 128 in the paper.

    Notes
    -----
    Linear, ReLU, linear; one hidden layer is our choice. h is the representation.

    Examples
    --------
    >>> import torch
    >>> ProjectionHead(4, 3)(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(self, dim: int, projection_dim: int) -> None:
        super().__init__()
        self.dim = projection_dim
        self.layers = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, projection_dim)
        )

    def forward(self, h: Tensor) -> Tensor:
        """Project (batch, dim) to (batch, projection_dim)."""
        z: Tensor = self.layers(h)
        return z


def build_projection(dim: int, projection_dim: int, *, seed: int) -> ProjectionHead:
    """Return a projection head whose initial weights depend on the seed alone.

    Examples
    --------
    >>> build_projection(4, 3, seed=0).dim
    3
    """
    with initial_weights(seed):
        return ProjectionHead(dim, projection_dim)
