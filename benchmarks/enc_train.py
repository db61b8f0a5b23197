"""Training steps of the image encoder in its fastest layout, beside a plain module."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measure import (
    Ratio,
    Result,
    Row,
    Settings,
    at_least,
    has_bf16,
    interleaved,
    measured,
    ratio,
)
from napari_neuroembed.config import RunConfig, default
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.models.image import ImageEncoder
from napari_neuroembed.options.models import EncoderOptions
from napari_neuroembed.training.layout import Layout, layouts_for, time_all
from napari_neuroembed.training.setup import Setup, prepare
from napari_neuroembed.training.tryout import real_steps

FP32_TARGET, BF16_TARGET = 1.3, 1.8
GPU_TARGET = 30_000.0
"""Windows of 32 x 128 x 128 per second on an H200."""

MOST_FP32, MOST_BF16 = 1e-3, 0.1
"""Largest distance of the embeddings from those in float64, as a share of their
length."""

TRIAL_S = 2.0
RATE_HZ = 16.0
PLAIN = "plain module"


def run(settings: Settings) -> Result:
    """Take batches of the paper's windows; on a GPU larger ones."""
    if settings.device == "cuda":
        sizes = (64,) if settings.quick else (64, 512)
    else:
        sizes = (4,) if settings.quick else (8, 32)
    return compare(settings, sizes, frames=32, size=128)


def compare(
    settings: Settings, batches: tuple[int, ...], frames: int, size: int
) -> Result:
    """Compare steps (forward, backward, optimiser) of the same weights and windows.

    Parameters
    ----------
    settings
        Device, repeats, threads.
    batches
        Windows per step.
    frames, size
        Frames of a window, and their height and width in pixels.
    """
    rows: list[Row] = []
    ratios: list[Ratio] = []
    chosen: dict[str, str] = {}
    for n in batches:
        rig = Rig(settings, n, frames, size)
        found = _one_batch(settings, rig, chosen)
        rows, ratios = rows + found[0], ratios + found[1]
    rows.append(_whole_steps(settings, batches[-1], frames, size, chosen))
    parameters = {
        "windows": list(batches),
        "frames": frames,
        "image_size": size,
        "has_bf16": has_bf16(),
        **chosen,
    }
    return Result(rows, ratios, parameters)


