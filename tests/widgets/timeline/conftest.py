"""A timeline with a few bouts, and a mouse over it."""

from __future__ import annotations

import pandas as pd
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtGui import QColor, QPalette
from tests.widgets.timeline.ethograms import four_actions, table_of
from tests.widgets.timeline.mouse import Mouse

from napari_neuroembed.data.palette import Theme
from napari_neuroembed.widgets.timeline.tables import ghost_row, rows_of
from napari_neuroembed.widgets.timeline.timeline import Timeline

BACKGROUND = {"light": "#F0F0F0", "dark": "#262930"}

BOUTS = [
    {"action": "walk", "start_s": 2.0, "stop_s": 4.0},
    {"action": "walk", "start_s": 6.0, "stop_s": 7.0, "state": 0},
    {"action": "groom", "start_s": 4.5, "stop_s": 6.0},
    {"action": "jump", "start_s": 8.0, "stop_s": 8.0},
    {"action": "rest", "start_s": 1.0, "stop_s": 3.0, "rater": "ben"},
    {
        "action": "walk",
        "start_s": 1.5,
        "stop_s": 4.2,
        "source": "model",
        "run": "first",
        "confidence": 0.8,
    },
]
"""Of ten seconds; numbers from 1 on. Lanes: walk, groom, rest, jump, ben, first."""

WALK, GROOM, REST, JUMP, BEN, MODEL = range(6)


def themed(timeline: Timeline, theme: Theme) -> None:
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(BACKGROUND[theme]))
    timeline.setPalette(palette)


@pytest.fixture
def timeline(qtbot: QtBot) -> Timeline:
    """Ten seconds at 100 frames/s, six lanes, shown."""
    widget = Timeline()
    qtbot.addWidget(widget)
    themed(widget, "light")
    widget.setExtent(0.0, 10.0, 0.01)
    actions = four_actions()
    shown = ("human", "rater", "model")
    widget.setRows(rows_of(table_of(BOUTS), actions, "ana", shown=shown), actions)
    widget.resize(900, widget.sizeHint().height())
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture
def mouse(timeline: Timeline) -> Mouse:
    """Give a mouse over the timeline."""
    return Mouse(timeline)


@pytest.fixture
def proposed(timeline: Timeline) -> Timeline:
    """Give the timeline with one proposal, number 70, to rest from 7 to 9 s."""
    proposals = pd.DataFrame(
        {"id": [70], "action": ["rest"], "start_s": [7.0], "stop_s": [9.0]}
    )
    timeline.setProposals(ghost_row(proposals, four_actions()))
    return timeline
