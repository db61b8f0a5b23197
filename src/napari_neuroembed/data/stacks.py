"""Image stacks on disk: one uncompressed BigTIFF (time, y, x), read as a memory map.

Fiji, napari and the training read the same bytes.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from numpy.typing import DTypeLike, NDArray

from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    import dask.array

_AXES = "TYX"
_HEADER_BYTES_PER_FRAME = 512


def stack_bytes(shape: tuple[int, int, int], dtype: DTypeLike = "float32") -> int:
    """Return how many bytes a stack takes on disk, its page headers included.

    Examples
    --------
    >>> stack_bytes((10, 64, 64)) > 10 * 64 * 64 * 4
    True
    """
    pixels = int(np.prod(shape, dtype=np.int64))
    return pixels * np.dtype(dtype).itemsize + shape[0] * _HEADER_BYTES_PER_FRAME


def create_stack(
    path: Path, shape: tuple[int, int, int], dtype: DTypeLike = "float32"
) -> np.memmap[Any, np.dtype[Any]]:
    """Create a stack with its whole shape and return it as a writable memory map.

    The space is reserved at once: a full disk is an error here, and not the end of
    the process while frames are written.

    Parameters
    ----------
    path
        The ``.tif`` to make, inside a folder that is being built.
    shape
        (time, y, x), all at least 1; at least two frames.
    dtype
        A number type; stored little-endian.

    Raises
    ------
    DataError
        When the shape is not that of a movie.
    OSError
        When the disk is full.
    """
    if len(shape) != 3 or shape[0] < 2 or min(shape) < 1:
        raise DataError(
            f"A stack needs (time, y, x) with at least two frames, found {shape}."
        )
    stack: np.memmap[Any, np.dtype[Any]] = tifffile.memmap(
        path,
        shape=shape,
        dtype=np.dtype(dtype).newbyteorder("<"),
        bigtiff=True,
        byteorder="<",
        photometric="minisblack",
        metadata={"axes": _AXES},
    )
    _reserve_whole(path)
    return stack


def read_stack(path: Path) -> np.memmap[Any, np.dtype[Any]]:
    """Map a stack made by :func:`create_stack` into memory, read-only.

    Raises
    ------
    DataError
        When the file is missing, was cut, or is not one contiguous (time, y, x)
        series.
    """
    path = Path(path)
    try:
        with tifffile.TiffFile(path) as tiff:
            found = _layout(tiff)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing.") from error
    except (tifffile.TiffFileError, ValueError, IndexError) as error:
        raise DataError(f"{path} is not readable as TIFF: {error}.") from error
    if isinstance(found, str):
        raise DataError(
            f"{path}: expected one contiguous series with axes {_AXES}, found {found}."
        )
    offset, shape, dtype = found
    needed = offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if path.stat().st_size < needed:
        raise DataError(
            f"{path} was cut: {needed:,} bytes expected, "
            f"{path.stat().st_size:,} found. Run neuroembed preprocess again."
        )
    stack: np.memmap[Any, np.dtype[Any]] = np.memmap(
        path, mode="r", dtype=dtype, offset=offset, shape=shape
    )
    return stack


def release(stack: object) -> None:
    """Give back the memory in which a memory map holds what was read or written.

    The pages stay in the system's cache and are mapped again when they are needed.
    Without this the resident memory of a process grows to the size of the file it goes
    through, which a cluster's scheduler may end it for. Anything but a memory map is
    left alone, as is one whose changes are not those of the file.
    """
    pages = getattr(stack, "_mmap", None) if isinstance(stack, np.memmap) else None
    if isinstance(pages, mmap.mmap) and getattr(stack, "mode", "c") != "c":
        advice = getattr(mmap, "MADV_DONTNEED", None)  # unknown to Windows
        if advice is not None:
            pages.madvise(advice)


def as_dask(stack: NDArray[Any], *, chunk_frames: int = 64) -> dask.array.Array:
    """Wrap a stack for lazy viewing; training and pre-processing read it directly.

    Parameters
    ----------
    stack
        Array or memory map, time first.
    chunk_frames
        Frames read together.
    """
    import dask.array

    lazy: dask.array.Array = dask.array.from_array(  # type: ignore[no-untyped-call]
        stack, chunks=(chunk_frames, *stack.shape[1:])
    )
    return lazy


def _layout(
    tiff: tifffile.TiffFile,
) -> tuple[int, tuple[int, ...], np.dtype[Any]] | str:
    """Return where the frames lie, or what was found instead of one stack."""
    if len(tiff.series) != 1:
        return f"{len(tiff.series)} series"
    series = tiff.series[0]
    if series.axes != _AXES or len(tiff.pages) != series.shape[0]:
        return f"axes {series.axes}, shape {series.shape}, {len(tiff.pages)} pages"
    if series.dataoffset is None or series.dtype is None:
        return "frames that are compressed or not in one piece"
    dtype = np.dtype(series.dtype).newbyteorder(tiff.byteorder)
    return int(series.dataoffset), tuple(series.shape), dtype


def _reserve_whole(path: Path) -> None:
    """Give the sparse file its blocks; its content stays as it is."""
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
