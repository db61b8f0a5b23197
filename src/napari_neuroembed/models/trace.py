"""The trace encoder: one input layer per animal, then what all animals share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_neuroembed.errors import ConfigError, TrainingError
from napari_neuroembed.models.base import FrameEncoder
from napari_neuroembed.models.layers import TemporalHead
from napari_neuroembed.options.models import EncoderOptions


class TraceEncoder(FrameEncoder):
    """Embed windows of traces, one value per neuron and time.

    Parameters
    ----------
    options
        Features of a time point (`frame_dim`), temporal widths, dimensions, attention.
    n_neurons
        Neurons of every animal, in the order of the animals' numbers.

    Raises
    ------
    ConfigError
        When there is no animal, or one without neurons.

    Notes
    -----
    Neurons of different animals have no common order, so every animal has its own
    linear layer from its neurons to `frame_dim` features; the temporal head of the
    image encoder follows and is shared. Windows come as (batch, time, n) with n at
    least the number of neurons of every animal in the batch; what lies behind an
    animal's own neurons is padding and never looked at. Our own choice; the paper has
    images only.

    As in `ImageEncoder`, features of a frame may be shared by windows. An animal that
    was not given here has no input layer and is refused.

    Examples
    --------
    >>> encoder = TraceEncoder(EncoderOptions(), [3, 5]).eval()
    >>> encoder(torch.zeros(2, 4, 5), torch.tensor([0, 1])).shape
    torch.Size([2, 128])
    """

    def __init__(self, options: EncoderOptions, n_neurons: Sequence[int]) -> None:
        super().__init__()
        if not n_neurons or min(n_neurons) < 1:
            raise ConfigError(
                "The trace encoder needs the number of neurons of at least one animal, "
                f"each 1 or more; found {list(n_neurons)}."
            )
        self.n_neurons = tuple(n_neurons)
        self.dim = options.dim
        self.frame_dim = options.frame_dim
        self.inputs = nn.ModuleList(
            nn.Linear(count, options.frame_dim) for count in self.n_neurons
        )
        self.head = TemporalHead(
            options.frame_dim,
            options.temporal,
            options.dim,
            attention=options.attention,
            hidden=options.attention_hidden,
        )

    def frames(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Turn traces (n, neurons) into features (n, frame_dim), each for itself.

        Parameters
        ----------
        x
            Traces, padded behind the animal's own neurons.
        animal
            Number of the animal of every row, shape (n,); may be left out when the
            encoder knows a single animal.

        Raises
        ------
        TrainingError
            When an animal is not known or has more neurons than the traces have
            columns.
        """
        numbers = self._numbers(x, animal)
        features: Tensor | None = None
        for number in sorted(set(numbers.tolist())):
            rows = (numbers == number).nonzero().squeeze(1)
            found = self.inputs[number](x[rows, : self.n_neurons[number]])
            if features is None:
                features = found.new_zeros((len(x), self.frame_dim))
            features = features.index_copy(0, rows, found)
        return x.new_zeros((0, self.frame_dim)) if features is None else features

    def temporal(self, features: Tensor) -> Tensor:
        """Embed features (batch, time, frame_dim) as (batch, dim)."""
        embedding: Tensor = self.head(features)
        return embedding

    def forward(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Embed windows (batch, time, neurons) of animals (batch,) as (batch, dim)."""
        if x.ndim != 3:
            raise TrainingError(
                "The trace encoder expects windows of shape (batch, time, neurons), "
                f"found {tuple(x.shape)}."
            )
        n, n_frames = x.shape[:2]
        per_frame = None if animal is None else animal.repeat_interleave(n_frames)
        features = self.frames(x.flatten(0, 1), per_frame)
        return self.temporal(features.reshape(n, n_frames, -1))

    def _numbers(self, x: Tensor, animal: Tensor | None) -> Tensor:
        n_animals = len(self.n_neurons)
        if animal is None:
            if n_animals > 1:
                raise TrainingError(
                    f"The trace encoder has input layers of {n_animals} animals; say "
                    "which animal each window belongs to."
                )
            return torch.zeros(len(x), dtype=torch.long, device=x.device)
        if animal.shape != x.shape[:1]:
            raise TrainingError(
                f"The trace encoder got {len(x)} rows and animals of shape "
                f"{tuple(animal.shape)}."
            )
        for number in sorted(set(animal.tolist())):
            if not 0 <= number < n_animals:
                raise TrainingError(
                    f"The trace encoder has no input layer for animal number {number}"
                    f"; it was built for {n_animals} animals. An animal that was held "
                    "out of training cannot be embedded from traces."
                )
            if self.n_neurons[number] > x.shape[1]:
                raise TrainingError(
                    f"Animal number {number} has {self.n_neurons[number]} neurons in "
                    f"the encoder, but its traces have {x.shape[1]}."
                )
        return animal.long()
