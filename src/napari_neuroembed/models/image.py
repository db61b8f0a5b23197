"""The image encoder of Table S1: frames one by one, then over time."""

from __future__ import annotations

import math

from torch import Tensor, nn

from napari_neuroembed.errors import ConfigError, TrainingError
from napari_neuroembed.models.base import FrameEncoder
from napari_neuroembed.models.batch_norm import BatchNorm
from napari_neuroembed.models.layers import TemporalHead
from napari_neuroembed.options.models import EncoderOptions

PAPER_WIDTHS = (2, 4, 8, 16, 32, 64)
"""Filters of the 2-D convolutions for images of 128 pixels."""

SMALLEST = 8
"""Smallest height and width in pixels."""


def widths_for(height: int, width: int) -> tuple[int, ...]:
    """Return the filters of the 2-D convolutions for an image size.

    Parameters
    ----------
    height, width
        Image size in pixels, 8 or more.

    Raises
    ------
    ConfigError
        When an image is smaller than 8 x 8.

    Notes
    -----
    floor(log2(min(height, width))) - 1 convolutions leave 2 to 3 pixels of the shorter
    side; their widths are the last ones of the paper's (2, 4, 8, 16, 32, 64), with 2s
    in front for larger images.

    Examples
    --------
    >>> widths_for(128, 128), widths_for(32, 40)
    ((2, 4, 8, 16, 32, 64), (8, 16, 32, 64))
    """
    if min(height, width) < SMALLEST:
        raise ConfigError(
            f"image is {height}×{width}; the encoder needs at least "
            f"{SMALLEST}×{SMALLEST}. Set preprocessing.resize to a larger size."
        )
    n_blocks = int(math.log2(min(height, width))) - 1
    missing = max(0, n_blocks - len(PAPER_WIDTHS))
    return (PAPER_WIDTHS[0],) * missing + PAPER_WIDTHS[-n_blocks:]


class ImageEncoder(FrameEncoder):
    """Embed windows of images.

    Parameters
    ----------
    options
        Widths (none: from the image size), temporal widths, dimensions, attention.
    height, width
        Image size in pixels.

    Raises
    ------
    ConfigError
        When the image is smaller than 8 x 8 or than the given widths need.

    Notes
    -----
    Guenel et al., Table S1. Every frame: convolutions 3 x 3 (padding 1, batch
    normalisation, ReLU), each followed by a maximum over 2 x 2; fc13 with ReLU; fc14.
    Then `TemporalHead`. The table prints fc13 as a 1 x 1 kernel, which cannot turn 2 x
    2 pixels into one: it is a linear layer on the flattened pixels here. 232,096
    parameters at 128 x 128.

    In evaluation mode nothing in `frames` crosses frames, so that the features of a
    frame can be shared by all windows that hold it.

    `channels_last` lays the channels of a pixel side by side in memory, which is faster
    on some machines; the weights stay as they are. Not for training on a CPU: see
    :func:`~napari_neuroembed.training.layout.layouts_for`.

    Examples
    --------
    >>> import torch
    >>> encoder = ImageEncoder(EncoderOptions(), 16, 16).eval()
    >>> encoder(torch.zeros(1, 4, 16, 16)).shape
    torch.Size([1, 128])
    """

    def __init__(self, options: EncoderOptions, height: int, width: int) -> None:
        super().__init__()
        self.channels_last = False
        widths = options.widths or widths_for(height, width)
        left = height >> len(widths), width >> len(widths)
        if min(height, width) < SMALLEST:
            widths_for(height, width)
        if min(left) < 1:
            raise ConfigError(
                f"image is {height}×{width}; {len(widths)} convolutions with pooling "
                f"need at least {2 ** len(widths)}×{2 ** len(widths)}. Give fewer "
                "widths or set preprocessing.resize to a larger size."
            )
        layers: list[nn.Module] = []
        before = 1
        for filters in widths:
            layers += [
                nn.Conv2d(before, filters, kernel_size=3, padding=1),
                BatchNorm(filters),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = filters
        self.image_size = (height, width)
        self.dim = options.dim
        self.frame_dim = options.frame_dim
        self.convolutions = nn.Sequential(*layers)
        self.fc13 = nn.Linear(before * left[0] * left[1], options.frame_dim)
        self.fc14 = nn.Linear(options.frame_dim, options.frame_dim)
        self.head = TemporalHead(
            options.frame_dim,
            options.temporal,
            options.dim,
            attention=options.attention,
            hidden=options.attention_hidden,
        )

    def frames(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Turn images (n, y, x) into features (n, frame_dim), each for itself.

        The animal makes no difference.

        Raises
        ------
        TrainingError
            When images are of another size than the encoder was built for.
        """
        del animal
        if x.ndim != 3 or tuple(x.shape[1:]) != self.image_size:
            raise TrainingError(
                "The image encoder was built for images of "
                f"{self.image_size[0]}×{self.image_size[1]}, found windows or frames "
                f"of shape {tuple(x.shape)}."
            )
        images = x.contiguous().unsqueeze(1)
        if self.channels_last:
            # With one channel both orders are the same bytes: strides tell which.
            images = images.as_strided(
                images.shape, (x[0].numel(), 1, x.shape[2], 1), images.storage_offset()
            )
        hidden = self.convolutions(images).flatten(1)
        features: Tensor = self.fc14(self.fc13(hidden).relu())
        return features

    def temporal(self, features: Tensor) -> Tensor:
        """Embed features (batch, time, frame_dim) as (batch, dim)."""
        embedding: Tensor = self.head(features)
        return embedding

    def forward(self, x: Tensor, animal: Tensor | None = None) -> Tensor:
        """Embed windows (batch, time, y, x) as (batch, dim)."""
        del animal
        if x.ndim != 4:
            raise TrainingError(
                "The image encoder expects windows of shape (batch, time, y, x), found "
                f"{tuple(x.shape)}."
            )
        features = self.frames(x.flatten(0, 1))
        return self.temporal(features.reshape(*x.shape[:2], -1))
