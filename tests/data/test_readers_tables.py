"""Poses, traces and scalars from npz, npy, csv, json, DeepLabCut and suite2p."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.data.fixtures.table_files import write_dlc, write_suite2p

from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.data.writers.csv_pose import write_csv_pose, write_deeplabcut
from napari_neuroembed.data.writers.npz import write_npz
from napari_neuroembed.errors import DataError


def read(reader, path, rate_hz=10.0, accept=(), salvage=False, **options):
    streams = READERS[reader].read(
        Source((path,)),
        options,
        rate_hz=rate_hz,
        accept=frozenset(accept),
        salvage=salvage,
    )
    (stream,) = streams.values()
    return stream


def ids(reader, path, **options):
    found = READERS[reader].describe(Source((path,)), options).problems
    return [(p.id, p.severity) for p in found]


class TestNpz:
    def test_a_pose_with_rate_and_names_needs_no_option(self, tmp_path, rng):
        pose = rng.normal(size=(50, 4, 3)).astype(np.float32)
        np.savez(tmp_path / "a.npz", pose=pose, joints=list("abcd"), fps=100)
        stream = read("npz", tmp_path / "a.npz", rate_hz=None)
        np.testing.assert_array_equal(stream.data, pose)
        assert (stream.kind, stream.names, stream.time.rate_hz) == (
            "pose",
            ("a", "b", "c", "d"),
            100.0,
        )
        assert "stored in" in stream.facts["rate_origin"]

    def test_neurons_by_time_are_refused_until_transpose_is_said(self, tmp_path, rng):
        traces = rng.normal(size=(5, 200))
        np.savez(tmp_path / "a.npz", traces=traces, fps=2.9, names=list("abcde"))
        with pytest.raises(DataError, match=r"5 frames of 200 channels.*transpose: tr"):
            read("npz", tmp_path / "a.npz", rate_hz=None)
        stream = read("npz", tmp_path / "a.npz", rate_hz=None, transpose=True)
        np.testing.assert_array_equal(stream.data, traces.T)
        assert (stream.kind, len(stream), stream.time.rate_hz) == ("trace", 200, 2.9)
        as_is = read(
            "npz",
            tmp_path / "a.npz",
            rate_hz=1,
            transpose=False,
            names_key=None,
            accept=["rate.conflict", "array.names"],
        )
        assert as_is.data.shape == (5, 200)

    def test_an_undecided_file_lists_its_arrays_and_shapes(self, tmp_path):
        np.savez(tmp_path / "a.npz", C=np.zeros((16, 30)), shifts=np.zeros((30, 2)))
        with pytest.raises(
            DataError, match=r"C \(16, 30\) float64, shifts \(30, 2\).*key: C"
        ):
            read("npz", tmp_path / "a.npz")
        with pytest.raises(DataError, match=r"no array 'D' \(key\). It holds C"):
            read("npz", tmp_path / "a.npz", key="D")
        with pytest.raises(DataError, match=r"no array 'hz' \(rate_key\)"):
            read("npz", tmp_path / "a.npz", key="C", rate_key="hz")

    def test_an_object_array_is_refused_by_name(self, tmp_path):
        pose = np.array([{"a": 1}, None], dtype=object)
        np.savez(tmp_path / "x.npz", pose=pose)
        with pytest.raises(
            DataError, match=r"array 'pose' in .*x.npz is an object array.*plain float"
        ):
            read("npz", tmp_path / "x.npz")

    def test_a_rate_that_was_accepted_against_the_times_is_taken(self, tmp_path):
        times = np.arange(20) / 10.0
        path = tmp_path / "a.npz"
        np.savez(path, pose=np.zeros((20, 2, 2)), times_s=times)
        with pytest.raises(
            DataError, match=r"4 per second.*10 \(times of.*rate.conflict takes 4\."
        ):
            read("npz", path, rate_hz=4.0)
        assert (
            read("npz", path, rate_hz=4.0, accept=["rate.conflict"]).time.rate_hz == 4
        )
        for rate in (None, 10.0):
            kept = read("npz", path, rate_hz=rate, accept=["rate.conflict"]).time
            np.testing.assert_array_equal(kept.centers(), times)

    def test_times_of_frames_win_and_must_increase(self, tmp_path):
        times = np.array([0.5, 0.6, 0.7, 1.7, 1.8])
        np.savez(tmp_path / "a.npz", pose=np.zeros((5, 2, 2)), times_s=times)
        stream = read("npz", tmp_path / "a.npz", rate_hz=None)
        np.testing.assert_array_equal(stream.time.centers(), times)
        assert stream.time.gaps().tolist() == [2]
        np.savez(
            tmp_path / "b.npz", pose=np.zeros((5, 2, 2)), times_s=times[[0, 2, 1, 3, 4]]
        )
        with pytest.raises(DataError, match=r"frame 2 is at 0.600000 s.*0.700000 s"):
            read("npz", tmp_path / "b.npz", rate_hz=None)
        given = read("npz", tmp_path / "b.npz", accept=["time.not_increasing"])
        assert given.time.rate_hz == 10.0

    def test_lengths_that_disagree_are_refused(self, tmp_path):
        np.savez(tmp_path / "a.npz", pose=np.zeros((5, 2, 2)), times_s=np.arange(4.0))
        with pytest.raises(DataError, match=r"times has shape \(4,\).*expected \(5,\)"):
            read("npz", tmp_path / "a.npz")
        np.savez(tmp_path / "b.npz", pose=np.zeros((5, 2, 2)), names=["a", "b", "c"])
        with pytest.raises(DataError, match=r"3 names for 2 channels or points"):
            read("npz", tmp_path / "b.npz")

    def test_a_cut_file_is_refused(self, tmp_path, rng):
        np.savez(tmp_path / "a.npz", pose=rng.normal(size=(50, 4, 3)))
        content = (tmp_path / "a.npz").read_bytes()
        (tmp_path / "a.npz").write_bytes(content[:-300])
        with pytest.raises(DataError, match=r"a.npz cannot be read as npz.*npz.unread"):
            read("npz", tmp_path / "a.npz")

    def test_a_bomb_is_refused_until_accepted(self, tmp_path):
        np.savez_compressed(tmp_path / "a.npz", pose=np.zeros((100_000, 4, 2)))
        with pytest.raises(DataError, match=r"become 6,400,\d+ .*200 to 1.*size.cap"):
            read("npz", tmp_path / "a.npz")
        assert len(read("npz", tmp_path / "a.npz", accept=["size.cap"])) == 100_000

    @settings(max_examples=15, deadline=None)
    @given(
        data=arrays(
            np.float32, st.tuples(st.integers(4, 8), st.integers(1, 4), st.just(2))
        ),
        rate=st.floats(0.5, 500),
    )
    def test_what_is_written_comes_back_exactly(self, data, rate, tmp_path_factory):
        path = tmp_path_factory.mktemp("npz") / "a.npz"
        names = tuple(f"p{k}" for k in range(data.shape[1]))
        facts = {"confidence": np.ones(data.shape[:2])}
        clock = TimeAxis(len(data), 0.0, rate)
        stream = Stream("pose", data, clock, names=names, units="mm", facts=facts)
        write_npz(path, stream)
        if not np.isfinite(data).all(axis=-1).any():
            with pytest.raises(DataError, match="values are missing"):
                read("npz", path, rate_hz=None)
            return
        back = read("npz", path, rate_hz=None)
        np.testing.assert_array_equal(back.data, data)
        assert (back.names, back.units, back.time.rate_hz) == (names, "mm", rate)
        np.testing.assert_array_equal(back.facts["confidence"], facts["confidence"])


class TestNpy:
    def test_images_poses_traces_and_scalars_are_told_by_kind(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros((30, 8, 9), np.uint16))
        images = read("npy", tmp_path / "a.npy", kind="neural")
        assert (images.kind, images.data.shape) == ("neural", (30, 8, 9))
        assert isinstance(images.data, np.memmap)
        np.save(tmp_path / "b.npy", np.zeros(30))
        speed = read("npy", tmp_path / "b.npy", kind="scalar", unit="cm/s")
        assert (speed.data.shape, speed.units) == ((30, 1), "cm/s")
        np.save(tmp_path / "c.npy", np.zeros((30, 6)))
        assert read("npy", tmp_path / "c.npy", kind="pose").data.shape == (30, 6, 1)
        with pytest.raises(DataError, match=r"gives pose or trace.*not video"):
            read("npy", tmp_path / "c.npy", kind="video")

    def test_a_cut_array_is_refused_and_can_be_salvaged(self, tmp_path, rng):
        data = rng.normal(size=(20, 6))
        np.save(tmp_path / "a.npy", data)
        content = (tmp_path / "a.npy").read_bytes()
        (tmp_path / "a.npy").write_bytes(content[:-50])
        with pytest.raises(
            DataError, match=r"must hold 960 bytes.*has 910.*is 17 of 20"
        ):
            read("npy", tmp_path / "a.npy")
        kept = read("npy", tmp_path / "a.npy", salvage=True)
        np.testing.assert_array_equal(kept.data, data[:18])

    def test_objects_and_text_are_refused(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([None, 1], dtype=object))
        with pytest.raises(DataError, match=r"a.npy is an object array"):
            read("npy", tmp_path / "a.npy")
        np.save(tmp_path / "b.npy", np.array(["a", "b"]))
        with pytest.raises(DataError, match=r"real numbers, time first"):
            read("npy", tmp_path / "b.npy")

    def test_angles_that_look_like_degrees_are_noted(self, tmp_path):
        np.save(tmp_path / "a.npy", np.linspace(0, 180, 40).reshape(20, 2))
        assert ids("npy", tmp_path / "a.npy", unit="rad") == [
            ("unit.degrees", "warning")
        ]


class TestCsv:
    def test_columns_of_joints_are_a_pose_with_confidence(self, tmp_path):
        (tmp_path / "a.csv").write_text(
            "time_s,nose_x,nose_y,nose_likelihood,tail_x,tail_y,tail_likelihood\n"
            "0.05,1,2,0.9,3,4,0.8\n0.15,5,6,0.7,7,8,0.6\n0.25,5,6,0.7,7,8,0.6\n"
        )
        stream = read("csv", tmp_path / "a.csv", rate_hz=None)
        assert (stream.kind, stream.names) == ("pose", ("nose", "tail"))
        np.testing.assert_array_equal(stream.data[0], [[1, 2], [3, 4]])
        np.testing.assert_array_equal(stream.facts["confidence"][1], [0.7, 0.6])
        np.testing.assert_allclose(stream.time.centers(), [0.05, 0.15, 0.25])
        assert stream.time.start_s == pytest.approx(0.0)

    def test_scalars_need_a_unit_which_may_stand_in_the_name(self, tmp_path):
        (tmp_path / "a.csv").write_text("speed\n1\n2\n3\n")
        with pytest.raises(DataError, match=r"unit of speed.*unit: cm/s.*unit.missing"):
            read("csv", tmp_path / "a.csv", kind="scalar")
        assert (
            read("csv", tmp_path / "a.csv", kind="scalar", unit="cm/s").units == "cm/s"
        )
        (tmp_path / "b.csv").write_text("speed (cm/s),turn [rad/s]\n1,2\n2,3\n3,4\n")
        both = read("csv", tmp_path / "b.csv", kind="scalar")
        assert (both.names, both.units) == (("speed", "turn"), "cm/s, rad/s")

    def test_lost_frame_numbers_become_gaps(self, tmp_path):
        (tmp_path / "a.csv").write_text("frame,v\n3,1\n4,2\n7,3\n8,4\n")
        stream = read("csv", tmp_path / "a.csv", rate_hz=10.0)
        np.testing.assert_allclose(stream.time.centers(), [0.05, 0.15, 0.45, 0.55])
        assert ids("csv", tmp_path / "a.csv") == [("csv.frames", "warning")]
        (tmp_path / "b.csv").write_text("frame,v\n3,1\n5,2\n4,3\n")
        with pytest.raises(DataError, match=r"row 2 has 4 after 5"):
            read("csv", tmp_path / "b.csv")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_encodings_and_line_ends_do_not_matter(self, encoding, end, tmp_path):
        text = end.join(["time_s;münz_x;münz_y", "0,5;1,25;2", "0,6;1,5;3", ""])
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        stream = read("csv", tmp_path / "a.csv", rate_hz=None)
        assert stream.names == ("münz",)
        np.testing.assert_array_equal(stream.data[:, 0], [[1.25, 2], [1.5, 3]])
        noted = [p for p, _ in ids("csv", tmp_path / "a.csv")]
        assert noted == (["csv.encoding"] if encoding == "latin-1" else [])

    def test_a_cell_that_is_no_number_is_named(self, tmp_path):
        (tmp_path / "a.csv").write_text("speed,turn\n1,2\n2,fast\n3,4\n")
        with pytest.raises(
            DataError, match=r"line 3, column turn: 'fast' is no number"
        ):
            read("csv", tmp_path / "a.csv")
        only = read("csv", tmp_path / "a.csv", columns=["speed"])
        assert only.names == ("speed",)
        with pytest.raises(DataError, match=r"no column 'sped'. Columns: speed, turn"):
            read("csv", tmp_path / "a.csv", columns=["sped"])

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "is empty"),
            ("\n\n", "holds no line"),
            ("1,2,3\n4,5,6\n", r"no line with the names of its columns.*1,2,3"),
            ("a,b\n1,2\n1,2,3\n", "no regular table"),
            ("a,b,c\n1,2,3\n1,2", "line 3 has 2 cells, the header 3; .* cut there"),
            ("a,a\n1,2\n3,4\n", "column 'a' occurs 2 times"),
            ("time_s\n1\n2\n", "no column of values"),
            ("nose_x,tail_y\n1,2\n3,4\n", "point nose has no x and y"),
            ("a\n1\n", "has 1 frames, expected 2"),
        ],
    )
    def test_a_wrong_file_says_what_is_wrong(self, text, words, tmp_path):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(DataError, match=words):
            read("csv", tmp_path / "a.csv", kind="pose" if "nose" in text else "trace")

    def test_missing_values_are_counted_and_frames_masked(self, tmp_path):
        (tmp_path / "a.csv").write_text("a,b,c\n1,2,\n,3,\n4,5,\n")
        stream = read("csv", tmp_path / "a.csv")
        assert stream.valid.tolist() == [True, False, True]
        assert any("1 of 3 frames" in note for note in stream.facts["notes"])
        assert any("1 of 3 are never there: c" in n for n in stream.facts["notes"])

    def test_a_pose_comes_back_to_nine_digits(self, tmp_path, rng):
        data = rng.normal(size=(12, 3, 3)) * 100
        facts = {"confidence": rng.random((12, 3))}
        clock = TimeAxis(12, times_s=np.cumsum(rng.random(12) + 0.1))
        stream = Stream("pose", data, clock, names=("a", "b_1", "c"), facts=facts)
        write_csv_pose(tmp_path / "a.csv", stream)
        back = read("csv", tmp_path / "a.csv", rate_hz=None)
        np.testing.assert_allclose(back.data, data, rtol=1e-8)
        np.testing.assert_allclose(back.time.centers(), clock.centers(), rtol=1e-8)
        np.testing.assert_allclose(back.facts["confidence"], facts["confidence"])
        assert back.names == stream.names


class TestJson:
    def test_thunder_covariates_keep_names_and_units(self, tmp_path):
        speed = [{"name": "speed", "value": [1, 2.5, 3], "unit": "cm/s"}]
        (tmp_path / "a.json").write_text(json.dumps(speed))
        stream = read("json", tmp_path / "a.json")
        assert (stream.kind, stream.names, stream.units) == (
            "scalar",
            ("speed",),
            "cm/s",
        )
        np.testing.assert_array_equal(stream.data, [[1], [2.5], [3]])

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("[1, 2]", "signal 0 is not of that form"),
            ('{"name": "a"}', "expected a list such as"),
            ('[{"name": "a", "value": [1, "x"]}]', "signal 0 is not"),
            ('[{"name": "a", "value": [1, 2', "cut or damaged"),
            ('[{"name": "a", "value": [1, NaN]}]', "NaN is no JSON"),
            (
                '[{"name":"a","value":[1,2],"unit":"s"},{"name":"b","value":[1]}]',
                "different lengths: a 2, b 1",
            ),
        ],
    )
    def test_a_wrong_file_says_what_is_wrong(self, content, words, tmp_path):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(DataError, match=words):
            read("json", tmp_path / "a.json")


class TestDeepLabCut:
    def test_columns_are_read_by_their_labels(self, tmp_path, rng):
        data = rng.random((9, 6)).round(6)
        write_dlc(tmp_path / "a.csv", data, ["nose", "tail"])
        stream = read("deeplabcut", tmp_path / "a.csv", rate_hz=30.0)
        np.testing.assert_array_equal(stream.data, data.reshape(9, 2, 3)[..., :2])
        np.testing.assert_array_equal(stream.facts["confidence"], data[:, [2, 5]])
        assert (stream.names, stream.units) == (("nose", "tail"), "px")
        with pytest.raises(DataError, match=r"9 frames but no frame rate"):
            read("deeplabcut", tmp_path / "a.csv", rate_hz=None)

    def test_one_of_several_animals_must_be_named(self, tmp_path, rng):
        data = rng.random((9, 12)).round(6)
        write_dlc(tmp_path / "a.csv", data, ["nose", "tail"], ["mouse1", "mouse2"])
        with pytest.raises(
            DataError, match=r"2 animals: mouse1, mouse2.*--individual mouse1"
        ):
            read("deeplabcut", tmp_path / "a.csv", accept=["pose.individuals"])
        stream = read("deeplabcut", tmp_path / "a.csv", individual="mouse2")
        np.testing.assert_array_equal(
            stream.data, data[:, 6:].reshape(9, 2, 3)[..., :2]
        )
        with pytest.raises(DataError, match="'rat' is none of them"):
            read("deeplabcut", tmp_path / "a.csv", individual="rat")

    def test_single_body_parts_of_a_file_of_many_do_not_shift_columns(self, tmp_path):
        rows = [
            "scorer,D,D,D,D,D,D",
            "individuals,m1,m1,m1,single,single,single",
            "bodyparts,nose,nose,nose,corner,corner,corner",
            "coords,x,y,likelihood,x,y,likelihood",
            "0,1,2,0.5,8,9,1",
            "1,3,4,0.5,8,9,1",
        ]
        (tmp_path / "a.csv").write_text("\n".join(rows))
        stream = read("deeplabcut", tmp_path / "a.csv")
        assert stream.names == ("nose",)
        np.testing.assert_array_equal(stream.data[:, 0], [[1, 2], [3, 4]])

    def test_other_files_are_refused_with_their_first_line(self, tmp_path, rng):
        (tmp_path / "a.csv").write_text("nose_x,nose_y\n1,2\n3,4\n")
        with pytest.raises(DataError, match=r"no 'coords' header row.*nose_x,nose_y"):
            read("deeplabcut", tmp_path / "a.csv")
        write_dlc(tmp_path / "CollectedData_me.csv", rng.random((3, 3)), ["nose"])
        with pytest.raises(DataError, match="holds training labels"):
            read("deeplabcut", tmp_path / "CollectedData_me.csv")

    def test_a_filtered_twin_is_pointed_out(self, tmp_path, rng):
        for name in ("a.csv", "a_filtered.csv"):
            write_dlc(tmp_path / name, rng.random((4, 3)), ["nose"])
        assert ids("deeplabcut", tmp_path / "a.csv") == [("pose.filtered", "warning")]

    def test_three_dimensions_have_no_likelihood_and_come_back(self, tmp_path, rng):
        data = rng.normal(size=(7, 2, 3))
        clock = TimeAxis(7, 0.0, 10.0)
        stream = Stream("pose", data, clock, names=("a", "b"))
        write_deeplabcut(tmp_path / "a.csv", stream)
        back = read("deeplabcut", tmp_path / "a.csv")
        np.testing.assert_allclose(back.data, data, rtol=1e-8)
        assert "confidence" not in back.facts


class TestSuite2p:
    @pytest.fixture
    def parts(self, rng):
        f = rng.random((5, 40), dtype=np.float32) * 100
        around = rng.random((5, 40), dtype=np.float32) * 50
        return f, around, np.array([1.0, 0, 1, 1, 0])

    def test_traces_are_cells_minus_neuropil_at_the_rate_of_ops(self, parts, tmp_path):
        f, around, cells = parts
        ops = {"fs": 15.5, "frames_per_folder": np.array([40]), "Ly": 512}
        folder = write_suite2p(tmp_path, f, around, cells, ops)
        stream = read("suite2p", folder, rate_hz=None)
        expected = (f - 0.7 * around)[[0, 2, 3]].T
        np.testing.assert_allclose(stream.data[:], expected, rtol=1e-6)
        np.testing.assert_allclose(stream.data[7], expected[7], rtol=1e-6)
        np.testing.assert_allclose(stream.data[[9, 2], 1], expected[[9, 2], 1])
        assert (stream.time.rate_hz, stream.names[1]) == (15.5, "roi2")
        whole = read("suite2p", folder, rate_hz=None, all_rois=True, neuropil=0.0)
        np.testing.assert_array_equal(whole.data[:], f.T)
        assert find_reader(Source((folder,)), ("trace",)).name == "suite2p"

    def test_recordings_in_a_row_must_be_told_apart(self, parts, tmp_path):
        f, around, cells = parts
        ops = {"fs": 15.5, "frames_per_folder": np.array([15, 25])}
        folder = write_suite2p(tmp_path, f, around, cells, ops)
        with pytest.raises(
            DataError, match=r"2 recordings in a row \(part 0 has 15, part 1"
        ):
            read("suite2p", folder)
        second = read(
            "suite2p", folder, rate_hz=None, part=1, all_rois=True, neuropil=0
        )
        np.testing.assert_array_equal(second.data[:], f.T[15:])

    def test_lengths_that_disagree_are_all_named(self, parts, tmp_path):
        f, around, cells = parts
        folder = write_suite2p(tmp_path, f, around[:, :39], cells[:4], {"fs": 15.5})
        with pytest.raises(
            DataError, match=r"F has 5 regions x 40.*Fneu 5 x 39.*iscell 4 regions"
        ):
            read("suite2p", folder, accept=["suite2p.lengths"])

    def test_settings_that_could_run_code_are_not_read_but_the_traces_are(
        self, parts, tmp_path
    ):
        f, around, cells = parts
        folder = write_suite2p(tmp_path, f, around, cells, {"path": tmp_path})
        with pytest.raises(DataError, match=r"40 frames but no frame rate"):
            read("suite2p", folder, rate_hz=None)
        stream = read("suite2p", folder, rate_hz=8.0)
        assert any("asks to load pathlib" in note for note in stream.facts["notes"])

    def test_a_folder_without_traces_says_what_was_expected(self, tmp_path):
        with pytest.raises(DataError, match=r"expected a suite2p folder with plane0/F"):
            read("suite2p", tmp_path)
