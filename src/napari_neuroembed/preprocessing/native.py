"""The raw image stack of a recording, read in chunks that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Stream
from napari_neuroembed.data.stacks import release
from napari_neuroembed.errors import DataError

FUNCTIONAL, ANATOMICAL = "functional", "anatomical"
_COPIES = 6
_LARGEST_CHUNK = 256
_LARGEST_BYTES = 24 << 20
"""Of a chunk in float32. glibc keeps freed blocks up to 32 MB; larger ones it gets from
the system every time, page by page, which takes longer than to read them."""


Frames = NDArray[np.generic]


class NativeStack:
    """Frames of one neural stream: one channel to use, one to measure motion on.

    Parameters
    ----------
    stream
        Shape (time, y, x) or (time, channel, y, x). With channels, those named
        ``functional`` and ``anatomical`` are used; without such names channel 0 is
        the functional one.
    where
        Recording, for error messages.

    Raises
    ------
    DataError
        When the data are no stack of scalar images.
    """

    def __init__(self, stream: Stream, where: str) -> None:
        shape = tuple(stream.data.shape)
        if len(shape) not in (3, 4) or np.dtype(stream.data.dtype).kind not in "iuf":
            raise DataError(
                f"Recording {where!r}: neural images must be (time, y, x) or (time, "
                f"channel, y, x) numbers, found shape {shape} of "
                f"{stream.data.dtype}. Choose the channel and axes in the source."
            )
        self.stream = stream
        self.where = where
        self.n_frames, self.height, self.width = shape[0], shape[-2], shape[-1]
        self.dtype = np.dtype(stream.data.dtype).newbyteorder("=")
        self.functional: int | None = None
        self.anatomical: int | None = None
        if len(shape) == 4:
            self._choose_channels(shape[1])

    def _choose_channels(self, n_channels: int) -> None:
        names = self.stream.names
        self.functional = names.index(FUNCTIONAL) if FUNCTIONAL in names else 0
        if ANATOMICAL in names:
            self.anatomical = names.index(ANATOMICAL)
        found = [c for c in (self.functional, self.anatomical) if c is not None]
        if max(found) >= n_channels or len(set(found)) < len(found):
            raise DataError(
                f"Recording {self.where!r}: channels {names} do not name {n_channels} "
                "channels with one functional and at most one anatomical among them."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def chunks(self, max_memory_mb: int) -> list[tuple[int, int]]:
        """Return half-open frame ranges that fit into the memory."""
        channels = 1 if self.functional is None else int(self.stream.data.shape[1])
        pixels = self.height * self.width
        per_frame = pixels * (channels * self.dtype.itemsize + 4 * _COPIES)
        most = min(_LARGEST_CHUNK, _LARGEST_BYTES // (4 * pixels))
        n = int(np.clip(max_memory_mb * 2**20 // per_frame, 1, max(1, most)))
        return [
            (first, min(first + n, self.n_frames))
            for first in range(0, self.n_frames, n)
        ]

    def read(self, first: int, stop: int) -> tuple[Frames, Frames]:
        """Return (functional, motion) frames of a range; the same array for one."""
        release(self.stream.data)
        frames = np.asarray(self.stream.data[first:stop])
        frames = frames.astype(self.dtype, copy=False)
        if self.functional is None:
            return frames, frames
        functional = frames[:, self.functional]
        if self.anatomical is None:
            return functional, functional
        return functional, frames[:, self.anatomical]

    def sample(self, n: int, valid: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return up to `n` valid frame numbers, spread evenly over the recording."""
        usable = np.flatnonzero(valid)
        if usable.size <= n:
            return usable
        return usable[np.linspace(0, usable.size - 1, n).round().astype(np.int64)]

    def each(self, index: NDArray[np.int64]) -> Iterator[tuple[Frames, Frames]]:
        """Yield (functional, motion) of single frames."""
        for frame in index:
            functional, motion = self.read(int(frame), int(frame) + 1)
            yield functional[0], motion[0]
