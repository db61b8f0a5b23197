"""Random windows of 32 frames from the training cache, from zarr and from pages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.measure import (
    Ratio,
    Result,
    Row,
    Settings,
    at_least,
    interleaved,
    measured,
    missing,
    ratio,
    skipped,
)
from napari_neuroembed.data.stacks import create_stack, read_stack

Read = Callable[[int, NDArray[np.generic]], None]
"""Puts the window that begins at a frame into an array."""

WINDOW, CHUNK = 32, 64
ZARR_TARGET, PAGED_TARGET = 8.0, 8.0
RATE_TARGET = 20_000.0
"""Windows of 128 x 128 pixels in 16 bits per CPU second."""


def run(settings: Settings) -> Result:
    """Read windows of 128 x 128 pixels in the cache's float32, and in 16 bits."""
    return compare(settings, *((1000, 100) if settings.quick else (8000, 1000)))


def compare(
    settings: Settings, n_frames: int, n_windows: int, size: int = 128
) -> Result:
    """Compare the memory map with zarr chunks and with pages read by tifffile.

    Parameters
    ----------
    settings
        Repeats and threads.
    n_frames, size
        Of the movie.
    n_windows
        Windows the memory map is read for; the others get a tenth of them.
    """
    rows: list[Row] = []
    ratios: list[Ratio] = []
    for kind in ("float32", "float16"):
        with tempfile.TemporaryDirectory() as name:
            found = _of_kind(settings, Path(name), kind, (n_frames, n_windows, size))
        rows, ratios = rows + found[0], ratios + found[1]
    parameters = {"frames": n_frames, "image_size": size, "windows": n_windows}
    return Result(rows, ratios, {**parameters, "window_frames": WINDOW})


def _of_kind(
    settings: Settings, folder: Path, kind: str, sizes: tuple[int, int, int]
) -> tuple[list[Row], list[Ratio]]:
    n_frames, n_windows, size = sizes
    path, paged = folder / "neural.tif", folder / "paged.tif"
    stack = create_stack(path, (n_frames, size, size), kind)
    _fill(stack)
    _write_pages(paged, stack)
    starts = np.random.default_rng(1).integers(0, n_frames - WINDOW, n_windows)
    few = starts[: max(10, n_windows // 10)]
    batch = np.zeros((WINDOW, size, size), dtype=kind)
    mapped, pages = f"memory map {kind}", f"tifffile pages {kind}"
    chunked = f"zarr, {CHUNK} frames zstd, {kind}"
    tiff = tifffile.TiffFile(paged)
    reads: dict[str, Read] = {
        mapped: partial(_from_array, read_stack(path)),
        pages: partial(_from_pages, tiff),
    }
    reason = missing("zarr")
    if not reason:
        reads[chunked] = partial(_from_array, _zarr(folder, stack))
    chosen = dict.fromkeys(reads, few) | {mapped: starts}
    times = interleaved(
        {
            name: partial(_all, read, chosen[name], batch)
            for name, read in reads.items()
        },
        settings,
    )
    work = {name: float(len(chosen[name])) for name in reads}
    rows = [
        measured(
            name,
            times,
            work[name],
            "windows per CPU s",
            (_differing(read, few, batch, stack), "windows differ"),
            is_peer=name != mapped,
            error_limit=0.0 if name == mapped else None,
        )
        for name, read in reads.items()
    ]
    tiff.close()
    ratios = [ratio(mapped, pages, times, work, PAGED_TARGET)]
    if reason:
        rows.append(skipped(chunked, reason))
    else:
        ratios.append(ratio(mapped, chunked, times, work, ZARR_TARGET))
    if (kind, size) == ("float16", 128):
        unit = "windows per CPU s"
        ratios.append(at_least(mapped, RATE_TARGET, unit, times, work[mapped]))
    return rows, ratios


def _from_array(frames: Any, start: int, batch: NDArray[np.generic]) -> None:
    batch[...] = frames[start : start + WINDOW]


def _from_pages(
    tiff: tifffile.TiffFile, start: int, batch: NDArray[np.generic]
) -> None:
    for frame, page in zip(batch, tiff.pages[start : start + WINDOW], strict=True):
        frame[...] = page.asarray()


def _all(read: Read, starts: NDArray[np.int64], batch: NDArray[np.generic]) -> None:
    for start in starts.tolist():
        read(start, batch)


def _differing(
    read: Read,
    starts: NDArray[np.int64],
    batch: NDArray[np.generic],
    stack: NDArray[np.generic],
) -> float:
    wrong = 0
    for start in starts.tolist():
        read(start, batch)
        wrong += not np.array_equal(batch, stack[start : start + WINDOW])
    return float(wrong)


def _fill(stack: NDArray[np.generic]) -> None:
    """Write soft shapes that come and go, and noise."""
    rng = np.random.default_rng(0)
    shape = stack.shape[1:]
    scenes = [gaussian_filter(rng.standard_normal(shape), 4) * 400 for _ in range(8)]
    for frame in range(len(stack)):
        mix = rng.random(len(scenes))
        scene = sum(m * s for m, s in zip(mix, scenes, strict=True))
        stack[frame] = scene + 10 * rng.standard_normal(shape)


def _write_pages(path: Path, stack: NDArray[np.generic]) -> None:
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for frame in stack:
            tiff.write(frame, contiguous=False, photometric="minisblack", metadata=None)


def _zarr(folder: Path, stack: NDArray[np.generic]) -> Any:
    import zarr

    stored = zarr.create_array(
        store=folder / "stack.zarr",
        shape=stack.shape,
        chunks=(CHUNK, *stack.shape[1:]),
        dtype=stack.dtype,
        compressors=zarr.codecs.ZstdCodec(),
    )
    stored[:] = stack
    return stored
