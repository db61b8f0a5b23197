"""Labels as one row per camera frame: 1 present, 0 absent, -1 nobody looked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.readers.labels.file import frame_edges
from napari_neuroembed.data.readers.labels.frames import (
    INDEX_COLUMNS,
    LABEL_COLUMNS,
    TIME_COLUMNS,
)
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.writers.label_table import write_table
from napari_neuroembed.errors import DataError


def write_labels(
    path: Path,
    by_rater: Mapping[tuple[str, str], Bouts],
    *,
    time: TimeAxis | None = None,
    replace: bool = False,
    spreadsheet_safe: bool = False,
) -> list[str]:
    """Write a frame number, the centre time and a column per action.

    Parameters
    ----------
    path
        The file.
    by_rater
        Bouts of one recording by one rater.
    time
        Clock of the camera.
    replace, spreadsheet_safe
        See :func:`~napari_neuroembed.data.writers.label_table.write_table`.

    Returns
    -------
    list of str
        What the file cannot hold.

    Raises
    ------
    DataError
        When there are several recordings or raters, no clock, or an action has the
        name of a column with another meaning.
    """
    if len(by_rater) != 1:
        raise DataError(
            f"A frame-wise file holds one recording by one rater, found "
            f"{len(by_rater)}: {', '.join(f'{r} by {w}' for r, w in by_rater)}. Choose "
            "with --recording and --rater, or write csv-intervals."
        )
    if time is None:
        raise DataError(
            "Frame-wise labels need the camera's clock. Give it with --rate 100 "
            "(frames per second) and --start (seconds)."
        )
    ((place, bouts),) = by_rater.items()
    actions = bouts.actions()
    taken = (INDEX_COLUMNS | TIME_COLUMNS | LABEL_COLUMNS) & {
        name.casefold() for name in actions
    }
    if taken:
        raise DataError(
            f"The action {', '.join(sorted(taken))} has the name of a column with "
            "another meaning. Rename it, or write csv-intervals."
        )
    centers = time.centers()
    states = bouts.states_at(centers, actions)
    rows = [
        (k, float(centers[k]), *(int(state) for state in states[k]))
        for k in range(time.n_frames)
    ]
    write_table(
        path,
        ("frame", "time_s", *actions),
        rows,
        replace=replace,
        spreadsheet_safe=spreadsheet_safe,
    )
    lost = _losses(bouts, time)
    if place[1]:
        lost.append(f"The rater's name ({place[1]}) is not in the file.")
    return lost


def _losses(bouts: Bouts, time: TimeAxis) -> list[str]:
    lost = []
    points = int((bouts.durations() == 0).sum())
    if points:
        lost.append(f"{points} point events have no length and are left out.")
    edges = frame_edges(time.n_frames, rate_hz=None, start_s=0.0, time=time)
    if edges is None or len(bouts) == 0:
        return lost
    outside = bouts.start_s < edges[0] - time.period_s / 2
    outside |= bouts.stop_s > edges[-1] + time.period_s / 2
    if outside.any():
        lost.append(
            f"{int(outside.sum())} bouts reach beyond the frames "
            f"({edges[0]:.3f}-{edges[-1]:.3f} s) and are cut."
        )
    inside = bouts.clip(edges[0], edges[-1])
    ends = np.concatenate([inside.start_s, inside.stop_s])
    right = np.clip(np.searchsorted(edges, ends), 1, len(edges) - 1)
    near = np.minimum(np.abs(ends - edges[right - 1]), np.abs(edges[right] - ends))
    if ends.size and near.max() > 1e-6:
        lost.append(
            f"Times were rounded to frames at {1 / time.period_s:.3f} frames per "
            f"second, the largest shift is {near.max():.4f} s."
        )
    return lost
