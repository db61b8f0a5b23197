"""What must not explain a score: motion, brightness and borders of every window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.derived import ANATOMICAL_FILE, QUALITY_FILE, read_mask
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.evaluation.metrics import Floats
from napari_neuroembed.training.data import window_frames

NUISANCES = ("borders", "motion", "brightness", "anatomical")
SIDE = 16


def window_nuisances(
    recordings: Sequence[Recording],
    windows: pd.DataFrame,
    stream: str,
    mask: NDArray[np.bool_],
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Return the registration's traces over every window, and why some are missing.

    Parameters
    ----------
    recordings
        Prepared recordings, in the order of `windows`.
    windows
        Window table of the neural stream.
    stream
        Name of the neural stream.
    mask
        Pixels that the encoder sees, shape (y, x); of traces (neuron,).

    Returns
    -------
    nuisances
        ``motion``: shift (y, x), the same from the recording's median, mean and
        largest step between frames, correlation with the template from its median;
        ``brightness``: mean of the raw frame, and its ratio to the recording's
        median; ``borders``: share of every pixel that the encoder sees although this
        recording does not show it, of at most 16 x 16 those that some recording lacks;
        ``anatomical``: mean frame of the anatomical channel over its mean in the
        recording, of at most 16 x 16 pixels, where every recording has that channel.
        Shapes (n_windows, k).
    absent
        Reason by name, for those that are not there.
    """
    if mask.ndim != 2:
        return {}, dict.fromkeys(NUISANCES, "traces have no registration")
    parts: dict[str, list[Floats]] = {name: [] for name in NUISANCES}
    absent: dict[str, str] = {}
    for recording in recordings:
        folder = recording.streams[stream].facts.get("folder")
        path = None if folder is None else Path(str(folder)) / QUALITY_FILE
        if path is None or not path.is_file():
            why = f"recording {recording.id} has no {QUALITY_FILE}"
            return {}, dict.fromkeys(NUISANCES, why)
        quality = pd.read_parquet(path)
        table = windows[windows["recording"] == recording.id]
        frames = window_frames(table, [recording.id], [recording.animal]).neural
        rows = np.clip(frames.numpy(), 0, len(quality) - 1)
        parts["motion"].append(_motion(quality, rows))
        parts["brightness"].append(_brightness(quality, rows))
        own = read_mask(path.parent)
        hidden = np.zeros(mask.shape) if own is None else _hidden(mask, own)
        parts["borders"].append(np.tile(hidden.ravel(), (len(rows), 1)))
        red = _anatomical(path.parent / ANATOMICAL_FILE, rows)
        if red is None:
            absent["anatomical"] = f"recording {recording.id} has no anatomical channel"
        else:
            parts["anatomical"].append(red)
    if len({part.shape[1] for part in parts["anatomical"]}) > 1:
        absent["anatomical"] = "anatomical channels of different sizes"
    for name in absent:
        del parts[name]
    found = {n: np.concatenate(p).astype(np.float32) for n, p in parts.items()}
    black = np.flatnonzero(found["borders"].any(axis=0))
    found["borders"] = found["borders"][:, black if black.size else [0]]
    return found, absent


def _anatomical(path: Path, rows: NDArray[np.int64]) -> Floats | None:
    if not path.is_file():
        return None
    frames = np.load(path, allow_pickle=False).astype(np.float64)
    usual = np.nanmean(frames, axis=0)
    usual = np.where(np.abs(usual) > 0, usual, 1.0)
    relative = np.nan_to_num(frames / usual - 1.0)
    return np.asarray(relative[rows].mean(axis=1).reshape(len(rows), -1))


def _motion(quality: pd.DataFrame, rows: NDArray[np.int64]) -> Floats:
    shift = _known(quality, ("shift_y", "shift_x"))
    step = np.zeros(len(shift))
    step[1:] = np.hypot(*np.diff(shift, axis=0).T)
    likeness = _known(quality, ("correlation",))[:, 0]
    where = shift[rows].mean(axis=1)
    return np.column_stack(
        [
            where,
            where - np.median(shift, axis=0),
            step[rows].mean(axis=1),
            step[rows].max(axis=1),
            likeness[rows].mean(axis=1) - np.median(likeness),
        ]
    )


def _brightness(quality: pd.DataFrame, rows: NDArray[np.int64]) -> Floats:
    value = _known(quality, ("brightness",))[:, 0]
    usual = max(float(np.median(value)), 1e-9)
    mean = value[rows].mean(axis=1)
    return np.column_stack([mean, mean / usual])


def _hidden(mask: NDArray[np.bool_], own: NDArray[np.bool_]) -> Floats:
    """Return the share of every seen pixel that the recording does not show."""
    shown = _averaged(own.astype(np.float64), mask.shape)
    hidden = mask * (1.0 - shown)
    side = tuple(n // max(1, -(-n // SIDE)) for n in mask.shape)
    return _averaged(hidden, side)


def _averaged(image: Floats, shape: Sequence[int]) -> Floats:
    """Average over areas; what does not divide is cut into almost equal parts."""
    for axis, n in enumerate(shape):
        edges = np.arange(n) * image.shape[axis] // n
        lengths = np.diff([*edges, image.shape[axis]])
        sums = np.add.reduceat(image, edges, axis=axis)
        image = sums / np.expand_dims(lengths, axis=1 - axis)
    return image


def _known(quality: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """Return columns with frames that were not measured set to the median."""
    table = quality[list(columns)].astype(np.float64)
    return table.fillna(table.median()).fillna(0.0).to_numpy()
