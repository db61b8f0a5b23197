"""Encoders by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.models.base import Encoder
from napari_neuroembed.models.image import ImageEncoder
from napari_neuroembed.models.initial import initial_weights
from napari_neuroembed.models.pose import PoseEncoder
from napari_neuroembed.models.trace import TraceEncoder
from napari_neuroembed.options.models import EncoderOptions

ENCODERS: dict[str, type[Encoder]] = {
    "image_cnn": ImageEncoder,
    "pose_cnn": PoseEncoder,
    "trace_cnn": TraceEncoder,
}
"""Every encoder by name."""


def resolve_name(
    name: str, input_shape: Sequence[int], n_neurons: Sequence[int] | None = None
) -> str:
    """Return the encoder's name; `auto` is decided by the kind of input.

    Parameters
    ----------
    name
        A name of `ENCODERS` or `auto`.
    input_shape
        Of one window: (time, y, x), or (time, features).
    n_neurons
        Neurons of every animal, for traces.

    Raises
    ------
    ConfigError
        When the name is unknown or the input has other dimensions than it takes.

    Examples
    --------
    >>> resolve_name("auto", (32, 64, 64)), resolve_name("auto", (32, 9), [9])
    ('image_cnn', 'trace_cnn')
    """
    flat = "pose_cnn" if n_neurons is None else "trace_cnn"
    resolved = name
    if name == "auto":
        resolved = "image_cnn" if len(input_shape) == 3 else flat
    if resolved not in ENCODERS:
        close = difflib.get_close_matches(name, ENCODERS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ConfigError(
            f"Unknown encoder '{name}'.{hint} Known: auto, {', '.join(ENCODERS)}."
        )
    expected = 3 if resolved == "image_cnn" else 2
    if len(input_shape) != expected:
        form = "(time, y, x)" if expected == 3 else "(time, features)"
        raise ConfigError(
            f"Encoder '{resolved}' expects windows of shape {form}, found "
            f"{tuple(input_shape)}."
        )
    return resolved


def build_encoder(
    name: str,
    options: EncoderOptions,
    input_shape: Sequence[int],
    *,
    seed: int,
    n_neurons: Sequence[int] | None = None,
) -> Encoder:
    """Return an encoder whose initial weights depend on the seed alone.

    Parameters
    ----------
    name
        A name of `ENCODERS` or `auto`.
    options
        Its shape.
    input_shape
        Of one window: (time, y, x) of images, (time, features) of poses and traces.
    seed
        Seed of the initial weights; the global generators are neither used nor changed.
    n_neurons
        Neurons of every animal, for traces; none: one animal with all features.

    Returns
    -------
    Encoder
        Called as ``encoder(x, animal)``; the image and the trace encoder are a
        `FrameEncoder`, whose frames can be shared by windows.

    Raises
    ------
    ConfigError
        When the name is unknown, the input does not fit it, or windows have one frame.

    Examples
    --------
    >>> encoder = build_encoder("auto", EncoderOptions(), (32, 128, 128), seed=0)
    >>> sum(weights.numel() for weights in encoder.parameters())
    232096
    """
    resolved = resolve_name(name, input_shape, n_neurons)
    if input_shape[0] < 2:
        raise ConfigError(
            f"Encoder '{resolved}' needs at least 2 frames in a window, found "
            f"{input_shape[0]}. Set windows.neural_frames or windows.pose_frames."
        )
    with initial_weights(seed):
        if resolved == "image_cnn":
            return ImageEncoder(options, input_shape[1], input_shape[2])
        if resolved == "pose_cnn":
            return PoseEncoder(options, input_shape[1])
        return TraceEncoder(options, n_neurons or (input_shape[1],))


def random_encoder(
    name: str,
    options: EncoderOptions,
    input_shape: Sequence[int],
    *,
    seed: int,
    n_neurons: Sequence[int] | None = None,
) -> Encoder:
    """Return an encoder with its initial weights, frozen: the baseline of that name.

    Parameters are those of `build_encoder`; with the same seed the weights are those a
    training starts from.

    Examples
    --------
    >>> random_encoder("pose_cnn", EncoderOptions(), (8, 60), seed=0).training
    False
    """
    encoder = build_encoder(name, options, input_shape, seed=seed, n_neurons=n_neurons)
    return encoder.eval().requires_grad_(False)
