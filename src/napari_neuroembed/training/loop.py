"""The training loop: a generator that yields reports and knows only `Method`."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.base import Batch, Method, Progress, StepReport
from napari_neuroembed.methods.randomness import generator, seed_for
from napari_neuroembed.options.training import TrainingOptions
from napari_neuroembed.training.ranks import (
    Meeting,
    Place,
    quiet_advice,
    ranks_of,
    same_everywhere,
)

FINAL_RATE = 1e-4
PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
}
SILENCE = timedelta(minutes=10)
"""After that much waiting for another process of the training something is wrong."""


class LossNotFiniteError(TrainingError):
    """A loss or one of its terms is NaN or infinite.

    Parameters
    ----------
    text
        For the user.
    step
        The step, from 0.
    """

    def __init__(self, text: str, step: int) -> None:
        super().__init__(text)
        self.step = step


@dataclass
class TrainingState:
    """What changes while a training runs; the rest is a function of (seed, step).

    Parameters
    ----------
    method
        Network and buffers.
    optimizer
        Its optimiser.
    step
        Steps done.
    """

    method: Method
    optimizer: torch.optim.Optimizer
    step: int = 0


def learning_rate(step: int, total: int, options: TrainingOptions) -> float:
    """Return the learning rate of a step.

    Notes
    -----
    A linear warm-up over ``warmup * total`` steps, then half a cosine down to nothing
    (``cosine``: linear warm-up from 0; ``one_cycle``: cosine warm-up from 1/25), or the
    same rate to the end (``constant``).
    """
    peak = options.learning_rate
    warm = options.warmup * total
    if step < warm:
        part = (step + 1) / (warm + 1)
        if options.schedule == "one_cycle":
            return peak * (1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * part)) / 2)
        return peak * part
    if options.schedule == "constant":
        return peak
    part = (step - warm) / max(1.0, total - warm)
    return peak * (FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * part)) / 2)


def make_fabric(
    options: TrainingOptions, place: Place | None = None, *, by_animal: bool = False
) -> Fabric:
    """Return the Fabric of the chosen device and precision.

    Parameters
    ----------
    options
        Device and precision.
    place
        Which of several processes this is; alone when not given.
    by_animal
        Whether some weights belong to one animal, which may be missing in a share.

    Raises
    ------
    TrainingError
        When GPUs are asked for and there are not that many.
    """
    size = place.size if place is not None else 1
    on_gpu = options.device == "cuda" or (
        options.device == "auto" and torch.cuda.is_available()
    )
    found = torch.cuda.device_count() if on_gpu else size
    if found < size:
        raise TrainingError(
            f"training.device={options.device} and training.devices={size}, but torch "
            f"finds {found or 'no'} CUDA device. Use --set training.device=auto, fewer "
            "devices, or install a CUDA build of torch."
        )
    accelerator = "gpu" if on_gpu else options.device
    if size > 1 and not on_gpu:
        accelerator = "cpu"
    with quiet_advice():
        return Fabric(
            accelerator=accelerator,
            devices=size,
            strategy=together(place, by_animal) if place and size > 1 else "auto",
            precision=PRECISIONS[options.precision],
        )


def together(place: Place, by_animal: bool) -> DDPStrategy:
    """Return the strategy of one of several processes."""
    return DDPStrategy(
        cluster_environment=Meeting(place),
        timeout=SILENCE,
        find_unused_parameters=by_animal,
    )


def train_steps(
    state: TrainingState,
    draw_batch: Callable[[int], Batch],
    fabric: Fabric,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[StepReport]:
    """Run a training to its end, yielding a report every ``log_every`` steps.

    Parameters
    ----------
    state
        Changed in place; `state.step` says where to begin.
    draw_batch
        Step -> the batch of that step, a pure function of (seed, step).
    fabric
        Device and precision.
    should_stop
        Asked once per step; True ends the generator after the step.

    Yields
    ------
    StepReport

    Raises
    ------
    LossNotFiniteError
        Naming step and terms: on a CPU at once, elsewhere at the next logged step.
    TrainingError
        When memory runs out.
    """
    options, seed = state.method.config.training, state.method.config.seed
    total = options.steps
    ranks = ranks_of(fabric)
    same_everywhere(fabric, state.step)
    module, optimizer = fabric.setup(_Step(state.method), state.optimizer)
    module.train()
    since, windows = time.perf_counter(), 0
    while state.step < total:
        step = state.step
        batch = draw_batch(step)
        rate = learning_rate(step, total, options)
        for group in optimizer.param_groups:
            group["lr"] = rate
        progress = Progress(step, total, _purposes(seed, step), ranks)
        with _own_randomness(seed, step, ranks.rank), _memory(batch):
            loss, others = module(_Given(batch, progress))
            if loss.device.type == "cpu":  # elsewhere a look would wait for the device
                _refuse_not_finite({"loss": float(loss.detach())}, step)
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss)
            optimizer.step()
        state.step += 1
        n = len(batch.neural) * ranks.size
        windows += n
        if state.step % options.log_every == 0 or state.step == total:
            terms = {"loss": float(loss.detach())}
            terms |= {k: float(v.detach()) for k, v in others.items()}
            terms["learning_rate"] = rate
            _refuse_not_finite(terms, step)
            speed = windows / max(time.perf_counter() - since, 1e-9)
            left = (total - state.step) * n / max(speed, 1e-9)
            since, windows = time.perf_counter(), 0
            yield StepReport(state.step, total, terms, speed, left)
        if should_stop():
            return


class _Given:
    """What a step is given; no dataclass, which Fabric would take apart."""

    def __init__(self, batch: Batch, progress: Progress) -> None:
        self.batch, self.progress = batch, progress


class _Step(nn.Module):
    """A step as the `forward` that Fabric gives its precision and its processes."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, given: _Given) -> tuple[Tensor, dict[str, Tensor]]:
        loss = self.method.step(given.batch, given.progress)
        return loss.total, dict(loss.terms)


def _purposes(seed: int, step: int) -> Callable[[str], torch.Generator]:
    return lambda purpose: generator(seed, step, purpose)


@contextlib.contextmanager
def _own_randomness(seed: int, step: int, rank: int) -> Iterator[None]:
    """Give layers with their own randomness a seed, leaving the global state alone."""
    purpose = f"dropout/{rank}" if rank else "dropout"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, step, purpose))
        yield


@contextlib.contextmanager
def _memory(batch: Batch) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        n = len(batch.neural)
        raise TrainingError(
            f"The device ran out of memory with {n} windows per step. Try "
            f"--set training.batch_size={max(2, n // 2)}, a smaller "
            "training.image_size, or --set training.precision=bf16."
        ) from error


def _refuse_not_finite(terms: dict[str, float], step: int) -> None:
    bad = {name: value for name, value in terms.items() if not math.isfinite(value)}
    if bad:
        raise LossNotFiniteError(
            f"The loss is no longer finite at step {step}: {bad}. The last checkpoint "
            "is kept, and what went into the step is in run.json (not_finite). Lower "
            "training.learning_rate, or look for extreme values in the stacks with "
            "neuroembed check.",
            step,
        )
