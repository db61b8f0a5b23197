import numpy as np
import pytest

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.readers.labels import find_format, read_labels
from napari_neuroembed.data.readers.labels.names import (
    edit_distance,
    is_same,
    suggestions,
)
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError


@pytest.fixture
def file(tmp_path):
    def write(content, name="labels.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        return path

    return write


def rows_of(bouts):
    return [
        (bouts.action[i], bouts.start_s[i], bouts.stop_s[i], bool(bouts.present[i]))
        for i in range(len(bouts))
    ]


def test_minus_one_is_unlabelled_and_zero_is_absent(file):
    path = file(",background,walk\n0,-1,-1\n1,0,1\n2,1,0\n3,-1,-1\n")
    labels = read_labels(path, rate_hz=2.0, start_s=-1.0)
    assert labels.format == "csv-frames"
    assert rows_of(labels[""]) == [
        ("background", -0.5, 0.0, False),
        ("walk", -0.5, 0.0, True),
        ("background", 0.0, 0.5, True),
        ("walk", 0.0, 0.5, False),
    ]


def test_times_in_a_column_stand_in_for_a_rate(file):
    path = file("frame,time_s,walk\n0,0.25,1\n1,0.75,1\n2,1.25,0\n")
    labels = read_labels(path)
    assert rows_of(labels[""]) == [("walk", 0, 1.0, True), ("walk", 1.0, 1.5, False)]
    with pytest.raises(DataError, match=r"says 2 frames per second, --rate says 3"):
        read_labels(path, rate_hz=3.0)


def test_lost_camera_frames_stay_unlabelled(file):
    path = file("walk\n1\n1\n1\n1\n")
    clock = TimeAxis(4, times_s=np.array([0.5, 1.5, 5.5, 6.5]))
    labels = read_labels(path, time=clock)
    assert rows_of(labels[""]) == [("walk", 0, 2.0, True), ("walk", 5.0, 7.0, True)]


def test_one_column_of_names_is_read_with_empty_cells_unlabelled(file):
    path = file("frame;behaviour\n0;walk\n1;\n2;rest\n")
    labels = read_labels(path, rate_hz=1.0)
    assert rows_of(labels[""]) == [("walk", 0, 1, True), ("rest", 2, 3, True)]


@pytest.mark.parametrize(
    "content", ["0,1,1,-1,2", "0\n1\n1\n-1\n2\n", "y\n0\n1\n1\n-1\n2"]
)
def test_codes_on_one_line_or_one_per_line_are_the_same(file, content):
    labels = read_labels(
        file(content), rate_hz=1.0, options={"names": {0: "a", 1: "b", 2: "c"}}
    )
    assert rows_of(labels[""]) == [
        ("a", 0, 1, True),
        ("b", 1, 3, True),
        ("c", 4, 5, True),
    ]


@pytest.mark.parametrize(
    ("content", "options", "match"),
    [
        ("walk,rest\n1,0\n2,0\n", {}, r"row 1 \(line 3\), column walk: value '2'"),
        ("walk,rest\n1,0\n1\n", {}, "line 3: 1 cells, the header has 2"),
        (",walk\n0,1\n2,1\n", {}, "has index '2', expected 1"),
        ("0,1,7\n", {"names": ["a", "b"]}, "frame 2: code 7 has no name"),
        ("walk,rest\n1,0\n", {"colour": 1}, "no option colour. Options: names"),
        ("frame,time_s\n0,1\n", {}, "no column of an action"),
        ("time_s,walk\nx,1\n", {}, "'x' is no time"),
        ("", {}, "is empty"),
    ],
)
def test_a_wrong_frame_table_says_where(file, content, options, match):
    with pytest.raises(DataError, match=match):
        read_labels(file(content), format="csv-frames", rate_hz=1.0, options=options)


def test_all_faults_of_a_file_are_listed_together(file):
    with pytest.raises(DataError, match=r"(?s)2 problems.*row 0.*row 1"):
        read_labels(file("a,b\n5,0\n0,6\n"), format="csv-frames", rate_hz=1.0)


def test_labels_without_a_rate_are_refused_with_both_remedies(file):
    with pytest.raises(DataError, match=r"3 frames but no frame rate.*--rate.*time_s"):
        read_labels(file("walk,rest\n1,0\n1,0\n0,1\n"))


def test_rows_must_be_as_many_as_camera_frames_unless_accepted(file):
    path = file("walk,rest\n1,0\n1,0\n0,1\n")
    clock = TimeAxis(5, rate_hz=1.0)
    with pytest.raises(DataError, match=r"3 rows.*5 frames.*\[label\.length\]"):
        read_labels(path, time=clock)
    labels = read_labels(path, time=clock, accept={"label.length"})
    assert labels[""].stop_s.max() == 3.0
    short = read_labels(path, time=TimeAxis(2, rate_hz=1.0), accept={"label.length"})
    assert short[""].stop_s.max() == 2.0


def test_intervals_with_decimal_commas_and_typed_columns(file):
    path = file("video;observer;from;to;type\nm1;ana;0,5;1,25;dip\nm2;ben;1;2;dip\n")
    labels = read_labels(path, start_s=10.0)
    assert labels.facts["decimal"] == ","
    assert rows_of(labels["m1"]) == [("dip", 10.5, 11.25, True)]
    assert set(labels.by_rater) == {("m1", "ana"), ("m2", "ben")}


def test_columns_can_be_named_by_the_user(file):
    path = file("a\tb\tc\n0\t1\twalk\n")
    with pytest.raises(DataError, match=r"no column for start, stop, action.*--column"):
        read_labels(path, format="csv-intervals")
    columns = {"start": "a", "stop": "b", "action": "c"}
    labels = read_labels(path, format="csv-intervals", options={"columns": columns})
    assert rows_of(labels[""]) == [("walk", 0, 1, True)]


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("2.6,2.0,a", r"line 3: to \(2\.0\) is before from \(2\.6\)"),
        ("-1,2.0,a", "line 3: from .* is negative"),
        ("x,2.0,a", "line 3: from is 'x', not a number of seconds"),
        ("nan,2.0,a", "line 3: from is 'nan'"),
        ("1,2,", "line 3: type is empty"),
        ("1,2", "line 3: 2 cells"),
    ],
)
def test_a_wrong_interval_names_its_line_and_can_be_left_out(file, row, match):
    path = file(f"from,to,type\n0,1,walk\n{row}\n5,6,rest\n")
    with pytest.raises(DataError, match=match):
        read_labels(path, format="csv-intervals")
    ids = {"label.order", "label.range", "label.value", "label.unknown", "label.cells"}
    labels = read_labels(path, format="csv-intervals", accept=ids)
    assert labels[""].action == ("walk", "rest")


