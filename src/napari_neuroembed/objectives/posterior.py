"""Cross-entropy to a distribution over states."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives.base import Loss, exact


def posterior(logits: Tensor, target: Tensor) -> Loss:
    """Return the cross-entropy of predicted states to the posterior over them.

    Parameters
    ----------
    logits
        Shape (batch, states).
    target
        Probabilities of the states, shape (batch, states); rows sum to 1.

    Returns
    -------
    Loss
        Terms ``cross_entropy`` (the total) and ``state_accuracy``: how often the most
        probable state is predicted.

    Raises
    ------
    TrainingError
        When shapes differ.

    Examples
    --------
    >>> import torch
    >>> float(posterior(torch.zeros(1, 4), torch.full((1, 4), 0.25)).total.exp())
    4.0
    """
    if logits.shape != target.shape or logits.ndim != 2:
        raise TrainingError(
            "States expect logits and probabilities of the same shape (batch, states), "
            f"found {tuple(logits.shape)} and {tuple(target.shape)}."
        )
    total = functional.cross_entropy(exact(logits), exact(target))
    right = (logits.detach().argmax(dim=1) == target.argmax(dim=1)).float().mean()
    return Loss(total, {"cross_entropy": total.detach(), "state_accuracy": right})
