"""Which arithmetic trains fastest on this machine: found by trying, opt-in.

Layouts round differently, so that the choice is made once per run, kept in
``run.json`` and used again when the run goes on.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from napari_neuroembed.config import RunConfig
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.methods.base import Method
from napari_neuroembed.models.image import ImageEncoder
from napari_neuroembed.training.setup import Setup
from napari_neuroembed.training.tryout import Clock, real_steps

TRIAL_S = 2.0
"""Seconds in which layouts are tried; every layout takes two steps in any case."""

STEP_S = TRIAL_S / 25
"""Aim for one step of a trial, which takes as many windows as that needs."""

HOPELESS = 1.5
"""A layout this many times slower than the fastest is not tried again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """How the numbers of a network lie in memory, and what computes with them.

    Parameters
    ----------
    channels_last
        Whether the channels of a pixel lie side by side in image encoders.
    precision
        Number format of the network, as in the training options.
    onednn
        Whether torch may use oneDNN on a CPU; its own kernels are faster for the few
        channels of the first convolutions.
    """

    channels_last: bool = False
    precision: Literal["fp32", "bf16"] = "fp32"
    onednn: bool = True

    def __str__(self) -> str:
        order = "channels last" if self.channels_last else "channels first"
        kernels = "oneDNN" if self.onednn else "torch's own kernels"
        return f"{order}, {self.precision}, {kernels}"

    def configure(self, config: RunConfig) -> RunConfig:
        """Return the configuration with this precision."""
        training = dataclasses.replace(config.training, precision=self.precision)
        return dataclasses.replace(config, training=training)

    def arrange(self, method: Method) -> None:
        """Lay out the image encoders of a method; their weights stay as they are."""
        for module in method.modules():
            if isinstance(module, ImageEncoder):
                module.channels_last = self.channels_last

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Let torch use oneDNN or not, and put that back afterwards."""
        before = torch.backends.mkldnn.enabled
        _allow_onednn(bool(before) and self.onednn)
        try:
            yield
        finally:
            _allow_onednn(before)


def _allow_onednn(is_allowed: object) -> None:
    torch.backends.mkldnn.enabled = is_allowed  # type: ignore[assignment]


def fixed(config: RunConfig) -> Layout:
    """Return the layout without a choice: torch's own, in the chosen precision."""
    return Layout(precision=config.training.precision)


def layouts_for(setup: Setup, device: torch.device) -> list[Layout]:
    """Return what to try, the fixed layout first.

    oneDNN matters on a CPU alone, and a precision of bf16 that was asked for is kept.
    The order of channels is tried on a GPU alone: with channels last torch 2.13 adds up
    the statistics of a batch normalisation one by one in float32 on a CPU, and with
    4,096 frames of 128 x 128 the variance was 19 % off, with 1,024 frames 3 %.
    """
    method = setup.parts.method
    on_cpu = device.type == "cpu"
    is_image = any(isinstance(m, ImageEncoder) for m in method.modules())
    asked = method.config.training.precision
    precisions: Sequence[Literal["fp32", "bf16"]] = ("fp32", "bf16")
    return [
        Layout(last, precision, onednn)
        for last, precision, onednn in itertools.product(
            (False, True) if is_image and not on_cpu else (False,),
            precisions if asked == "fp32" else (asked,),
            (True, False) if on_cpu else (True,),
        )
    ]


def choose_layout(
    setup: Setup, device: torch.device, clock: Clock = time.perf_counter
) -> tuple[Layout, float]:
    """Take real steps in every layout for about two seconds; nothing of it is kept.

    Parameters
    ----------
    setup
        The training; its network and its batches are left as they are.
    device
        Where it will run.
    clock
        Gives seconds that never go back.

    Returns
    -------
    layout, gain
        The fastest, and how many times as fast as the fixed one it is.
    """
    known = layouts_for(setup, device)
    batches, size = setup.batches, setup.batches.size
    fewest = max(2, len(setup.data.shapes.animals) if batches.is_balanced else 0)
    try:
        batches.size = min(size, fewest)
        step = _steps_in(setup, known[0], device)
        step()
        begun = clock()
        step()
        windows = int(batches.size * STEP_S / max(clock() - begun, 1e-6))
        batches.size = min(size, max(fewest, windows))
        trials = {one: _steps_in(setup, one, device) for one in known}
        seconds = time_all(trials, TRIAL_S, clock)
    finally:
        batches.size = size
    best = min(seconds, key=lambda one: seconds[one])
    gain = seconds[known[0]] / seconds[best]
    _log.info("Layout: %s (%.2f times as fast as %s).", best, gain, known[0])
    for one, step_s in seconds.items():
        _log.debug("%s: %.4f s", one, step_s)
    return best, gain


def time_all(
    trials: Mapping[Layout, Callable[[], object]], limit_s: float, clock: Clock
) -> dict[Layout, float]:
    """Return the median seconds of a step in every layout.

    They are tried in turn, so that a busy moment hits all of them. The first step of
    each is not counted, and one that is clearly slower is not tried again.
    """
    begun = clock()
    found: dict[Layout, list[float]] = {one: [] for one in trials}
    for trial in trials.values():
        trial()
    left = list(trials)
    while left:
        for one in left:
            started = clock()
            trials[one]()
            found[one].append(clock() - started)
        if clock() - begun >= limit_s:
            break
        best = min(min(found[one]) for one in left)
        left = [one for one in left if min(found[one]) <= HOPELESS * best]
    return {one: float(np.median(times)) for one, times in found.items()}


def _steps_in(setup: Setup, layout: Layout, device: torch.device) -> Callable[[], None]:
    """Return a function that takes a step of a copy of the training."""
    parts = copy.deepcopy(setup.parts)
    layout.arrange(parts.method)
    parts.method.config = layout.configure(parts.method.config)
    steps = real_steps(dataclasses.replace(setup, parts=parts))

    def step() -> None:
        with layout.in_force():
            next(steps)
            if device.type == "cuda":
                torch.cuda.synchronize(device)

    return step


def kept(info: Mapping[str, Any], run: str) -> Layout:
    """Return the layout that ``run.json`` kept of a training that goes on.

    Raises
    ------
    RunFolderError
        When it is not there or is none.
    """
    layout = _layout_of(info.get("layout"))
    if layout is None:
        raise RunFolderError(
            f"Run {run!r} cannot go on: training.layout=auto chose a layout when it "
            f"began, and run.json does not say which (found {info.get('layout')!r}). "
            "Put run.json back as it was, or train a new run."
        )
    return layout


def _layout_of(entry: object) -> Layout | None:
    known = {field.name for field in dataclasses.fields(Layout)}
    if not isinstance(entry, Mapping) or set(entry) != known:
        return None
    try:
        layout: Layout = TypeAdapter(Layout).validate_python(dict(entry))
    except ValidationError:
        return None
    return layout
