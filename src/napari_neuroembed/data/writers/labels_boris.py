"""Labels as BORIS exports them: a row per event, or aggregated, a row per state.

Times are those of the camera's first frame, in seconds to the microsecond; the columns
are those of BORIS 8 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.intervals import overlaps
from napari_neuroembed.data.readers.labels.boris.observations import NO_SUBJECT
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.writers.label_table import write_table
from napari_neuroembed.errors import DataError

DIGITS = 6
"""Digits of a second that are written."""

UNKNOWN = "NA"

EVENT_COLUMNS = (
    *("Observation id", "Observation date", "Description", "Observation duration"),
    *("Observation type", "Source", "Time offset (s)", "Media duration (s)", "FPS"),
    *("Subject", "Behavior", "Behavioral category", "Behavior type", "Time"),
    *("Media file name", "Image index", "Image file path", "Comment"),
)

STATE_COLUMNS = (
    *("Observation id", "Observation date", "Description", "Observation type"),
    *("Source", "Time offset (s)", "Coding duration", "Media duration (s)"),
    *("FPS (frame/s)", "Subject", "Observation duration by subject by observation"),
    *("Behavior", "Behavioral category", "Behavior type"),
    *("Start (s)", "Stop (s)", "Duration (s)", "Media file name"),
    *("Image index start", "Image index stop", "Image file path start"),
    *("Image file path stop", "Comment start", "Comment stop"),
)


def write_events(
    path: Path,
    by_rater: Mapping[tuple[str, str], Bouts],
    *,
    time: TimeAxis | None = None,
    replace: bool = False,
    spreadsheet_safe: bool = False,
) -> list[str]:
    """Write a row per start, stop and point event; an observation per recording.

    Parameters
    ----------
    path
        The file.
    by_rater
        Bouts by recording and rater, one rater per recording.
    time
        Not needed.
    replace, spreadsheet_safe
        See :func:`~napari_neuroembed.data.writers.label_table.write_table`.

    Returns
    -------
    list of str
        What the file cannot hold.

    Raises
    ------
    DataError
        When a recording has several raters, or bouts of one action overlap, which
        starts and stops that take turns cannot say.
    """
    del time
    _one_rater(by_rater)
    rows: list[tuple[Any, ...]] = []
    for (recording, _), bouts in by_rater.items():
        present = _present(bouts)
        _refuse_overlaps(recording, present)
        for when, code, status in _presses(present):
            told = {
                "Observation id": recording,
                "Observation type": "Media file(s)",
                "Time offset (s)": 0.0,
                "Behavior": code,
                "Behavior type": status,
                "Time": when,
            }
            rows.append(_row(EVENT_COLUMNS, told))
    write_table(
        path, EVENT_COLUMNS, rows, replace=replace, spreadsheet_safe=spreadsheet_safe
    )
    return _losses(by_rater)


def write_states(
    path: Path,
    by_rater: Mapping[tuple[str, str], Bouts],
    *,
    time: TimeAxis | None = None,
    replace: bool = False,
    spreadsheet_safe: bool = False,
) -> list[str]:
    """Write a row per bout; an observation per recording.

    Parameters and result are those of :func:`write_events`; bouts may overlap.

    Raises
    ------
    DataError
        When a recording has several raters.
    """
    del time
    _one_rater(by_rater)
    rows: list[tuple[Any, ...]] = []
    for (recording, _), bouts in by_rater.items():
        present = _present(bouts)
        starts, stops = _rounded(present.start_s), _rounded(present.stop_s)
        for start, stop, code in zip(starts, stops, present.action, strict=True):
            told = {
                "Observation id": recording,
                "Observation type": "Media file",
                "Time offset (s)": 0.0,
                "Subject": NO_SUBJECT,
                "Behavior": code,
                "Behavior type": "STATE" if stop > start else "POINT",
                "Start (s)": start,
                "Stop (s)": stop,
                "Duration (s)": round(stop - start, DIGITS) if stop > start else "NA",
            }
            rows.append(_row(STATE_COLUMNS, told))
    write_table(
        path, STATE_COLUMNS, rows, replace=replace, spreadsheet_safe=spreadsheet_safe
    )
    return _losses(by_rater)


def _row(columns: Sequence[str], told: Mapping[str, Any]) -> tuple[Any, ...]:
    blank = {"Subject", "Behavioral category", "Description", "Comment"}
    blank |= {"Comment start", "Comment stop"}
    return tuple(told.get(c, "" if c in blank else UNKNOWN) for c in columns)


def _presses(bouts: Bouts) -> list[tuple[float, str, str]]:
    """Return time, action and status of every event, in order of time.

    Where a bout ends as the next one of its action begins, the stop comes first.
    """
    found: list[tuple[float, int, str, str]] = []
    starts, stops = _rounded(bouts.start_s), _rounded(bouts.stop_s)
    for start, stop, code in zip(starts, stops, bouts.action, strict=True):
        if start == stop:
            found.append((start, 1, code, "POINT"))
        else:
            found += [(start, 2, code, "START"), (stop, 0, code, "STOP")]
    return [(when, code, status) for when, _, code, status in sorted(found)]


def _present(bouts: Bouts) -> Bouts:
    table = bouts.to_table()
    return Bouts.from_table(table[table["state"] == 1])


def _rounded(times_s: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    return [round(float(t), DIGITS) for t in times_s]


def _one_rater(by_rater: Mapping[tuple[str, str], Bouts]) -> None:
    raters: dict[str, list[str]] = {}
    for recording, rater in by_rater:
        raters.setdefault(recording, []).append(rater)
    several = {name: who for name, who in raters.items() if len(who) > 1}
    if several:
        listed = "; ".join(f"{name} by {', '.join(w)}" for name, w in several.items())
        raise DataError(
            f"A BORIS table names no raters, and there are several: {listed}. Choose "
            "one with --rater, or write csv-intervals."
        )


def _refuse_overlaps(recording: str, bouts: Bouts) -> None:
    for action in bouts.actions():
        own = bouts.select([action])
        pairs = overlaps(own.start_s, own.stop_s)
        if len(pairs):
            first = own.start_s[int(pairs[0][1])]
            raise DataError(
                f"{recording}: {len(pairs)} bouts of {action!r} overlap another one of "
                f"it, first at {first:.3f} s. Starts and stops that take turns cannot "
                "say that; write boris-aggregated."
            )


def _losses(by_rater: Mapping[tuple[str, str], Bouts]) -> list[str]:
    lost = []
    for (recording, rater), bouts in by_rater.items():
        absent = int((~bouts.present).sum())
        if absent:
            lost.append(
                f"{recording}: {absent} bouts that say an action is absent are left "
                "out; BORIS knows presence only, so that unlabelled and absent time "
                "look the same."
            )
        if not bouts.present.any():
            lost.append(f"{recording} has no bouts to write.")
        if rater:
            lost.append(f"{recording}: the rater's name ({rater}) is not in the file.")
    return lost
