"""What a training works on: windows of fit recordings and their frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import LazyArray, Recording, Stream
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.data.windows import (
    WindowIndex,
    window_index,
    window_seconds,
)
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.base import Shapes
from napari_neuroembed.training.frames import (
    FrameBank,
    Padded,
    Reduced,
    resident_bytes,
)
from napari_neuroembed.training.normalise import (
    Normaliser,
    PoseScaler,
    fit_normaliser,
    fit_pose_scaler,
)


@dataclass(frozen=True)
class Fitted:
    """What was fitted on fit recordings before the first step; kept in checkpoints."""

    normaliser: Normaliser
    scaler: PoseScaler | None


@dataclass(frozen=True)
class WindowFrames:
    """Where the frames of every window are, as tensors on the CPU.

    Parameters
    ----------
    recording, animal
        Index of each window's recording and animal, shape (n_windows,).
    neural, pose
        Frame numbers, shape (n_windows, time); `pose` None without second stream.
    """

    recording: Tensor
    animal: Tensor
    neural: Tensor
    pose: Tensor | None

    def __len__(self) -> int:
        return len(self.recording)


@dataclass(frozen=True)
class TrainingData:
    """Windows to train on and the banks that hold their frames.

    Parameters
    ----------
    index
        All windows of the recordings, fit and fresh.
    fit
        Rows of `index.table` to train on.
    windows
        Frames of those rows.
    recordings
        In the order of the banks.
    neural, pose
        Frames, normalised with what was fitted.
    shapes
        Shapes of one window.
    fitted
        Normaliser and pose scaler.
    """

    index: WindowIndex
    fit: NDArray[np.int64]
    windows: WindowFrames
    recordings: tuple[Recording, ...]
    neural: FrameBank
    pose: FrameBank | None
    shapes: Shapes
    fitted: Fitted


def window_frames(
    table: pd.DataFrame, recordings: Sequence[str], animals: Sequence[str]
) -> WindowFrames:
    """Turn rows of a window table into frame numbers."""
    recording = pd.Index(recordings).get_indexer(pd.Index(table["recording"]))
    animal = pd.Index(animals).get_indexer(pd.Index(table["animal"]))

    def frames(role: str) -> Tensor:
        first = table[f"{role}_first"].to_numpy()[:, None]
        step = table[f"{role}_step"].to_numpy()[:, None]
        count = int(table[f"{role}_count"].iloc[0]) if len(table) else 1
        return torch.as_tensor(first + step * np.arange(count), dtype=torch.long)

    return WindowFrames(
        torch.as_tensor(recording, dtype=torch.long),
        torch.as_tensor(animal, dtype=torch.long),
        frames("neural"),
        frames("pose") if "pose_first" in table else None,
    )


def neural_arrays(
    recordings: Sequence[Recording], stream: str, config: RunConfig, width: int = 0
) -> list[LazyArray]:
    """Return the neural data of each recording in the shape the encoder sees."""
    arrays: list[LazyArray] = []
    for recording in recordings:
        data = recording.streams[stream].data
        if len(data.shape) == 2:
            arrays.append(Padded(data, width or data.shape[1]))
        elif config.training.image_size:
            arrays.append(Reduced(data, config.training.image_size))
        else:
            arrays.append(data)
    return arrays


def build_training_data(
    recordings: Sequence[Recording],
    split: Split,
    config: RunConfig,
    *,
    mask: NDArray[np.bool_] | None,
    device: torch.device,
    fitted: Fitted | None = None,
) -> TrainingData:
    """Index windows, fit normaliser and pose range on fit recordings, load frames.

    Parameters
    ----------
    recordings
        All prepared recordings of the project.
    split
        Who is fit and fresh; animals in ``split.held_out`` are not trained on.
    config
        The run's configuration.
    mask
        Pixels valid in every recording, shape (y, x) of the cache.
    device
        Where windows end up.
    fitted
        What an interrupted run had fitted; None: fit now.

    Raises
    ------
    TrainingError
        When no window is left to train on, with the counts of what was dropped.
    """
    index = window_index(recordings, config.windows)
    neural_name = index.streams["neural"]
    length = window_seconds(config.windows, recordings[0], neural_name)
    roles = window_roles(index.table, split, length)
    animals = tuple(dict.fromkeys(r.animal for r in recordings))
    is_fit = (roles == "fit") & ~index.table["animal"].isin(split.held_out).to_numpy()
    fit = np.flatnonzero(is_fit)
    if len(fit) < 2:
        raise TrainingError(_no_windows(index, split))
    width = max(r.streams[neural_name].data.shape[1] for r in recordings)
    arrays = neural_arrays(recordings, neural_name, config, width)
    if fitted is None:
        fitted = _fit(recordings, split, index, config, mask, arrays)
    by_recording = config.normalise == "zscore_recording"
    groups = [r.id if by_recording else r.animal for r in recordings]
    training = config.training
    n_windows = max(1, training.batch_size // training.devices)
    resident = resident_bytes(device, training.resident_gb, n_windows)
    dtype = torch.float16 if training.frames == "float16" else torch.float32
    neural = FrameBank(
        arrays,
        [fitted.normaliser.index(g) for g in groups],
        fitted.normaliser,
        device=device,
        resident_bytes=resident,
        dtype=dtype,
    )
    pose = None
    if "pose" in index.streams and fitted.scaler is not None:
        pose = FrameBank(
            [r.streams[index.streams["pose"]].data for r in recordings],
            [0] * len(recordings),
            Ungrouped(fitted.scaler),
            device=device,
            resident_bytes=resident,
        )
    return TrainingData(
        index,
        fit,
        window_frames(index.table.iloc[fit], [r.id for r in recordings], animals),
        tuple(recordings),
        neural,
        pose,
        _shapes(recordings, index, config, neural, pose, animals),
        fitted,
    )


class Ungrouped(torch.nn.Module):
    """A scaler that is the same for all animals, called like a normaliser."""

    def __init__(self, scaler: PoseScaler) -> None:
        super().__init__()
        self.scaler = scaler

    def forward(self, frames: Tensor, group: Tensor) -> Tensor:
        """Scale frames; `group` does not matter."""
        del group
        scaled: Tensor = self.scaler(frames)
        return scaled


def fit_frames(recording: Recording, stream: str, split: Split) -> NDArray[np.bool_]:
    """Return which frames of a stream may be fitted on: valid, of fit time."""
    own = recording.streams[stream]
    role = split.roles.get(recording.id)
    if role == "fit":
        return own.valid
    if role != "blocks":
        return np.zeros(len(own), dtype=bool)
    centers = own.time.centers()
    inside = np.zeros(len(own), dtype=bool)
    for start, stop, block_role in split.blocks[recording.id]:
        if block_role == "fit":
            inside |= (centers >= start) & (centers < stop)
    return own.valid & inside


def stretches(stream: Stream, usable: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
    """Return where the stretch of usable, gapless frames around each one lies."""
    n = len(usable)
    breaks = np.ones(n + 1, dtype=bool)
    segment = stream.time.segment_ids()
    breaks[1:n] = ~(usable[1:] & usable[:-1]) | (segment[1:] != segment[:-1])
    places = np.flatnonzero(breaks)
    which = np.searchsorted(places, np.arange(n), side="right") - 1
    return torch.as_tensor(places[which]), torch.as_tensor(places[which + 1])


def _fit(
    recordings: Sequence[Recording],
    split: Split,
    index: WindowIndex,
    config: RunConfig,
    mask: NDArray[np.bool_] | None,
    arrays: Sequence[LazyArray],
) -> Fitted:
    name = index.streams["neural"]
    by_recording = config.normalise == "zscore_recording"
    stacks: dict[str, list[tuple[LazyArray, NDArray[np.bool_]]]] = {}
    for recording, array in zip(recordings, arrays, strict=True):
        usable = fit_frames(recording, name, split)
        if by_recording:
            usable = recording.streams[name].valid
        group = recording.id if by_recording else recording.animal
        stacks.setdefault(group, []).append((array, usable))
    used: NDArray[np.bool_] | None = None
    if mask is not None and len(arrays[0].shape) == 3:
        used = _reduce_mask(mask, arrays[0].shape[1])
    normaliser = fit_normaliser(
        stacks,
        config.normalise,
        used,
        unseen=_held_out_groups(recordings, split, by_recording),
    )
    scaler = None
    if "pose" in index.streams:
        pose = index.streams["pose"]
        poses = [
            np.asarray(r.streams[pose].data, dtype=np.float32)[
                fit_frames(r, pose, split)
            ]
            for r in recordings
            if r.animal not in split.held_out
        ]
        scaler = fit_pose_scaler([p for p in poses if len(p)])
    return Fitted(normaliser, scaler)


def _held_out_groups(
    recordings: Sequence[Recording], split: Split, by_recording: bool
) -> list[str]:
    return [
        r.id if by_recording else r.animal
        for r in recordings
        if r.animal in split.held_out
    ]


def _reduce_mask(mask: NDArray[np.bool_], height: int) -> NDArray[np.bool_]:
    factor = mask.shape[0] // height
    if factor <= 1:
        return mask
    blocks = mask.reshape(height, factor, mask.shape[1] // factor, factor)
    return np.asarray(blocks.all(axis=(1, 3)))


def _shapes(
    recordings: Sequence[Recording],
    index: WindowIndex,
    config: RunConfig,
    neural: FrameBank,
    pose: FrameBank | None,
    animals: tuple[str, ...],
) -> Shapes:
    options = config.windows
    first = recordings[0]
    neural_stream = first.streams[index.streams["neural"]]
    pose_shape, pose_period, dims = None, 0.0, None
    if pose is not None:
        pose_stream = first.streams[index.streams["pose"]]
        step = int(index.table["pose_step"].iloc[0])
        pose_shape = (options.pose_frames, pose.frame_shape[0])
        pose_period = step * pose_stream.time.period_s
        found = pose_stream.facts.get("n_dims")
        dims = int(found) if found else None
    neurons: tuple[int, ...] = ()
    if len(neural.frame_shape) == 1:
        _check_neurons(recordings, index.streams["neural"])
        counts = {
            r.animal: int(r.streams[index.streams["neural"]].data.shape[1])
            for r in recordings
        }
        neurons = tuple(counts[a] for a in animals)
    return Shapes(
        (options.neural_frames, *neural.frame_shape),
        pose_shape,
        options.neural_step * neural_stream.time.period_s,
        pose_period,
        dims,
        animals,
        neurons,
    )


def _check_neurons(recordings: Sequence[Recording], stream: str) -> None:
    """Refuse traces of one animal that are not of the same neurons everywhere."""
    first: dict[str, Recording] = {}
    for recording in recordings:
        known = first.setdefault(recording.animal, recording)
        mine, its = recording.streams[stream], known.streams[stream]
        differ = mine.data.shape[1] != its.data.shape[1]
        if differ or (mine.names and its.names and mine.names != its.names):
            what = "but not of the same names" if not differ else "so they differ"
            raise TrainingError(
                f"Traces of one animal must be of the same neurons in the same order: "
                f"{known.id!r} has {its.data.shape[1]}, {recording.id!r} has "
                f"{mine.data.shape[1]}, {what}. Match the neurons before importing, or "
                "give the recordings different animals."
            )


def _no_windows(index: WindowIndex, split: Split) -> str:
    dropped = "; ".join(
        f"{recording}: " + ", ".join(f"{n} {reason}" for reason, n in reasons.items())
        for recording, reasons in list(index.dropped.items())[:5]
        if reasons
    )
    return (
        f"Only {len(index.table)} windows exist and fewer than 2 of them are in fit "
        f"recordings (held out: {', '.join(split.held_out) or 'none'}). "
        f"Left out: {dropped or 'none'}. Shorten windows.neural_frames, or check the "
        "clocks with neuroembed check."
    )
