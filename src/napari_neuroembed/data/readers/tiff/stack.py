"""Frames of TIFF files as one lazy array."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.tiff.lzw import LZW, decode_lzw
from napari_neuroembed.data.readers.tiff.pages import FilePlanes
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.recording import LazyArray

_DECODING_ERRORS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    RuntimeError,
    OverflowError,
    ZeroDivisionError,
    EOFError,
    struct.error,
    zlib.error,
)


class TiffStack:
    """Images (time, y, x) or (time, channel, y, x), read when indexed.

    It holds no open file, so that it can be sent to another process and be read from
    several threads. Values come in the machine's byte order, otherwise as stored.

    Parameters
    ----------
    paths, files
        The files and where their planes lie.
    file, plane
        File and plane number of every frame, shape (time, channel).
    """

    def __init__(
        self,
        paths: Sequence[Path],
        files: Sequence[FilePlanes],
        file: NDArray[np.int64],
        plane: NDArray[np.int64],
    ) -> None:
        self._paths, self._files = tuple(paths), tuple(files)
        self._file, self._plane = file, plane
        image = (files[0].height, files[0].width)
        n, channels = file.shape
        self.shape: tuple[int, ...] = (
            (n, *image) if channels == 1 else (n, channels, *image)
        )
        self.dtype: np.dtype[Any] = files[0].dtype.newbyteorder("=")

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        time, *rest = key if isinstance(key, tuple) else (key,)
        if time is Ellipsis:
            time, rest = slice(None), [Ellipsis, *rest]
        frames = np.arange(len(self))[time]
        images = self._read(np.atleast_1d(frames))
        if np.ndim(frames) == 0:
            return np.asarray(images[(0, *rest)])
        return np.asarray(images[(slice(None), *rest)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        del copy
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, frames: NDArray[np.int64]) -> NDArray[Any]:
        """Read some frames; planes of one file are read together."""
        out = np.empty((len(frames), *self.shape[1:]), dtype=self.dtype)
        flat = out.reshape(-1, *self.shape[-2:])
        file = self._file[frames].ravel()
        plane = self._plane[frames].ravel()
        changes = np.flatnonzero(np.diff(file)) + 1
        for start, stop in zip([0, *changes], [*changes, len(file)], strict=True):
            if start < stop:
                number = int(file[start])
                self._read_file(number, plane[start:stop], flat[start:stop])
        return out

    def _read_file(
        self, number: int, plane: NDArray[np.int64], out: NDArray[Any]
    ) -> None:
        planes = self._files[number]
        position = planes.position[plane]
        if not planes.packed:
            _decode(self._paths[number], position, plane, out)
            return
        raw = out if planes.dtype.isnative else np.empty(out.shape, planes.dtype)
        size = planes.plane_bytes
        cuts = np.flatnonzero(np.diff(position) != size) + 1
        edges = [0, *cuts.tolist(), len(plane)]
        block = raw.reshape(-1).view(np.uint8).data
        with self._paths[number].open("rb", buffering=0) as stack:
            for start, stop in itertools.pairwise(edges):
                stack.seek(int(position[start]))
                part = block[start * size : stop * size]
                if _fill(stack, part) < len(part):
                    raise DataError(
                        f"{self._paths[number]} ended while frames {plane[start]} to "
                        f"{plane[stop - 1]} were read: it is shorter than when it was "
                        "opened. Check that nothing else writes to it. [tiff.truncated]"
                    )
        if raw is not out:
            out[...] = raw


def open_stack(
    paths: Sequence[Path],
    files: Sequence[FilePlanes],
    file: NDArray[np.int64],
    plane: NDArray[np.int64],
) -> LazyArray:
    """Return the frames as a memory map where they lie in one piece, else lazily."""
    stack = TiffStack(paths, files, file, plane)
    first = files[int(file[0, 0])]
    is_one = bool(np.all(file == file[0, 0])) and first.packed and first.dtype.isnative
    position = first.position[plane].ravel() if is_one else np.empty(0, np.int64)
    if is_one and np.all(np.diff(position) == first.plane_bytes):
        return np.memmap(
            paths[int(file[0, 0])],
            dtype=stack.dtype,
            mode="r",
            offset=int(position[0]),
            shape=stack.shape,
        )
    return stack


def _fill(stack: Any, block: memoryview) -> int:
    """Read until `block` is full or the file ends; return the bytes read."""
    done = 0
    while done < len(block):
        got = stack.readinto(block[done:])
        if not got:
            break
        done += got
    return done


def _decode(
    path: Path, position: NDArray[np.int64], plane: NDArray[np.int64], out: NDArray[Any]
) -> None:
    """Decode compressed, tiled or scattered pages with tifffile."""
    import tifffile

    number = int(plane[0])
    try:
        with tifffile.TiffFile(path) as tiff:
            for i, at in enumerate(position):
                number = int(plane[i])
                tiff.filehandle.seek(int(at))
                page = tifffile.TiffPage(tiff, index=number)
                image = _image(page, tiff.filehandle)
                if (
                    image.shape != out.shape[1:]
                    or image.dtype.newbyteorder("=") != out.dtype
                ):
                    raise ValueError(f"it decodes to {image.shape} {image.dtype}")
                out[i] = image
    except _DECODING_ERRORS as error:
        raise DataError(
            f"{path}: page {number} cannot be decoded ({error}). The file is damaged "
            "there; copy it again. [tiff.truncated]"
        ) from error


def _image(page: Any, file: Any) -> NDArray[Any]:
    """Decode one page, by Pillow where tifffile lacks the decoder."""
    if page.compression == LZW:
        return decode_lzw(page, file)
    image: NDArray[Any] = page.asarray(maxworkers=1)
    return image
