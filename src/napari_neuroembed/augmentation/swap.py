"""Whose pose takes whose place: the draw of Eq. 2, an animal first."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_neuroembed.augmentation.neighbours import (
    SwapTable,
    build_swap_table,
    neighbour_table,
)
from napari_neuroembed.errors import TrainingError

__all__ = [
    "SwapTable",
    "build_swap_table",
    "draw_swaps",
    "neighbour_law",
    "neighbour_table",
    "perplexity",
]


def draw_swaps(
    table: SwapTable,
    rows: Tensor,
    animal: Tensor,
    generator: torch.Generator,
    *,
    temperature: float,
    include_own: bool = False,
) -> tuple[Tensor, Tensor]:
    """Draw a donor pose for every pose: an animal first, then one of its neighbours.

    Parameters
    ----------
    table
        Neighbours among fit recordings.
    rows
        Row of each pose within its own animal, shape (batch,) or (batch, time).
    animal
        Number of the animal of every window, shape (batch,).
    generator
        On the CPU.
    temperature
        A number, e.g. ``table.temperature("auto")``.
    include_own
        Draw among all animals (recipe). Drawing the own one returns the pose itself.

    Returns
    -------
    animal, row
        Donors in the shape of `rows`, int64. Where the donor animal is the own one
        nothing is swapped: ``swap_mask = donor_animal != animal``.

    Notes
    -----
    s' ~ U(S without s) or U(S); P(l) = softmax_l(-distance / T) over the N neighbours
    in s' (Guenel et al., Eq. 2), by inversion of its cumulated sum: two uniform numbers
    per pose, whatever they decide.

    Raises
    ------
    TrainingError
        When rows or animals lie outside the table or the temperature is not positive.
    """
    _check_draw(table, rows, animal, temperature)
    u = torch.rand((2, *rows.shape), generator=generator, dtype=torch.float64).numpy()
    row = rows.numpy().astype(np.int64)
    own = np.broadcast_to(
        animal.numpy().reshape(-1, *(1,) * (rows.ndim - 1)), row.shape
    )
    n_choices = table.n_animals if include_own else table.n_animals - 1
    choice = np.minimum((u[0] * n_choices).astype(np.int64), n_choices - 1)
    donor = choice if include_own else choice + (choice >= own)
    result = row.copy()
    for number in range(table.n_animals):
        here = (own == number) & (donor != number)
        if not here.any():
            continue
        slot = donor[here] - (donor[here] > number)
        candidates = table.index[number][row[here], slot]
        law = neighbour_law(table.distance[number][row[here], slot], temperature)
        pick = (law.cumsum(axis=1) < u[1][here][:, None]).sum(axis=1)
        last = (candidates >= 0).sum(axis=1) - 1
        result[here] = candidates[np.arange(len(pick)), np.minimum(pick, last)]
    return torch.from_numpy(np.ascontiguousarray(donor)), torch.from_numpy(result)


def neighbour_law(
    distance: NDArray[np.floating], temperature: float
) -> NDArray[np.float64]:
    """Return softmax(-distance / T) over the last axis; padding (inf) gets 0.

    Examples
    --------
    >>> neighbour_law(np.array([[0.0, 0.0, np.inf]]), 1.0).tolist()
    [[0.5, 0.5, 0.0]]
    """
    logits = -distance.astype(np.float64) / temperature
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def perplexity(table: SwapTable, temperature: float, n_queries: int = 4096) -> float:
    """Return how many neighbours the draw really chooses from, on average.

    Parameters
    ----------
    table
        Neighbours.
    temperature
        As in `draw_swaps`.
    n_queries
        At most so many evenly spaced rows of every animal are looked at.

    Returns
    -------
    float
        Mean over poses and other animals of exp(entropy): N when all neighbours are
        equally likely (the temperature is too high to matter), 1 when only the nearest
        is.

    Examples
    --------
    >>> poses = [np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])]
    >>> round(perplexity(build_swap_table(poses, ["a", "b"], n=2), 1.0), 3)
    2.0
    """
    total, count = 0.0, 0
    for distance in table.distance:
        step = max(1, -(-len(distance) // n_queries))
        law = neighbour_law(distance[::step], temperature)
        entropy = -(law * np.log(np.where(law > 0, law, 1.0))).sum(axis=-1)
        total += float(np.exp(entropy).sum())
        count += entropy.size
    return total / count


def _check_draw(
    table: SwapTable, rows: Tensor, animal: Tensor, temperature: float
) -> None:
    if not temperature > 0:
        raise TrainingError(f"A swap temperature is above 0, found {temperature}.")
    if animal.ndim != 1 or rows.shape[:1] != animal.shape:
        raise TrainingError(
            "Pose swapping expects rows (batch, ...) and animals (batch,), found "
            f"{tuple(rows.shape)} and {tuple(animal.shape)}."
        )
    if (
        len(animal)
        and not 0 <= int(animal.min()) <= int(animal.max()) < table.n_animals
    ):
        raise TrainingError(
            f"Pose swapping knows animals 0 to {table.n_animals - 1}, found "
            f"{int(animal.min())} to {int(animal.max())}."
        )
    for number in sorted(set(animal.tolist())):
        mine = rows[animal == number]
        n_rows = len(table.index[number])
        if int(mine.min()) < 0 or int(mine.max()) >= n_rows:
            raise TrainingError(
                f"Pose swapping knows rows 0 to {n_rows - 1} of animal "
                f"'{table.animals[number]}', found {int(mine.min())} to "
                f"{int(mine.max())}."
            )
