"""Write a pose as text, in columns of ours or as DeepLabCut does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import write_text

_DIGITS = "%.9g"


def write_csv_pose(path: Path, stream: Stream) -> None:
    """Write ``time_s, <point>_x, <point>_y[, <point>_z][, <point>_likelihood]``.

    The reader `csv` gives it back to 9 digits.

    Parameters
    ----------
    path
        File to make or replace.
    stream
        A pose (time, point, 2 or 3).

    Raises
    ------
    DataError
        When the stream is no pose of two or three dimensions.
    """
    data, names, axes = _pose(path, stream)
    columns = {"time_s": stream.time.centers()}
    confidence = stream.facts.get("confidence")
    for k, name in enumerate(names):
        for d, axis in enumerate(axes):
            columns[f"{name}_{axis}"] = data[:, k, d]
        if confidence is not None:
            columns[f"{name}_likelihood"] = np.asarray(confidence)[:, k]
    table = pd.DataFrame(columns)
    write_text(path, table.to_csv(index=False, float_format=_DIGITS))


def write_deeplabcut(path: Path, stream: Stream, *, scorer: str = "neuroembed") -> None:
    """Write one animal's pose with DeepLabCut's three header rows.

    The reader `deeplabcut` gives it back to 9 digits; the rate is not in the file.

    Parameters
    ----------
    path
        File to make or replace.
    stream
        A pose (time, point, 2 or 3).
    scorer
        Name in the first header row.

    Raises
    ------
    DataError
        When the stream is no pose of two or three dimensions.
    """
    data, names, axes = _pose(path, stream)
    confidence = stream.facts.get("confidence")
    columns = {}
    for k, name in enumerate(names):
        for d, axis in enumerate(axes):
            columns[scorer, name, axis] = data[:, k, d]
        if confidence is not None:
            columns[scorer, name, "likelihood"] = np.asarray(confidence)[:, k]
    table = pd.DataFrame(columns)
    table.columns = pd.MultiIndex.from_tuples(
        list(columns), names=["scorer", "bodyparts", "coords"]
    )
    write_text(path, table.to_csv(float_format=_DIGITS))


def _pose(
    path: Path, stream: Stream
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], tuple[str, ...], str]:
    data = np.asarray(stream.data[:], dtype=np.float64)
    if stream.kind != "pose" or data.ndim != 3 or data.shape[2] not in (2, 3):
        raise DataError(
            f"{path}: expected a pose (time, point, 2 or 3), found {stream.kind} "
            f"{data.shape}. Write it as npz."
        )
    names = stream.names or tuple(f"point{k}" for k in range(data.shape[1]))
    return data, names, "xyz"[: data.shape[2]]