class PlainEncoder(nn.Module):
    """The reference written plainly: batch and time as one axis, nothing chosen.

    Parameters
    ----------
    like
        Its weights are taken, and its temporal half, which is about a hundredth of
        the work.
    """

    def __init__(self, like: ImageEncoder) -> None:
        super().__init__()
        widths = [m.out_channels for m in like.convolutions if isinstance(m, nn.Conv2d)]
        layers: list[nn.Module] = []
        for before, filters in zip([1, *widths], widths, strict=False):
            layers += [
                nn.Conv2d(before, filters, kernel_size=3, padding=1),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.convolutions = nn.Sequential(*layers)
        self.fc13 = nn.Linear(like.fc13.in_features, like.fc13.out_features)
        self.fc14 = nn.Linear(like.fc14.in_features, like.fc14.out_features)
        self.head = copy.deepcopy(like.head)
        self.load_state_dict(like.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """Embed windows (batch, time, y, x)."""
        hidden = self.convolutions(x.reshape(-1, 1, *x.shape[2:])).flatten(1)
        features = self.fc14(self.fc13(hidden).relu())
        embedding: Tensor = self.head(features.reshape(*x.shape[:2], -1))
        return embedding


class Rig:
    """Windows, the two modules with the same weights, and steps of either.

    Parameters
    ----------
    settings
        Device.
    n, frames, size
        Windows per step, their frames, and height and width of these.
    """

    def __init__(self, settings: Settings, n: int, frames: int, size: int) -> None:
        self.n, self.device = n, torch.device(settings.device)
        rng = torch.Generator().manual_seed(0)
        self.windows = _scenes(rng, n, frames, size).to(self.device)
        self.aim = torch.randn(n, 128, generator=rng).to(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.ours = ImageEncoder(EncoderOptions(), size, size)
        self.plain = PlainEncoder(self.ours).to(self.device)
        self.ours = self.ours.to(self.device)

    def step_of(self, layout: Layout | None) -> Callable[[], None]:
        """Return a training step of a copy; no layout is the plain module."""
        module = copy.deepcopy(self.plain if layout is None else self.ours)
        layout = layout or Layout()
        if isinstance(module, ImageEncoder):
            module.channels_last = layout.channels_last
        optimizer = torch.optim.AdamW(module.parameters())

        def step() -> None:
            with layout.in_force():
                optimizer.zero_grad(set_to_none=True)
                embedding = self._embed(module, layout)
                nn.functional.mse_loss(embedding, self.aim).backward()
                optimizer.step()

        return step

    def embeddings_of(self, layout: Layout | None, *, exact: bool = False) -> Tensor:
        """Return what the first step makes of the windows; exactly: in float64."""
        module = copy.deepcopy(self.plain if layout is None else self.ours)
        layout = layout or Layout()
        if exact:
            module = module.double()
        if isinstance(module, ImageEncoder):
            module.channels_last = layout.channels_last
        with layout.in_force(), torch.no_grad():
            return self._embed(module, layout).double()

    def _embed(self, module: nn.Module, layout: Layout) -> Tensor:
        kind = next(module.parameters()).dtype
        is_half = layout.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=is_half):
            embedding: Tensor = module(self.windows.to(kind))
        return embedding.to(kind)


def _scenes(rng: torch.Generator, n: int, frames: int, size: int) -> Tensor:
    """Draw smooth scenes that differ between windows and change within them.

    White noise would look alike to an untrained encoder in every window; normalising
    what is left then multiplies rounding by a hundred.
    """
    coarse = torch.randn(n, 1, 8, 8, generator=rng)
    coarse = coarse + 0.5 * torch.randn(n, frames, 8, 8, generator=rng)
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return smooth + 0.3 * torch.randn(n, frames, size, size, generator=rng)


def _one_batch(
    settings: Settings, rig: Rig, chosen: dict[str, str]
) -> tuple[list[Row], list[Ratio]]:
    """Choose as a training does, in float32 alone and among all, then compare."""
    known = _layouts(rig.device)
    singles = [one for one in known if one.precision == "fp32"]
    plain = f"{PLAIN}, {rig.n} windows"
    names: dict[str, Layout | None] = {plain: None}
    for label, layouts in (("fp32", singles), ("bf16", known)):
        best = _fastest(settings, rig, layouts)
        name = f"fastest {'in fp32' if label == 'fp32' else 'of all'}, {rig.n} windows"
        chosen[name], names[name] = str(best), best
    variants = {name: rig.step_of(layout) for name, layout in names.items()}
    times = interleaved(variants, settings)
    expected = rig.embeddings_of(None, exact=True)
    work = dict.fromkeys(variants, float(rig.n))
    rows, ratios = [], []
    for name, layout in names.items():
        error = (rig.embeddings_of(layout) - expected).norm() / expected.norm()
        is_half = layout is not None and layout.precision == "bf16"
        rows.append(
            measured(
                name,
                times,
                rig.n,
                f"windows per {settings.second}",
                (float(error), "from float64"),
                is_peer=layout is None,
                error_limit=MOST_BF16 if is_half else MOST_FP32,
            )
        )
        if layout is not None:
            target = BF16_TARGET if name.startswith("fastest of all") else FP32_TARGET
            if target == BF16_TARGET and not _multiplies_bf16(rig.device):
                continue
            ratios.append(ratio(name, plain, times, work, target))
    if settings.device == "cuda":
        ratios.append(at_least(name, GPU_TARGET, "windows per s", times, rig.n))
    return rows, ratios


def _multiplies_bf16(device: torch.device) -> bool:
    return device.type == "cuda" or has_bf16()


def _layouts(device: torch.device) -> list[Layout]:
    """Return the layouts that a training would try on this device."""
    return layouts_for(_setup(2, 4, 16, torch.device("cpu")), device)


def _fastest(settings: Settings, rig: Rig, layouts: list[Layout]) -> Layout:
    clock = time.process_time if settings.device == "cpu" else time.perf_counter

    def finished(step: Callable[[], None]) -> None:
        step()
        if settings.device == "cuda":
            torch.cuda.synchronize()

    trials = {one: partial(finished, rig.step_of(one)) for one in layouts}
    seconds = time_all(trials, TRIAL_S, clock)
    return min(seconds, key=lambda one: seconds[one])


def _whole_steps(
    settings: Settings, n: int, frames: int, size: int, chosen: dict[str, str]
) -> Row:
    """Time steps of a whole training: batches, augmentations, both encoders, loss."""
    device = torch.device(settings.device)
    setup = _setup(n, frames, size, device)
    rig = Rig(settings, n, frames, size)
    best = _fastest(settings, rig, _layouts(device))
    best.arrange(setup.parts.method)
    setup.parts.method.config = best.configure(setup.parts.method.config)
    steps = real_steps(setup)
    losses: list[float] = []

    def step() -> None:
        report = next(steps)
        losses.append(report.terms["loss"])

    name = f"whole training step, {n} windows"
    chosen[name] = f"{best}; {setup.data.neural.sentence()}"
    with best.in_force():
        times = interleaved({name: step}, settings)
    bad = float(np.sum(~np.isfinite(losses)))
    return measured(
        name,
        times,
        len(setup.batches.rows(0)),
        f"windows per {settings.second}",
        (bad, "losses that are not finite"),
        error_limit=0.0,
    )


def _setup(n: int, frames: int, size: int, device: torch.device) -> Setup:
    """Return a training on two animals whose frames and poses are noise."""
    rng = np.random.default_rng(0)
    config = _config(n, device)
    n_frames = max(200, 8 * frames + n)
    recordings = []
    for animal in ("fly1", "fly2"):
        stack = rng.standard_normal((n_frames, size, size), dtype=np.float32)
        poses = rng.standard_normal((n_frames, 20), dtype=np.float32)
        clock = TimeAxis(n_frames, rate_hz=RATE_HZ)
        streams = {
            "neural": Stream("neural", stack, clock),
            "pose": Stream("pose", poses, clock),
        }
        recordings.append(Recording(f"{animal}_0", animal, streams))
    return prepare(recordings, config, None, device=device)


def _config(n: int, device: torch.device) -> RunConfig:
    config = default()
    windows = dataclasses.replace(config.windows, stride_s=1 / RATE_HZ)
    training = dataclasses.replace(
        config.training,
        batch_size=n,
        device="cuda" if device.type == "cuda" else "cpu",
    )
    return dataclasses.replace(config, windows=windows, training=training)
