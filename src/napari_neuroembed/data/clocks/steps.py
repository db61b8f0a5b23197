"""Where a sampled line rises, and where a sampled counter counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LOW, _HIGH = 0.25, 0.75


@dataclass(frozen=True)
class Steps:
    """The steps of a line.

    Parameters
    ----------
    first
        Value of the first sample.
    samples
        Sample at which each step up begins, int64. A rise spread over several samples
        is one step.
    values
        Value after each step, int64.
    n_samples
        Length of the line.
    falls
        Samples at which it falls.
    """

    first: int
    samples: NDArray[np.int64]
    values: NDArray[np.int64]
    n_samples: int
    falls: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.samples)


def find_steps(chunks: Iterable[NDArray[np.generic]]) -> Steps:
    """Find the steps of a line that comes in pieces.

    Parameters
    ----------
    chunks
        The line's samples in order, whole numbers.

    Examples
    --------
    >>> steps = find_steps([np.array([0, 0, 1, 2, 2]), np.array([2, 0, 5])])
    >>> steps.samples.tolist(), steps.values.tolist(), steps.falls.tolist()
    ([2, 7], [2, 5], [6])
    """
    samples: list[NDArray[np.int64]] = []
    values: list[NDArray[np.int64]] = []
    falls: list[NDArray[np.int64]] = []
    first, last, done = 0, 0, 0
    for chunk in chunks:
        line = np.ravel(chunk).astype(np.int64)
        if not line.size:
            continue
        if done == 0:
            first = last = int(line[0])
        change = np.diff(line, prepend=last)
        up = np.flatnonzero(change > 0)
        samples.append(up + done)
        values.append(line[up])
        falls.append(np.flatnonzero(change < 0) + done)
        last = int(line[-1])
        done += line.size
    nothing = [np.empty(0, dtype=np.int64)]
    every, after = np.concatenate(samples or nothing), np.concatenate(values or nothing)
    begins = np.diff(every, prepend=-2) > 1
    ends = np.append(begins[1:], True)[: every.size]
    fell = np.concatenate(falls or nothing)
    return Steps(first, every[begins], after[ends], done, fell)


def as_digital(
    chunks: Iterable[NDArray[np.generic]], low: float, high: float
) -> Iterator[NDArray[np.generic]]:
    """Turn an analogue line into 0 and 1, deaf to noise around its middle.

    Parameters
    ----------
    chunks
        The line's samples.
    low, high
        Its smallest and largest value. It becomes 1 above three quarters of the way
        between them, and 0 again below one quarter.
    """
    state = 0
    for chunk in chunks:
        line = np.ravel(chunk).astype(np.float64)
        up = line > low + _HIGH * (high - low)
        down = line < low + _LOW * (high - low)
        known = np.where(up, 1, np.where(down, 0, -1))
        place = np.where(known >= 0, np.arange(line.size), -1)
        place = np.maximum.accumulate(place) if line.size else place
        digital = np.where(place >= 0, known[place], state)
        if digital.size:
            state = int(digital[-1])
        yield digital
