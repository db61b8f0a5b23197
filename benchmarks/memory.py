"""Memory of pre-processing a stack and one of four times its length."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from benchmarks.measure import Ratio, Result, Row, Settings
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.tiff import TiffReader
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.stacks import create_stack, read_stack
from napari_neuroembed.options.preprocessing import PreprocessingOptions, ResizeOptions
from napari_neuroembed.preprocessing.pipeline import preprocess_recording

GB = 1e9
RATE_HZ = 16.0
LEAST = 1 / 1.1
"""Peaks are equal within 10 %."""

ABOVE_STORE_GB = 1.0
_SAMPLE_S = 0.01
_SCENES = 64


def run(settings: Settings) -> Result:
    """Take 1 and 4 GB of frames of the paper's size."""
    if settings.quick:
        return compare(settings, 0.04, (128, 128), 64)
    return compare(settings, 1.0, (480, 736), 512)


def compare(
    settings: Settings, small_gb: float, shape: tuple[int, int], max_memory_mb: int
) -> Result:
    """Pre-process both stacks, each in a process of its own.

    Parameters
    ----------
    settings
        Threads.
    small_gb
        Size of the smaller stack of uint16.
    shape
        Rows and columns of a frame.
    max_memory_mb
        As in the options of pre-processing.
    """
    n_small = int(small_gb * GB / (shape[0] * shape[1] * 2))
    sizes = {f"{n * small_gb:g} GB": n * n_small for n in (1, 4)}
    rows, peaks, allowed = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, n_frames in sizes.items():
            path = folder / "stack.tif"
            _write_movie(path, n_frames, shape)
            found = _in_own_process(settings, path, folder / "derived", max_memory_mb)
            path.unlink()
            peaks.append(found["peak_bytes"])
            allowed.append(found["store_bytes"] + ABOVE_STORE_GB * GB)
            rows += [_row(f"{label}, {what}", found, what) for what in _PARTS]
    grown, room = peaks[0] / peaks[1], allowed[1] / peaks[1]
    small, large = sizes
    ratios = [
        Ratio(f"peak of {large}", f"peak of {small}", grown, grown, grown, LEAST),
        Ratio(f"peak of {large}", "store + 1 GB", room, room, room, 1.0),
    ]
    parameters = {"shape": list(shape), "frames": dict(sizes)}
    return Result(rows, ratios, {**parameters, "max_memory_mb": max_memory_mb})


_PARTS = {
    "peak": "peak_bytes",
    "own memory": "anon_bytes",
    "files mapped": "file_bytes",
}
"""What is told of a process: the peak of its resident memory, and of its two parts."""


def _row(name: str, found: dict[str, Any], what: str) -> Row:
    return Row(
        name,
        is_peer=False,
        value=found[_PARTS[what]] / 1e6,
        unit="MB",
        cpu_s=found["cpu_s"],
        wall_s=found["wall_s"],
        error=float(found["lost_frames"]),
        error_unit="frames lost",
        error_limit=0.0,
        repeats=1,
    )


def _write_movie(path: Path, n_frames: int, shape: tuple[int, int]) -> None:
    """Write a scene that moves a little, under shot noise."""
    rng = np.random.default_rng(0)
    scene = gaussian_filter(rng.standard_normal(shape), 3)
    scene = 200 + 3000 * (scene - scene.min()) / np.ptp(scene)
    scenes = [
        rng.poisson(shift(scene, rng.uniform(-3, 3, 2), order=1, mode="nearest"))
        for _ in range(_SCENES)
    ]
    stack = create_stack(path, (n_frames, *shape), "uint16")
    for frame in range(n_frames):
        stack[frame] = scenes[int(rng.integers(_SCENES))]
    stack.flush()


def _in_own_process(
    settings: Settings, path: Path, folder: Path, max_memory_mb: int
) -> dict[str, Any]:
    root = Path(__file__).resolve().parents[1]
    threads = {f"{n}_NUM_THREADS": str(settings.threads) for n in ("OMP", "OPENBLAS")}
    places = os.pathsep.join([str(root), str(root / "src")])
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(path), str(folder), str(max_memory_mb)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **threads, "PYTHONPATH": places},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def child(path: Path, folder: Path, max_memory_mb: int) -> dict[str, Any]:
    """Pre-process one stack and tell what that took."""
    source = Source((path,))
    streams = TiffReader().read(source, {}, rate_hz=RATE_HZ)
    options = PreprocessingOptions(
        resize=ResizeOptions(height=128, width=128), max_memory_mb=max_memory_mb
    )
    watch = _Watch()
    started, cpu_s = time.perf_counter(), time.process_time()
    preprocess_recording(Recording("movie", "fly1", streams), options, folder)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - started
    peaks = watch.stop()
    store = read_stack(folder / "neural.tif")
    lost = sum(not np.isfinite(store[i]).all() for i in range(len(store)))
    return {
        **peaks,
        "store_bytes": store.nbytes,
        "lost_frames": lost,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
    }


class _Watch:
    """Look at the memory of this process every 10 ms; Linux only."""

    def __init__(self) -> None:
        self._peaks = {"RssAnon": 0, "RssFile": 0, "RssShmem": 0}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, int]:
        """Return peaks in bytes."""
        self._is_over.set()
        self._thread.join()
        return {
            "peak_bytes": _status()["VmHWM"],
            "anon_bytes": self._peaks["RssAnon"],
            "file_bytes": self._peaks["RssFile"] + self._peaks["RssShmem"],
        }

    def _look(self) -> None:
        while not self._is_over.wait(_SAMPLE_S):
            now = _status()
            self._peaks = {k: max(v, now[k]) for k, v in self._peaks.items()}


def _status() -> dict[str, int]:
    """Return the sizes in /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    parts = (line.split() for line in lines)
    return {p[0][:-1]: 1024 * int(p[1]) for p in parts if len(p) == 3 and p[2] == "kB"}


if __name__ == "__main__":
    print(json.dumps(child(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
