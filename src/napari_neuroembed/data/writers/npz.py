"""Write a pose, trace or scalar stream as npz, exactly as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import write_file


def write_npz(path: Path, stream: Stream) -> None:
    """Write one stream so that the reader `npz` gives it back unchanged.

    Kept are the values, names, unit, confidence, and either the rate or the time of
    every frame; the start of a regular clock is not (it belongs to `sync`).

    Parameters
    ----------
    path
        File to make or replace.
    stream
        Of kind pose, trace or scalar.

    Raises
    ------
    DataError
        For other kinds of stream, or when the disk is full.
    """
    if stream.kind not in ("pose", "trace", "scalar"):
        raise DataError(
            f"{path}: an npz holds a pose, trace or scalar stream, not {stream.kind}. "
            "Images are written as TIFF."
        )
    arrays: dict[str, Any] = {stream.kind: np.asarray(stream.data[:])}
    if stream.time.rate_hz is not None:
        arrays["rate_hz"] = np.float64(stream.time.rate_hz)
    else:
        arrays["times_s"] = stream.time.centers()
    if stream.names:
        arrays["names"] = np.array(stream.names)
    if stream.units:
        arrays["units"] = np.array(stream.units)
    if stream.facts.get("confidence") is not None:
        arrays["confidence"] = np.asarray(stream.facts["confidence"])

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)

    write_file(path, write)
