"""The poses of fit recordings as a method fits them, without a step of training."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from napari_neuroembed.data.splits import Split
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.base import FitPoses
from napari_neuroembed.training.data import TrainingData, fit_frames, stretches


def fit_poses(data: TrainingData, split: Split) -> FitPoses:
    """Return gapless stretches of usable poses, and where windows have their centre.

    Raises
    ------
    TrainingError
        When the data have no second stream, or a window is centred on no fit frame.
    """
    if data.pose is None or data.windows.pose is None:
        raise TrainingError("Poses were asked for, and there is no second stream.")
    name = data.index.streams["pose"]
    sequences: list[NDArray[np.float32]] = []
    places: list[NDArray[np.int64]] = []
    for r, recording in enumerate(data.recordings):
        place = np.full((int(data.pose.lengths[r]), 2), -1)
        usable = fit_frames(recording, name, split)
        if recording.animal not in split.held_out and usable.any():
            starts, stops = stretches(recording.streams[name], usable)
            for start in np.unique(starts.numpy()[usable]):
                stop = int(stops[start])
                place[start:stop, 0] = len(sequences)
                place[start:stop, 1] = np.arange(stop - start)
                frames = torch.arange(int(start), stop).unsqueeze(0)
                poses = data.pose.gather(torch.tensor([r]), frames)[0]
                sequences.append(poses.cpu().numpy())
        places.append(place)
    owner = data.windows.recording.numpy()
    centre = data.windows.pose[:, data.windows.pose.shape[1] // 2].numpy()
    found = np.array([places[r][f] for r, f in zip(owner, centre, strict=True)])
    if (found < 0).any():
        n_lost = int((found[:, 0] < 0).sum())
        raise TrainingError(
            f"{n_lost:,} of {len(found):,} windows are centred on a "
            "pose frame that is not of a fit recording. Please report this."
        )
    return FitPoses(sequences, found[:, 0], found[:, 1])
