"""Embed whole recordings: every frame is seen once, windows share what it gave.

In evaluation mode the 2-D half of the image encoder has no operation across frames, so
its output per frame is computed once and gathered per window (exact, not approximate).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.windows import window_index
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.methods.base import Batch
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.training.data import (
    Ungrouped,
    WindowFrames,
    neural_arrays,
    window_frames,
)
from napari_neuroembed.training.frames import FrameBank
from napari_neuroembed.training.model import Model
from napari_neuroembed.training.normalise import Normaliser, fit_normaliser

BATCH = 512


@dataclass(frozen=True)
class Embedded:
    """Embeddings of the windows of some recordings.

    Parameters
    ----------
    windows
        The window table; row i belongs to row i of every array.
    arrays
        Stream role -> h, float32, shape (n_windows, dim).
    facts
        What was used, e.g. whose own frames a normaliser was fitted on.
    """

    windows: pd.DataFrame
    arrays: Mapping[str, NDArray[np.float32]]
    facts: Mapping[str, Any]


def embed(
    model: Model,
    recordings: Sequence[Recording],
    *,
    stride_s: float | None = None,
    device: torch.device | None = None,
    report: Report = silent,
) -> Embedded:
    """Embed all windows of recordings, also of ones that were not in the training.

    Parameters
    ----------
    model
        A trained model.
    recordings
        Prepared recordings of any length; frames are read in chunks.
    stride_s
        Seconds between windows; default the run's ``windows.eval_stride_s``.
    device
        Where to compute; default the CPU.

    Raises
    ------
    DataError
        When image sizes or numbers of features differ from the training's.
    """
    if stride_s is not None and not 0 < stride_s < math.inf:
        raise ConfigError(f"--stride must be above 0 seconds, found {stride_s:g}.")
    device = device or torch.device("cpu")
    options = model.config.windows
    index = window_index(
        recordings, options, stride_s=stride_s or options.eval_stride_s
    )
    roles = {
        role: index.streams[role] for role in model.streams if role in index.streams
    }
    parts: dict[str, list[NDArray[np.float32]]] = {}
    own: list[str] = []
    model.parts.to(device)
    for i, recording in enumerate(recordings):
        report("embed", i, len(recordings), recording.id)
        table = index.table[index.table["recording"] == recording.id]
        embedded = _embed_recording(model, recording, table, roles, device, own)
        for stream, values in embedded.items():
            parts.setdefault(stream, []).append(values)
    report("embed", len(recordings), len(recordings))
    arrays = {stream: np.concatenate(values) for stream, values in parts.items()}
    facts = {
        "streams": roles,
        "stride_s": stride_s or options.eval_stride_s,
        "normaliser_fitted_on_own_frames": own,
        "dropped": {k: dict(v) for k, v in index.dropped.items()},
        "step": model.step,
    }
    return Embedded(index.table, arrays, facts)


def left_out(dropped: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many windows were left out for which reason.

    Examples
    --------
    >>> left_out({"fly1_001": {"gap": 2}, "fly1_002": {"gap": 1}})
    ' (left out: 3 for gap)'
    """
    counts: Counter[str] = Counter()
    for reasons in dropped.values():
        counts.update(reasons)
    text = ", ".join(f"{n:,} for {reason}" for reason, n in counts.items())
    return f" (left out: {text})" if text else ""


@torch.no_grad()
def _embed_recording(
    model: Model,
    recording: Recording,
    table: pd.DataFrame,
    roles: Mapping[str, str],
    device: torch.device,
    own: list[str],
) -> dict[str, NDArray[np.float32]]:
    shapes, method = model.parts.method.shapes, model.parts.method
    bank = neural_bank(model, recording, device=device, own=own)
    if shapes.neurons and recording.animal not in shapes.animals:
        raise DataError(
            f"Recording {recording.id!r}: animal {recording.animal!r} was not in the "
            "training, and a trace encoder has no input weights for its neurons. "
            "Train a run that includes it."
        )
    frames = window_frames(table, [recording.id], shapes.animals)
    animal = pd.Index(shapes.animals).get_indexer(pd.Index([recording.animal]))
    index = torch.as_tensor(animal, dtype=torch.long).clamp(min=0)
    embedded = {}
    features = _features(model, bank, index.to(device))
    if features is None:
        embedded["neural"] = _window_by_window(model, bank, frames)
    else:
        embedded["neural"] = _gather(
            frames.neural.clamp(0, len(features) - 1),
            lambda rows: method.window_embedding(features[rows.to(device)]),
        )
    if "pose" in roles and getattr(method, "has_pose", False):
        embedded["pose"] = _embed_pose(model, recording, frames, roles["pose"], device)
    return embedded


