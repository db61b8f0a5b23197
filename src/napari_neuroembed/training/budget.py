"""Turn a time budget into steps, stride, image size and batch by timing real steps."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import torch
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.training.memory import freed_blocks_kept
from napari_neuroembed.training.tryout import (
    ENOUGH_STEPS,
    MOST_TIMED,
    Candidate,
    Clock,
    StepRunner,
    Stopwatch,
    Trial,
    Tryout,
    list_candidates,
    real_steps,
)

FEW_STEPS = 100
CALIBRATION_SHARE = 0.4
"""Share of the budget after which no further candidate is tried."""

FASTEST, SLOWEST = 0.5, 2.0
"""A size that was not timed may take half or twice the time its work suggests."""

EPOCHS, PAPER_EPOCHS = 10, 200
FEWEST_BATCHES = 4
LONGEST_STRIDE_S = 1.0


@dataclass(frozen=True)
class Plan:
    """What a time budget buys.

    Parameters
    ----------
    config
        With steps, stride, image size and batch filled in.
    step_s
        Measured seconds per step.
    expected_s
        Expected seconds of training, set-up included.
    paper_s
        What 200 epochs over every frame's window would take here.
    ends
        When the training is expected to end.
    """

    config: RunConfig
    step_s: float
    expected_s: float
    paper_s: float
    ends: datetime

    def sentence(self) -> str:
        """Say what was chosen, how long it takes and when it ends."""
        training, windows = self.config.training, self.config.windows
        size = f", images {training.image_size} px" if training.image_size else ""
        little = (
            " So few steps learn little: give more time."
            if training.steps < FEW_STEPS
            else ""
        )
        return (
            f"{training.steps:,} steps of {training.batch_size} windows every "
            f"{windows.stride_s:.3g} s{size}: about {duration(self.expected_s)} "
            f"({self.step_s * 1000:.0f} ms per step), until about "
            f"{clock_time(self.ends)}. The paper's schedule (200 epochs over every "
            f"frame) would take about {duration(self.paper_s)} here.{little}"
        )


def plan_budget(
    recordings: Sequence[Recording],
    config: RunConfig,
    seconds: float,
    mask: NDArray[np.bool_] | None = None,
    report: Report = silent,
    *,
    clock: Clock = time.perf_counter,
    runner: StepRunner | None = None,
) -> Plan:
    """Choose steps, stride, image size and batch for a time budget.

    Parameters
    ----------
    recordings
        Prepared recordings.
    config
        Everything else.
    seconds
        The budget, set-up and calibration included.
    mask
        See ``training.setup.prepare``.
    report
        Told about every timed step.
    clock, runner
        What tells the time and what takes one step per item; default the real ones.

    Notes
    -----
    Images are halved down to 16 pixels, then the batch down to 32 windows, until the
    budget buys 400 steps; if nothing does, what buys most is taken. At each size one
    step warms up and 3 to 20 are timed within a tenth of the budget. A size that even
    at twice its expected speed could not buy 400 steps is left out untimed. The stride
    makes about ten epochs of the steps and leaves four batches of windows where there
    are as many.

    Raises
    ------
    ConfigError
        When several processes are to share the training.
    """
    if config.training.devices > 1:
        raise ConfigError(
            "A time budget is measured in one process, and training.devices="
            f"{config.training.devices}. Give a number of steps instead: --budget "
            "paper (or twin, quick) --set training.steps=N."
        )
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    watch = Stopwatch(seconds, clock)
    tryout = Tryout(recordings, config, mask, report, watch, runner or real_steps)
    with freed_blocks_kept():
        best = choose(list_candidates(recordings, config), tryout.run, watch)
    return make_plan(config, best)


def choose(
    candidates: Sequence[Candidate],
    run: Callable[[Candidate, bool], Trial],
    watch: Stopwatch,
) -> Trial:
    """Time candidates, largest first, until one buys enough steps.

    Parameters
    ----------
    candidates
        At least one.
    run
        Times one; told whether it is the last.
    watch
        The budget.
    """
    last = candidates[-1]
    best = run(candidates[0], candidates[0] is last)
    for candidate in candidates[1:]:
        if best.steps >= ENOUGH_STEPS:
            break
        if watch.spent() > CALIBRATION_SHARE * watch.seconds:
            return max(best, extrapolate(best, last, SLOWEST, watch), key=_steps)
        hoped = extrapolate(best, candidate, FASTEST, watch)
        if candidate is last or hoped.steps >= ENOUGH_STEPS:
            best = max(best, run(candidate, candidate is last), key=_steps)
    return best


def extrapolate(
    known: Trial, candidate: Candidate, factor: float, watch: Stopwatch
) -> Trial:
    """Return what another candidate would give if time went with pixels and windows.

    Parameters
    ----------
    known
        A candidate that was timed.
    candidate
        One that was not.
    factor
        On the time that follows; below 1 to hope, above 1 to be careful.
    watch
        The budget.
    """
    step_s = known.step_s * candidate.work / known.candidate.work * factor
    steps = watch.buys(step_s, known.setup_s)
    return dataclasses.replace(known, candidate=candidate, step_s=step_s, steps=steps)


def _steps(trial: Trial) -> int:
    return trial.steps


def make_plan(config: RunConfig, trial: Trial) -> Plan:
    """Fill a configuration in with the candidate that was chosen."""
    batch = trial.candidate.batch_size
    per_epoch = trial.fit_s / trial.period_s / batch
    paper_steps = max(MOST_TIMED, int(PAPER_EPOCHS * per_epoch))
    steps = max(1, min(trial.steps, paper_steps))
    stride_s = choose_stride(steps * batch, batch, trial.fit_s, trial.period_s)
    expected_s = trial.setup_s + steps * trial.step_s
    training = dataclasses.replace(
        config.training,
        image_size=trial.candidate.image_size,
        batch_size=batch,
        steps=steps,
    )
    windows = dataclasses.replace(config.windows, stride_s=stride_s)
    return Plan(
        dataclasses.replace(config, training=training, windows=windows),
        step_s=trial.step_s,
        expected_s=expected_s,
        paper_s=PAPER_EPOCHS * per_epoch * trial.step_s,
        ends=datetime.now().astimezone() + timedelta(seconds=expected_s),
    )


def choose_stride(samples: int, batch: int, fit_s: float, period_s: float) -> float:
    """Return seconds between windows that make ten epochs and leave four batches.

    Parameters
    ----------
    samples
        Windows that the training will have seen.
    batch
        Windows per step.
    fit_s, period_s
        Seconds to train on, and of one frame.

    Examples
    --------
    >>> choose_stride(40_000, 100, fit_s=1000.0, period_s=0.1)
    0.2
    >>> choose_stride(100, 100, fit_s=100.0, period_s=0.1)
    0.2
    >>> choose_stride(100, 100, fit_s=10.0, period_s=0.1)
    0.1
    """
    wanted = max(samples / EPOCHS, FEWEST_BATCHES * batch)
    stride_s = min(fit_s / wanted, LONGEST_STRIDE_S)
    frames = max(1, math.floor(stride_s / period_s + 1e-6))
    return round(frames * period_s, 9)


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


def clock_time(moment: datetime, now: datetime | None = None) -> str:
    """Return the time of day, with the date when it is not today.

    Examples
    --------
    >>> noon = datetime(2026, 3, 1, 12, 0)
    >>> clock_time(noon, now=noon), clock_time(noon + timedelta(days=1), now=noon)
    ('12:00', '12:00 on 2026-03-02')
    """
    today = (now or datetime.now(moment.tzinfo)).date()
    day = "" if moment.date() == today else f" on {moment:%Y-%m-%d}"
    return f"{moment:%H:%M}{day}"
