"""A discriminator that names the animal, and an encoder that is paid to mislead it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives.base import Loss, exact


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        del ctx
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        del ctx
        return -gradients[0]


def reverse_gradient(values: Tensor) -> Tensor:
    """Return the same values, whose gradient flows back with the other sign.

    Notes
    -----
    The gradient reversal layer of Ganin et al. 2016 (arXiv 1505.07818).

    Examples
    --------
    >>> x = torch.ones(2, requires_grad=True)
    >>> reverse_gradient(x).sum().backward()
    >>> x.grad.tolist()
    [-1.0, -1.0]
    """
    found: Tensor = _Reversed.apply(values)  # type: ignore[no-untyped-call]
    return found


def adversarial(h: Tensor, animal: Tensor, discriminator: nn.Module) -> Loss:
    """Return the discriminator's loss, whose gradient makes `h` misleading.

    Parameters
    ----------
    h
        Embeddings, shape (batch, dim).
    animal
        Number of the animal of every window, shape (batch,).
    discriminator
        From embeddings to logits, shape (batch, animals).

    Returns
    -------
    Loss
        ``total`` is the cross-entropy: lower for the discriminator, higher for the
        encoder. Terms ``discriminator`` (the same) and ``discriminator_accuracy``.

    Raises
    ------
    TrainingError
        When an animal has a number that the discriminator does not know.
    """
    logits = exact(discriminator(reverse_gradient(h)))
    n = logits.shape[1]
    if len(animal) and not 0 <= int(animal.min()) <= int(animal.max()) < n:
        raise TrainingError(
            f"The discriminator knows animals 0 to {n - 1}, found {int(animal.min())} "
            f"to {int(animal.max())}."
        )
    total = functional.cross_entropy(logits, animal)
    right = (logits.detach().argmax(dim=1) == animal).float().mean()
    return Loss(
        total, {"discriminator": total.detach(), "discriminator_accuracy": right}
    )
