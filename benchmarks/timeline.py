"""Painting the timeline of bouts, beside a rectangle for every bout."""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measure import (
    Ratio,
    Result,
    Row,
    Settings,
    Times,
    interleaved,
    missing,
    ratio,
    skipped,
)
from napari_neuroembed.widgets.timeline.columns import columns_of
from napari_neuroembed.widgets.timeline.rows import Action
from napari_neuroembed.widgets.timeline.rows import Row as Bouts
from napari_neuroembed.widgets.timeline.tables import actions_of, rows_of
from napari_neuroembed.widgets.timeline.trace import Trace

if TYPE_CHECKING:
    from qtpy.QtWidgets import QApplication

    from napari_neuroembed.widgets.timeline.timeline import Timeline

TARGET_S, LABEL_TARGET_S = 0.016, 0.05
FEW, MANY = 5_000, 100_000
FRAME_S = 0.01
SIZE = (1800, 260)
N_ACTIONS, N_VIEWS = 9, 8
LEAST_PX, TIE_PX = 0.001, 0.002
"""Width of the shortest bouts; actions that cover a column this equally both win."""

_KEPT: list[QApplication] = []
"""Qt ends with the last name of its application."""

WHOLE, CLOSER, PLAY = "repaint, whole recording", "repaint, zoomed", "play head moved"
PLAIN, LABELLED = "a rectangle per bout", "new label: table to picture"


def run(settings: Settings) -> Result:
    """Paint 5,000 bouts of 100,000 frames, and 100,000 of 3,000,000."""
    if unfit():
        return Result([skipped("the timeline", unfit())])
    few = compare(settings, 100_000, FEW)
    if settings.quick:
        return few
    many = compare(settings, 3_000_000, MANY)
    return Result(
        (*few.rows, *many.rows), (*few.ratios, *many.ratios), {"size": list(SIZE)}
    )


def unfit() -> str:
    """Return why Qt cannot be measured here; empty when it can."""
    if missing("PySide6"):
        return "PySide6 is not installed: pip install 'napari-neuroembed[gui]'"
    version = importlib.metadata.version("PySide6-Essentials")
    if version == "6.12.0" and sys.version_info < (3, 12):
        # Every call without a result takes a reference of None, until Python ends.
        return f"PySide6 {version} ends Python before 3.12; 6.11.3 does not"
    return ""


def compare(settings: Settings, n_frames: int, n_bouts: int) -> Result:
    """Paint one recording; the error is columns of pixels that a plain way has not.

    Parameters
    ----------
    settings
        Repeats.
    n_frames, n_bouts
        Frames of 10 ms, and bouts by two raters and a model.
    """
    app = _application()
    table, actions = _bouts(n_frames, n_bouts)
    rows = rows_of(table, actions, "ana", shown=("human", "rater", "model"))
    timeline = _timeline(rows, actions, n_frames)
    variants: dict[str, Callable[[], None]] = {
        WHOLE: partial(_repaint, timeline, 1.0),
        CLOSER: partial(_repaint, timeline, 0.02),
        PLAY: partial(_play, timeline),
        LABELLED: partial(_label, timeline, table, actions),
        PLAIN: partial(_plain, rows, actions, n_frames * FRAME_S),
    }
    told = f", {n_bouts:,} bouts"
    times = interleaved({k + told: v for k, v in variants.items()}, settings)
    wrong = _wrong_columns(rows, n_frames * FRAME_S)
    calls = {WHOLE: N_VIEWS, CLOSER: N_VIEWS, PLAY: N_VIEWS, LABELLED: 1, PLAIN: 1}
    found = [
        _row(name + told, times, calls[name], None if name == PLAIN else wrong)
        for name in variants
    ]
    limits = {WHOLE: TARGET_S, CLOSER: TARGET_S}
    if n_bouts <= FEW:
        limits[LABELLED] = LABEL_TARGET_S
    ratios = [
        _within(name + told, times, calls[name], limit)
        for name, limit in limits.items()
    ]
    work = {name + told: float(n) for name, n in calls.items()}
    ratios.append(ratio(WHOLE + told, PLAIN + told, times, work))
    timeline.close()
    app.processEvents()
    return Result(found, ratios, {"frames": n_frames, "bouts": n_bouts})


def _application() -> QApplication:
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from qtpy.QtWidgets import QApplication

    if not _KEPT:
        _KEPT.append(QApplication.instance() or QApplication([]))
    return _KEPT[0]


def _bouts(n_frames: int, n_bouts: int) -> tuple[pd.DataFrame, list[Action]]:
    """Draw bouts that follow one another, of two raters and a model."""
    rng = np.random.default_rng(0)
    names = [f"action {number}" for number in range(N_ACTIONS)]
    parts = []
    for rater, source in (("ana", "human"), ("ben", "human"), ("ana", "model")):
        n = n_bouts // 3
        edges = np.sort(rng.uniform(0, n_frames * FRAME_S, 2 * n)).reshape(n, 2)
        part = pd.DataFrame(edges, columns=["start_s", "stop_s"])
        part["action"] = rng.choice(names, n)
        part["state"] = (rng.random(n) > 0.1).astype(int)
        part["rater"], part["source"] = rater, source
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    table["id"] = np.arange(len(table))
    table["recording"], table["run"], table["confidence"] = "fly1_001", None, np.nan
    schema = pd.DataFrame({"name": names, "group": "behaviour"})
    return table, actions_of(schema)


