"""The raw signals of windows, which embeddings are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Recording
from napari_neuroembed.evaluation.embed import neural_bank
from napari_neuroembed.training.data import WindowFrames, window_frames
from napari_neuroembed.training.frames import FrameBank
from napari_neuroembed.training.model import Model

RAW_PIXELS = 16
_ROWS = 512


def raw_signals(
    model: Model, recordings: Sequence[Recording], windows: pd.DataFrame
) -> dict[str, NDArray[np.float32]]:
    """Return the raw signals of every window: mean frame, and pose window."""
    neural = []
    for recording in recordings:
        table = windows[windows["recording"] == recording.id]
        frames = window_frames(table, [recording.id], [recording.animal])
        neural += mean_frames(neural_bank(model, recording), frames)
    raw = {"raw_neural": np.concatenate(neural).astype(np.float32)}
    pose = all_pose_windows(model, recordings, windows)
    return raw if pose is None else {**raw, "raw_pose": pose}


def all_pose_windows(
    model: Model, recordings: Sequence[Recording], windows: pd.DataFrame
) -> NDArray[np.float32] | None:
    """Return `pose_windows` of all recordings in turn; None where one has none."""
    parts = [
        pose_windows(model, r, windows[windows["recording"] == r.id])
        for r in recordings
    ]
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def mean_frames(bank: FrameBank, frames: WindowFrames) -> list[NDArray[np.float32]]:
    """Return the mean frame of every window, small and flat, in chunks."""
    means = []
    for start in range(0, len(frames), _ROWS):
        rows = slice(start, start + _ROWS)
        gathered = bank.gather(frames.recording[rows], frames.neural[rows])
        means.append(_small(gathered.mean(dim=1)).numpy().astype(np.float32))
    return means


def pose_windows(
    model: Model, recording: Recording, windows: pd.DataFrame
) -> NDArray[np.float32] | None:
    """Return the scaled second stream of one recording's windows, (n, time * feature).

    None where the run or the windows have no second stream.
    """
    frames = window_frames(windows, [recording.id], [recording.animal]).pose
    scaler = model.parts.scaler
    if frames is None or scaler is None or "pose" not in model.streams:
        return None
    data = recording.streams[model.streams["pose"]].data
    poses = torch.from_numpy(np.array(data, dtype=np.float32))
    scaled = scaler.cpu()(poses)[frames.clamp(0, len(poses) - 1)]
    flat: NDArray[np.float32] = scaled.reshape(len(scaled), -1).numpy()
    return flat


def _small(frames: torch.Tensor) -> torch.Tensor:
    """Average frames to at most 16 x 16 pixels and flatten; traces stay as they are."""
    if frames.ndim == 3 and max(frames.shape[1:]) > RAW_PIXELS:
        size = (min(RAW_PIXELS, frames.shape[1]), min(RAW_PIXELS, frames.shape[2]))
        frames = torch.nn.functional.adaptive_avg_pool2d(frames, size)
    return frames.reshape(len(frames), -1)
