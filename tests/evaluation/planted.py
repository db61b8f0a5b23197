"""Windows whose answers are known because they were planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.evaluation.sample import Sample


@dataclass(frozen=True)
class Planted:
    """How many windows, and how slowly the action changes."""

    n_animals: int = 3
    n_recordings: int = 6
    n_fit: int = 2
    n_windows: int = 48
    n_actions: int = 3
    bout: int = 6
    seed: int = 0


def windows(plan: Planted) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.int64]]:
    """Return the table of windows, the animal and the action codes."""
    rng = np.random.default_rng(plan.seed)
    rows, action = [], []
    for a in range(plan.n_animals):
        for r in range(plan.n_recordings):
            bouts: list[int] = []
            while len(bouts) < plan.n_windows:
                length = 1 + int(rng.integers(2 * plan.bout))
                bouts += [int(rng.integers(plan.n_actions))] * length
            for i in range(plan.n_windows):
                role = "fit" if r < plan.n_fit else "fresh"
                name = f"action{bouts[i]}"
                rows.append((f"fly{a}_{r:02d}", f"fly{a}", 1 + 0.5 * i, name, role))
                action.append(bouts[i])
    names = ["recording", "animal", "center_s", "action", "role"]
    table = pd.DataFrame(rows, columns=names)
    table.insert(0, "window_id", np.arange(len(table)))
    animal = table["animal"].factorize()[0].astype(np.int64)
    return table, animal, np.array(action, dtype=np.int64)


def one_hot(code: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one column per code."""
    return np.eye(int(code.max()) + 1, dtype=np.float32)[code]


def noise(n: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Return features that know nothing."""
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def features(
    plan: Planted, *, identity: float, action: float, dim: int = 16, spread: float = 1.0
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Return windows and features that carry animal and action with given strength."""
    table, animal, code = windows(plan)
    rng = np.random.default_rng(plan.seed + 1)
    x = identity * rng.normal(size=(plan.n_animals, dim))[animal]
    x = x + action * rng.normal(size=(plan.n_actions, dim))[code]
    return table, (x + spread * noise(len(table), dim, plan.seed + 2)).astype(
        np.float32
    )


def sample(
    plan: Planted, *, identity: float = 1.0, action: float = 1.0, **fields: Any
) -> Sample:
    """Return a sample with one neural embedding of given strengths."""
    table, x = features(plan, identity=identity, action=action)
    return Sample(table, {"neural": x}, **fields)
