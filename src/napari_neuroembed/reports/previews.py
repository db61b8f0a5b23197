"""Small pictures of a prepared recording, for those who do not get its frames."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_neuroembed.data.derived import MEAN_FILE, NEURAL_FILE
from napari_neuroembed.data.stacks import read_stack
from napari_neuroembed.errors import DataError

MAX_WIDTH = 256
MAX_FRAME = 64
N_FRAMES, N_COLUMNS = 24, 6
LOW, HIGH = 1.0, 99.5
"""Percentiles drawn black and white."""


def previews(folder: Path) -> dict[str, bytes]:
    """Return PNG pictures by name: ``mean`` and ``frames``.

    Parameters
    ----------
    folder
        ``derived/<recording>``; one without images has no pictures.
    """
    found = {}
    if (folder / MEAN_FILE).is_file():
        mean = np.load(folder / MEAN_FILE, allow_pickle=False)
        while mean.ndim > 2:  # several channels: the first
            mean = mean[0]
        found["mean"] = _png(_thinned(mean, MAX_WIDTH))
    try:
        stack = read_stack(folder / NEURAL_FILE)
    except DataError:
        return found
    rows = np.unique(np.linspace(0, len(stack) - 1, N_FRAMES).round().astype(int))
    frames = [_thinned(np.asarray(stack[i]), MAX_FRAME) for i in rows]
    found["frames"] = _png(_sheet(frames))
    return found


def _thinned(image: NDArray[Any], size: int) -> NDArray[np.float32]:
    """Average blocks of pixels until no side is longer than `size`."""
    step = int(np.ceil(max(image.shape) / size))
    height, width = (max(1, n // step) * step for n in image.shape)
    cut = np.asarray(image[:height, :width], dtype=np.float32)
    if step == 1 or min(cut.shape) < step:
        return cut
    blocks = cut.reshape(height // step, step, width // step, step)
    averaged: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return averaged


def _sheet(frames: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    height, width = frames[0].shape
    n_rows = -(-len(frames) // N_COLUMNS)
    sheet = np.full((n_rows * height, N_COLUMNS * width), np.nan, dtype=np.float32)
    for i, frame in enumerate(frames):
        y, x = (i // N_COLUMNS) * height, (i % N_COLUMNS) * width
        sheet[y : y + height, x : x + width] = frame
    return sheet


def _png(image: NDArray[np.float32]) -> bytes:
    known = image[np.isfinite(image)]
    low, high = np.percentile(known, [LOW, HIGH]) if known.size else (0.0, 1.0)
    scaled = (image - low) / max(float(high - low), 1e-12)
    grey = (np.nan_to_num(np.clip(scaled, 0.0, 1.0)) * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
