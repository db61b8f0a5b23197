"""What every format of labels must do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.readers.labels import LABEL_READERS, find_format
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.writers.labels import LABEL_WRITERS
from napari_neuroembed.errors import DataError

PLACE = ("fly1", "ana")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("labels")


def states():
    row = st.lists(st.sampled_from([-1, 0, 1]), min_size=2, max_size=2)
    return st.lists(row, min_size=3, max_size=30).filter(
        lambda rows: all(any(row[k] == 1 for row in rows) for k in (0, 1))
    )


SECONDS = ("boris", "boris-aggregated")
"""Formats of seconds to the microsecond, which know presence only."""


def only(labels):
    (bouts,) = labels.by_rater.values()
    return bouts


@pytest.mark.parametrize("name", LABEL_WRITERS)
@settings(max_examples=15, deadline=None)
@given(rows=states(), rate=st.sampled_from([2.9046, 16.0, 30.0, 100.0]))
def test_writing_and_reading_gives_the_same_bouts(folder, name, rows, rate):
    axis = TimeAxis(len(rows), start_s=-1.25, rate_hz=rate)
    edges = axis.start_s + np.arange(len(rows) + 1) / rate
    bouts = Bouts.from_states(np.array(rows), ["walk", "rest"], edges)
    path = folder / f"{name}.csv"
    LABEL_WRITERS[name](path, {PLACE: bouts}, time=axis, replace=True)
    for old in folder.glob("*.bak"):
        old.unlink()
    assert find_format(path) == name
    clock = axis if name == "csv-frames" else None
    found = only(LABEL_READERS[name].read(path, time=clock))
    if name in SECONDS:
        present = bouts.to_table().query("state == 1")
        assert found.action == tuple(present["action"])
        np.testing.assert_allclose(found.start_s, present["start_s"], atol=1e-6)
        np.testing.assert_allclose(found.stop_s, present["stop_s"], atol=1e-6)
    else:
        assert found == bouts


@pytest.mark.parametrize("name", LABEL_WRITERS)
def test_a_file_that_is_there_is_kept_unless_replaced_and_then_copied(tmp_path, name):
    path = tmp_path / "labels.csv"
    path.write_text("mine")
    bouts = Bouts([0.0], [1.0], ("walk",), [True])
    axis = TimeAxis(2, rate_hz=1.0)
    with pytest.raises(DataError, match=r"already there.*--replace"):
        LABEL_WRITERS[name](path, {PLACE: bouts}, time=axis)
    assert path.read_text() == "mine"
    LABEL_WRITERS[name](path, {PLACE: bouts}, time=axis, replace=True)
    (copy,) = tmp_path.glob("*.bak")
    assert copy.read_text() == "mine"
    assert "walk" in path.read_text()


@pytest.mark.parametrize("name", LABEL_WRITERS)
def test_no_cell_can_be_a_formula_when_asked(tmp_path, name):
    path = tmp_path / "labels.csv"
    bouts = Bouts([0.0], [1.0], ("=cmd()",), [True])
    LABEL_WRITERS[name](
        path, {PLACE: bouts}, time=TimeAxis(2, rate_hz=1.0), spreadsheet_safe=True
    )
    cells = [c for line in path.read_text().splitlines() for c in line.split(",")]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    assert "'=cmd()" in cells


@pytest.mark.parametrize("name", LABEL_READERS)
def test_an_unknown_option_a_missing_and_a_binary_file_are_refused(tmp_path, name):
    read = LABEL_READERS[name].read
    with pytest.raises(DataError, match="is not there"):
        read(tmp_path / "gone.csv")
    binary = tmp_path / "labels.csv"
    binary.write_bytes(b"\x80\x04\x95\0\0\0")
    with pytest.raises(DataError, match="no text file"):
        read(binary)
    assert LABEL_READERS[name].sniff(binary)[0] == 0.0
    with pytest.raises(DataError, match="no option nonsense"):
        read(binary, options={"nonsense": 1})


def test_frame_files_say_what_they_cannot_hold(tmp_path):
    bouts = Bouts([0.1, 0.5], [0.9, 0.5], ("walk", "blink"), [True, True])
    axis = TimeAxis(4, rate_hz=4.0)
    lost = LABEL_WRITERS["csv-frames"](tmp_path / "a.csv", {PLACE: bouts}, time=axis)
    assert any("1 point events" in text for text in lost)
    assert any("largest shift is 0.1000 s" in text for text in lost)
    assert any("ana" in text for text in lost)
    long = Bouts([0.0], [9.0], ("walk",), [True])
    lost = LABEL_WRITERS["csv-frames"](tmp_path / "b.csv", {PLACE: long}, time=axis)
    assert any("1 bouts reach beyond" in text for text in lost)


def test_frame_files_hold_one_recording_and_need_a_clock(tmp_path):
    bouts = Bouts([0.0], [1.0], ("walk",), [True])
    write = LABEL_WRITERS["csv-frames"]
    with pytest.raises(DataError, match=r"found 2: fly1 by ana, fly2 by ana"):
        write(tmp_path / "a.csv", {PLACE: bouts, ("fly2", "ana"): bouts})
    with pytest.raises(DataError, match="camera's clock"):
        write(tmp_path / "a.csv", {PLACE: bouts})
    named = Bouts([0.0], [1.0], ("Time",), [True])
    with pytest.raises(DataError, match="action time has the name of a column"):
        write(tmp_path / "a.csv", {PLACE: named}, time=TimeAxis(1, rate_hz=1.0))
