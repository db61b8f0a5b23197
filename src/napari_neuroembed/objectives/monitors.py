"""What is always logged: whether embeddings spread or collapse."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from napari_neuroembed.errors import TrainingError


@torch.no_grad()
def spread(h: Tensor) -> Tensor:
    """Return the standard deviation of embeddings, averaged over dimensions.

    Parameters
    ----------
    h
        Embeddings, shape (batch, dim), two or more. 0 means that all are equal.

    Examples
    --------
    >>> float(spread(torch.ones(3, 2)))
    0.0
    """
    _check(h)
    return h.float().std(dim=0).mean()


@torch.no_grad()
def effective_rank(h: Tensor) -> Tensor:
    """Return how many dimensions the embeddings really use, 1 to dim (0 if constant).

    Notes
    -----
    exp(-sum p log p) with p the singular values of the centred embeddings over their
    sum (Roy & Vetterli 2007). NaN when embeddings are not finite.

    Examples
    --------
    >>> round(float(effective_rank(torch.cat([torch.eye(3), -torch.eye(3)]))), 4)
    3.0
    """
    _check(h)
    values = h.double() if h.dtype == torch.float64 else h.float()
    if not bool(torch.isfinite(values).all()):
        return torch.tensor(float("nan"), device=h.device)
    singular = torch.linalg.svdvals(values - values.mean(dim=0))
    if not bool(singular.sum() > 0):
        return torch.tensor(0.0, device=h.device)
    p = singular / singular.sum()
    return torch.exp(torch.special.entr(p).sum())


@torch.no_grad()
def alignment(z_a: Tensor, z_b: Tensor) -> Tensor:
    """Return the mean squared distance of the two projections of a window.

    Notes
    -----
    mean ||a_i - b_i||^2 on the unit sphere, 0 to 4 (Wang & Isola 2020); lower is
    closer.

    Examples
    --------
    >>> float(alignment(torch.eye(2), torch.eye(2)))
    0.0
    """
    if z_a.shape != z_b.shape:
        raise TrainingError(
            "Alignment compares projections of the same shape, found "
            f"{tuple(z_a.shape)} and {tuple(z_b.shape)}."
        )
    a, b = functional.normalize(z_a.float()), functional.normalize(z_b.float())
    return (a - b).square().sum(dim=1).mean()


@torch.no_grad()
def uniformity(z: Tensor) -> Tensor:
    """Return how evenly projections cover the sphere; lower is more even.

    Notes
    -----
    log mean_{i<j} exp(-2 ||z_i - z_j||^2) on the unit sphere, at most 0, where all are
    equal (Wang & Isola 2020).

    Examples
    --------
    >>> float(uniformity(torch.ones(3, 2)))
    0.0
    """
    _check(z)
    unit = functional.normalize(z.float())
    return torch.pdist(unit).square().mul(-2).exp().mean().log()


def embedding_monitors(h: Tensor) -> dict[str, Tensor]:
    """Return standard deviation and effective rank of embeddings (batch, dim).

    Examples
    --------
    >>> sorted(embedding_monitors(torch.eye(3)))
    ['effective_rank', 'spread']
    """
    return {"spread": spread(h), "effective_rank": effective_rank(h)}


def monitors(h: Tensor, z_a: Tensor, z_b: Tensor) -> dict[str, Tensor]:
    """Return all monitors of a batch: sd and effective rank of h, and z on its sphere.

    Parameters
    ----------
    h
        Embeddings, shape (batch, dim).
    z_a, z_b
        The two projections of the same windows.

    Examples
    --------
    >>> sorted(monitors(torch.eye(3), torch.eye(3), torch.eye(3)))
    ['alignment', 'effective_rank', 'spread', 'uniformity']
    """
    return {
        **embedding_monitors(h),
        "alignment": alignment(z_a, z_b),
        "uniformity": uniformity(z_a),
    }


def _check(values: Tensor) -> None:
    if values.ndim != 2 or len(values) < 2:
        raise TrainingError(
            "A monitor expects at least 2 embeddings, shape (batch, dim); found "
            f"{tuple(values.shape)}."
        )
