"""One pass over a movie in TIFF, chunk by chunk, and the first look at one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks.measure import (
    Ratio,
    Result,
    Row,
    Settings,
    interleaved,
    measured,
    ratio,
)
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.tiff import TiffReader
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.preprocessing.native import NativeStack

PAGED_TARGET, WHOLE_TARGET, COLD_TARGET = 3.0, 1.5, 3.0
N_PARTS, LOOK_FRAMES = 14, 32
_SCENES = 64


def run(settings: Settings) -> Result:
    """Read 1 GB of 1,416 pages, the same number of small ones, and open 14 parts."""
    return compare(settings, *((300, 200) if settings.quick else (1416, 1000)))


def compare(settings: Settings, n_frames: int, part_pages: int) -> Result:
    """Compare with ``tifffile.imread`` and with opening through tifffile.

    Parameters
    ----------
    settings
        Repeats and threads.
    n_frames
        Pages of a file that is read in whole.
    part_pages
        Pages of each of the 14 parts of 64 x 64 pixels.
    """
    rows: list[Row] = []
    ratios: list[Ratio] = []
    movies = {
        "large pages, one IFD each": ((480, 736), True, PAGED_TARGET),
        "small pages, one IFD each": ((128, 128), True, PAGED_TARGET),
        "large pages, in one piece": ((480, 736), False, WHOLE_TARGET),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, (shape, is_paged, target) in movies.items():
            path, cache = folder / "movie.tif", folder / "index"
            write = write_paged if is_paged else _write_whole
            write(path, n_frames, shape)
            gb = n_frames * shape[0] * shape[1] * 2 / 1e9
            found = _passes(settings, label, path, cache, gb, target)
            rows, ratios = rows + found[0], ratios + found[1]
            path.unlink()
        found = _first_look(settings, folder, part_pages)
        rows, ratios = rows + found[0], ratios + found[1]
    parameters = {"frames": n_frames, "parts": N_PARTS, "pages_per_part": part_pages}
    return Result(rows, ratios, parameters)


def write_paged(path: Path, n_frames: int, shape: tuple[int, int]) -> None:
    """Write page after page, as microscopes do: each has a list of tags of its own."""
    scenes = _scenes(shape)
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for frame in range(n_frames):
            tiff.write(
                scenes[frame % _SCENES],
                contiguous=False,
                photometric="minisblack",
                metadata=None,
            )


def _write_whole(path: Path, n_frames: int, shape: tuple[int, int]) -> None:
    scenes = _scenes(shape)
    tifffile.imwrite(
        path,
        (scenes[frame % _SCENES] for frame in range(n_frames)),
        shape=(n_frames, *shape),
        dtype="uint16",
        bigtiff=True,
        photometric="minisblack",
        metadata={"axes": "TYX"},
    )


def _scenes(shape: tuple[int, int]) -> NDArray[np.uint16]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 4000, (_SCENES, *shape), dtype=np.uint16)


def _passes(
    settings: Settings, label: str, path: Path, cache: Path, gb: float, target: float
) -> tuple[list[Row], list[Ratio]]:
    """Find the largest value of every frame: ours in chunks, imread at once."""
    ours, peer = f"chunks, {label}", f"imread, {label}"
    loop = f"page by page, {label}"
    variants: dict[str, Callable[[], NDArray[np.generic]]] = {
        ours: lambda: _in_chunks([path], cache),
        peer: lambda: _largest(tifffile.imread(path)),
        loop: lambda: _page_by_page(path),
    }
    times = interleaved(variants, settings)
    expected = variants[peer]()
    rows = [
        measured(
            name,
            times,
            gb,
            "GB per CPU s",
            (float((variant() != expected).sum()), "frames differ"),
            is_peer=name != ours,
            error_limit=0.0 if name == ours else None,
        )
        for name, variant in variants.items()
    ]
    work = dict.fromkeys(variants, gb)
    return rows, [
        ratio(ours, peer, times, work, target),
        ratio(ours, loop, times, work),
    ]


def _open(paths: Sequence[Path], cache: Path | None) -> Stream:
    source = Source(tuple(paths), cache)
    return TiffReader().read(source, {"axes": "TYX"}, rate_hz=16.0)["neural"]


def _in_chunks(paths: Sequence[Path], cache: Path | None) -> NDArray[np.generic]:
    """Go through the movie as pre-processing does."""
    stack = NativeStack(_open(paths, cache), "benchmark")
    parts = [_largest(stack.read(*span)[0]) for span in stack.chunks(512)]
    return np.concatenate(parts)


def _largest(frames: NDArray[np.generic]) -> NDArray[np.generic]:
    largest: NDArray[np.generic] = frames.reshape(len(frames), -1).max(axis=1)
    return largest


def _page_by_page(path: Path) -> NDArray[np.generic]:
    with tifffile.TiffFile(path) as tiff:
        return np.array([page.asarray().max() for page in tiff.pages])


def _first_look(
    settings: Settings, folder: Path, part_pages: int
) -> tuple[list[Row], list[Ratio]]:
    """Open 14 parts, count their frames and read a window across two of them."""
    paths = [folder / f"part_{i:02}.tif" for i in range(N_PARTS)]
    for path in paths:
        write_paged(path, part_pages, (64, 64))
    cache = folder / "index_of_parts"
    ours, walked, peer = "index kept", "without an index", "tifffile"
    first = part_pages - LOOK_FRAMES // 2
    _open(paths, cache)  # keeps the index

    def look(cache: Path | None) -> NDArray[np.generic]:
        _forget(paths)
        stream = _open(paths, cache)
        assert len(stream) == N_PARTS * part_pages
        return np.asarray(stream.data[first : first + LOOK_FRAMES])

    def look_with_tifffile() -> NDArray[np.generic]:
        _forget(paths)
        counts = []
        for path in paths:
            with tifffile.TiffFile(path) as tiff:
                counts.append(len(tiff.pages))
        assert sum(counts) == N_PARTS * part_pages
        half = LOOK_FRAMES // 2
        end = tifffile.imread(paths[0], key=range(first, part_pages))
        return np.concatenate([end, tifffile.imread(paths[1], key=range(half))])

    variants: dict[str, Callable[[], NDArray[np.generic]]] = {
        ours: lambda: look(cache),
        walked: lambda: look(None),
        peer: look_with_tifffile,
    }
    times = interleaved(variants, settings)
    expected = variants[peer]()
    rows = [
        measured(
            f"first look, {name}",
            {f"first look, {name}": times[name]},
            1.0,
            "looks per CPU s",
            (float((variant() != expected).any(axis=(1, 2)).sum()), "frames differ"),
            is_peer=name == peer,
            error_limit=None if name == peer else 0.0,
        )
        for name, variant in variants.items()
    ]
    named = {f"first look, {name}": found for name, found in times.items()}
    work = dict.fromkeys(named, 1.0)
    both = f"first look, {ours}", f"first look, {peer}"
    return rows, [ratio(*both, named, work, COLD_TARGET)]


def _forget(paths: Sequence[Path]) -> None:
    """Ask the system to drop the files from its cache, where it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
