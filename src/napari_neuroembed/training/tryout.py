"""Time the steps of a training at some image size and batch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.progress import Report
from napari_neuroembed.training.loop import TrainingState, make_fabric, train_steps
from napari_neuroembed.training.setup import Setup, device_of, prepare

ENOUGH_STEPS = 400
"""A smaller image or batch is tried while the budget buys fewer steps."""

FEWEST_TIMED, MOST_TIMED = 3, 20
CANDIDATE_SHARE = 0.1
"""Share of the budget in which the steps of one candidate are timed."""

TRAINING_SHARE = 0.9
"""Share of what is left that steps may fill; the rest is for checkpoints and h."""

SMALLEST_IMAGE, SMALLEST_BATCH = 16, 32
FIRST_STEP_FACTOR = 8.0
"""A first step this many times too slow tells that a size is hopeless."""

ENDLESS_STEPS = 1_000_000

Clock = Callable[[], float]
StepRunner = Callable[[Setup], Iterator[object]]


@dataclass(frozen=True)
class Candidate:
    """A size to try.

    Parameters
    ----------
    image_size
        As in the training options; 0 is the size of the cache.
    batch_size
        Windows per step.
    work
        Pixels times windows, as a share of the largest candidate's.
    """

    image_size: int
    batch_size: int
    work: float


@dataclass(frozen=True)
class Trial:
    """What timing a candidate gave.

    Parameters
    ----------
    candidate
        What was timed.
    step_s, setup_s
        Seconds per step and before the first one.
    fit_s, period_s
        Seconds of data to train on, and of one frame.
    steps
        How many steps the rest of the budget buys.
    """

    candidate: Candidate
    step_s: float
    setup_s: float
    fit_s: float
    period_s: float
    steps: int


class Stopwatch:
    """A budget that is being spent.

    Parameters
    ----------
    seconds
        The budget.
    clock
        Gives seconds that never go back.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds, self.clock, self.started = seconds, clock, clock()

    def spent(self) -> float:
        """Return the seconds spent."""
        return self.clock() - self.started

    def buys(self, step_s: float, setup_s: float) -> int:
        """Return how many steps the rest of the budget buys, set-up taken off."""
        left = TRAINING_SHARE * (self.seconds - self.spent() - setup_s)
        return max(0, int(left / max(step_s, 1e-9)))


class Tryout:
    """Build a training at a candidate's size and time its steps.

    Parameters
    ----------
    recordings, config, mask, report
        As for :func:`plan_budget`.
    watch
        The budget.
    runner
        Takes the steps.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        config: RunConfig,
        mask: NDArray[np.bool_] | None,
        report: Report,
        watch: Stopwatch,
        runner: StepRunner,
    ) -> None:
        self.recordings, self.config, self.mask = recordings, config, mask
        self.report, self.watch, self.runner = report, watch, runner
        self._setup: Setup | None = None
        self._image_size = -1
        self._setup_s = 0.0
        self._steps: Iterator[object] = iter(())

    def run(self, candidate: Candidate, is_last: bool) -> Trial:
        """Time a candidate; after one step if that is clearly too slow.

        The last one is timed in any case.
        """
        setup = self._build(candidate)
        size = min(candidate.batch_size, setup.batches.n)
        setup.batches.size = size
        hopeless_s = math.inf if is_last else self._hopeless_s()
        step_s = self._time(hopeless_s) * candidate.batch_size / size
        stream = setup.data.index.streams["neural"]
        period_s = self.recordings[0].streams[stream].time.period_s
        stride = max(1, round(self.config.windows.stride_s / period_s))
        return Trial(
            candidate,
            step_s=step_s,
            setup_s=self._setup_s,
            fit_s=len(setup.data.fit) * stride * period_s,
            period_s=period_s,
            steps=self.watch.buys(step_s, self._setup_s),
        )

    def _build(self, candidate: Candidate) -> Setup:
        """Return the training at this image size, which batches of any size share."""
        if self._setup is not None and candidate.image_size == self._image_size:
            return self._setup
        begun = self.watch.clock()
        self._setup = None  # before the next one is loaded
        training = dataclasses.replace(
            self.config.training, image_size=candidate.image_size
        )
        config = dataclasses.replace(self.config, training=training)
        self._setup = prepare(
            self.recordings,
            config,
            self.mask,
            self.report,
            device=device_of(config),
        )
        self._steps = self.runner(self._setup)
        self._image_size = candidate.image_size
        self._setup_s = self.watch.clock() - begun
        return self._setup

    def _hopeless_s(self) -> float:
        """Return seconds of a first step that tell enough: it may be slow by itself."""
        left = max(0.0, self.watch.seconds - self.watch.spent())
        return FIRST_STEP_FACTOR * left / ENOUGH_STEPS

    def _time(self, hopeless_s: float) -> float:
        """Return the median seconds of a step after a first one."""
        clock, report = self.watch.clock, self.report
        limit = clock() + CANDIDATE_SHARE * self.watch.seconds
        first = self._step()
        if first > hopeless_s:
            return first
        times: list[float] = []
        while len(times) < MOST_TIMED:
            report("calibrate", len(times), MOST_TIMED)
            times.append(self._step())
            if len(times) >= FEWEST_TIMED and clock() >= limit:
                break
        return float(np.median(times))

    def _step(self) -> float:
        begun = self.watch.clock()
        next(self._steps)
        return self.watch.clock() - begun


def real_steps(setup: Setup) -> Iterator[object]:
    """Take real steps of a training, one per item."""
    method = setup.parts.method
    training = dataclasses.replace(
        method.config.training, log_every=1, steps=ENDLESS_STEPS
    )
    method.config = dataclasses.replace(method.config, training=training)
    state = TrainingState(method, method.optimizer())
    return train_steps(state, setup.batches.draw, make_fabric(training))


def list_candidates(
    recordings: Sequence[Recording], config: RunConfig
) -> list[Candidate]:
    """Return what to try, largest first.

    Images are halved while both sides can be and stay above 16 pixels, then the batch.
    An image size that was asked for is kept, and traces have none.
    """
    batch = config.training.batch_size
    sizes = _image_sizes(recordings, config)
    found = [Candidate(size, batch, share) for size, share in sizes]
    size, share = sizes[-1]
    n = batch // 2
    while n >= SMALLEST_BATCH:
        found.append(Candidate(size, n, share * n / batch))
        n //= 2
    return found


def _image_sizes(
    recordings: Sequence[Recording], config: RunConfig
) -> list[tuple[int, float]]:
    """Return heights, 0 for that of the cache, and their share of its pixels."""
    asked = config.training.image_size
    neural = next(iter(recordings[0].of_kind("neural").values()), None)
    found = [(asked, 1.0)]
    if neural is None or asked:
        return found
    height, width = neural.data.shape[1:]
    factor = 2
    while min(height, width) // factor >= SMALLEST_IMAGE:
        if height % factor or width % factor:
            break
        found.append((height // factor, 1 / factor**2))
        factor *= 2
    return found
