"""Numbers of frames, regions and names that do not match are told, never cut to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.data.fixtures.hdf5_files import write_caiman, write_dlc_h5, write_sleap
from tests.data.fixtures.table_files import write_suite2p

from napari_neuroembed.data.readers import find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.errors import DataError

N, K = 40, 5
Write = Callable[[Path, int, int], Path]
"""Write a file, with so many frames and so many regions or names in its second part."""


def values(*shape: int) -> Any:
    return np.random.default_rng(1).normal(size=shape)


def npz_times(folder: Path, n: int, k: int) -> Path:
    times = np.arange(n) * 0.1
    np.savez(folder / "a.npz", pose=values(N, K, 2), times_s=times, names=["a"] * k)
    return folder / "a.npz"


def npz_confidence(folder: Path, n: int, k: int) -> Path:
    np.savez(folder / "a.npz", pose=values(N, K, 2), confidence=abs(values(n, k)))
    return folder / "a.npz"


def json_signals(folder: Path, n: int, k: int) -> Path:
    del k
    signals = [
        {"name": str(i), "value": values(N).tolist(), "unit": "V"} for i in range(2)
    ]
    signals[1]["value"] = values(n).tolist()
    (folder / "a.json").write_text(json.dumps(signals))
    return folder / "a.json"


def suite2p(part: str) -> Write:
    def write(folder: Path, n: int, k: int) -> Path:
        f, ops = values(K, N), {"fs": 10.0, "nframes": N}
        around, flags = f / 2, np.ones(K)
        if part == "Fneu":
            around = values(k, n)
        elif part == "iscell":
            flags = np.ones(k)
        else:
            ops[part] = n if part == "nframes" else [n - 4, 4]
        return write_suite2p(folder, f, around, flags, ops)

    return write


def sleap(folder: Path, n: int, k: int) -> Path:
    tracks, scores = values(N, 1, K, 2), abs(values(n, 1, k))
    return write_sleap(folder / "a.h5", tracks, list("abcde"), ["t"], scores=scores)


def sleap_nodes(folder: Path, n: int, k: int) -> Path:
    del n
    nodes = [str(i) for i in range(k)]
    return write_sleap(folder / "a.h5", values(N, 1, K, 2), nodes, ["t"])


def caiman(folder: Path, n: int, k: int) -> Path:
    images = abs(values(K, 6, 8))
    path = folder / "a.hdf5"
    return write_caiman(path, values(K, N), images, fr=10.0, dff=values(k, n))


def caiman_regions(folder: Path, n: int, k: int) -> Path:
    del n
    images = abs(values(k, 6, 8))
    return write_caiman(folder / "a.hdf5", values(K, N), images, fr=10.0)


def deeplabcut(layout: str) -> Write:
    def write(folder: Path, n: int, k: int) -> Path:
        labels = [("s", f"p{i}", c) for i in range(K) for c in ("x", "y", "likelihood")]
        path = write_dlc_h5(
            folder / "a.h5", abs(values(N, 3 * K)), labels, layout=layout
        )
        if (n, k) != (N, K):
            with h5py.File(path, "r+") as file:
                group = file["df_with_missing"]
                about = dict(group["block0_values"].attrs)
                del group["block0_values"]
                group["block0_values"] = abs(values(n, 3 * k))
                group["block0_values"].attrs.update(about)
        return path

    return write


FRAMES: dict[str, Write] = {
    "npz times": npz_times,
    "npz confidence": npz_confidence,
    "json": json_signals,
    "suite2p Fneu": suite2p("Fneu"),
    "suite2p nframes": suite2p("nframes"),
    "suite2p frames_per_file": suite2p("frames_per_file"),
    "sleap scores": sleap,
    "caiman F_dff": caiman,
    "deeplabcut fixed": deeplabcut("fixed"),
}
PARTS: dict[str, Write] = {
    "npz names": npz_times,
    "npz confidence": npz_confidence,
    "suite2p Fneu": suite2p("Fneu"),
    "suite2p iscell": suite2p("iscell"),
    "sleap scores": sleap,
    "sleap nodes": sleap_nodes,
    "caiman F_dff": caiman,
    "caiman A": caiman_regions,
    "deeplabcut fixed": deeplabcut("fixed"),
}
TOLD_AND_LEFT_OUT = {"sleap scores": "pose.scores", "caiman A": "footprints.invalid"}
"""What is no part of the numbers themselves may be left out, with a word."""


def opened(path: Path) -> tuple[set[str], int]:
    """Open a file; return the findings told beforehand, and its number of frames."""
    source = Source((path,))
    reader = find_reader(source)
    found = {problem.id for problem in reader.describe(source, {}).problems}
    (stream,) = reader.read(source, {}, rate_hz=10.0).values()
    return found, len(stream)


def hold(name: str, path: Path) -> None:
    """Check that a file is refused, or that what was left out is told."""
    try:
        found, n = opened(path)
    except DataError:
        return
    assert (TOLD_AND_LEFT_OUT.get(name) in found, n) == (True, N)


@pytest.mark.parametrize("name", {**FRAMES, **PARTS})
def test_equal_lengths_are_opened(name, tmp_path):
    found, n = opened({**FRAMES, **PARTS}[name](tmp_path, N, K))
    assert n == N
    assert TOLD_AND_LEFT_OUT.get(name) not in found


@pytest.mark.parametrize("n", [N - 1, N + 1, 2 * N])
@pytest.mark.parametrize("name", FRAMES)
def test_other_numbers_of_frames_are_told(name, n, tmp_path):
    hold(name, FRAMES[name](tmp_path, n, K))


@pytest.mark.parametrize("k", [K - 1, K + 1])
@pytest.mark.parametrize("name", PARTS)
def test_other_numbers_of_parts_are_told(name, k, tmp_path):
    hold(name, PARTS[name](tmp_path, N, k))


@pytest.mark.parametrize(
    "bad", ["all", [[1], [2, 3]], np.nan, np.inf, 40.5, {}, [], [-4, 44], 10**400]
)
@pytest.mark.parametrize("key", ["frames_per_folder", "frames_per_file", "nframes"])
def test_a_number_of_frames_that_is_none_is_told(key, bad, tmp_path):
    path = write_suite2p(
        tmp_path, values(K, N), values(K, N), np.ones(K), {"fs": 10.0, key: bad}
    )
    with pytest.raises(DataError, match=rf"{key} of ops .*\[suite2p.lengths\]"):
        opened(path)
