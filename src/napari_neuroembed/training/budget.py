"""Turn a time budget into steps, stride and image size by timing twenty real steps."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.methods.base import Method
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.training.batches import Batches
from napari_neuroembed.training.loop import TrainingState, make_fabric, train_steps
from napari_neuroembed.training.run import prepare

CALIBRATION_STEPS = 20
WARMUP_STEPS = 4
ENOUGH_STEPS = 400
SMALLEST_IMAGE = 16
SHARE = 0.9
EPOCHS = 10
PAPER_EPOCHS = 200


@dataclass(frozen=True)
class Plan:
    """What a time budget buys.

    Parameters
    ----------
    config
        With steps, stride and image size filled in.
    step_s
        Measured seconds per step.
    expected_s
        Expected seconds of training.
    paper_s
        What 200 epochs over every frame's window would take here.
    """

    config: RunConfig
    step_s: float
    expected_s: float
    paper_s: float

    def sentence(self) -> str:
        """Say what was chosen and how long it takes."""
        training, windows = self.config.training, self.config.windows
        size = f", images {training.image_size} px" if training.image_size else ""
        return (
            f"{training.steps:,} steps of {training.batch_size} windows every "
            f"{windows.stride_s:g} s{size}: about {duration(self.expected_s)} "
            f"({self.step_s * 1000:.0f} ms per step). The paper's schedule (200 epochs "
            f"over every frame) would take about {duration(self.paper_s)} here."
        )


def plan_budget(
    recordings: Sequence[Recording],
    config: RunConfig,
    seconds: float,
    mask: NDArray[np.bool_] | None = None,
    report: Report = silent,
) -> Plan:
    """Choose steps, stride and image size for a time budget.

    Parameters
    ----------
    recordings
        Prepared recordings.
    config
        Everything else.
    seconds
        The budget, set-up included.
    mask
        See ``training.run.prepare``.

    Notes
    -----
    Twenty steps are timed at the size of the cache; while the budget buys fewer than
    400 steps, the image is halved (not below 16 pixels) and timed again. The stride is
    chosen so that the steps make about ten epochs.
    """
    started = time.perf_counter()
    for size in _sizes(recordings, config):
        trial = _with(config, image_size=size, steps=CALIBRATION_STEPS)
        step_s, fit_s, period_s = _time_steps(recordings, trial, mask, report)
        left = SHARE * (seconds - (time.perf_counter() - started))
        steps = max(1, int(left / step_s))
        if steps >= ENOUGH_STEPS:
            break
    samples = steps * config.training.batch_size
    stride = float(np.clip(fit_s * EPOCHS / samples, period_s, 1.0))
    every_frame = fit_s / period_s
    most = int(PAPER_EPOCHS * every_frame / config.training.batch_size)
    steps = max(1, min(steps, max(most, CALIBRATION_STEPS)))
    planned = _with(config, image_size=size, steps=steps)
    planned = dataclasses.replace(
        planned, windows=dataclasses.replace(planned.windows, stride_s=stride)
    )
    paper_s = PAPER_EPOCHS * every_frame / config.training.batch_size * step_s
    return Plan(planned, step_s, steps * step_s, paper_s)


def duration(seconds: float) -> str:
    """Return a time span as a person says it.

    Examples
    --------
    >>> duration(75), duration(7200), duration(300_000)
    ('1 min 15 s', '2.0 h', '3.5 days')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    if seconds < 2 * 86_400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} days"


def _sizes(recordings: Sequence[Recording], config: RunConfig) -> Iterator[int]:
    """Yield the cached image height and its halves; 0 for traces."""
    neural = next(iter(recordings[0].of_kind("neural").values()), None)
    if neural is None or config.training.image_size:
        yield config.training.image_size
        return
    height, width = neural.data.shape[1:]
    size = height
    yield 0
    while size % 2 == 0 and (width * size // height) % 2 == 0:
        size //= 2
        if size < SMALLEST_IMAGE:
            return
        yield size


def _time_steps(
    recordings: Sequence[Recording],
    config: RunConfig,
    mask: NDArray[np.bool_] | None,
    report: Report,
) -> tuple[float, float, float]:
    """Return seconds per step, seconds of fit data and the frame period."""
    setup = prepare(recordings, config, mask, report)
    method: Method = setup.parts.method
    batches: Batches = setup.batches
    state = TrainingState(method, method.optimizer())
    times = [time.perf_counter()]
    one = dataclasses.replace(config.training, log_every=1)
    method.config = dataclasses.replace(config, training=one)
    for done in train_steps(state, batches.draw, make_fabric(config.training)):
        times.append(time.perf_counter())
        report("calibrate", done.step, done.total)
    step_s = float(np.median(np.diff(times)[WARMUP_STEPS:]))
    stream = setup.data.index.streams["neural"]
    period = recordings[0].streams[stream].time.period_s
    stride = max(1, round(config.windows.stride_s / period)) * period
    return step_s, len(setup.data.fit) * stride, period


def _with(config: RunConfig, *, image_size: int, steps: int) -> RunConfig:
    training = dataclasses.replace(config.training, image_size=image_size, steps=steps)
    return dataclasses.replace(config, training=training)
