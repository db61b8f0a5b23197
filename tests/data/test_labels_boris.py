"""BORIS files: their traps, on small files made here."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.readers.labels import find_format, read_labels
from napari_neuroembed.data.writers.labels import LABEL_WRITERS
from napari_neuroembed.errors import DataError

BEHAVIOURS = {
    "0": {"type": "State event", "code": "walk"},
    "1": {"type": "Point event", "code": "blink"},
    "2": {"type": "State event with coding map", "code": "look"},
}
FLAT = (
    "Observation id,Time offset (s),Subject,Behavior,Modifier #1,Behavior type,Time\n"
)
AGGREGATED = (
    "Observation id,Description,Total length,FPS,sex,Subject,Behavior,Modifiers,"
    "Behavior type,Start (s),Stop (s),Duration (s),Comment start\n"
)


@pytest.fixture
def project(tmp_path):
    def write(events, name="day #1", **fields):
        path = tmp_path / "a.boris"
        observation = {"type": "MEDIA", "time offset": 0.0, "events": events, **fields}
        content = {"behaviors_conf": BEHAVIOURS, "observations": {name: observation}}
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def table(tmp_path):
    def write(content, name="events.csv"):
        path = tmp_path / name
        path.write_text(content)
        return path

    return write


def rows_of(labels):
    (bouts,) = labels.by_rater.values()
    return list(zip(bouts.action, bouts.start_s, bouts.stop_s, strict=True))


def test_the_time_offset_is_taken_off_what_boris_added(project):
    events = [[12.5, "", "walk", "", ""], [13.0, "", "walk", "", ""]]
    path = project(events, **{"time offset": 10.0})
    assert rows_of(read_labels(path)) == [("walk", 2.5, 3.0)]
    assert rows_of(read_labels(path, start_s=1.0)) == [("walk", 3.5, 4.0)]


def test_states_are_paired_per_subject_and_modifier(project):
    events = [
        [1.0, "a", "look", "left", ""],
        [2.0, "b", "look", "left", ""],
        [3.0, "a", "look", "right", ""],
        [4.0, "a", "look", "left", ""],
        [5.0, "b", "look", "left", ""],
        [6.0, "a", "look", "right", ""],
    ]
    options = {"subject": "a", "modifiers": "name"}
    assert rows_of(read_labels(project(events), options=options)) == [
        ("look (left)", 1.0, 4.0),
        ("look (right)", 3.0, 6.0),
    ]


def test_all_faults_of_an_observation_are_told_together(project):
    events = [
        ["x", "", "walk", "", ""],
        [1.0, "", "wlak", "", ""],
        [2.0, "", "walk", "", ""],
        3.0,
    ]
    match = (
        r"(?s)4 problems.*event 0: its time is 'x'.*event 3: 3\.0 is no .*"
        r"event 1: 'wlak' is none .*did you mean 'walk'.*odd number of events"
    )
    with pytest.raises(DataError, match=match):
        read_labels(project(events))


def test_comments_and_live_clocks_are_said(project):
    events = [[1.0, "", "blink", "", "a fly flew by"]]
    labels = read_labels(project(events, type="LIVE", media_info=None, file=[]))
    assert {p.id for p in labels.problems} == {"label.live", "label.comments"}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"observations": 3, "behaviors_conf": {}}', "no 'observations'"),
        ('{"observations": {"a": 3}, "behaviors_conf": {}}', "'a' is no object but 3"),
        ('{"observations": {}, "behaviors_conf": {}}', "holds 0 observations: none"),
        ('{"observations": {"a": {"events": [[', "no whole BORIS project"),
        ("[" * 100_000, "no header row with Time and Behavior"),
        ('{"a":' * 100_000, "no whole BORIS project"),
        ("time,code\n1,a\n", "no header row with Time and Behavior; its first"),
    ],
)
def test_what_is_no_project_is_refused(table, content, match):
    with pytest.raises(DataError, match=match):
        read_labels(table(content, "a.boris"), format="boris")


def test_the_flat_table_of_several_observations_needs_a_choice(table):
    path = table(
        f"{FLAT}one,2,No focal subject,walk,,START,3\none,2,,walk,,STOP,00:00:04.500\n"
        "two,0,fly,blink,x,POINT,7\n"
    )
    assert find_format(path) == "boris"
    with pytest.raises(DataError, match=r"2 observations: 'one' \(2 events\), 'two'"):
        read_labels(path)
    one = read_labels(path, options={"observation": "one"})
    assert rows_of(one) == [("walk", 1.0, 2.5)]
    every = read_labels(path, options={"observation": "*"})
    assert list(every) == ["one", "two"]
    assert every["two"].start_s.tolist() == [7.0]


def test_in_a_table_that_says_start_and_stop_only_the_lonely_rows_are_left_out(table):
    path = table(
        f"{FLAT}o,,,walk,,STOP,1\no,,,walk,,START,2\no,,,walk,,STOP,3\n"
        "o,,,walk,,START,4\n"
    )
    with pytest.raises(DataError, match=r"(?s)no START before .* 1\.000 s.*at 4\.000"):
        read_labels(path)
    kept = read_labels(path, accept={"label.unpaired"})
    assert rows_of(kept) == [("walk", 2.0, 3.0)]


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("o,,,walk,,START,NA", "line 2: Time is 'NA', not a number of seconds"),
        ("o,,,walk,,BEGIN,1", "line 2: Behavior type is 'BEGIN'; allowed: START"),
        ("o,,,,,START,1", "line 2: Behavior is empty"),
        ("o,x,,walk,,POINT,1", r"Time offset \(s\) is 'x'"),
    ],
)
def test_a_wrong_row_of_events_is_named_by_its_line(table, row, match):
    with pytest.raises(DataError, match=match):
        read_labels(table(FLAT + row + "\n"))


def test_the_aggregated_table_trusts_start_and_stop(table):
    path = table(
        f"{AGGREGATED}o,,9,25,f,No focal subject,walk,None|x,STATE,1.5,3,99,\n"
        "o,,9,25,f,No focal subject,blink,,POINT,2,2,NA,\n"
    )
    assert find_format(path) == "boris-aggregated"
    for form in ("boris-aggregated", "boris"):
        labels = read_labels(path, format=form)
        assert rows_of(labels) == [("walk", 1.5, 3.0), ("blink", 2.0, 2.0)]
        assert [p.id for p in labels.problems] == ["label.modifiers"]
    wrong = "o,,9,25,f,,walk,,STATE,3,2,1,\no,,9,25,f,,blink,,POINT,1,2,NA,\n"
    with pytest.raises(
        DataError, match=r"(?s)line 2: Stop .*before.*line 3: the point"
    ):
        read_labels(table(AGGREGATED + wrong))


TIMES = st.integers(0, 10**9).map(lambda n: n / 1e6)


@settings(max_examples=30, deadline=None)
@given(edges=st.lists(TIMES, min_size=2, max_size=20, unique=True).map(sorted))
def test_touching_states_and_points_come_back_to_the_microsecond(
    edges, tmp_path_factory
):
    path = tmp_path_factory.mktemp("boris") / "events.tsv"
    n = len(edges) - 1
    bouts = Bouts(
        np.array([*edges[:-1], edges[0]]),
        np.array([*edges[1:], edges[0]]),
        ("walk",) * n + ("blink",),
        np.ones(n + 1, dtype=bool),
    )
    for name in ("boris", "boris-aggregated"):
        LABEL_WRITERS[name](path, {("fly1", "ana"): bouts}, replace=True)
        assert "\t" in path.read_text().splitlines()[0]
        found = read_labels(path, options={"observation": "*"})["fly1"]
        assert found.action == bouts.action
        np.testing.assert_allclose(found.start_s, bouts.start_s, atol=1e-6, rtol=0)
        np.testing.assert_allclose(found.stop_s, bouts.stop_s, atol=1e-6, rtol=0)


def test_the_writers_say_what_boris_cannot_hold(tmp_path):
    absent = Bouts([0.0, 2.0], [1.0, 3.0], ("walk", "walk"), [True, False])
    lost = LABEL_WRITERS["boris"](tmp_path / "a.csv", {("fly1", "ana"): absent})
    assert any("1 bouts that say an action is absent" in text for text in lost)
    assert any("rater's name (ana)" in text for text in lost)
    over = Bouts([0.0, 1.0], [2.0, 3.0], ("walk", "walk"), [True, True])
    with pytest.raises(DataError, match=r"1 bouts of 'walk' overlap.*aggregated"):
        LABEL_WRITERS["boris"](tmp_path / "b.csv", {("fly1", "ana"): over})
    LABEL_WRITERS["boris-aggregated"](tmp_path / "b.csv", {("fly1", "ana"): over})
    assert len(rows_of(read_labels(tmp_path / "b.csv"))) == 2
    two = {("fly1", "ana"): over, ("fly1", "ben"): over}
    for name in ("boris", "boris-aggregated"):
        with pytest.raises(DataError, match="fly1 by ana, ben"):
            LABEL_WRITERS[name](tmp_path / "c.csv", two)
