"""The poses that can be swapped in: of every animal, beside its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.windows import ROLE_KINDS
from napari_neuroembed.errors import DataError
from napari_neuroembed.training.normalise import PoseScaler, fit_pose_scaler

MOST_POSES = 20_000
"""Poses of each animal that are searched, evenly spread over its recordings."""

Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pool:
    """What can be swapped in: poses of one animal, or stretches of poses.

    Parameters
    ----------
    recordings
        Of the animal.
    owner, first
        Index of each row's recording, and its first frame there, shape (rows,).
    values
        (rows, time, feature), as they are in the recordings.
    """

    recordings: tuple[Recording, ...]
    owner: NDArray[np.int64]
    first: NDArray[np.int64]
    values: Float


@dataclass(frozen=True, eq=False)
class Pools:
    """The pools of all animals, and the scale in which poses are compared."""

    animals: tuple[str, ...]
    pools: tuple[Pool, ...]
    scaler: PoseScaler
    left_out: tuple[str, ...]

    def scaled(self, values: Float) -> Float:
        """Return poses (..., time, feature) scaled and flat, shape (..., n)."""
        flat = self.scaler(torch.from_numpy(np.ascontiguousarray(values))).numpy()
        return np.asarray(flat.reshape(len(values), -1), dtype=np.float32)


def make_pools(
    recordings: Sequence[Recording], name: str, length: int, step: int
) -> Pools:
    """Gather what can be swapped in, for each animal.

    Parameters
    ----------
    recordings
        Prepared, of all animals.
    name
        Of the stream of poses.
    length, step
        Of a stretch in frames; 1 for single poses.

    Raises
    ------
    DataError
        When fewer than two animals have such poses.
    """
    with_pose = [r for r in recordings if name in r.streams]
    n_features = {int(r.streams[name].data.shape[1]) for r in with_pose}
    if len(n_features) > 1:
        raise DataError(
            f"Swapping needs poses of the same features in all recordings; found "
            f"{sorted(n_features)} features."
        )
    animals = tuple(dict.fromkeys(r.animal for r in with_pose))
    made = {a: _pool(with_pose, a, name, length, step) for a in animals}
    found = {animal: pool for animal, pool in made.items() if len(pool.first)}
    if len(found) < 2:
        raise DataError(
            "Swapping replaces poses by similar ones of other animals, and needs "
            f"pre-processed poses of at least 2 animals; found {len(found)} "
            f"({', '.join(found) or 'none'})."
        )
    lacking = [r.id for r in recordings if name not in r.streams]
    told = f"Without {name}, and left out: {', '.join(lacking)}."
    scaler = fit_pose_scaler([pool.values[:, 0] for pool in found.values()])
    left_out = (told,) if lacking else ()
    return Pools(tuple(found), tuple(found.values()), scaler, left_out)


def _pool(
    recordings: Sequence[Recording], animal: str, name: str, length: int, step: int
) -> Pool:
    mine = tuple(r for r in recordings if r.animal == animal)
    starts = [_starts(r, name, length, step) for r in mine]
    owner = np.repeat(np.arange(len(mine)), [len(one) for one in starts])
    first = np.concatenate(starts)
    if len(first) > MOST_POSES:
        kept = np.linspace(0, len(first) - 1, MOST_POSES).round().astype(np.int64)
        owner, first = owner[kept], first[kept]
    offsets = step * np.arange(length)
    values = [
        np.asarray(r.streams[name].data[first[owner == i][:, None] + offsets])
        for i, r in enumerate(mine)
    ]
    return Pool(mine, owner, first, np.concatenate(values).astype(np.float32))


def _starts(
    recording: Recording, name: str, length: int, step: int
) -> NDArray[np.int64]:
    """Return where stretches of valid poses without a gap begin, beside images."""
    stream = recording.streams[name]
    n = len(stream) - (length - 1) * step
    if n < 1:
        return np.empty(0, dtype=np.int64)
    whole = np.ones(n, dtype=bool)
    for j in range(length):
        whole &= stream.valid[j * step : j * step + n]
    segments = stream.time.segment_ids()
    whole &= segments[:n] == segments[(length - 1) * step :]
    start_s, stop_s = recording.overlap(name, *recording.of_kind("neural"))
    times = stream.time.centers()
    whole &= (times[:n] >= start_s) & (times[(length - 1) * step :] <= stop_s)
    return np.flatnonzero(whole)


def pose_of(recording: Recording) -> str:
    """Return the stream whose poses are swapped: poses, else scalars.

    Raises
    ------
    DataError
        When there is neither.
    """
    for kind in ROLE_KINDS["pose"]:
        for name, stream in recording.streams.items():
            if stream.kind == kind:
                return name
    raise DataError(
        f"Swapping needs poses or scalars, and recording {recording.id!r} has neither."
    )
