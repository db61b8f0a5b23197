"""The parts encoders share: attention over time and the head of 1-D convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.models.batch_norm import BatchNorm
from napari_neuroembed.options.models import Attention

POOL_AFTER = 2
"""Convolutions over time before the only pooling (Table S1)."""


class AttentionPool(nn.Module):
    """Weight the time points of a window and add them up.

    Parameters
    ----------
    dim
        Features of a time point.
    hidden
        Hidden units; 12 in the paper.
    mode
        How scores become weights: ``softmax``; ``neglogsoftmax``, as printed in the
        paper; ``mean``, which has no parameters.

    Notes
    -----
    r = W2 tanh(W1 S^T), a = softmax(r), result = sum_i a_i S_i, without biases (Guenel
    et al., appendix C). The paper prints a = -log softmax(r): those weights do not sum
    to 1 and give the least weight to the highest score, so they are kept for comparison
    only.

    Examples
    --------
    >>> pool = AttentionPool(3, 2)
    >>> pool(torch.ones(1, 5, 3)).shape
    torch.Size([1, 3])
    """

    def __init__(self, dim: int, hidden: int, mode: Attention = "softmax") -> None:
        super().__init__()
        self.mode = mode
        if mode != "mean":
            self.inner = nn.Linear(dim, hidden, bias=False)
            self.outer = nn.Linear(hidden, 1, bias=False)

    def weights(self, x: Tensor) -> Tensor:
        """Return the weight of every time point of (batch, time, dim)."""
        if self.mode == "mean":
            return x.new_full(x.shape[:2], 1 / x.shape[1])
        score = self.outer(torch.tanh(self.inner(x))).squeeze(-1)
        if self.mode == "neglogsoftmax":
            return -torch.log_softmax(score, dim=1)
        return torch.softmax(score, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Pool (batch, time, dim) to (batch, dim)."""
        return torch.einsum("bt,btd->bd", self.weights(x), x)


class TemporalHead(nn.Module):
    """Turn a sequence of features into one embedding.

    Parameters
    ----------
    in_features
        Features of a time point.
    widths
        Filters of the convolutions; (64, 80, 96, 112, 128) in the paper.
    dim
        Dimensions of the embedding.
    attention, hidden
        As in `AttentionPool`.

    Notes
    -----
    Table S1: convolutions of three time points with padding 1, each with batch
    normalisation and ReLU; one maximum over pairs after the second (after the last
    where there is only one); attention; a linear layer (fc7). The paper gives no widths
    for the temporal half of the image encoder; we use the same.

    Examples
    --------
    >>> TemporalHead(6, (4, 5), dim=3)(torch.zeros(2, 8, 6)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        in_features: int,
        widths: Sequence[int],
        dim: int,
        *,
        attention: Attention = "softmax",
        hidden: int = 12,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_features
        for number, width in enumerate(widths, start=1):
            layers += [
                nn.Conv1d(before, width, kernel_size=3, padding=1),
                BatchNorm(width),
                nn.ReLU(),
            ]
            if number == min(POOL_AFTER, len(widths)):
                layers.append(nn.MaxPool1d(2))
            before = width
        self.in_features = in_features
        self.dim = dim
        self.convolutions = nn.Sequential(*layers)
        self.pool = AttentionPool(before, hidden, attention)
        self.fc7 = nn.Linear(before, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Embed (batch, time, in_features) as (batch, dim).

        Raises
        ------
        TrainingError
            When there are fewer than two time points or the features differ.
        """
        if x.ndim != 3 or x.shape[2] != self.in_features:
            raise TrainingError(
                "The encoder expects windows of shape (batch, time, "
                f"{self.in_features}), found {tuple(x.shape)}."
            )
        if x.shape[1] < 2:
            raise TrainingError(
                f"The encoder pools over pairs of frames and needs at least 2 in a "
                f"window, found {x.shape[1]}. Take more frames (windows.neural_frames, "
                "windows.pose_frames)."
            )
        hidden: Tensor = self.convolutions(x.transpose(1, 2))
        embedding: Tensor = self.fc7(self.pool(hidden.transpose(1, 2)))
        return embedding
