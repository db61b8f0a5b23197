"""What the widgets of a viewer share."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from napari.components import ViewerModel

from napari_neuroembed.errors import DataError
from napari_neuroembed.widgets.state import ProjectState, state_of


def test_every_viewer_has_one_state() -> None:
    first, second = ViewerModel(), ViewerModel()
    assert state_of(first) is state_of(first)
    assert state_of(first) is not state_of(second)


def test_signals_come_only_with_changes(tiny_project: Path) -> None:
    state = ProjectState()
    seen: list[object] = []
    for signal in (state.recording_changed, state.run_changed, state.time_changed):
        signal.connect(seen.append)
    project = state.open(tiny_project)
    first, second = project.recording_ids()[:2]
    assert state.recording == first
    seen.clear()
    state.recording = first
    state.time_s = 0.0
    assert seen == []
    state.time_s = 2.0
    state.recording = second
    assert seen == [2.0, second, 0.0]


def test_a_failed_opening_keeps_what_was_open(
    tiny_project: Path, tmp_path: Path
) -> None:
    state = ProjectState()
    with pytest.raises(DataError, match="No project is open"):
        state.need_project()
    state.open(tiny_project)
    with pytest.raises(DataError, match=r"project\.yaml"):
        state.open(tmp_path)
    assert state.folder == tiny_project
    with pytest.raises(DataError, match="nobody"):
        state.recording = "nobody"
    with pytest.raises(DataError, match="number of seconds"):
        state.time_s = math.nan


def test_streams_are_opened_once_per_recording(tiny_project: Path) -> None:
    state = ProjectState()
    state.open(tiny_project)
    raw = state.raw()
    assert state.raw() is raw
    assert set(raw.streams) >= {"neural", "pose"}
    state.recording = state.need_project().recording_ids()[1]
    assert state.raw().id == state.recording
