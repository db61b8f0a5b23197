"""Poses of SLEAP, DeepLabCut h5 and DeepFly3D: right axes, right points, or refused."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from tests.data.fixtures.hdf5_files import (
    MATLAB,
    dlc_labels,
    write_caiman,
    write_dlc_h5,
    write_sleap,
    write_sleap_project,
)
from tests.data.fixtures.table_files import Evil, write_dlc

from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.fly_points import point_names
from napari_neuroembed.errors import DataError

NODES = ["head", "thorax", "abdomen", "wingL", "wingR"]
STANDARD = ("frame", "track", "node", "xy")
UNTRANSPOSED = ("frame", "node", "xy", "track")


def read(reader, path, rate_hz=10.0, accept=(), **options):
    source = Source((path,))
    (stream,) = (
        READERS[reader]
        .read(source, options, rate_hz=rate_hz, accept=frozenset(accept))
        .values()
    )
    return stream


def ids(reader, path, **options):
    found = READERS[reader].describe(Source((path,)), options).problems
    return [(p.id, p.severity) for p in found]


class TestSleap:
    @pytest.mark.parametrize("order", [MATLAB, STANDARD, UNTRANSPOSED])
    @pytest.mark.parametrize("n_tracks", [1, 3])
    def test_the_order_of_the_axes_follows_from_names(
        self, order, n_tracks, tmp_path, rng
    ):
        tracks, scores = rng.random((40, n_tracks, 5, 2)), rng.random((40, n_tracks, 5))
        names = [f"fly{i}" for i in range(n_tracks)]
        path = write_sleap(
            tmp_path / "a.h5", tracks, NODES, names, order=order, scores=scores
        )
        one = {"individual": names[-1]} if n_tracks > 1 else {}
        stream = read("sleap", path, **one)
        np.testing.assert_array_equal(stream.data, tracks[:, -1])
        np.testing.assert_array_equal(stream.facts["confidence"], scores[:, -1])
        assert (stream.names, stream.units) == (tuple(NODES), "px")
        assert ids("sleap", path, **one) == []

    @pytest.mark.parametrize("order", [*itertools.permutations(STANDARD)])
    def test_named_axes_are_taken_as_named_whatever_the_lengths(
        self, order, tmp_path, rng
    ):
        tracks = rng.random((5, 2, 5, 2))
        path = tmp_path / "a.h5"
        write_sleap(path, tracks, NODES, ["m", "f"], order=order, dims=True)
        stream = read("sleap", path, individual="f")
        np.testing.assert_array_equal(stream.data, tracks[:, 1])

    def test_lengths_that_cannot_decide_are_refused_until_the_axes_are_said(
        self, tmp_path, rng
    ):
        tracks = rng.random((5, 1, 5, 2))
        path = write_sleap(tmp_path / "a.h5", tracks, NODES)
        with pytest.raises(
            DataError, match=r"shape \(1, 2, 5, 5\).*1 tracks, 5 nodes.*Say axes: \["
        ):
            read("sleap", path)
        stream = read("sleap", path, axes=["track", "xy", "node", "frame"])
        np.testing.assert_array_equal(stream.data, tracks[:, 0])
        with pytest.raises(DataError, match=r"frame, track, node, xy do not fit"):
            read("sleap", path, axes=["frame", "track", "node", "xy"])

    def test_two_tracks_are_told_from_x_and_y_by_who_wrote_them(self, tmp_path, rng):
        tracks = rng.random((40, 2, 5, 2))
        path = write_sleap(tmp_path / "a.h5", tracks, NODES, ["m", "f"])
        np.testing.assert_array_equal(
            read("sleap", path, individual="m").data, tracks[:, 0]
        )
        assert ids("sleap", path, individual="m") == [("pose.axes", "note")]
        write_sleap(path, tracks[:, :, :2], NODES[:2], ["m", "f"], order=STANDARD)
        with pytest.raises(DataError, match=r"which axis is which cannot be told"):
            read("sleap", path, individual="m")

    def test_several_animals_are_listed_with_how_often_they_were_seen(
        self, tmp_path, rng
    ):
        tracks = rng.random((40, 3, 5, 2))
        tracks[10:, 1] = np.nan
        path = write_sleap(tmp_path / "a.h5", tracks, NODES, ["m", "f", "x"])
        with pytest.raises(
            DataError,
            match=r"3 animals: m, f, x \(seen in 40, 10, 40 of 40 .*--individual m",
        ):
            read("sleap", path, accept=["pose.individuals"])
        assert read("sleap", path, individual="f").valid.sum() == 10
        with pytest.raises(DataError, match=r"'q' is none of them"):
            read("sleap", path, individual="q")

    def test_one_animal_without_a_name_needs_none(self, tmp_path, rng):
        path = write_sleap(tmp_path / "a.h5", rng.random((40, 1, 5, 2)), NODES)
        assert read("sleap", path).data.shape == (40, 5, 2)
        with pytest.raises(DataError, match=r"has one animal only.*'m' is not in it"):
            read("sleap", path, individual="m")

    def test_points_placed_by_hand_have_no_score_and_are_certain(self, tmp_path, rng):
        tracks, scores = rng.random((40, 1, 5, 2)), rng.random((40, 1, 5))
        scores[3] = np.nan
        tracks[4, 0, 2] = scores[4, 0, 2] = np.nan
        path = write_sleap(tmp_path / "a.h5", tracks, NODES, scores=scores)
        confidence = read("sleap", path).facts["confidence"]
        assert (confidence[3] == 1).all()
        assert np.isnan(confidence[4, 2])

    def test_scores_of_another_shape_are_left_out_and_named(self, tmp_path, rng):
        tracks = rng.random((40, 1, 5, 2))
        path = write_sleap(
            tmp_path / "a.h5", tracks, NODES, scores=rng.random((39, 1, 5))
        )
        stream = read("sleap", path)
        assert "confidence" not in stream.facts
        assert any(
            "(1, 5, 39), expected (1, 5, 40)" in n for n in stream.facts["notes"]
        )

    def test_the_frames_of_the_video_can_be_given(self, tmp_path, rng):
        tracks = rng.random((40, 1, 5, 2))
        path = write_sleap(
            tmp_path / "a.h5", tracks, NODES, scores=rng.random((40, 1, 5))
        )
        stream = read("sleap", path, n_frames=50)
        assert (len(stream), stream.valid.sum()) == (50, 40)
        assert stream.facts["confidence"].shape == (50, 5)
        assert ids("sleap", path, n_frames=50)[0] == ("pose.short", "warning")
        with pytest.raises(DataError, match=r"40 frames, but n_frames says 30"):
            read("sleap", path, n_frames=30)

    def test_a_project_is_refused_with_what_to_export(self, tmp_path):
        path = write_sleap_project(tmp_path / "a.slp")
        assert find_reader(Source((path,)), ("pose",)).name == "sleap"
        with pytest.raises(DataError, match=r"xport Analysis HDF5 from SLEAP"):
            read("sleap", path)

    def test_other_hdf5_is_not_taken_for_it(self, tmp_path):
        path = write_caiman(tmp_path / "a.h5", np.ones((2, 9)), np.ones((2, 3, 3)))
        assert READERS["sleap"].sniff(Source((path,)))[0] == 0
        with pytest.raises(
            DataError, match=r"expected tracks and node_names.*found di"
        ):
            read("sleap", path)

    def test_names_that_occur_twice_are_refused(self, tmp_path, rng):
        path = tmp_path / "a.h5"
        write_sleap(path, rng.random((40, 1, 5, 2)), [*NODES[:4], "head"])
        with pytest.raises(DataError, match=r"'head' is the name of two"):
            read("sleap", path)


@pytest.fixture(params=["table", "fixed"])
def layout(request):
    return request.param


class TestDeepLabCutH5:
    def test_columns_are_read_by_their_labels(self, layout, tmp_path, rng):
        data = rng.random((9, 6))
        path = tmp_path / "a.h5"
        write_dlc_h5(path, data, dlc_labels(["nose", "tail"]), layout=layout)
        stream = read("deeplabcut_h5", path, rate_hz=30.0)
        np.testing.assert_array_equal(stream.data, data.reshape(9, 2, 3)[..., :2])
        np.testing.assert_array_equal(stream.facts["confidence"], data[:, [2, 5]])
        assert (stream.names, stream.units) == (("nose", "tail"), "px")
        assert stream.facts["scorer"] == "DLC_net"
        with pytest.raises(DataError, match=r"9 frames but no frame rate"):
            read("deeplabcut_h5", path, rate_hz=None)

    def test_the_order_of_columns_does_not_matter(self, layout, tmp_path, rng):
        data = rng.random((9, 6))
        labels = dlc_labels(["nose", "tail"])
        order = [5, 0, 3, 1, 4, 2]
        write_dlc_h5(tmp_path / "a.h5", data, labels, layout=layout)
        shuffled = [labels[i] for i in order]
        write_dlc_h5(tmp_path / "b.h5", data[:, order], shuffled, layout=layout)
        one, two = (read("deeplabcut_h5", tmp_path / f"{n}.h5") for n in "ab")
        for i, name in enumerate(one.names):
            k = two.names.index(name)
            np.testing.assert_array_equal(one.data[:, i], two.data[:, k])

    def test_h5_and_csv_of_one_analysis_are_one(self, layout, tmp_path, rng):
        data = rng.random((9, 12)).round(6)
        labels = dlc_labels(["nose", "tail"], ["m1", "m2"])
        write_dlc_h5(tmp_path / "a.h5", data, labels, layout=layout)
        write_dlc(tmp_path / "a.csv", data, ["nose", "tail"], ["m1", "m2"])
        one = read("deeplabcut_h5", tmp_path / "a.h5", individual="m2")
        two = read("deeplabcut", tmp_path / "a.csv", individual="m2")
        np.testing.assert_array_equal(one.data, two.data)
        assert one.names == two.names

    def test_animals_with_shared_points_keep_their_own(self, layout, tmp_path, rng):
        labels = dlc_labels(["nose", "tail"], ["m1", "m2"], ["corner"])
        data = rng.random((9, len(labels))).astype(np.float32)
        path = tmp_path / "a.h5"
        write_dlc_h5(path, data, labels, layout=layout, key="tracks")
        with pytest.raises(DataError, match=r"2 animals: m1, m2.*--individual m1"):
            read("deeplabcut_h5", path, accept=["pose.individuals"])
        stream = read("deeplabcut_h5", path, individual="m2")
        np.testing.assert_array_equal(
            stream.data, data[:, 6:12].reshape(9, 2, 3)[..., :2]
        )
        assert any("corner belong to no animal" in n for n in stream.facts["notes"])

    def test_three_dimensions_have_no_likelihood(self, layout, tmp_path, rng):
        labels = dlc_labels(["nose", "tail"], coords=("x", "y", "z"))
        data = rng.random((9, 6))
        write_dlc_h5(tmp_path / "a.h5", data, labels, layout=layout)
        stream = read("deeplabcut_h5", tmp_path / "a.h5")
        np.testing.assert_array_equal(stream.data, data.reshape(9, 2, 3))
        assert "confidence" not in stream.facts

    def test_training_labels_are_refused(self, layout, tmp_path, rng):
        labels = dlc_labels(["nose"], coords=("x", "y"))
        rows = ["labeled-data/a/img0.png", "labeled-data/a/img1.png"]
        data = rng.random((2, 2))
        for name in ("CollectedData_me.h5", "labels.h5"):
            path = tmp_path / name
            write_dlc_h5(path, data, labels, layout=layout, rows=rows)
            with pytest.raises(DataError, match=rf"{name} holds training labels"):
                read("deeplabcut_h5", path)
        write_dlc_h5(tmp_path / "CollectedData_me.h5", data, labels, layout=layout)
        with pytest.raises(DataError, match="holds training labels"):
            read("deeplabcut_h5", tmp_path / "CollectedData_me.h5")

    def test_frame_numbers_that_jump_become_gaps(self, layout, tmp_path, rng):
        labels = dlc_labels(["nose"])
        path = tmp_path / "a.h5"
        data = rng.random((4, 3))
        write_dlc_h5(path, data, labels, layout=layout, rows=[0, 1, 5, 6])
        stream = read("deeplabcut_h5", path, rate_hz=10.0)
        np.testing.assert_allclose(stream.time.centers(), [0.05, 0.15, 0.55, 0.65])
        assert stream.time.gaps().tolist() == [1]
        assert ids("deeplabcut_h5", path) == [("pose.frames", "warning")]
        write_dlc_h5(path, data, labels, layout=layout, rows=[0, 2, 1, 3])
        with pytest.raises(DataError, match=r"row 2 is frame 1 after 2"):
            read("deeplabcut_h5", path, accept=["time.not_increasing"])

    def test_a_filtered_twin_is_pointed_out(self, layout, tmp_path, rng):
        for name in ("a.h5", "a_filtered.h5"):
            path = tmp_path / name
            write_dlc_h5(path, rng.random((4, 3)), dlc_labels(["n"]), layout=layout)
        assert ids("deeplabcut_h5", tmp_path / "a.h5") == [("pose.filtered", "warning")]

    def test_labels_that_could_run_code_are_refused(self, tmp_path, rng):
        import h5py

        canary = tmp_path / "canary"
        path = write_dlc_h5(tmp_path / "a.h5", rng.random((4, 3)), dlc_labels(["n"]))
        for owner, name in (
            ("df_with_missing/table", "values_block_0_kind"),
            ("df_with_missing", "info"),
        ):
            with h5py.File(path, "a") as file:
                evil = pickle.dumps(Evil(canary), protocol=0)
                file[owner].attrs[name] = np.bytes_(evil)
            with pytest.raises(DataError, match=r"asks to load.*pickle.class"):
                read("deeplabcut_h5", path)
        assert not canary.exists()

    def test_labels_that_do_not_belong_to_the_numbers_are_refused(
        self, layout, tmp_path, rng
    ):
        path = tmp_path / "a.h5"
        labels = dlc_labels(["nose", "tail"])
        write_dlc_h5(path, rng.random((4, 5)), labels, layout=layout)
        with pytest.raises(DataError, match=r"6 labels for numbers of shape \(4, 5\)"):
            read("deeplabcut_h5", path)
        write_dlc_h5(path, rng.random((4, 4)), labels[:4], layout=layout)
        with pytest.raises(
            DataError, match=r"x and y for every body part; tail do not"
        ):
            read("deeplabcut_h5", path)

    def test_other_hdf5_says_what_was_found(self, tmp_path):
        path = write_caiman(tmp_path / "a.h5", np.ones((2, 9)), np.ones((2, 3, 3)))
        assert READERS["deeplabcut_h5"].sniff(Source((path,)))[0] == 0
        with pytest.raises(
            DataError,
            match=r"labelled bodyparts and coords, found 0.*DeepLabCut file\?",
        ):
            read("deeplabcut_h5", path)


def dump(path, value):
    path.write_bytes(pickle.dumps(value))
    return path


class TestDf3d:
    @pytest.fixture
    def result(self, rng):
        """Cameras as on a rig whose first camera is on the left: ordering reversed."""
        ordering = np.arange(7)[::-1]
        points = rng.uniform(0.1, 0.9, (7, 20, 38, 2))
        points[ordering[:3], :, 19:] = 0.0
        points[ordering[4:], :, :19] = [0.0, 1.0]
        points[ordering[3]] = 0.0
        return {
            **{camera: {"R": np.eye(3)} for camera in range(7)},
            "points2d": points,
            "points3d": rng.normal(size=(20, 38, 3)),
            "points3d_wo_procrustes": rng.normal(size=(20, 38, 3)),
            "camera_ordering": ordering,
            "heatmap_confidence": rng.random((7, 20, 19)),
        }

    def test_the_points_have_their_names_right_side_first(self):
        names = point_names()
        assert len(names) == len(set(names)) == 38
        assert names[:2] + names[14:20] == (
            "RF_Coxa",
            "RF_Femur",
            "RH_Claw",
            "R_Antenna",
            "R_Stripe1",
            "R_Stripe2",
            "R_Stripe3",
            "LF_Coxa",
        )

    def test_three_dimensions_come_first_and_zeros_are_missing(self, result, tmp_path):
        result["points3d"][4, 7] = 0
        stream = read("df3d", dump(tmp_path / "a.pkl", result))
        assert np.isnan(stream.data[4, 7]).all()
        expected = np.where(result["points3d"] == 0, np.nan, result["points3d"])
        np.testing.assert_array_equal(stream.data, expected)
        assert any("points3d is taken" in note for note in stream.facts["notes"])
        other = read("df3d", tmp_path / "a.pkl", points="points3d_wo_procrustes")
        np.testing.assert_array_equal(other.data, result["points3d_wo_procrustes"])

    def test_two_dimensions_are_pixels_of_the_camera_on_each_side(
        self, result, tmp_path
    ):
        path = dump(tmp_path / "a.pkl", result)
        stream = read("df3d", path, points="points2d")
        right, left = result["camera_ordering"][[1, 5]]
        shares = result["points2d"]
        for point, camera in ((0, right), (18, right), (19, left), (37, left)):
            row, column = shares[camera, :, point].T
            np.testing.assert_allclose(stream.data[:, point, 0], column * 960)
            np.testing.assert_allclose(stream.data[:, point, 1], row * 480)
        assert (stream.units, stream.names) == ("px", point_names())
        np.testing.assert_array_equal(
            stream.facts["confidence"][:, 19], result["heatmap_confidence"][left, :, 0]
        )
        result["image_shape"] = [200, 100]
        small = read("df3d", dump(tmp_path / "b.pkl", result), points="points2d")
        np.testing.assert_allclose(small.data[..., 0], stream.data[..., 0] * 200 / 960)

    def test_a_side_that_a_camera_cannot_see_is_missing(self, result, tmp_path):
        right, left = result["camera_ordering"][[1, 5]]
        result["points2d"][right, 3, 2] = 0.0
        result["points2d"][left, 3, 21] = [0.0, 1.0]
        path = dump(tmp_path / "a.pkl", result)
        stream = read("df3d", path, points="points2d")
        assert np.isnan(stream.data[3, [2, 21]]).all()
        assert np.isfinite(stream.data[4]).all()

    def test_pixels_of_old_versions_are_column_and_row(self, result, tmp_path):
        del result["camera_ordering"], result["points3d"]
        result["points2d"] = result["points2d"][::-1] * [960, 480]
        path = dump(tmp_path / "a.pkl", result)
        stream = read("df3d", path, points="points2d")
        np.testing.assert_array_equal(stream.data[:, 5], result["points2d"][1, :, 5])
        assert any("(column, row)" in note for note in stream.facts["notes"])

    def test_predictions_have_the_column_first(self, tmp_path, rng):
        shares = rng.uniform(0.1, 0.9, (8, 20, 19, 2)).astype(np.float32)
        shares[5, 3, 2] = 0
        path = dump(tmp_path / "a.pkl", shares)
        stream = read("df3d", path)
        assert stream.data.shape == (20, 38, 2)
        np.testing.assert_allclose(
            stream.data[:, 4], shares[1, :, 4] * [960, 480], rtol=1e-6
        )
        assert np.isnan(stream.data[3, 19 + 2]).all()
        other = read("df3d", path, cameras=[2, 4])
        np.testing.assert_allclose(
            other.data[:, 19], shares[4, :, 0] * [960, 480], rtol=1e-6
        )
        with pytest.raises(DataError, match=r"cameras: \[5, 1\] should be.*\[1, 5\]"):
            read("df3d", path, cameras=[5, 1])

    def test_legs_come_in_one_order_whatever_the_file_has(self, tmp_path, rng):
        legs = {f"{leg}_leg": rng.normal(size=(20, 5, 3)) for leg in ("LH", "RF", "LF")}
        legs["R_head"] = rng.normal(size=(20, 2, 3))
        stream = read("df3d", dump(tmp_path / "a.pkl", legs))
        assert stream.names[::5][:3] == ("RF_Coxa", "LF_Coxa", "LH_Coxa")
        assert stream.names[-2:] == ("R_head_0", "R_head_1")
        np.testing.assert_array_equal(stream.data[:, 10:15], legs["LH_leg"])
        joints = {
            leg: {
                joint: {"raw_pos_aligned": legs[leg][:, i], "mean_length": 1.0}
                for i, joint in enumerate(("Coxa", "Femur", "Tibia", "Tarsus", "Claw"))
            }
            for leg in ("LH_leg", "RF_leg", "LF_leg")
        }
        again = read("df3d", dump(tmp_path / "b.pkl", joints))
        np.testing.assert_array_equal(again.data, stream.data[:, :15])
        assert again.names == stream.names[:15]

    def test_angles_nested_or_flat_are_one_dimension_in_radians(self, tmp_path, rng):
        angles = ("CTr_pitch", "ThC_yaw", "TiTa_pitch")
        values = {(leg, a): rng.normal(size=20) for leg in ("LF", "RM") for a in angles}
        nested = {
            f"{leg}_leg": {a: values[leg, a].tolist() for a in angles}
            for leg in ("LF", "RM")
        }
        flat = {f"Angle_{leg}_{a}": v for (leg, a), v in values.items()}
        one = read("df3d", dump(tmp_path / "joint_angles.pkl", nested))
        two = read("df3d", dump(tmp_path / "leg_joint_angles.pkl", flat))
        assert one.names == two.names
        assert one.names[:3] == ("RM_ThC_yaw", "RM_CTr_pitch", "RM_TiTa_pitch")
        np.testing.assert_array_equal(one.data, two.data)
        np.testing.assert_array_equal(one.data[:, 3, 0], values["LF", "ThC_yaw"])
        assert (one.units, one.data.shape) == ("rad", (20, 6, 1))
        fast = read("df3d", dump(tmp_path / "joint_velocities_x.pkl", nested))
        assert fast.units == "rad/s"
        flat["Angle_LF_ThC_yaw"] = values["LF", "ThC_yaw"] * 100
        assert ids("df3d", dump(tmp_path / "c.pkl", flat)) == [
            ("unit.degrees", "warning")
        ]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ({}, r"a dict with 0 keys"),
            ({"fs": 30.0}, r"a dict with 1 keys \('fs'\)"),
            ([1, 2], r"holds a list"),
            (np.zeros((3, 4)), r"an array \(3, 4\)"),
            (np.zeros((8, 20, 19, 3)), r"an array \(8, 20, 19, 3\)"),
            ({"RF_leg": np.zeros((4, 5, 3)), "LF_leg": np.zeros((5, 5, 3))}, "a dict"),
            ({"RF": {"ThC_yaw": [1, 2, 3]}, "LF": {"ThC_yaw": [1, 2]}}, "a dict"),
            ({"RF": {"ThC_yaw": ["a"]}}, "a dict"),
        ],
    )
    def test_anything_else_says_what_it_is(self, content, words, tmp_path):
        with pytest.raises(DataError, match=words + r".*\[pose.header\]"):
            read("df3d", dump(tmp_path / "a.pkl", content))

    def test_points_that_are_not_there_are_refused(self, result, tmp_path):
        del result["points3d"]
        path = dump(tmp_path / "a.pkl", result)
        with pytest.raises(
            DataError, match=r"a.pkl: .*no usable points3d; it holds po"
        ):
            read("df3d", path, points="points3d")
        result["camera_ordering"] = [0, 0, 1]
        path = dump(tmp_path / "a.pkl", result)
        with pytest.raises(DataError, match=r"camera_ordering is \[0, 0, 1\]"):
            read("df3d", path, points="points2d")

    def test_a_pickle_that_could_run_code_is_refused_and_runs_nothing(self, tmp_path):
        canary = tmp_path / "canary"
        path = dump(tmp_path / "a.pkl", {"RF_leg": Evil(canary)})
        assert find_reader(Source((path,)), ("pose",)).name == "df3d"
        with pytest.raises(DataError, match=r"asks to load.*pickle can run code"):
            read("df3d", path)
        assert not canary.exists()