def test_frame_intervals_need_a_clock_and_stay_inside_it(file):
    path = file("start_frame,stop_frame,action\n0,2,a\n2,9,b\n")
    with pytest.raises(DataError, match=r"up to frame 9 but no frame rate"):
        read_labels(path)
    labels = read_labels(path, rate_hz=4.0, start_s=1.0)
    assert rows_of(labels[""]) == [("a", 1.0, 1.5, True), ("b", 1.5, 3.25, True)]
    with pytest.raises(DataError, match="b stops at frame 9 of 5"):
        read_labels(path, time=TimeAxis(5, rate_hz=4.0))


def test_renaming_joins_only_what_the_user_says(file):
    path = file("from,to,type\n0,1,Start/End\n1,2,Start_End\n2,3,_DEFAULT\n")
    rename = {"Start/End": "edge", "Start_End": "edge", "_DEFAULT": ""}
    labels = read_labels(path, options={"rename": rename})
    assert labels.actions() == {"edge": 2}
    assert labels.problems == ()
    with pytest.raises(DataError, match="no action 'walk' to rename"):
        read_labels(path, options={"rename": {"walk": "rest"}})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_every_common_encoding_is_read(file, encoding):
    path = file("from,to,type\r\n0,1,Männchen\r\n", encoding=encoding)
    labels = read_labels(path)
    assert labels[""].action == ("Männchen",)
    warned = any(p.id == "text.encoding" for p in labels.problems)
    assert warned == (encoding == "latin-1")


def test_a_file_of_no_known_format_says_what_was_tried(file):
    with pytest.raises(DataError, match=r"no known format.*csv-frames.*csv-intervals"):
        find_format(file("a,b\nhello,world\n"))
    with pytest.raises(DataError, match=r"no format of labels\. Known: csv-frames"):
        read_labels(file("a\n1\n"), format="bento")
    with pytest.raises(DataError, match="is not there"):
        read_labels(file("a").with_name("gone.csv"), format="csv-frames")


def test_names_are_compared_without_case_and_separators():
    assert is_same("Start/End", "start_end")
    assert not is_same("Protected Stretch", "Unprotected Stretch")
    assert suggestions("wlaking", ["walking", "resting"]) == ["walking"]
    assert suggestions("walking", ["walking"]) == []
    assert edit_distance("", "abc") == 3


def test_labels_are_a_mapping_by_recording(file):
    labels = read_labels(file("file,from,to,type\nm1,0,1,a\nm2,0,1,a\n"))
    assert list(labels) == ["m1", "m2"]
    assert dict(labels)["m2"] == Bouts([0.0], [1.0], ("a",), [True])
    with pytest.raises(KeyError):
        labels["m3"]
    with pytest.raises(DataError, match="no rater 'eve'"):
        labels.of_rater("eve")
