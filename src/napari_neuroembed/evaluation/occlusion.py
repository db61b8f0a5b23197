"""What a probe loses when a place of the images is hidden from the encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.evaluation.probes import LinearProbe
from napari_neuroembed.methods.base import Batch, Method

POSITIONS = 16
"""Places along an axis; larger images are hidden in larger steps."""
PATCH = 3
"""Side of what is hidden, in steps."""
BATCH = 512
_SMALL = 1e-6


@dataclass(frozen=True)
class Reader:
    """An encoder, a probe on it, and the action that is asked for.

    Parameters
    ----------
    method
        Trained, in evaluation mode.
    probe
        Fitted on embeddings h.
    action
        Code of the action.
    animal
        Number of the animal, as the encoder knows it.
    """

    method: Method
    probe: LinearProbe
    action: int
    animal: int

    @torch.no_grad()
    def probability(self, windows: Tensor) -> Floats:
        """Return the probability of the action in every window, shape (n,)."""
        animal = torch.full((len(windows),), self.animal, dtype=torch.long)
        batch = Batch(windows, None, animal)
        h = self.method.embed(batch)["neural"].float().cpu().numpy()
        return np.asarray(self.probe.probabilities(h)[:, self.action])

    def evidence(self, windows: Tensor) -> Floats:
        """Return the log odds of the action in every window, shape (n,)."""
        p = np.clip(self.probability(windows), _SMALL, 1 - _SMALL)
        return np.asarray(np.log(p / (1 - p)))


def places(shape: tuple[int, ...]) -> Iterator[NDArray[np.bool_]]:
    """Yield what is hidden at a time, as a mask of a frame.

    Images, shape (y, x): squares of three steps, a step being 1/16 of an axis or one
    pixel, clipped at the borders. Traces, shape (neuron,): one after the other.

    Examples
    --------
    >>> len(list(places((16, 16)))), len(list(places((9,))))
    (256, 9)
    """
    if len(shape) == 1:
        for i in range(shape[0]):
            yield np.arange(shape[0]) == i
        return
    steps = [max(1, n // POSITIONS) for n in shape]
    for y in range(0, shape[0], steps[0]):
        for x in range(0, shape[1], steps[1]):
            hidden = np.zeros(shape, dtype=bool)
            before = [s * (PATCH // 2) for s in steps]
            after = [s * (PATCH - PATCH // 2) for s in steps]
            rows = slice(max(0, y - before[0]), y + after[0])
            columns = slice(max(0, x - before[1]), x + after[1])
            hidden[rows, columns] = True
            yield hidden


def occlusion(
    reader: Reader, windows: Tensor, usual: Tensor, seen: NDArray[np.bool_]
) -> Floats:
    """Return how much evidence for the action every pixel carries.

    Parameters
    ----------
    reader
        What is asked.
    windows
        Normalised windows of the action, shape (n, time, ...).
    usual
        What is put in place of what is hidden: the animal's mean frame.
    seen
        Pixels that the encoder sees; others are NaN in the map.

    Returns
    -------
    array of the shape of a frame
        Mean loss of log odds over windows and over the places that hide the pixel.
    """
    whole = reader.evidence(windows)
    total = np.zeros(seen.shape)
    count = np.zeros(seen.shape)
    for hidden in places(seen.shape):
        if not (hidden & seen).any():
            continue
        lost = float(np.mean(whole - reader.evidence(_without(windows, usual, hidden))))
        total[hidden] += lost
        count[hidden] += 1
    found = np.full(seen.shape, np.nan)
    known = seen & (count > 0)
    found[known] = total[known] / count[known]
    return found


@dataclass(frozen=True)
class Ablation:
    """What hiding the best pixels costs, beside as many random ones.

    Parameters
    ----------
    top
        Loss of the probability of the action without the top pixels.
    random, low, high
        The same without random ones: mean and 2.5 and 97.5 % quantiles over choices.
    n_pixels
        Pixels hidden.
    """

    top: float
    random: float
    low: float
    high: float
    n_pixels: int


def ablation(
    reader: Reader,
    windows: Tensor,
    usual: Tensor,
    found: Floats,
    generator: np.random.Generator,
    *,
    share: float = 0.05,
    draws: int = 20,
) -> Ablation:
    """Check a map on windows it was not made of.

    Parameters
    ----------
    reader, usual
        As in :func:`occlusion`.
    windows
        Other windows of the action.
    found
        The map.
    generator
        Draws the random pixels among those of the map.
    share
        Of the pixels that are hidden.
    draws
        Random choices.
    """
    known = np.flatnonzero(np.isfinite(found.ravel()))
    n = max(1, round(share * known.size))
    best = known[np.argsort(found.ravel()[known])[::-1][:n]]
    whole = reader.probability(windows)

    def loss(pixels: NDArray[np.int64]) -> float:
        hidden = np.zeros(found.size, dtype=bool)
        hidden[pixels] = True
        masked = _without(windows, usual, hidden.reshape(found.shape))
        return float(np.mean(whole - reader.probability(masked)))

    others = [loss(generator.permutation(known)[:n]) for _ in range(draws)]
    low, high = (float(q) for q in np.quantile(others, [0.025, 0.975]))
    return Ablation(loss(best), float(np.mean(others)), low, high, n)


def _without(windows: Tensor, usual: Tensor, hidden: NDArray[np.bool_]) -> Tensor:
    mask = torch.from_numpy(hidden)
    return torch.where(mask, usual.to(windows.dtype), windows)
