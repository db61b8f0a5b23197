"""A random generator of its own for every thing that is drawn."""

from __future__ import annotations

import hashlib

import numpy as np


def child_generator(seed: int, *names: str) -> np.random.Generator:
    """Return the generator that belongs to a name, whatever else is drawn.

    Because every animal, recording and purpose has its own, fewer or shorter
    recordings, or one more knob, leave all other draws as they were.

    Parameters
    ----------
    seed
        Seed of the whole data set.
    names
        Path of what is drawn, e.g. ``"fly1_003", "spikes"``.

    Examples
    --------
    >>> a = child_generator(0, "fly1", "tau").random()
    >>> a == child_generator(0, "fly1", "tau").random()
    True
    >>> a == child_generator(0, "fly2", "tau").random()
    False
    """
    digests = (hashlib.sha256(name.encode("utf-8")).digest() for name in names)
    key = tuple(int.from_bytes(digest[:4], "little") for digest in digests)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
