"""Randomness as a pure function of (seed, step, purpose), so that resuming is exact."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def seed_for(seed: int, step: int, purpose: str) -> int:
    """Return a 63-bit seed that depends on all three arguments.

    Examples
    --------
    >>> seed_for(0, 1, "swap") == seed_for(0, 1, "swap")
    True
    >>> seed_for(0, 1, "swap") == seed_for(0, 1, "noise")
    False
    """
    digest = hashlib.blake2b(f"{seed}/{step}/{purpose}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "little") >> 1


def generator(
    seed: int, step: int, purpose: str, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Return a fresh torch generator for one purpose of one step."""
    made = torch.Generator(device=device)
    made.manual_seed(seed_for(seed, step, purpose))
    return made


def numpy_generator(seed: int, step: int, purpose: str) -> np.random.Generator:
    """Return a fresh numpy generator for one purpose of one step."""
    return np.random.default_rng(seed_for(seed, step, purpose))
