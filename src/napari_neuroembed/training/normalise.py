"""What is fitted across recordings before training: scale of frames, range of poses.

Fitted on fit recordings only; its numbers are buffers of the run's checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_neuroembed.data.recording import LazyArray
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.training import Normalise

SAMPLED_FRAMES = 2000
EPSILON = 1e-3
PERCENTILES = (1.0, 99.0)
CONSTANT = 1e-8


@dataclass(frozen=True)
class Moments:
    """Mean and variance of every pixel (or neuron) over some frames."""

    n: int
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def moments(
    stacks: Sequence[tuple[LazyArray, NDArray[np.int64]]], chunk: int = 256
) -> Moments:
    """Return per-pixel moments over the given frames of several stacks.

    Parameters
    ----------
    stacks
        Pairs of lazy data (time first) and the frames to use.
    chunk
        Frames held in memory at once.

    Notes
    -----
    Sums of squares are taken about the first frame, in float64, so that a large
    constant background costs no digits.
    """
    n, total, squares, origin = 0, None, None, None
    for data, frames in stacks:
        for start in range(0, len(frames), chunk):
            part = take(data, frames[start : start + chunk]).astype(np.float64)
            if origin is None:
                origin = part[0].copy()
                total, squares = np.zeros_like(origin), np.zeros_like(origin)
            part -= origin
            total += part.sum(axis=0)
            squares += np.square(part).sum(axis=0)
            n += len(part)
    if n == 0 or total is None or squares is None or origin is None:
        raise TrainingError("There is no valid fit frame to normalise with.")
    mean = total / n
    return Moments(n, mean + origin, np.maximum(squares / n - mean**2, 0.0))


def take(data: LazyArray, frames: NDArray[np.int64]) -> NDArray[Any]:
    """Return chosen frames (in increasing order) of lazy data as float32."""
    if isinstance(data, np.ndarray):
        return np.asarray(data[frames], dtype=np.float32)
    return np.stack([np.asarray(data[int(f)], dtype=np.float32) for f in frames])


def sample_frames(valid: NDArray[np.bool_], limit: int) -> NDArray[np.int64]:
    """Return at most `limit` valid frames, evenly spread."""
    frames = np.flatnonzero(valid)
    if len(frames) > limit:
        frames = frames[np.linspace(0, len(frames) - 1, limit).astype(np.int64)]
    return frames


class Normaliser(nn.Module):
    """Take what differs between animals off the frames: ``(x - mean) / scale``.

    Parameters
    ----------
    groups
        Names of the animals (or recordings, for ``zscore_recording``).
    mean, scale
        Per group, shape (n_groups, y, x) or (n_groups, n_neurons).
    mask
        Pixels that are valid in every recording, shape (y, x); others become 0.

    Notes
    -----
    ``none`` divides everything by one number, the standard deviation over all animals,
    so that the strength of noise has a unit. ``centre_animal`` also takes the mean of
    every pixel off per animal and uses one scale per animal; ``zscore_animal`` and
    ``zscore_recording`` divide every pixel by its own standard deviation + 1e-3.
    """

    mean: Tensor
    scale: Tensor
    mask: Tensor

    def __init__(
        self,
        groups: Sequence[str],
        mean: Tensor,
        scale: Tensor,
        mask: Tensor,
    ) -> None:
        super().__init__()
        self.groups = tuple(groups)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.register_buffer("mask", mask)

    def forward(self, frames: Tensor, group: Tensor) -> Tensor:
        """Normalise frames.

        Parameters
        ----------
        frames
            Shape (n, ...) or (n, time, ...).
        group
            Index of each row's animal (or recording), shape (n,).
        """
        mean, scale = self.mean[group], self.scale[group]
        if frames.ndim > mean.ndim:
            mean, scale = mean.unsqueeze(1), scale.unsqueeze(1)
        return (frames - mean) / scale * self.mask

    def index(self, name: str) -> int:
        """Return the index of a group.

        Raises
        ------
        TrainingError
            When it was not there at training.
        """
        if name not in self.groups:
            raise TrainingError(
                f"{name!r} was not part of the training (there were "
                f"{', '.join(self.groups)})."
            )
        return self.groups.index(name)


def fit_normaliser(
    stacks: Mapping[str, Sequence[tuple[LazyArray, NDArray[np.bool_]]]],
    kind: Normalise,
    mask: NDArray[np.bool_] | None,
    *,
    unseen: Sequence[str] = (),
) -> Normaliser:
    """Fit a normaliser.

    Parameters
    ----------
    stacks
        Group (animal or recording) -> (frames, which of them may be used) of its fit
        recordings.
    kind
        See :class:`Normaliser`.
    mask
        Pixels valid everywhere; None: all.
    unseen
        Groups that must not count in what all groups share (the one scale of
        ``none``): held-out animals.

    Raises
    ------
    TrainingError
        When a group has no usable frame or no variance.
    """
    per_group = {}
    for name, parts in stacks.items():
        limit = max(1, SAMPLED_FRAMES // max(1, len(parts)))
        chosen = [(data, sample_frames(valid, limit)) for data, valid in parts]
        try:
            per_group[name] = moments([c for c in chosen if len(c[1])])
        except TrainingError as error:
            raise TrainingError(f"{name}: {error}") from error
    means = np.stack([m.mean for m in per_group.values()])
    variances = np.stack([m.variance for m in per_group.values()])
    seen = np.array([name not in unseen for name in per_group])
    mean, scale = _statistics(means, variances, kind, seen)
    shape = means.shape[1:]
    keep = np.ones(shape, dtype=bool) if mask is None else mask
    return Normaliser(
        tuple(per_group),
        torch.as_tensor(mean, dtype=torch.float32),
        torch.as_tensor(scale, dtype=torch.float32),
        torch.as_tensor(keep, dtype=torch.float32),
    )


def _statistics(
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    kind: Normalise,
    seen: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axes = tuple(range(1, means.ndim))
    if kind == "none":
        overall = means[seen].mean(axis=axes).mean()
        spread = np.sqrt(np.mean(variances[seen] + np.square(means[seen] - overall)))
        _refuse_constant(spread)
        return np.zeros_like(means), np.full_like(means, spread)
    if kind == "centre_animal":
        spread = np.sqrt(variances.mean(axis=axes, keepdims=True))
        _refuse_constant(spread.min())
        return means, np.broadcast_to(spread, means.shape).copy()
    return means, np.sqrt(variances) + EPSILON


def _refuse_constant(spread: float) -> None:
    if not spread > 0:
        raise TrainingError(
            "All valid fit frames are equal, so there is nothing to learn from. Look "
            "at the stack and the dF/F settings with neuroembed check."
        )


class PoseScaler(nn.Module):
    """Bring every pose feature to 0..1 by its 1st and 99th percentile.

    Constant features become 0 and do not count in distances (no division by a tiny
    spread). NaN stays NaN: such frames are not part of any window.

    Parameters
    ----------
    low, high
        Percentiles of every feature, shape (feature,).
    mean
        Mean of every scaled feature, what a dropped value is replaced by.
    """

    low: Tensor
    high: Tensor
    mean: Tensor

    def __init__(self, low: Tensor, high: Tensor, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        self.register_buffer("mean", mean)

    def forward(self, poses: Tensor) -> Tensor:
        """Scale poses, shape (..., feature)."""
        spread = self.high - self.low
        moving = spread > CONSTANT
        safe = torch.where(moving, spread, torch.ones_like(spread))
        return torch.where(moving, (poses - self.low) / safe, torch.zeros_like(poses))


def fit_pose_scaler(poses: Sequence[NDArray[np.float32]]) -> PoseScaler:
    """Fit the range of pose features on fit recordings.

    Parameters
    ----------
    poses
        Valid frames of each fit recording, shape (n, feature).

    Raises
    ------
    TrainingError
        When no frame is finite.
    """
    together = np.concatenate([p[np.isfinite(p).all(axis=1)] for p in poses])
    if not len(together):
        raise TrainingError("There is no valid fit frame of poses.")
    low, high = np.percentile(together, PERCENTILES, axis=0)
    scaler = PoseScaler(
        torch.as_tensor(low, dtype=torch.float32),
        torch.as_tensor(high, dtype=torch.float32),
        torch.zeros(len(low)),
    )
    scaler.mean.copy_(scaler(torch.as_tensor(together)).mean(dim=0))
    return scaler
