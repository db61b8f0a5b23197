"""What a method is: data in, a loss per step, embeddings out.

The training loop knows only this. A published method is one file that reads like the
paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.objectives.base import Loss
from napari_neuroembed.progress import Report, silent


@dataclass(frozen=True)
class Needs:
    """What a method cannot do without.

    Parameters
    ----------
    pose
        A second stream (poses or scalars) paired with the neural one.
    min_animals
        Fewest animals it makes sense for.
    views
        Two neural windows per sample, a little apart in time.
    """

    pose: bool = True
    min_animals: int = 1
    views: bool = False


@dataclass(frozen=True)
class Shapes:
    """Shapes of one window, and what is known about its axes.

    Parameters
    ----------
    neural
        (time, y, x) or (time, neuron).
    pose
        (time, feature), or None without a second stream.
    neural_period_s, pose_period_s
        Seconds between two frames of a window, step included.
    pose_dims
        2 or 3 when features are coordinates of points, else None.
    animals
        Names, in the order of their indices.
    neurons
        Number of neurons of each animal, for traces.
    """

    neural: tuple[int, ...]
    pose: tuple[int, int] | None
    neural_period_s: float
    pose_period_s: float
    pose_dims: int | None
    animals: tuple[str, ...]
    neurons: tuple[int, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Normalised windows of one step, and what augmentations were given to work with.

    Where several processes share a step, windows are this process's share, while
    donors and swapped poses are those of all windows: parameters of augmentations are
    drawn for all of them by every process alike.

    Parameters
    ----------
    neural
        Shape (batch, time, y, x) or (batch, time, neuron).
    pose
        Shape (batch, time, feature), or None.
    animal
        Index of each window's animal, shape (batch,).
    target
        What `Method.targets` asks of each window, shape (batch, ...).
    neural_view
        A second neural window of the same sample, for methods that need views.
    donors
        Calcium donor frame of each window, shape (batch, y, x) or (batch, neuron).
    swapped, swap_mask
        Poses to swap in, shape like `pose`, and where, shape (batch, time).
    pose_mean
        Mean of every pose feature over fit frames, shape (feature,).
    """

    neural: Tensor
    pose: Tensor | None
    animal: Tensor
    target: Tensor | None = None
    neural_view: Tensor | None = None
    donors: Tensor | None = None
    swapped: Tensor | None = None
    swap_mask: Tensor | None = None
    pose_mean: Tensor | None = None


@dataclass(frozen=True)
class FitPoses:
    """Scaled poses of fit recordings, for what is fitted before the first step.

    Parameters
    ----------
    sequences
        One stretch of consecutive usable frames each, shape (n, feature).
    window_sequence, window_frame
        Stretch and place in it of the pose frame at every window's centre, shape
        (n_windows,).
    """

    sequences: Sequence[NDArray[np.float32]]
    window_sequence: NDArray[np.int64]
    window_frame: NDArray[np.int64]


@dataclass(frozen=True)
class Progress:
    """Where a training stands, and its sources of randomness.

    Parameters
    ----------
    step, total
        Present step, from 0, and number of steps.
    generator
        Called with a purpose; gives that purpose's fresh generator of this step.
    ranks
        This process among those that share the step.
    """

    step: int
    total: int
    generator: Callable[[str], torch.Generator]
    ranks: Ranks = field(default_factory=Ranks)


class Method(nn.Module):
    """Base of all methods; its parameters and buffers are the checkpoint."""

    needs: ClassVar[Needs] = Needs()
    paper_name: ClassVar[str] = ""
    references: ClassVar[tuple[str, ...]] = ("guenel2021", "guenel2022")
    """Works to be cited for it, keys of ``references.REFERENCES``."""
    fixed: ClassVar[Mapping[str, Any]] = {}
    """Options that make the method what it is: dotted path -> value."""
    has_targets: ClassVar[bool] = False
    """Whether :meth:`prepare` fits something and :meth:`targets` asks for it."""
    brings: ClassVar[Mapping[str, Any]] = {}
    """Options that it brings and that may be set otherwise."""
    of_paper: ClassVar[Mapping[str, Any]] = {}
    """What it brings in the preset `paper` alone."""

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__()
        self.config = config
        self.shapes = shapes

    def prepare(
        self, poses: FitPoses, generator: np.random.Generator, report: Report = silent
    ) -> None:
        """Fit buffers on the poses of fit recordings, before the first step.

        Called where :attr:`has_targets` is set. A resumed training and a trained model
        load the buffers instead.
        """
        raise NotImplementedError

    def targets(self, poses: FitPoses) -> Tensor:
        """Return what is asked of every window, shape (n_windows, ...).

        A function of the buffers and of the poses that they were fitted on.
        """
        raise NotImplementedError

    def step(self, batch: Batch, progress: Progress) -> Loss:
        """Return the loss of the whole batch.

        Windows are this process's share of it; whatever compares windows with each
        other is computed on ``progress.ranks.join(...)`` of them.
        """
        raise NotImplementedError

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Return embeddings h, ``{"neural": (batch, dim), "pose": (batch, dim)}``."""
        raise NotImplementedError

    def frame_features(self, frames: Tensor, animal: Tensor) -> Tensor | None:
        """Return what the encoder knows of single frames, when windows can share it.

        Parameters
        ----------
        frames
            Normalised frames of one recording, shape (n, y, x) or (n, neuron).
        animal
            Index of the animal, shape (1,).

        Returns
        -------
        Tensor or None
            Shape (n, feature); None when windows must be embedded one by one.
        """
        del frames, animal
        return None

    def window_embedding(self, features: Tensor) -> Tensor:
        """Return h_n from the features of each window's frames, (batch, time, f)."""
        raise NotImplementedError

    def optimizer(self) -> torch.optim.Optimizer:
        """Return Adam with the rate and weight decay of the training options."""
        options = self.config.training
        return torch.optim.Adam(
            self.parameters(),
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )


@dataclass(frozen=True)
class StepReport:
    """What the loop yields after each logged step.

    Parameters
    ----------
    step, total
        Steps done and to do.
    terms
        Named values: loss terms, monitors, learning rate.
    windows_per_s
        Throughput since the last report.
    seconds_left
        Expected seconds to the end.
    """

    step: int
    total: int
    terms: Mapping[str, float] = field(default_factory=dict)
    windows_per_s: float = 0.0
    seconds_left: float = 0.0
