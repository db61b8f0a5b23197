"""The windows that a transform, or its correction for one animal, may be fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.data.windows import window_seconds
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.embed import Embedded
from napari_neuroembed.evaluation.raw import all_pose_windows
from napari_neuroembed.methods.randomness import numpy_generator
from napari_neuroembed.training.model import Model
from napari_neuroembed.transforms import TransformData, behaviour_target

ROLES = ("fit", "blocks")


@dataclass(frozen=True)
class FitWindows:
    """Windows that a transform may be fitted on.

    Parameters
    ----------
    h
        Embedding, shape (n, dim).
    animal
        Animal of every window, shape (n,).
    poses, pose_h
        Scaled pose windows, and their embedding (or they themselves, where a method
        has none), shape (n, k); None without a second stream.
    """

    h: NDArray[np.float64]
    animal: NDArray[np.object_]
    poses: NDArray[np.float32] | None = None
    pose_h: NDArray[np.float32] | None = None

    def told(self, config: RunConfig) -> TransformData:
        """Return them with the behaviour that other animals tell of them, if any."""
        behaviour = None
        if self.poses is not None and len(set(self.animal)) > 1:
            behaviour = self.tell(config, self)
        return TransformData(self.h, self.animal, behaviour)

    def tell(self, config: RunConfig, query: FitWindows) -> NDArray[np.float64]:
        """Return what these windows tell of the behaviour in others, or in themselves.

        Raises
        ------
        DataError
            When poses are lacking, or there is no other animal.
        """
        if self.poses is None or self.pose_h is None or query.poses is None:
            raise DataError("Behaviour is told by poses or scalars; there are none.")
        return behaviour_target(
            self.poses,
            self.pose_h,
            self.animal,
            config.transform_options,
            numpy_generator(config.seed, 0, "behaviour"),
            query=query.poses,
            query_animal=query.animal,
        )


def fit_recordings(split: Split, recordings: Sequence[Recording]) -> list[Recording]:
    """Return the fit recordings of animals that were not held out."""
    return [
        r
        for r in recordings
        if split.roles.get(r.id) in ROLES and r.animal not in split.held_out
    ]


def own_recordings(
    split: Split, recordings: Sequence[Recording], animal: str
) -> list[Recording]:
    """Return the fit recordings of one animal, or all when the split knows none of it.

    Raises
    ------
    DataError
        When there is no such recording.
    """
    own = [r for r in recordings if r.animal == animal]
    used = [r for r in own if split.roles.get(r.id) in ROLES]
    used = used or [r for r in own if r.id not in split.roles]
    if not used:
        raise DataError(f"{animal} has no fit recording to be calibrated on.")
    return used


def fit_windows(
    model: Model, split: Split, used: Sequence[Recording], made: Embedded
) -> FitWindows:
    """Return the windows of some recordings, without those of fresh blocks.

    Parameters
    ----------
    model, split
        Of the run.
    used
        Recordings to take, all of them embedded in `made`.
    made
        Embeddings of these and perhaps others.
    """
    names = [r.id for r in used]
    rows = np.flatnonzero(made.windows["recording"].isin(names))
    windows = made.windows.iloc[rows]
    if names[0] in split.roles:
        stream = model.streams["neural"]
        length = window_seconds(model.config.windows, used[0], stream)
        kept = np.flatnonzero(window_roles(windows, split, length) == "fit")
        rows, windows = rows[kept], windows.iloc[kept]
    order = dict(zip(names, used, strict=True))
    present = [order[name] for name in dict.fromkeys(windows["recording"])]
    poses = all_pose_windows(model, present, windows)
    pose_h = made.arrays["pose"][rows] if "pose" in made.arrays else poses
    return FitWindows(
        np.asarray(made.arrays["neural"][rows], dtype=np.float64),
        windows["animal"].to_numpy(dtype=object),
        poses,
        pose_h,
    )
