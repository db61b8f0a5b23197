"""What a mouse does to the timeline, and what comes of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QToolTip
from tests.widgets.timeline.conftest import BEN, BOUTS, GROOM, JUMP, MODEL, REST, WALK
from tests.widgets.timeline.ethograms import four_actions, table_of
from tests.widgets.timeline.mouse import LEFT, MIDDLE, NONE, Mouse

from napari_neuroembed.widgets.timeline.tables import actions_of, rows_of
from napari_neuroembed.widgets.timeline.timeline import Timeline

PIXEL = 10.0 / 700
"""More seconds than a pixel of the whole view has."""


def heard(signal: Any) -> list[Any]:
    """Return the list to which everything a signal tells is added."""
    found: list[Any] = []
    signal.connect(lambda *told: found.append(told))
    return found


def test_a_click_seeks_and_selects_nothing(timeline: Timeline, mouse: Mouse) -> None:
    seeked, selected = heard(timeline.seeked), heard(timeline.spanSelected)
    mouse.click(mouse.place(5.5, REST))
    mouse.click(mouse.place(3.0, WALK))
    assert seeked == [(pytest.approx(5.5, abs=PIXEL),), (pytest.approx(3, abs=PIXEL),)]
    assert selected == []


def test_dragging_empty_space_selects_a_span_either_way(
    timeline: Timeline, mouse: Mouse
) -> None:
    selected, seeked = heard(timeline.spanSelected), heard(timeline.seeked)
    mouse.drag(mouse.place(9.0, REST), mouse.place(7.5, REST))
    assert selected == [(pytest.approx(7.5, abs=PIXEL), pytest.approx(9, abs=PIXEL))]
    mouse.drag(mouse.place(5.0, REST), mouse.place(40.0, REST))
    assert selected[1][1] == 10.0
    assert seeked == []


def test_a_click_elsewhere_takes_the_selection_away(
    timeline: Timeline, mouse: Mouse
) -> None:
    cleared = heard(timeline.selectionCleared)
    mouse.click(mouse.place(5.0, REST))
    assert cleared == []
    mouse.drag(mouse.place(5.0, REST), mouse.place(6.0, REST))
    mouse.click(mouse.place(9.0, REST))
    assert cleared == [()]


def test_dragging_an_edge_tells_once_on_release(
    timeline: Timeline, mouse: Mouse
) -> None:
    dragged, seeked = heard(timeline.edgeDragged), heard(timeline.seeked)
    mouse.press(mouse.place(4.0, WALK))
    mouse.move(mouse.place(4.2, WALK))
    assert timeline._marks.dragged == (2.0, pytest.approx(4.2, abs=PIXEL))
    mouse.move(mouse.place(4.3, WALK))
    assert dragged == []
    mouse.release()
    assert dragged == [(1, 2.0, pytest.approx(4.3, abs=PIXEL))]
    assert timeline._marks.dragged is None
    assert seeked == []


def test_an_edge_stops_at_its_neighbours_and_at_a_frame(
    timeline: Timeline, mouse: Mouse
) -> None:
    dragged = heard(timeline.edgeDragged)
    mouse.drag(mouse.place(4.0, WALK), mouse.place(9.0, WALK))
    mouse.drag(mouse.place(2.0, WALK), mouse.place(9.0, WALK))
    mouse.drag(mouse.place(4.5, GROOM), mouse.place(0.0, GROOM))
    assert dragged == [
        (1, 2.0, 4.5),
        (1, pytest.approx(3.99), 4.0),
        (3, 4.0, 6.0),
    ]


def test_escape_puts_an_edge_back(
    timeline: Timeline, mouse: Mouse, qtbot: QtBot
) -> None:
    dragged, selected = heard(timeline.edgeDragged), heard(timeline.spanSelected)
    mouse.press(mouse.place(4.0, WALK))
    mouse.move(mouse.place(4.3, WALK))
    qtbot.keyClick(timeline, Qt.Key.Key_Escape)
    assert timeline._marks.dragged is None
    mouse.move(mouse.place(4.4, WALK))
    mouse.release()
    assert dragged == selected == []
    assert not timeline.cancelGesture()


def test_escape_takes_a_selection_back_to_what_it_was(
    timeline: Timeline, mouse: Mouse
) -> None:
    selected = heard(timeline.spanSelected)
    timeline.setSelection((1.0, 2.0))
    mouse.press(mouse.place(5.0, REST))
    mouse.move(mouse.place(7.0, REST))
    assert timeline.cancelGesture()
    assert timeline._marks.selection == (1.0, 2.0)
    mouse.release()
    assert selected == []


def test_other_buttons_do_not_end_a_drag(timeline: Timeline, mouse: Mouse) -> None:
    dragged = heard(timeline.edgeDragged)
    mouse.press(mouse.place(4.0, WALK))
    mouse.press(mouse.place(4.2, WALK), MIDDLE)
    mouse.release()
    assert dragged == []
    mouse.button = LEFT
    mouse.move(mouse.place(4.3, WALK))
    mouse.release()
    assert dragged == [(1, 2.0, pytest.approx(4.3, abs=PIXEL))]


def test_a_release_that_went_elsewhere_puts_back(
    timeline: Timeline, mouse: Mouse
) -> None:
    dragged = heard(timeline.edgeDragged)
    mouse.press(mouse.place(4.0, WALK))
    mouse.move(mouse.place(4.3, WALK))
    mouse.button = NONE
    mouse.move(mouse.place(4.4, WALK))
    assert not timeline.is_dragging
    assert timeline._marks.dragged is None
    assert dragged == []


def test_what_is_not_ones_own_cannot_be_dragged(
    timeline: Timeline, mouse: Mouse
) -> None:
    dragged = heard(timeline.edgeDragged)
    selected = heard(timeline.spanSelected)
    mouse.drag(mouse.place(3.0, BEN), mouse.place(3.5, BEN))
    mouse.drag(mouse.place(4.2, MODEL), mouse.place(3.5, MODEL))
    assert dragged == []
    assert len(selected) == 2


def test_a_proposal_is_trimmed_by_its_edge(proposed: Timeline, mouse: Mouse) -> None:
    bouts, ghosts = heard(proposed.edgeDragged), heard(proposed.ghostDragged)
    opened = heard(proposed.ghostActivated)
    mouse.drag(mouse.place(9.0, REST), mouse.place(8.0, REST))
    assert ghosts == [(70, 7.0, pytest.approx(8.0, abs=PIXEL))]
    mouse.double_click(mouse.place(8.0, REST))
    assert opened == [(70,)]
    assert bouts == []


def test_a_drag_goes_on_when_rows_are_read_again(
    timeline: Timeline, mouse: Mouse
) -> None:
    dragged, actions = heard(timeline.edgeDragged), four_actions()
    more = [*BOUTS, {"action": "walk", "start_s": 0.0, "stop_s": 0.5}]
    mouse.press(mouse.place(4.0, WALK))
    mouse.move(mouse.place(4.2, WALK))
    timeline.setRows(rows_of(table_of(more), actions, "ana"), actions)
    mouse.move(mouse.place(4.3, WALK))
    mouse.release()
    assert dragged == [(1, 2.0, pytest.approx(4.3, abs=PIXEL))]


@pytest.mark.parametrize("change", [{"stop_s": 3.9}, {"id": 99}, {"rater": "ben"}])
def test_a_drag_ends_when_its_bout_was_changed_elsewhere(
    timeline: Timeline, mouse: Mouse, change: dict[str, Any]
) -> None:
    dragged, actions = heard(timeline.edgeDragged), four_actions()
    table = table_of([{**BOUTS[0], **change}, *BOUTS[1:]])
    mouse.press(mouse.place(4.0, WALK))
    mouse.move(mouse.place(4.2, WALK))
    timeline.setRows(rows_of(table, actions, "ana"), actions)
    assert not timeline.is_dragging
    mouse.release()
    assert dragged == []


def test_the_wheel_zooms_at_the_pointer(timeline: Timeline, mouse: Mouse) -> None:
    at = mouse.place(7.0, REST)
    mouse.wheel(at, 5)
    assert timeline.view.span_s == pytest.approx(10 / 1.25**5)
    assert mouse.place(7.0, REST).x() == pytest.approx(at.x(), abs=1e-6)
    mouse.wheel(at, -9)
    assert timeline.view.is_whole


def test_the_view_is_moved_by_shift_and_by_the_middle_button(
    timeline: Timeline, mouse: Mouse
) -> None:
    timeline.setSpan(4.0, 6.0)
    mouse.wheel(mouse.place(5.0, REST), 1, shift=True)
    assert timeline.view.start_s < 4.0
    assert timeline.view.span_s == pytest.approx(2.0)
    timeline.setSpan(4.0, 6.0)
    seeked = heard(timeline.seeked)
    mouse.drag(mouse.place(5.0, WALK), mouse.place(5.5, WALK), MIDDLE)
    assert timeline.view.start_s == pytest.approx(3.5, abs=PIXEL)
    assert seeked == []


def test_a_double_click_fills_the_view_with_a_bout_or_the_recording(
    timeline: Timeline, mouse: Mouse
) -> None:
    opened = heard(timeline.boutActivated)
    mouse.double_click(mouse.place(5.2, GROOM))
    assert opened == [(3,)]
    assert 4.0 < timeline.view.start_s < 4.5
    assert 6.0 < timeline.view.stop_s < 6.5
    mouse.double_click(mouse.place(5.2, REST))
    assert timeline.view.is_whole
    assert opened == [(3,)]
    mouse.double_click(mouse.place(8.0, JUMP))
    assert opened[1:] == [(4,)]
    assert timeline.view.span_s == pytest.approx(0.08)


def test_the_axis_is_a_slider(timeline: Timeline, mouse: Mouse) -> None:
    seeked = heard(timeline.seeked)
    mouse.drag(mouse.axis(1.0), mouse.axis(3.0))
    assert [s[0] for s in seeked] == [
        pytest.approx(t, abs=PIXEL) for t in (1.0, 2.0, 3.0)
    ]


def test_the_view_turns_a_page_with_the_play_head_but_not_under_a_drag(
    timeline: Timeline, mouse: Mouse
) -> None:
    timeline.setSpan(1.0, 3.0)
    timeline.setTime(3.5)
    assert timeline.view.start_s == pytest.approx(3.3)
    mouse.press(mouse.place(4.0, WALK))
    timeline.setTime(8.0)
    assert timeline.view.start_s == pytest.approx(3.3)
    mouse.release()
    timeline.follows = False
    timeline.setTime(9.0)
    assert timeline.view.start_s == pytest.approx(3.3)


def test_setting_the_time_tells_nobody(timeline: Timeline) -> None:
    seeked = heard(timeline.seeked)
    timeline.setTime(5.0)
    timeline.setTime(5.0)
    assert seeked == []


def test_the_pointer_shows_what_can_be_dragged(
    proposed: Timeline, mouse: Mouse
) -> None:
    shapes = Qt.CursorShape
    found = []
    for seconds, lane in ((4.0, WALK), (3.0, WALK), (3.0, BEN), (7.0, REST)):
        mouse.move(mouse.place(seconds, lane))
        found.append(proposed.cursor().shape())
    arrow, wide = shapes.ArrowCursor, shapes.SizeHorCursor
    assert found == [wide, arrow, arrow, wide]


def test_the_bout_under_the_pointer_is_told(proposed: Timeline, mouse: Mouse) -> None:
    def about(seconds: float, lane: int) -> list[str]:
        return proposed.about(mouse.place(seconds, lane).toPoint())

    assert about(3.0, WALK) == ["walk", "2.00 to 4.00, 2.00 s", "ana, by hand"]
    assert about(6.5, WALK)[0] == "no walk"
    assert about(8.0, JUMP)[1] == "8.00"
    assert about(2.0, BEN)[2] == "ben, by hand"
    assert about(2.0, MODEL)[2] == "first, model, confidence 0.80"
    assert about(8.0, REST)[2] == "proposed"
    assert about(5.0, WALK) == []


def test_names_in_the_tooltip_are_no_markup(
    timeline: Timeline, mouse: Mouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = pd.DataFrame({"name": ["<img src=x>"], "group": [None]})
    actions = actions_of(schema)
    bout = {"action": "<img src=x>", "start_s": 1.0, "stop_s": 9.0}
    timeline.setRows(rows_of(table_of([bout]), actions, "ana"), actions)
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _on: shown.append(text))
    at = mouse.place(5.0, 0).toPoint()
    event = QHelpEvent(QEvent.Type.ToolTip, at, timeline.mapToGlobal(at))
    QApplication.sendEvent(timeline, event)
    assert "&lt;img src=x&gt;" in shown[0]


def test_labels_are_no_place_to_seek(timeline: Timeline, mouse: Mouse) -> None:
    seeked = heard(timeline.seeked)
    mouse.click(QPointF(10.0, mouse.place(0.0, WALK).y()))
    assert seeked == []


def test_what_does_not_fit_is_scrolled_over_the_labels(
    timeline: Timeline, mouse: Mouse
) -> None:
    timeline.resize(900, 50)
    layout = timeline._scene.layout
    assert layout.most_scroll > 0
    before = mouse.place(2.0, BEN).y()
    mouse.wheel(QPointF(5.0, layout.rows_top + 2.0), -100)
    assert timeline._scene.scroll == layout.most_scroll
    assert mouse.place(2.0, BEN).y() < before
    seen = mouse.place(2.0, BEN).toPoint()
    assert timeline.about(seen) == ["rest", "1.00 to 3.00, 2.00 s", "ben, by hand"]
    timeline.resize(900, timeline.sizeHint().height())
    assert timeline._scene.scroll == 0
