"""The training loop: a generator that yields reports and knows only `Method`."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.base import Batch, Method, Progress, StepReport
from napari_neuroembed.methods.randomness import generator, seed_for
from napari_neuroembed.options.training import TrainingOptions

FINAL_RATE = 1e-4


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


def make_fabric(options: TrainingOptions) -> Fabric:
    """Return the Fabric of the chosen device and precision.

    Raises
    ------
    TrainingError
        When a GPU is asked for and there is none.
    """
    if options.device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "training.device=cuda, but torch finds no CUDA device. Use "
            "--set training.device=auto, or install a CUDA build of torch."
        )
    accelerator = {"cuda": "gpu"}.get(options.device, options.device)
    with _quiet_advice():
        return Fabric(
            accelerator=accelerator,
            devices=1,
            precision="bf16-mixed" if options.precision == "bf16" else "32-true",
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
    TrainingError
        When the loss is not finite (naming step and terms) or memory runs out.
    """
    options, seed = state.method.config.training, state.method.config.seed
    total = options.steps
    module, optimizer = fabric.setup(state.method, state.optimizer)
    module.mark_forward_method("step")
    module.train()
    since, windows = time.perf_counter(), 0
    while state.step < total:
        step = state.step
        batch = draw_batch(step)
        rate = learning_rate(step, total, options)
        for group in optimizer.param_groups:
            group["lr"] = rate
        progress = Progress(step, total, _purposes(seed, step))
        with _own_randomness(seed, step), _memory(batch):
            loss = module.step(batch, progress)
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss.total)
            optimizer.step()
        state.step += 1
        windows += len(batch.neural)
        if state.step % options.log_every == 0 or state.step == total:
            terms = {"loss": float(loss.total.detach())}
            terms |= {k: float(v.detach()) for k, v in loss.terms.items()}
            terms["learning_rate"] = rate
            _refuse_not_finite(terms, step)
            speed = windows / max(time.perf_counter() - since, 1e-9)
            left = (total - state.step) * len(batch.neural) / max(speed, 1e-9)
            since, windows = time.perf_counter(), 0
            yield StepReport(state.step, total, terms, speed, left)
        if should_stop():
            return


def _purposes(seed: int, step: int) -> Callable[[str], torch.Generator]:
    return lambda purpose: generator(seed, step, purpose)


@contextlib.contextmanager
def _own_randomness(seed: int, step: int) -> Iterator[None]:
    """Give layers with their own randomness a seed, leaving the global state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, step, "dropout"))
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


@contextlib.contextmanager
def _quiet_advice() -> Iterator[None]:
    """Keep Fabric's advice about unused hardware away from the user's screen."""
    import logging

    logger = logging.getLogger("lightning_fabric")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _refuse_not_finite(terms: dict[str, float], step: int) -> None:
    bad = {name: value for name, value in terms.items() if not math.isfinite(value)}
    if bad:
        raise TrainingError(
            f"The loss is no longer finite at step {step}: {bad}. The last checkpoint "
            "is kept. Lower training.learning_rate, or look for extreme values in the "
            "stacks with neuroembed check."
        )
