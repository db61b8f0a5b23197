"""Frames of all recordings, gathered as windows on the device that trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_neuroembed.data.recording import LazyArray
from napari_neuroembed.errors import TrainingError

_CHUNK = 512
GPU_SHARE = 0.7
"""Share of a GPU's free memory that frames and activations may take."""

BYTES_PER_WINDOW = 10e6
"""Rough memory of one window's activations in the paper's network."""

MOST_CLIPPED = 1e-4
"""Share of values that may lie beyond what float16 holds."""


def resident_bytes(device: torch.device, resident_gb: float, n_windows: int) -> float:
    """Return how much memory frames may take on a device.

    Parameters
    ----------
    device
        Where windows end up.
    resident_gb
        The limit on a CPU; on a GPU its free memory decides.
    n_windows
        Windows that one step holds there.
    """
    if device.type != "cuda":
        return resident_gb * 1e9
    free, _ = torch.cuda.mem_get_info(device)
    return max(0.0, GPU_SHARE * free - BYTES_PER_WINDOW * n_windows)


class Reduced:
    """A stack whose frames are averaged over square blocks when they are read.

    Parameters
    ----------
    data
        Frames, shape (time, y, x).
    size
        New height; the width keeps the aspect. Must divide both.
    """

    def __init__(self, data: LazyArray, size: int) -> None:
        height, width = data.shape[1:]
        factor = height // size if size else 0
        if not factor or height % size or width % factor:
            raise TrainingError(
                f"training.image_size={size}: the cached images are {height}x{width}, "
                "which cannot be averaged to that size. Choose a size that divides "
                "them, or change preprocessing.resize."
            )
        self.data, self.factor = data, factor
        self.shape = (data.shape[0], size, width // factor)
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        frames = np.asarray(self.data[key], dtype=np.float32)
        *lead, height, width = frames.shape
        f = self.factor
        blocks = frames.reshape(*lead, height // f, f, width // f, f)
        averaged: NDArray[np.float32] = blocks.mean(axis=(-3, -1), dtype=np.float32)
        return averaged


class Padded:
    """Traces with zeros appended, so that animals of different counts share a shape."""

    def __init__(self, data: LazyArray, n_features: int) -> None:
        self.data = data
        self.shape = (data.shape[0], n_features)
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        frames = np.asarray(self.data[key], dtype=np.float32)
        missing = self.shape[1] - frames.shape[-1]
        return np.pad(frames, [(0, 0)] * (frames.ndim - 1) + [(0, missing)])


class FrameBank:
    """The frames of one role of several recordings, ready to be gathered.

    Parameters
    ----------
    arrays
        One per recording, time first, equal shapes but for time.
    groups
        Index that the normaliser knows each recording by.
    normalise
        Module called with (frames, groups); e.g. a ``Normaliser``.
    device
        Where gathered windows end up.
    resident_bytes
        Keep all frames, normalised, on the device up to this size; above, read the
        files at every step.
    dtype
        Number format of frames that are kept; windows are float32 all the same.

    Raises
    ------
    TrainingError
        When shapes differ, or frames do not fit the range of float16.
    """

    def __init__(
        self,
        arrays: Sequence[LazyArray],
        groups: Sequence[int],
        normalise: nn.Module,
        *,
        device: torch.device,
        resident_bytes: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        shapes = {a.shape[1:] for a in arrays}
        if len(shapes) != 1:
            raise TrainingError(
                f"All recordings need frames of one shape; found "
                f"{sorted(shapes)}. Set preprocessing.resize and run "
                "neuroembed preprocess again."
            )
        self.arrays = list(arrays)
        self.frame_shape = tuple(int(n) for n in next(iter(shapes)))
        self.groups = torch.as_tensor(list(groups), dtype=torch.long)
        self.normalise = normalise.to(device)
        self.device = device
        lengths = torch.as_tensor([a.shape[0] for a in arrays])
        self.lengths = lengths
        self._offsets = torch.cumsum(lengths, 0) - lengths
        self.dtype = dtype
        n_values = int(lengths.sum()) * int(np.prod(self.frame_shape))
        n_bytes = dtype.itemsize * n_values
        self.is_resident = n_bytes <= resident_bytes
        self._frames = self._load() if self.is_resident else None

    def gather(self, recording: Tensor, frames: Tensor) -> Tensor:
        """Return normalised windows.

        Parameters
        ----------
        recording
            Index of each window's recording, shape (batch,).
        frames
            Frame numbers, shape (batch, time); clipped to the recording.

        Returns
        -------
        Tensor
            Shape (batch, time, ...), float32, on the device.
        """
        last = self.lengths[recording].unsqueeze(1) - 1
        frames = torch.minimum(frames.clamp(min=0), last)
        if self._frames is not None:
            flat = (frames + self._offsets[recording].unsqueeze(1)).to(self.device)
            gathered: Tensor = self._frames[flat]
            return gathered.float()
        numbers = frames.numpy()
        windows = np.stack(
            [
                _read(self.arrays[int(r)], numbers[i])
                for i, r in enumerate(recording.tolist())
            ]
        )
        raw = torch.from_numpy(windows)
        if self.device.type == "cuda":
            raw = raw.pin_memory()
        raw = raw.to(self.device, non_blocking=True)
        normalised: Tensor = self.normalise(raw, self.groups[recording].to(self.device))
        return normalised

    def sentence(self) -> str:
        """Say where the frames are while the training runs."""
        if self._frames is None:
            return "frames are read from the files at every step"
        size = self._frames.nbytes / 1e9
        kind = str(self.dtype).removeprefix("torch.")
        return f"frames stay in memory on {self.device} ({size:.3g} GB, {kind})"

    def chunks(self, recording: int, size: int = _CHUNK) -> Any:
        """Yield all normalised frames of one recording, `size` at a time."""
        index = torch.tensor([recording])
        for start in range(0, int(self.lengths[recording]), size):
            stop = min(start + size, int(self.lengths[recording]))
            yield self.gather(index, torch.arange(start, stop).unsqueeze(0))[0]

    def _load(self) -> Tensor:
        """Read all frames into one tensor, which is never held twice."""
        total = int(self.lengths.sum())
        shape = (total, *self.frame_shape)
        loaded = torch.empty(shape, device=self.device, dtype=self.dtype)
        most = torch.finfo(self.dtype).max
        place = n_clipped = 0
        for array, group in zip(self.arrays, self.groups, strict=True):
            for start in range(0, array.shape[0], _CHUNK):
                chunk = np.array(array[start : start + _CHUNK], dtype=np.float32)
                raw = torch.from_numpy(chunk).to(self.device)
                groups = group.expand(len(raw)).to(self.device)
                normalised = self.normalise(raw, groups)
                if self.dtype is not torch.float32:
                    n_clipped += int((normalised.abs() > most).sum())
                    normalised = normalised.clamp(-most, most)
                loaded[place : place + len(raw)] = normalised
                place += len(raw)
        if n_clipped > MOST_CLIPPED * loaded.numel():
            raise TrainingError(
                f"{n_clipped:,} of {loaded.numel():,} values lie beyond {most:,.0f}, "
                f"the range of {self.dtype}. Set training.frames=float32, or normalise "
                "the input (--set normalise=zscore_animal)."
            )
        return loaded


def _read(data: LazyArray, frames: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read increasing, evenly spaced frames (or clipped ones) of lazy data."""
    first, last = int(frames[0]), int(frames[-1])
    block = np.asarray(data[first : last + 1], dtype=np.float32)
    picked: NDArray[np.float32] = block[frames - first]
    return picked
