"""Same-animal negatives (Eq. 3): tell apart moments, not animals."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives.base import Loss
from napari_neuroembed.objectives.infonce import similarity

Sides = Literal["both", "b2n", "n2b"]


def info_nce_same_animal(
    z_neural: Tensor,
    z_pose: Tensor,
    animal: Tensor,
    temperature: float = 0.1,
    sides: Sides = "both",
) -> Loss:
    """Compare a window with windows of its own animal only.

    Parameters
    ----------
    z_neural, z_pose
        Projections of the same windows, shape (batch, dim).
    animal
        Number of the animal of every window, shape (batch,). Give equal shares per
        animal.
    temperature
        Above 0; 0.1 in the paper.
    sides
        Where negatives of other animals are left out: in both directions, only where a
        pose looks for its neural window (``b2n``), or only the other way (``n2b``); the
        other direction is then that of Eq. 1. The paper replaces "one side" without
        saying which.

    Returns
    -------
    Loss
        ``total`` is the sum of both directions; term ``nce`` is half of it and
        ``chance`` what guessing gives: the mean log number of windows compared.

    Raises
    ------
    TrainingError
        When an animal has a single window in the batch (it has nothing to be compared
        with), and as in `info_nce`.

    Notes
    -----
    As `info_nce` with s_ik = -inf where animal(i) differs from animal(k); the diagonal
    stays (Guenel et al., Eq. 3). Without other animals to push away, nothing rewards an
    embedding for knowing the animal. With one animal this is Eq. 1.

    Examples
    --------
    >>> z, animal = torch.ones(4, 2), torch.tensor([0, 0, 1, 1])
    >>> loss = info_nce_same_animal(z, z, animal)
    >>> round(float(loss.terms["nce"]), 4), round(float(loss.terms["chance"]), 4)
    (0.6931, 0.6931)
    """
    logits = similarity(z_pose, z_neural, temperature)
    other = _other(animal, len(logits))
    target = torch.arange(len(logits), device=logits.device)
    n_all = torch.full((len(logits),), len(logits), device=logits.device)
    n_own = (~other).sum(dim=1)
    masked = logits.masked_fill(other, float("-inf"))
    b2n, n_b2n = (logits, n_all) if sides == "n2b" else (masked, n_own)
    n2b, n_n2b = (logits, n_all) if sides == "b2n" else (masked, n_own)
    total = functional.cross_entropy(b2n, target)
    total = total + functional.cross_entropy(n2b.T, target)
    chance = (n_b2n.double().log().mean() + n_n2b.double().log().mean()) / 2
    return Loss(total, {"nce": total.detach() / 2, "chance": chance})


def _other(animal: Tensor, n: int) -> Tensor:
    """Return which pairs of windows are of different animals, shape (n, n)."""
    if tuple(animal.shape) != (n,):
        raise TrainingError(
            f"Same-animal negatives expect {n} animal numbers, found shape "
            f"{tuple(animal.shape)}."
        )
    counts = Counter(animal.tolist())
    alone = sorted(number for number, count in counts.items() if count < 2)
    if alone:
        raise TrainingError(
            "Same-animal negatives need at least 2 windows of every animal in a batch; "
            f"found a single one of animal number {', '.join(map(str, alone))} among "
            f"{n} windows. Use animal-balanced batches or a larger training.batch_size."
        )
    return animal[:, None] != animal[None, :]
