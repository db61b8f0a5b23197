"""The readers of label files, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_neuroembed.data.readers.labels import boris
from napari_neuroembed.data.readers.labels import frames as labels_frames
from napari_neuroembed.data.readers.labels import intervals as labels_intervals
from napari_neuroembed.data.readers.labels.file import (
    ClockOf,
    LabelFile,
    ReadLabels,
)
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

__all__ = ["LABEL_READERS", "LabelFile", "LabelReader", "find_format", "read_labels"]


@dataclass(frozen=True)
class LabelReader:
    """One format of labels.

    Parameters
    ----------
    name
        What ``--format`` takes.
    sniff
        From a path to how sure the reader is (0 to 1) and why.
    read
        See :class:`~napari_neuroembed.data.readers.labels.file.ReadLabels`.
    options
        Settings it understands, with what they mean.
    zero
        Whose zero its seconds count from: that of the recording, or of the camera that
        was looked at (its video, else its pose).
    """

    name: str
    sniff: Callable[[Path], tuple[float, str]]
    read: ReadLabels
    options: Mapping[str, str]
    zero: Literal["recording", "camera"] = "recording"


LABEL_READERS: dict[str, LabelReader] = {
    reader.name: reader
    for reader in (
        LabelReader(
            "csv-frames",
            labels_frames.sniff,
            labels_frames.read_labels,
            labels_frames.OPTIONS,
        ),
        LabelReader(
            "csv-intervals",
            labels_intervals.sniff,
            labels_intervals.read_labels,
            labels_intervals.OPTIONS,
        ),
        LabelReader(
            boris.NAME, boris.sniff, boris.read_labels, boris.OPTIONS, zero="camera"
        ),
        LabelReader(
            boris.AGGREGATED,
            boris.sniff_aggregated,
            boris.read_labels,
            boris.OPTIONS,
            zero="camera",
        ),
    )
}


def find_format(path: Path) -> str:
    """Return the name of the reader that knows a file best.

    Raises
    ------
    DataError
        When none does, or two do equally; says what each of them found.
    """
    found = {name: reader.sniff(Path(path)) for name, reader in LABEL_READERS.items()}
    ranked = sorted(found, key=lambda name: -found[name][0])
    said = "; ".join(f"{name}: {found[name][1]}" for name in ranked)
    if found[ranked[0]][0] == 0:
        raise DataError(f"{path} is in no known format of labels ({said}).")
    if len(ranked) > 1 and found[ranked[0]][0] - found[ranked[1]][0] < 0.1:
        raise DataError(f"{path} may be in several formats ({said}). Give --format.")
    return ranked[0]


def read_labels(
    path: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the flag's name
    rate_hz: float | None = None,
    start_s: float = 0.0,
    time: TimeAxis | ClockOf | None = None,
    options: Mapping[str, Any] | None = None,
    accept: Collection[str] = (),
) -> LabelFile:
    """Read a file of labels.

    Parameters
    ----------
    path
        The file.
    format
        A key of :data:`LABEL_READERS`; None: look at the content.
    rate_hz, start_s, time, options, accept
        See :class:`~napari_neuroembed.data.readers.labels.file.ReadLabels`.

    Raises
    ------
    DataError
        When the format is unknown or the file has errors that were not accepted.
    """
    path = Path(path)
    name = find_format(path) if format is None else format
    if name not in LABEL_READERS:
        raise DataError(
            f"{name!r} is no format of labels. Known: {', '.join(LABEL_READERS)}."
        )
    return LABEL_READERS[name].read(
        path,
        rate_hz=rate_hz,
        start_s=start_s,
        time=time,
        options=options,
        accept=accept,
    )