def neural_bank(
    model: Model,
    recording: Recording,
    *,
    device: torch.device | None = None,
    own: list[str] | None = None,
) -> FrameBank:
    """Return a recording's frames as the model's encoder sees them.

    Parameters
    ----------
    model
        A trained model.
    recording
        Any prepared recording.
    device
        Where gathered windows end up; default the CPU.
    own
        Gets the recording's id when its normaliser had to be fitted on itself.

    Raises
    ------
    DataError
        When its frames have another size than those of the training.
    """
    shapes = model.parts.method.shapes
    width = shapes.neural[1]
    arrays = neural_arrays([recording], model.streams["neural"], model.config, width)
    if tuple(arrays[0].shape[1:]) != tuple(shapes.neural[1:]):
        raise DataError(
            f"Recording {recording.id!r}: frames of {tuple(arrays[0].shape[1:])}, but "
            f"the run was trained on {tuple(shapes.neural[1:])}. Use the same "
            "preprocessing.resize."
        )
    normaliser, group = _normaliser_of(
        model, recording, arrays[0], [] if own is None else own
    )
    return FrameBank(
        arrays,
        [group],
        normaliser,
        device=device or torch.device("cpu"),
        resident_bytes=0,
    )


def _normaliser_of(
    model: Model, recording: Recording, data: Any, own: list[str]
) -> tuple[Normaliser, int]:
    """Return the normaliser of a recording; a new animal's is fitted on its frames."""
    normaliser = model.parts.normaliser
    by_recording = model.config.normalise == "zscore_recording"
    name = recording.id if by_recording else recording.animal
    if name in normaliser.groups:
        return normaliser, normaliser.index(name)
    if model.config.normalise == "none":
        return normaliser, 0
    valid = recording.streams[model.streams["neural"]].valid
    mask = normaliser.mask.cpu().numpy().astype(bool)
    fitted = fit_normaliser({name: [(data, valid)]}, model.config.normalise, mask)
    own.append(recording.id)
    return fitted, 0


def _features(model: Model, bank: FrameBank, animal: Tensor) -> Tensor | None:
    """Return the features of every frame, or None when windows cannot share them."""
    parts = []
    for chunk in bank.chunks(0):
        features = model.parts.method.frame_features(chunk, animal)
        if features is None:
            return None
        parts.append(features)
    return torch.cat(parts)


def _gather(frames: Tensor, encode: Any) -> NDArray[np.float32]:
    parts = [
        encode(frames[start : start + BATCH]).float().cpu().numpy()
        for start in range(0, len(frames), BATCH)
    ]
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _window_by_window(
    model: Model, bank: FrameBank, frames: WindowFrames
) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(frames), BATCH):
        rows = slice(start, start + BATCH)
        batch = Batch(
            bank.gather(frames.recording[rows], frames.neural[rows]),
            None,
            frames.animal[rows].clamp(min=0).to(bank.device),
        )
        parts.append(model.parts.method.embed(batch)["neural"].float().cpu().numpy())
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _embed_pose(
    model: Model,
    recording: Recording,
    frames: WindowFrames,
    stream: str,
    device: torch.device,
) -> NDArray[np.float32]:
    scaler, pose_frames = model.parts.scaler, frames.pose
    data = recording.streams[stream].data
    expected = model.parts.method.shapes.pose
    if scaler is None or pose_frames is None or expected is None:
        raise DataError(f"Recording {recording.id!r}: the run knows no second stream.")
    if data.shape[1] != expected[1]:
        raise DataError(
            f"Recording {recording.id!r}: {data.shape[1]} pose features, but the run "
            f"was trained on {expected[1]}."
        )
    bank = FrameBank([data], [0], Ungrouped(scaler), device=device, resident_bytes=0)
    encoder = model.parts.method.f_b
    assert isinstance(encoder, torch.nn.Module)
    zero = torch.zeros(len(pose_frames), dtype=torch.long)
    return _gather(
        pose_frames, lambda rows: encoder(bank.gather(zero[: len(rows)], rows))
    )
