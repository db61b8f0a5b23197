"""One of several processes that share every batch, and how their results are joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


def _alone(values: Tensor) -> Tensor:
    return values


@dataclass(frozen=True)
class Ranks:
    """Which share of every batch this process has.

    Parameters
    ----------
    rank
        Number of this process, from 0.
    size
        Number of processes; each has an equal share, in the order of ranks.
    join
        Turns this process's rows, shape (n, ...), into those of the whole batch, shape
        (n * size, ...). Gradients flow back through it to the process whose rows they
        are. An objective that compares windows with each other is computed on joined
        rows, on every process alike.

    Examples
    --------
    >>> Ranks(rank=1, size=4).share(12)
    slice(3, 6, None)
    """

    rank: int = 0
    size: int = 1
    join: Callable[[Tensor], Tensor] = _alone

    def share(self, n_all: int) -> slice:
        """Return which of `n_all` windows are this process's, a multiple of `size`."""
        n = n_all // self.size
        return slice(self.rank * n, (self.rank + 1) * n)