def _timeline(rows: list[Bouts], actions: list[Action], n_frames: int) -> Timeline:
    from napari_neuroembed.widgets.timeline.timeline import Timeline

    timeline = Timeline()
    timeline.resize(*SIZE)
    timeline.setExtent(0.0, n_frames * FRAME_S, FRAME_S)
    timeline.setRows(rows, actions)
    times_s = np.arange(n_frames) * FRAME_S
    speed = np.random.default_rng(1).gamma(2.0, 1.0, n_frames)
    timeline.setTrace(Trace(times_s, speed, "Speed (mm/s)"))
    return timeline


def _repaint(timeline: Timeline, share: float) -> None:
    """Paint views of a share of the recording, each another one."""
    view = timeline.view
    for number in range(N_VIEWS):
        span = view.whole_s * share * (1 - 0.001 * number)
        start = view.low_s + (view.whole_s - span) * number / N_VIEWS
        timeline.setSpan(start, start + span)
        _paint(timeline)


def _play(timeline: Timeline) -> None:
    timeline.fit()
    for number in range(N_VIEWS):
        timeline.setTime(number * FRAME_S)
        _paint(timeline)


def _label(timeline: Timeline, table: pd.DataFrame, actions: list[Action]) -> None:
    """Take up a table of bouts as after a label, and paint it."""
    rows = rows_of(table, actions, "ana", shown=("human", "rater", "model"))
    timeline.setRows(rows, actions)
    _paint(timeline)


def _paint(timeline: Timeline) -> None:
    from qtpy.QtCore import QPoint
    from qtpy.QtGui import QImage

    image = QImage(timeline.size(), QImage.Format.Format_RGB32)
    timeline.render(image, QPoint(0, 0))


def _plain(rows: list[Bouts], actions: list[Action], whole_s: float) -> None:
    """Paint the bouts of all rows one by one, the obvious way."""
    from qtpy.QtCore import QRectF
    from qtpy.QtGui import QColor, QImage, QPainter

    image = QImage(*SIZE, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setPen(QColor("#5B6570"))
    for number, row in enumerate(rows):
        for start, stop, action in zip(
            row.start_s, row.stop_s, row.action, strict=True
        ):
            left = float(start) / whole_s * SIZE[0]
            wide = max(1.0, float(stop - start) / whole_s * SIZE[0])
            painter.setBrush(QColor(actions[action].color))
            painter.drawRect(QRectF(left, 16 * number, wide, 14))
    painter.end()


def _wrong_columns(rows: list[Bouts], whole_s: float) -> int:
    """Count columns that show another action than the one that covers most of it."""
    width, wrong = SIZE[0], 0
    for row in rows:
        shown = columns_of(row, (0.0, whole_s), width, 1).winner
        covered = _covered(row, whole_s, width)
        most = covered.max(axis=0)
        ours = np.where(shown < 0, 0.0, covered[shown, np.arange(width)])
        is_bare = (shown >= 0) & (ours == 0)
        wrong += int(((most - ours > TIE_PX) | is_bare).sum())
    return wrong


def _covered(row: Bouts, whole_s: float, width: int) -> NDArray[np.float64]:
    """Return how much of every column each action covers, by a loop over bouts."""
    covered = np.zeros((max(row.actions) + 1, width))
    for start, stop, action, state in zip(
        row.start_s, row.stop_s, row.action, row.state, strict=True
    ):
        if state != 1:
            continue
        first = start / whole_s * width
        last = max(stop / whole_s * width, first + LEAST_PX)
        for column in range(int(first), min(int(last), width - 1) + 1):
            part = min(last, column + 1) - max(first, column)
            covered[action, column] += max(0.0, part)
    return covered


def _row(name: str, times: dict[str, Times], calls: int, wrong: int | None) -> Row:
    return Row(
        variant=name,
        is_peer=wrong is None,
        value=1000 * statistics.median(times[name].cpu_s) / calls,
        unit="CPU ms",
        cpu_s=statistics.median(times[name].cpu_s) / calls,
        wall_s=statistics.median(times[name].wall_s) / calls,
        error=0.0 if wrong is None else float(wrong),
        error_unit="wrong columns",
        error_limit=None if wrong is None else 0.0,
        repeats=len(times[name].cpu_s),
    )


def _within(name: str, times: dict[str, Times], calls: int, limit_s: float) -> Ratio:
    each = [limit_s / max(s / calls, 1e-9) for s in times[name].cpu_s]
    return Ratio(
        name,
        f"{1000 * limit_s:g} ms",
        statistics.median(each),
        min(each),
        max(each),
        1.0,
    )
