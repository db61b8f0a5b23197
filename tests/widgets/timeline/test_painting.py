"""What the timeline looks like, by its pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot
from qtpy.QtGui import QImage
from tests.widgets.timeline.conftest import BEN, GROOM, MODEL, REST, WALK, themed
from tests.widgets.timeline.ethograms import four_actions, table_of
from tests.widgets.timeline.mouse import Mouse

from napari_neuroembed.data.palette import ACTIONS, THEMES, Theme
from napari_neuroembed.widgets.timeline.layout import ROW
from napari_neuroembed.widgets.timeline.tables import actions_of, rows_of
from napari_neuroembed.widgets.timeline.timeline import Timeline
from napari_neuroembed.widgets.timeline.trace import Trace


def pixels(timeline: Timeline) -> NDArray[np.uint32]:
    """Return the picture as numbers 0xRRGGBB, shape (height, width)."""
    image = timeline.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    memory = np.frombuffer(image.constBits(), dtype=np.uint32)
    return memory.reshape(image.height(), image.width()) & 0xFFFFFF


def lane_of(
    timeline: Timeline, lane: int, start: float, stop: float
) -> NDArray[np.uint32]:
    """Return the pixels of a span of a lane."""
    mouse = Mouse(timeline)
    left, right = mouse.place(start, lane), mouse.place(stop, lane)
    half = timeline._scene.layout.row // 2
    top = round(left.y()) - half
    return pixels(timeline)[top : top + 2 * half, round(left.x()) : round(right.x())]


def number(color: str) -> int:
    return int(color[1:], 16)


def colors_of(found: NDArray[np.uint32]) -> set[int]:
    return {int(value) for value in np.unique(found)}


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest, timeline: Timeline) -> Theme:
    chosen: Theme = request.param
    themed(timeline, chosen)
    timeline.setTime(9.9)
    return chosen


def test_present_is_filled_absent_hatched_unknown_blank(
    timeline: Timeline, theme: Theme
) -> None:
    assert timeline.theme == theme
    paper = number(THEMES[theme]["paper"])
    present = lane_of(timeline, WALK, 2.1, 3.9)[2:-2]
    assert colors_of(present) == {number(ACTIONS[0])}
    absent = lane_of(timeline, WALK, 6.1, 6.9)[2:-2]
    assert paper in colors_of(absent)
    assert len(colors_of(absent)) == 2
    assert 0.1 < (absent != paper).mean() < 0.4
    for lane, start, stop in ((WALK, 4.1, 5.9), (GROOM, 0.1, 4.4), (BEN, 3.1, 9.7)):
        assert colors_of(lane_of(timeline, lane, start, stop)) == {paper}


def test_bands_have_a_neutral_outline(timeline: Timeline, theme: Theme) -> None:
    outline = number(THEMES[theme]["muted"])
    band = lane_of(timeline, GROOM, 4.6, 5.9)
    assert colors_of(band[[0, -1]]) == {outline}
    around = lane_of(timeline, GROOM, 4.4, 4.6)[5]
    assert outline in colors_of(around)
    assert number(ACTIONS[1]) in colors_of(around)


def test_another_rater_has_another_line_and_a_model_a_flatter_band(
    timeline: Timeline, theme: Theme
) -> None:
    outline = number(THEMES[theme]["muted"])
    broken = lane_of(timeline, BEN, 1.1, 2.9)[0]
    assert 0.3 < (broken == outline).mean() < 0.9
    flat = lane_of(timeline, MODEL, 2.0, 4.0)
    paper = number(THEMES[theme]["paper"])
    assert colors_of(flat[[0, -1]]) == {paper}
    assert colors_of(flat[5]) == {number(ACTIONS[0])}


def test_one_accent_line_runs_through_all_rows(
    timeline: Timeline, theme: Theme
) -> None:
    timeline.setTime(5.0)
    accent = number(THEMES[theme]["accent"])
    image = pixels(timeline)
    at = round(Mouse(timeline).place(5.0, WALK).x() - 0.5)
    bottom = timeline._scene.layout.axis_top
    columns = [x for x in range(at - 1, at + 2) if (image[:bottom, x] == accent).all()]
    assert len(columns) == 1


def test_the_play_head_moves_without_drawing_the_rows_again(timeline: Timeline) -> None:
    timeline.grab()
    kept = timeline._image
    timeline.setTime(4.0)
    timeline.setSelection((1.0, 2.0))
    timeline.grab()
    assert timeline._image is kept
    timeline.setSpan(1.0, 3.0)
    timeline.grab()
    assert timeline._image is not kept


def test_a_proposal_and_an_open_bout_are_no_bouts(
    proposed: Timeline, theme: Theme
) -> None:
    paper = number(THEMES[theme]["paper"])
    proposal = lane_of(proposed, REST, 7.1, 8.9)
    inside = colors_of(proposal[3:-3])
    assert len(inside) == 1
    assert not inside & {paper, number(ACTIONS[2])}
    edge = proposal[0]
    assert 0.3 < (edge != edge[np.argmax(edge == min(inside))]).mean() < 0.9
    proposed.setOpen([("rest", 4.0), ("nothing such", 1.0)])
    proposed.setTime(6.0)
    drawn = colors_of(lane_of(proposed, REST, 4.2, 5.8)[3:-3])
    assert len(drawn) == 1
    assert not drawn & {paper, number(ACTIONS[2])}
    proposed.setTime(3.0)
    assert colors_of(lane_of(proposed, REST, 3.2, 3.9)[3:-3]) == drawn
    proposed.setOpen([])
    assert colors_of(lane_of(proposed, REST, 3.2, 6.0)) == {paper}


def test_a_selection_tints_all_rows(timeline: Timeline) -> None:
    before = pixels(timeline)
    timeline.setSelection((5.0, 6.0))
    changed = pixels(timeline) != before
    mouse, layout = Mouse(timeline), timeline._scene.layout
    left, right = (round(mouse.place(t, WALK).x()) for t in (5.0, 6.0))
    assert changed[: layout.axis_top, left + 2 : right - 2].all()
    assert not changed[: layout.axis_top, right + 3 :].any()


def test_a_dragged_edge_is_drawn_where_it_would_be(
    timeline: Timeline, mouse: Mouse
) -> None:
    mouse.press(mouse.place(4.0, WALK))
    mouse.move(mouse.place(3.0, WALK))
    paper, accent = number("#FFFFFF"), number(THEMES["light"]["accent"])
    assert colors_of(lane_of(timeline, WALK, 3.1, 3.9)) == {paper}
    assert accent in colors_of(lane_of(timeline, WALK, 2.8, 3.1))
    assert timeline.cancelGesture()
    assert number(ACTIONS[0]) in colors_of(lane_of(timeline, WALK, 3.1, 3.9))


def test_from_the_tenth_action_on_bands_are_hatched(timeline: Timeline) -> None:
    names = [f"a{i}" for i in range(12)]
    bouts = [{"action": n, "start_s": 1.0, "stop_s": 9.0} for n in names]
    actions = actions_of(pd.DataFrame({"name": names}))
    timeline.setRows(rows_of(table_of(bouts), actions, "ana"), actions)
    timeline.resize(900, timeline.sizeHint().height())
    for lane in range(12):
        found = lane_of(timeline, lane, 2.0, 8.0)[2:-2]
        fill = number(ACTIONS[lane % 9])
        assert fill in colors_of(found)
        assert len(colors_of(found)) == (2 if lane >= 9 else 1)


def test_columns_with_many_bouts_keep_the_action(timeline: Timeline) -> None:
    starts = np.arange(0, 10, 0.002)
    bouts = [{"action": "walk", "start_s": t, "stop_s": t + 0.001} for t in starts]
    actions = four_actions()
    timeline.setRows(rows_of(table_of(bouts), actions, "ana"), actions)
    timeline.setTime(9.9)
    found = lane_of(timeline, WALK, 0.1, 9.7)[2:-2]
    assert colors_of(found) == {number(ACTIONS[0])}


def test_the_trace_has_a_lane_of_its_own(timeline: Timeline) -> None:
    before = timeline.sizeHint().height()
    times = np.arange(0, 10, 0.01)
    timeline.setTrace(Trace(times, np.sin(times), "dF/F (%)"))
    assert timeline.sizeHint().height() > before
    timeline.resize(900, timeline.sizeHint().height())
    layout, origin = timeline._scene.layout, timeline._scene.origin
    lane = pixels(timeline)[layout.trace_top : layout.rows_top, origin + 10 : -20]
    inked = (lane != number("#FFFFFF")).any(axis=0)
    assert inked.all()
    timeline.resize(900, 70)
    assert timeline._scene.layout.trace_height == 0


@pytest.mark.parametrize("height", [1, 30, 50, 120, 600])
def test_any_height_can_be_drawn(proposed: Timeline, height: int) -> None:
    proposed.resize(900, height)
    layout = proposed._scene.layout
    assert layout.row <= ROW
    if height >= proposed.sizeHint().height():
        assert layout.row == ROW
    image = pixels(proposed)
    assert image.shape == (height, 900)
    if height == 50:
        assert number(ACTIONS[0]) in colors_of(image)


@pytest.mark.parametrize("width", [1, 60, 90, 3000])
def test_any_width_can_be_drawn(proposed: Timeline, width: int) -> None:
    proposed.resize(width, 150)
    assert pixels(proposed).shape == (150, width)


def test_nothing_says_what_would_be_here(qtbot: QtBot) -> None:
    empty = Timeline()
    qtbot.addWidget(empty)
    empty.resize(500, 100)
    blank = pixels(empty)
    assert number(THEMES[empty.theme]["accent"]) not in colors_of(blank)
    assert len(colors_of(blank)) > 3, "the sentence"
    empty.setExtent(0.0, 1.0, 0.1)
    assert number(THEMES[empty.theme]["accent"]) in colors_of(pixels(empty))


def test_a_recording_of_one_frame(timeline: Timeline, mouse: Mouse) -> None:
    actions = four_actions()
    bouts = table_of([{"action": "walk", "start_s": 0.0, "stop_s": 0.01}])
    timeline.setExtent(0.0, 0.01, 0.01)
    timeline.setRows(rows_of(bouts, actions, "ana"), actions)
    timeline.setTime(0.0)
    assert number(ACTIONS[0]) in colors_of(lane_of(timeline, WALK, 0.001, 0.009))
    mouse.wheel(mouse.place(0.005, WALK), 3)
    assert timeline.view.is_whole
    mouse.drag(mouse.place(0.01, WALK), mouse.place(0.005, WALK))
    assert timeline._marks.dragged is None


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_screens_with_more_pixels_get_more(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch, ratio: float
) -> None:
    drawn = timeline._drawn(ratio)
    assert drawn.width() == pytest.approx(900 * ratio, abs=1)
    memory = np.frombuffer(drawn.constBits(), dtype=np.uint32)
    image = memory.reshape(drawn.height(), -1)[:, : drawn.width()] & 0xFFFFFF
    at = Mouse(timeline).place(3.0, WALK) * ratio
    assert image[round(at.y()), round(at.x())] == number(ACTIONS[0])
