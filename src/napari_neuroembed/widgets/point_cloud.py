"""An embedding as points in a plane, each a moment of a recording; no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

MOST_FITTED = 20_000
"""Windows on which the plane is fitted; all are projected."""


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Windows of a run in two dimensions.

    Parameters
    ----------
    places
        Shape (n, 2), scaled to about -1 to 1.
    recording, animal, action
        Of every window; the action is "" where nobody labelled.
    center_s
        Middle of every window on its recording's clock.
    explained
        Share of the variance that the plane holds.
    """

    places: NDArray[np.float32]
    recording: NDArray[np.str_]
    animal: NDArray[np.str_]
    action: NDArray[np.str_]
    center_s: NDArray[np.float64]
    explained: float

    def nearest(self, x: float, y: float) -> int:
        """Return the window whose point is nearest to a place."""
        apart = ((self.places - np.array([x, y], np.float32)) ** 2).sum(axis=1)
        return int(apart.argmin())

    def at(self, recording: str, time_s: float) -> int | None:
        """Return the window of a recording nearest in time; None without any."""
        mine = np.flatnonzero(self.recording == recording)
        if not mine.size:
            return None
        return int(mine[np.abs(self.center_s[mine] - time_s).argmin()])

    def groups(self, column: str) -> dict[str, NDArray[np.intp]]:
        """Return the windows of every animal or action, by name; "" is unlabelled."""
        values = self.animal if column == "animal" else self.action
        return {str(name): np.flatnonzero(values == name) for name in np.unique(values)}


def principal_plane(
    windows: pd.DataFrame, embedding: NDArray[np.float32], seed: int = 0
) -> PointCloud:
    """Project an embedding onto its two principal components.

    Parameters
    ----------
    windows
        The table of an embedding set.
    embedding
        Shape (n, dim).
    seed
        Of the sample on which the components are fitted where there are many windows.
    """
    n = len(embedding)
    chosen = np.arange(n)
    if n > MOST_FITTED:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(n, MOST_FITTED, replace=False))
    some = np.asarray(embedding[chosen], np.float64)
    mean = some.mean(axis=0)
    _, size, axes = np.linalg.svd(some - mean, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2].sum(axis=1, keepdims=True) + 1e-30)
    places = ((embedding - mean) @ axes.T).astype(np.float32)
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    scale = float(np.percentile(np.abs(places), 99.5)) or 1.0
    total = float((size**2).sum()) or 1.0
    return PointCloud(
        places=places / np.float32(scale),
        recording=windows["recording"].to_numpy(str),
        animal=windows["animal"].to_numpy(str),
        action=windows["action"].fillna("").to_numpy(str),
        center_s=windows["center_s"].to_numpy(np.float64),
        explained=float((size[:2] ** 2).sum() / total),
    )
