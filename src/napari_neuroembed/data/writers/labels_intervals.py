"""Labels as a table of intervals in seconds: exact, any number of recordings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.writers.label_table import write_table


def write_labels(
    path: Path,
    by_rater: Mapping[tuple[str, str], Bouts],
    *,
    time: TimeAxis | None = None,
    replace: bool = False,
    spreadsheet_safe: bool = False,
) -> list[str]:
    """Write columns recording, rater, start_s, stop_s, action, state.

    Parameters
    ----------
    path
        The file.
    by_rater
        Bouts by recording and rater.
    time
        Not needed: times are written as they are.
    replace, spreadsheet_safe
        See :func:`~napari_neuroembed.data.writers.label_table.write_table`.

    Returns
    -------
    list of str
        What the file cannot hold; nothing is lost by this one, unless cells were
        changed for a spreadsheet.
    """
    del time
    header = ("recording", "rater", "start_s", "stop_s", "action", "state")
    rows = [
        (
            recording,
            rater,
            float(bouts.start_s[i]),
            float(bouts.stop_s[i]),
            action,
            int(bouts.present[i]),
        )
        for (recording, rater), bouts in by_rater.items()
        for i, action in enumerate(bouts.action)
    ]
    write_table(path, header, rows, replace=replace, spreadsheet_safe=spreadsheet_safe)
    empty = [place for place, bouts in by_rater.items() if len(bouts) == 0]
    return [f"{recording} by {rater} has no bouts." for recording, rater in empty]
