"""Regression: say what the pose was."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives.base import Loss, exact


def regression(predicted: Tensor, pose: Tensor) -> Loss:
    """Return the mean squared error of predicted poses.

    Parameters
    ----------
    predicted, pose
        Shape (batch, time, feature); the pose as it was recorded, not augmented.

    Returns
    -------
    Loss
        Term ``mse`` repeats the total.

    Raises
    ------
    TrainingError
        When shapes differ.

    Examples
    --------
    >>> import torch
    >>> float(regression(torch.zeros(2, 3, 1), torch.ones(2, 3, 1)).total)
    1.0
    """
    if predicted.shape != pose.shape or predicted.ndim != 3:
        raise TrainingError(
            "Regression expects two pose windows of the same shape (batch, time, "
            f"feature), found {tuple(predicted.shape)} and {tuple(pose.shape)}."
        )
    total = functional.mse_loss(exact(predicted), exact(pose))
    return Loss(total, {"mse": total.detach()})
