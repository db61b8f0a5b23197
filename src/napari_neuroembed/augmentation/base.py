"""What every augmentation is: parameters drawn first, then a pure change of a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from napari_neuroembed.errors import TrainingError

Target = Literal["neural", "pose", "both"]
Params = dict[str, Tensor]


@dataclass(frozen=True)
class AugmentationContext:
    """What an augmentation may know about the batch it will change.

    Parameters
    ----------
    n
        Windows in the batch.
    shape
        Of one window: (time, y, x) of images, (time, features) of traces and poses.
    rate_hz
        Frames per second *within the window*: the stream's rate over the window's
        step, so that a kernel knows real seconds when only every 4th frame is taken.
    device
        Where the batch lies.
    scale_sd
        Standard deviation of the stack as the encoder sees it.
    fill
        Training mean of every pose feature, shape (features,).
    donors
        Donor frame of every window, shape (n, y, x) or (n, features), minus the
        temporal median of its recording where that was asked for.
    swapped
        Poses of other animals in place of the own, shape (n, time, features).
    swap_mask
        True where `swapped` holds one, shape (n, time).
    n_dims
        Coordinates per joint, 2 or 3; none for angles and scalars. Features of a joint
        follow one another (x0, y0, x1, y1, ...).
    """

    n: int
    shape: tuple[int, ...]
    rate_hz: float
    device: torch.device | str = "cpu"
    scale_sd: float = 1.0
    fill: Tensor | None = None
    donors: Tensor | None = None
    swapped: Tensor | None = None
    swap_mask: Tensor | None = None
    n_dims: int | None = None

    @property
    def is_image(self) -> bool:
        """Whether a window is a stack of images."""
        return len(self.shape) == 3


@runtime_checkable
class Augmentation(Protocol):
    """A change of a window that must not change its embedding.

    `draw` takes random numbers from one CPU generator, so that parameters are the same
    on every device; `apply` is a pure function of the batch and those parameters and
    never writes into the batch. Parameters are drawn once per window and shared by its
    frames; noise is fresh for every value, from a generator of the batch's device that
    starts at the drawn ``seed``.

    A drawn tensor has one row per window, a single row for all of them, or no
    dimensions, so that processes which share a batch can each take their own rows.
    """

    name: ClassVar[str]
    target: ClassVar[Target]

    @property
    def p(self) -> float:
        """Probability per window."""

    def draw(self, context: AugmentationContext, generator: torch.Generator) -> Params:
        """Draw the parameters of all windows of a batch."""

    def apply(self, batch: Tensor, params: Params) -> Tensor:
        """Return the changed batch."""


def uniform(
    n: int | tuple[int, ...], low: float, high: float, generator: torch.Generator
) -> Tensor:
    """Draw from U(low, high) on the CPU, float32.

    Raises
    ------
    TrainingError
        When the generator is not on the CPU: parameters would depend on the device.
    """
    if generator.device.type != "cpu":
        raise TrainingError(
            "Augmentation parameters are drawn on the CPU so that they are the same on "
            f"every device; expected a CPU generator, found one on {generator.device}."
        )
    size = (n,) if isinstance(n, int) else n
    return low + (high - low) * torch.rand(size, generator=generator)


def log_uniform(
    n: int | tuple[int, ...], low: float, high: float, generator: torch.Generator
) -> Tensor:
    """Draw so that the logarithm is uniform between log(low) and log(high)."""
    return uniform(n, math.log(low), math.log(high), generator).exp()


def chosen(n: int | tuple[int, ...], p: float, generator: torch.Generator) -> Tensor:
    """Draw a mask that is True with probability `p`; 0 is never and 1 is always."""
    return uniform(n, 0.0, 1.0, generator) < p


def draw_seed(generator: torch.Generator) -> Tensor:
    """Draw the seed of the noise of a batch, a CPU tensor without dimensions."""
    return torch.randint(0, 2**62, (), generator=generator)


def noise_generator(batch: Tensor, params: Params) -> torch.Generator:
    """Return a generator on the batch's device that starts at the drawn seed."""
    generator = torch.Generator(device=batch.device)
    generator.manual_seed(int(params["seed"]))
    return generator


def per_window(values: Tensor, batch: Tensor) -> Tensor:
    """Give one value per window the dimensions of the batch, for broadcasting."""
    shape = (-1,) + (1,) * (batch.ndim - 1)
    values = values.to(batch.device)
    if values.dtype != torch.bool:
        values = values.to(batch.dtype)
    return values.reshape(shape)


def check_batch(name: str, batch: Tensor) -> None:
    """Refuse a batch that is not made of finite floating-point numbers.

    Raises
    ------
    TrainingError
        Naming the augmentation and how many values are not finite.
    """
    if not batch.is_floating_point():
        raise TrainingError(
            f"Augmentation '{name}' expects floating-point windows, found "
            f"{batch.dtype}."
        )
    if bool(torch.isfinite(batch.sum())):
        return
    bad = int((~torch.isfinite(batch)).sum())
    if bad:
        raise TrainingError(
            f"Augmentation '{name}' refuses NaN and Inf: {bad:,} of {batch.numel():,} "
            "values of the batch are not finite. Invalid frames must be masked when "
            "windows are made; run `neuroembed check`."
        )


def check_n(name: str, batch: Tensor, params: Params, key: str) -> None:
    """Refuse parameters drawn for another number of windows.

    Raises
    ------
    TrainingError
        Naming the augmentation and both numbers.
    """
    if params[key].shape[0] != batch.shape[0]:
        raise TrainingError(
            f"Augmentation '{name}': parameters were drawn for {params[key].shape[0]} "
            f"windows but the batch has {batch.shape[0]}."
        )
