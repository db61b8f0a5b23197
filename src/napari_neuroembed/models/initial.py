"""Initial weights that depend on a seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def initial_weights(seed: int) -> Iterator[None]:
    """Build modules on the CPU from a seed; the global generator is left as it was.

    Parameters
    ----------
    seed
        Any whole number from 0 to 2^63 - 1.

    Notes
    -----
    Torch's layers draw their weights from the global CPU generator. It is seeded inside
    and put back afterwards, so that weights neither depend on what ran before nor
    change what runs after. Generators of accelerators are not touched.

    Examples
    --------
    >>> with initial_weights(1):
    ...     first = torch.nn.Linear(2, 2)
    >>> with initial_weights(1):
    ...     second = torch.nn.Linear(2, 2)
    >>> torch.equal(first.weight, second.weight)
    True
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        yield
