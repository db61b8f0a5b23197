"""The writers of label files, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.writers import (
    labels_boris,
    labels_frames,
    labels_intervals,
)


class WriteLabels(Protocol):
    """How every writer of labels is called; returns what the file cannot hold."""

    def __call__(
        self,
        path: Path,
        by_rater: Mapping[tuple[str, str], Bouts],
        *,
        time: TimeAxis | None = None,
        replace: bool = False,
        spreadsheet_safe: bool = False,
    ) -> list[str]:
        """Write bouts, by recording and rater."""


LABEL_WRITERS: dict[str, WriteLabels] = {
    "csv-frames": labels_frames.write_labels,
    "csv-intervals": labels_intervals.write_labels,
    "boris": labels_boris.write_events,
    "boris-aggregated": labels_boris.write_states,
}
"""By the names that the readers have."""
