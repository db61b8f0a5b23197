"""Maximum mean discrepancy: how far apart the embeddings of animals lie."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives.base import Loss, exact

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels, in medians of the squared distance."""


def mmd(
    h: Tensor, animal: Tensor, *, unbiased: bool = False, on_sphere: bool = False
) -> Loss:
    """Return the mean squared discrepancy over pairs of animals.

    Parameters
    ----------
    h
        Embeddings, shape (batch, dim).
    animal
        Number of the animal of every window, shape (batch,).
    unbiased
        Leave each window's distance to itself out (Gretton et al. 2012, Eq. 3), so that
        equal distributions give 0 on average; the biased one stays above 0 and can be
        lowered by shrinking everything to a point.
    on_sphere
        Compare the directions of embeddings, not their lengths.

    Returns
    -------
    Loss
        ``total`` is 0 when fewer than two animals have two windows; ``mmd`` repeats it.

    Raises
    ------
    TrainingError
        When the shapes do not fit.

    Notes
    -----
    MMD^2(s, s') = mean k(s, s) + mean k(s', s') - 2 mean k(s, s') with k the sum of
    exp(-d^2 / (b median d^2)) over b in 1/4, 1/2, 1, 2, 4; the median is that of all
    pairs of the batch and takes no gradient. Guenel et al. name no kernel. Computed in
    float32 or better.

    Examples
    --------
    >>> h = torch.tensor([[0.0], [1.0], [0.0], [1.0]])
    >>> float(mmd(h, torch.tensor([0, 0, 1, 1])).total)
    0.0
    """
    if h.ndim != 2 or tuple(animal.shape) != (len(h),):
        raise TrainingError(
            "MMD expects embeddings (batch, dim) and one animal number each, found "
            f"{tuple(h.shape)} and {tuple(animal.shape)}."
        )
    with torch.autocast(h.device.type, enabled=False):
        values = exact(h)
        if on_sphere:
            values = functional.normalize(values, dim=1)
        total = _mean_over_pairs(kernel(values), animal.to(h.device), unbiased)
    return Loss(total, {"mmd": total.detach()})


def kernel(h: Tensor) -> Tensor:
    """Return the sum of Gaussian kernels of all pairs of rows, shape (batch, batch)."""
    lengths = h.square().sum(dim=1)
    squared = (lengths[:, None] + lengths[None, :] - 2 * h @ h.T).clamp_min(0)
    upper = torch.triu_indices(len(h), len(h), offset=1, device=h.device)
    median = squared.detach()[upper[0], upper[1]].median()
    scale = torch.where(median > 0, median, torch.ones_like(median))
    widths = h.new_tensor(BANDWIDTHS)[:, None, None]
    summed: Tensor = torch.exp(-squared / (widths * scale)).sum(dim=0)
    return summed


def _mean_over_pairs(kernels: Tensor, animal: Tensor, unbiased: bool) -> Tensor:
    numbers, counts = torch.unique(animal, return_counts=True)
    numbers, counts = numbers[counts > 1], counts[counts > 1].to(kernels.dtype)
    if len(numbers) < 2:
        return kernels.sum() * 0.0
    member = (animal[:, None] == numbers[None, :]).to(kernels.dtype)
    sums = member.T @ kernels @ member
    within, pairs = sums.diagonal(), counts.square()
    if unbiased:
        within = within - member.T @ kernels.diagonal()
        pairs = counts * (counts - 1)
    own = within / pairs
    across = sums / (counts[:, None] * counts[None, :])
    found = own[:, None] + own[None, :] - 2 * across
    upper = torch.triu_indices(len(numbers), len(numbers), offset=1)
    mean: Tensor = found[upper[0], upper[1]].mean()
    return mean
