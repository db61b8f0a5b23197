"""InfoNCE (Eq. 1): find the pose that belongs to the neural window, and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives.base import Loss, exact


def info_nce(z_a: Tensor, z_b: Tensor, temperature: float = 0.1) -> Loss:
    """Pull the two projections of a window together and push other windows away.

    Parameters
    ----------
    z_a, z_b
        Projections of the same windows, shape (batch, dim), e.g. neural and pose, or
        two augmented views. Row i of one belongs to row i of the other.
    temperature
        Above 0; 0.1 in the paper.

    Returns
    -------
    Loss
        ``total`` is the sum of both directions; term ``nce`` is half of it, so that
        guessing gives log(batch), which stands beside it as ``chance``.

    Raises
    ------
    TrainingError
        When shapes differ, there are fewer than two windows, or the temperature is not
        positive.

    Notes
    -----
    total = mean_i CE(s_i, i) + mean_i CE(s^T_i, i) with s_ij = cos(a_i, b_j) / T
    (Guenel et al., Eq. 1, with the parentheses that are missing there: -(log A + log
    B)). The paper sums over i where this is a mean, so that its weights of further
    terms are not on this scale. Computed in float32 or better, whatever the training's
    precision.

    Examples
    --------
    >>> z = torch.eye(4)
    >>> float(info_nce(z, z).total) < float(info_nce(z, z.flip(0)).total)
    True
    """
    logits = similarity(z_a, z_b, temperature)
    target = torch.arange(len(logits), device=logits.device)
    total = functional.cross_entropy(logits, target)
    total = total + functional.cross_entropy(logits.T, target)
    chance = torch.tensor(math.log(len(logits)))
    return Loss(total, {"nce": total.detach() / 2, "chance": chance})


def similarity(z_a: Tensor, z_b: Tensor, temperature: float) -> Tensor:
    """Return cos(a_i, b_j) / T for all pairs, shape (batch, batch).

    Raises
    ------
    TrainingError
        As in `info_nce`.
    """
    if z_a.ndim != 2 or z_a.shape != z_b.shape:
        raise TrainingError(
            "InfoNCE expects two projections of the same shape (batch, dim), found "
            f"{tuple(z_a.shape)} and {tuple(z_b.shape)}."
        )
    if len(z_a) < 2:
        raise TrainingError(
            "InfoNCE compares windows with each other and needs at least 2 in a "
            f"batch, found {len(z_a)}. Raise training.batch_size."
        )
    if not temperature > 0:
        raise TrainingError(f"The temperature is above 0, found {temperature}.")
    with torch.autocast(z_a.device.type, enabled=False):
        a, b = exact(z_a), exact(z_b)
        a, b = functional.normalize(a, dim=1), functional.normalize(b, dim=1)
        return a @ b.T / temperature
