"""Embedding a recording with frames shared by its windows, or window by window."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measure import Result, Settings, interleaved, measured, ratio
from napari_neuroembed.config import RunConfig, default
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.evaluation.embed import Embedded, embed, neural_bank
from napari_neuroembed.methods import as_defined
from napari_neuroembed.methods.base import Batch
from napari_neuroembed.training.data import window_frames
from napari_neuroembed.training.model import Model
from napari_neuroembed.training.setup import prepare

RATE_HZ = 16.0
TARGET = 20.0
MAX_DIFFERENCE = 1e-4
"""In units of the embedding's spread (sd) over the windows."""
SHARED, ALONE = "frames shared", "window by window"


def run(settings: Settings) -> Result:
    """Embed with stride 1; the plain way is timed on a few hundred windows."""
    n_frames, size, n_alone = (2000, 64, 64) if settings.quick else (20_000, 128, 256)
    return compare(settings, n_frames, size, n_alone)


def compare(settings: Settings, n_frames: int, size: int, n_alone: int) -> Result:
    """Compare both ways on one recording.

    Parameters
    ----------
    settings
        Device, repeats, threads.
    n_frames, size
        Frames of the recording, and their height and width in pixels.
    n_alone
        Windows that the plain way embeds.
    """
    device = torch.device(settings.device)
    recording = _recording(n_frames, size)
    model = _model(recording)
    shared: list[Embedded] = []
    alone: list[NDArray[np.float32]] = []
    stride_s = 1 / RATE_HZ
    first = embed(model, [recording], stride_s=stride_s, device=device)
    rows = first.windows.iloc[:: max(1, len(first.windows) // n_alone)][:n_alone]
    times = interleaved(
        {
            SHARED: lambda: shared.append(
                embed(model, [recording], stride_s=stride_s, device=device)
            ),
            ALONE: partial(_window_by_window, model, recording, rows, device, alone),
        },
        settings,
    )
    work = {SHARED: float(len(first.windows)), ALONE: float(len(rows))}
    chosen = rows.index.to_numpy()
    h = shared[-1].arrays["neural"]
    difference = float(np.abs(h[chosen] - alone[-1]).max() / h.std(axis=0).mean())
    errors = {SHARED: difference, ALONE: 0.0}
    found = [
        measured(
            name,
            times,
            work[name],
            f"windows per {settings.second}",
            (error, "largest difference, in sd over windows"),
            is_peer=name == ALONE,
            error_limit=MAX_DIFFERENCE if name == SHARED else None,
        )
        for name, error in errors.items()
    ]
    parameters = {
        "frames": n_frames,
        "image_size": size,
        "window_frames": model.config.windows.neural_frames,
        "stride_frames": 1,
        "windows_alone": len(rows),
        "max_difference": MAX_DIFFERENCE,
    }
    return Result(found, (ratio(SHARED, ALONE, times, work, TARGET),), parameters)


def _recording(n_frames: int, size: int) -> Recording:
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((n_frames, size, size), dtype=np.float32)
    stream = Stream("neural", frames, TimeAxis(n_frames, rate_hz=RATE_HZ))
    return Recording("benchmark", "fly1", {"neural": stream})


def _model(recording: Recording) -> Model:
    """Build the paper's encoder and windows (32 frames), untrained.

    Its batch normalisations see some windows first: without, all windows of a fresh
    encoder have nearly the same embedding, and a wrong one would not be noticed.
    """
    config = as_defined(default(), "simclr_views")
    papers = dataclasses.replace(config.windows, neural_frames=32, neural_step=1)
    config = dataclasses.replace(config, windows=papers)
    few = Recording("few", recording.animal, {"neural": _first(recording, 200)})
    setup = prepare([few], _small_batches(config), None)
    method, windows = setup.parts.method.train(), setup.data.windows
    with torch.no_grad():
        for start in range(0, 160, 4):
            rows = (start + torch.arange(16)) % len(windows)
            gathered = setup.data.neural.gather(
                windows.recording[rows], windows.neural[rows]
            )
            method.embed(Batch(gathered, None, windows.animal[rows]))
    setup.parts.eval()
    return Model(setup.parts, config, setup.data.index.streams, 0)


def _first(recording: Recording, n_frames: int) -> Stream:
    data = recording.streams["neural"].data[:n_frames]
    return Stream("neural", data, TimeAxis(n_frames, rate_hz=RATE_HZ))


def _small_batches(config: RunConfig) -> RunConfig:
    training = dataclasses.replace(config.training, batch_size=2)
    return dataclasses.replace(config, training=training)


@torch.no_grad()
def _window_by_window(
    model: Model,
    recording: Recording,
    rows: object,
    device: torch.device,
    out: list[NDArray[np.float32]],
) -> None:
    """Give every window with all its frames to the encoder, 16 at a time."""
    bank = neural_bank(model, recording, device=device)
    frames = window_frames(rows, [recording.id], model.parts.method.shapes.animals)
    parts = []
    for start in range(0, len(frames), 16):
        part = slice(start, start + 16)
        windows = bank.gather(frames.recording[part], frames.neural[part])
        batch = Batch(windows, None, frames.animal[part].clamp(min=0).to(device))
        parts.append(model.parts.method.embed(batch)["neural"].cpu().numpy())
    out.append(np.concatenate(parts))
