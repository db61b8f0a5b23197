"""How long a window waits for a preview of a process that is warm."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from benchmarks.measure import Ratio, Result, Row, Settings, Times
from napari_neuroembed.api.preview_augment import AugmentPreview
from napari_neuroembed.api.preview_preprocess import PreprocessPreview
from napari_neuroembed.api.preview_sources import Sources
from napari_neuroembed.jobs.preview import PreviewAnswer, PreviewProcess
from napari_neuroembed.jobs.preview_folder import PreviewFolder
from napari_neuroembed.jobs.preview_lines import AugmentAsk, PreprocessAsk
from napari_neuroembed.progress import silent

FIRST, AGAIN = "pre-processing, first look", "the same frames, other dF/F"
NOISE, ALL = "Poisson noise", "all neural augmentations"
TARGETS_S = {FIRST: 2.0, AGAIN: 0.5, NOISE: 0.2, ALL: 0.2}
RATE_HZ = 16.0
_WINDOW = 32


def run(settings: Settings) -> Result:
    """Take 64 frames of 480 x 736, and windows of 32 frames of 128 x 128."""
    if settings.quick:
        return compare(settings, (128, 192), 32, 64)
    return compare(settings, (480, 736), 64, 128)


def compare(
    settings: Settings, shape: tuple[int, int], n_frames: int, size: int
) -> Result:
    """Ask, and wait for the answer; arrays are handed over each time.

    Parameters
    ----------
    settings
        Repeats.
    shape, n_frames
        Of the piece that is pre-processed.
    size
        Height and width of the window that is augmented.
    """
    raw = _movie(n_frames, shape).astype(np.uint16)
    window = _movie(6 * _WINDOW, (size, size)).astype(np.float32)
    resize = {"resize": {"height": size, "width": size}}
    augment = {"array": window, "rate_hz": RATE_HZ, "frame": 3 * _WINDOW}

    def first(i: int) -> dict[str, Any]:
        return {"array": raw + np.uint16(i), "options": resize}

    def again(i: int) -> dict[str, Any]:
        return {"array": raw, "options": {**resize, "dff": {"window_frames": 10 + i}}}

    def noise(i: int) -> dict[str, Any]:
        return {**augment, "kind": "poisson_noise", "seed": i}

    def everything(i: int) -> dict[str, Any]:
        return {**augment, "kind": "all", "seed": i}

    asked = {
        FIRST: ("preprocess", first),
        AGAIN: ("preprocess", again),
        NOISE: ("augment", noise),
        ALL: ("augment", everything),
    }
    rows, ratios = [], []
    with PreviewProcess() as previews:
        for name, (ask, fields) in asked.items():
            times = _time(previews, ask, fields, settings)
            answer = previews.ask(ask, **fields(0)).result()
            rows.append(_row(name, times, _error(answer, ask, fields(0))))
            ratios.append(_within(name, times.wall_s))
    parameters = {
        "piece": [n_frames, *shape],
        "window": [_WINDOW, size, size],
        "array of the window": list(window.shape),
    }
    return Result(rows, ratios, parameters)


def _time(
    previews: PreviewProcess,
    ask: str,
    fields: Callable[[int], dict[str, Any]],
    settings: Settings,
) -> Times:
    """Return wall seconds and CPU seconds of the process, after one to warm up."""
    times = Times()
    for i in range(settings.repeats + 1):
        given = fields(i)
        start_s, cpu_s = time.perf_counter(), _cpu_seconds(previews)
        previews.ask(ask, **given).result()
        times.wall_s.append(time.perf_counter() - start_s)
        times.cpu_s.append(_cpu_seconds(previews) - cpu_s)
    return Times(times.wall_s[1:], times.cpu_s[1:])


def _cpu_seconds(previews: PreviewProcess) -> float:
    if previews.pid is None:
        return 0.0
    used = psutil.Process(previews.pid).cpu_times()
    return float(used.user + used.system)


def _error(answer: PreviewAnswer, ask: str, fields: dict[str, Any]) -> float:
    """Return how far an answer is from the same computed in this process."""
    folder = PreviewFolder.make()
    sources = Sources(None, folder)
    preprocess = PreprocessPreview(sources)
    given = {**fields, "array": folder.save("in-1.npy", fields["array"])}
    try:
        if ask == "preprocess":
            directly = preprocess.answer(PreprocessAsk(**given), silent)
        else:
            preview = AugmentPreview(sources, preprocess)
            directly = preview.answer(AugmentAsk(**given), silent)
    finally:
        folder.close()
    return float(np.abs(answer.arrays["after"] - directly.arrays["after"]).max())


def _row(name: str, times: Times, error: float) -> Row:
    return Row(
        name,
        is_peer=False,
        value=statistics.median(times.wall_s),
        unit="s of the wall",
        cpu_s=statistics.median(times.cpu_s),
        wall_s=statistics.median(times.wall_s),
        error=error,
        error_unit="from a direct call",
        error_limit=0.0,
        repeats=len(times.wall_s),
    )


def _within(name: str, seconds: list[float]) -> Ratio:
    target = TARGETS_S[name]
    each = [target / s for s in seconds]
    return Ratio(
        name, f"{target:g} s", statistics.median(each), min(each), max(each), 1.0
    )


def _movie(n_frames: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Make a scene that moves a little, under shot noise."""
    rng = np.random.default_rng(0)
    scene = gaussian_filter(rng.standard_normal(shape), 3)
    scene = 200 + 3000 * (scene - scene.min()) / np.ptp(scene)
    moves = rng.normal(0, 1, (n_frames, 2))
    moved = [rng.poisson(shift(scene, move, order=1, mode="nearest")) for move in moves]
    return np.stack(moved).astype(np.float64)
