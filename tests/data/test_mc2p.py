"""Folders of the MC2P data set: names, sizes, synchronisation, labels, in miniature."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.data.fixtures import mc2p_folder as mini

from napari_neuroembed.data.importing import import_recording
from napari_neuroembed.data.importing.mc2p import request_for
from napari_neuroembed.data.importing.mc2p_checks import Mc2pRequest, look
from napari_neuroembed.data.importing.mc2p_folder import find_recordings, split_name
from napari_neuroembed.data.importing.mc2p_labels import (
    LabelTable,
    label_problems,
    rest_words,
    with_rest,
)
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.mc2p.names import role_of
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.windows import window_index
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.windows import WindowOptions

ONE = (mini.Fly(trials=("001",)),)
NAME = "200901_G23xU1_Fly1_001"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return mini.write_mc2p(tmp_path / "data", ONE, seconds=6.0)


def asked(folder: Path, **changes) -> Mc2pRequest:
    told = {"images": "dff_resized", "rate_hz": 16.0, "pose_rate_hz": {"": 100.0}}
    return Mc2pRequest(folder=folder, **told | changes)


def read(path: Path, rate_hz: float = 16.0, **options):
    ((_, stream),) = (
        READERS["mc2p"].read(Source((path,)), options, rate_hz=rate_hz).items()
    )
    return stream


def ids(found) -> list[str]:
    return [problem.id for problem in found.problems]


@pytest.mark.parametrize("end", ["", "/", "//", "\\"])
def test_the_animal_survives_separators_at_the_end(end, data):
    told = split_name(f"{data}/{NAME}{end}")
    assert told.animal == "200901_G23xU1_Fly1"
    assert (told.recording, told.number, told.fly) == (NAME, "001", 1)


@pytest.mark.parametrize("name", ["fly1", "200901_G23xU1_Fly1", "200901_Fly1_001", ""])
def test_a_name_of_another_form_says_nothing(name):
    assert split_name(name) is None


def test_a_genotype_may_hold_underscores():
    told = split_name("210830_G23_x_U1_Fly12_003")
    assert (told.genotype, told.fly) == ("G23_x_U1", 12)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("2p_dff.mm", "dff"),
        ("a_2p_dff_tif_padded.mm", "dff"),
        ("a_2p_dff_tif_padded_resized.mm", "dff_resized"),
        ("a_2p_warped_green_tif.mm", "warped_green"),
        ("raw_affine_green.mm", "affine_green"),
        ("pose_result.pkl", "points"),
        ("pose_result__x.mm", "points"),
        ("pose_result_inverse_kinematics.pkl", "angles"),
        ("angles__x.pkl", "angles"),
        ("sync_indices.pkl", "sync"),
        ("indices.npy", "sync"),
        ("behData_images_camera_1.mp4", "video"),
    ],
)
def test_files_are_known_by_both_names(name, role):
    assert role_of(name).name == role


@pytest.mark.parametrize(
    "name", ["behav_nn_nf7.pkl", "roi_traces.mm", "rgb_mask.npy", "camera_1.mp4.mm"]
)
def test_what_nothing_is_made_of_has_no_role(name):
    assert role_of(name) is None


def test_the_raw_files_bear_each_others_name():
    """The green channel, the indicator, lies in the file called red."""
    assert role_of("raw_red.mm").name == "raw_green"
    assert role_of("raw_green.mm").name == "raw_red"
    assert role_of("raw_affine_red.mm").name == "affine_red"


def test_images_are_mapped_and_padding_is_masked(data):
    path = data / NAME / "2p_dff_resized.mm"
    stream = read(path)
    np.testing.assert_array_equal(
        stream.data[:], np.fromfile(path, "<f4").reshape(-1, 64, 64)
    )
    wanted = np.ones(96, bool)
    wanted[: mini.PADDED] = wanted[-mini.PADDED :] = False
    np.testing.assert_array_equal(stream.valid, wanted)
    assert "2 images at the start and 2 at the end" in stream.facts["notes"][0]


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_empty_images_at_the_ends_are_padding_too(fill, tmp_path):
    frames = np.random.default_rng(0).normal(size=(20, 64, 64)).astype("<f4")
    frames[:3] = frames[-1:] = fill
    frames.tofile(tmp_path / "2p_dff_resized.mm")
    assert np.flatnonzero(~read(tmp_path / "2p_dff_resized.mm").valid).tolist() == [
        *(0, 1, 2, 19)
    ]


def test_equal_images_in_the_middle_are_no_padding(tmp_path):
    frames = np.random.default_rng(0).normal(size=(20, 64, 64)).astype("<f4")
    frames[9:12] = frames[9]
    frames.tofile(tmp_path / "2p_dff_resized.mm")
    assert read(tmp_path / "2p_dff_resized.mm").valid.all()


@pytest.mark.parametrize("extra", [1, 4, 16_383])
def test_a_size_that_is_not_whole_frames_is_refused(extra, data):
    path = data / NAME / "2p_dff_resized.mm"
    path.write_bytes(path.read_bytes() + b"\1" * extra)
    with pytest.raises(DataError, match=rf"96 whole frames, then {extra:,} bytes"):
        read(path)
    source = Source((path,))
    kept = READERS["mc2p"].read(source, {}, rate_hz=16.0, salvage=True)["neural"]
    assert len(kept) == 96


def test_a_file_of_another_name_is_decided_by_its_size_or_asked(tmp_path):
    small, either = tmp_path / "a.mm", tmp_path / "b.mm"
    np.ones((3, 64, 64), "<f4").tofile(small)
    np.ones((4, 64, 64), "<f4").tofile(either)
    describe = READERS["mc2p"].describe
    assert describe(Source((small,)), {}).shape == (3, 64, 64)
    with pytest.raises(DataError, match=r"It may hold either\. Say shape: \[128, 128"):
        describe(Source((either,)), {})
    told = describe(Source((either,)), {"shape": [128, 128]})
    assert told.shape == (1, 128, 128)


def test_points_and_angles_have_their_shape_and_unit(data):
    points = read(data / NAME / "pose_result.mm", 100.0)
    assert points.data.shape == (700, 38, 2)
    assert points.names[:2] == ("RF_Coxa", "RF_Femur")
    angles = read(data / NAME / "pose_result_inverse_kinematics.pkl", 100.0)
    assert (angles.data.shape, angles.units) == ((700, 42, 1), "rad")


def test_a_point_at_zero_is_missing(data):
    path = data / NAME / "pose_result.mm"
    values = np.fromfile(path, "<f4").reshape(-1, 38, 2)
    values[5, 3] = 0
    values.tofile(path)
    stream = read(path, 100.0)
    assert np.isnan(stream.data[5, 3]).all()
    assert np.isfinite(stream.data[6]).all()


def test_headerless_floats_named_as_a_pickle_are_not_unpickled(data):
    """Their first byte may be that of a pickle; only one that ends so is one."""
    path = data / NAME / "pose_result_inverse_kinematics.pkl"
    content = bytearray(path.read_bytes())
    content[:2] = b"\x80\x04"
    path.write_bytes(bytes(content))
    assert find_reader(Source((path,)), ("pose",)).name == "mc2p"
    path.write_bytes(pickle.dumps({"RF_leg": {"ThC_yaw": [0.1] * 700}}))
    assert find_reader(Source((path,)), ("pose",)).name == "df3d"


def test_a_folder_stands_for_its_images(data):
    source = Source((data / NAME,))
    assert find_reader(source, ("neural",)).name == "mc2p"
    described = READERS["mc2p"].describe(source, {})
    assert described.place == data / NAME / "2p_dff_resized.mm"


def imported(data: Path, project: Path, **changes) -> Project:
    told = asked(data, **changes)
    opened = Project.draft(project)
    for one in find_recordings(data):
        import_recording(opened, request_for(told, one))
    return opened


def test_no_window_touches_a_camera_frame_without_image(data, tmp_path):
    """An invalid index, taken as it is, wraps and repeats the last image 32 times."""
    sync = pickle.loads((data / NAME / "sync_indices.pkl").read_bytes())
    assert (sync == mini.NO_IMAGE).sum() == 100
    streams = imported(data, tmp_path / "p").opened(NAME).streams
    np.testing.assert_array_equal(streams["pose"].valid, sync != mini.NO_IMAGE)
    recording = Project.open(tmp_path / "p").raw(NAME)
    options = WindowOptions(stride_s=0.0625)
    windows = window_index([recording], options).table
    assert len(windows) > 20
    for row in windows.itertuples():
        images = row.neural_first + row.neural_step * np.arange(row.neural_count)
        poses = row.pose_first + row.pose_step * np.arange(row.pose_count)
        assert len(np.unique(images)) == 32
        assert (sync[poses] >= 0).all()
        middle = sync[poses[3]], sync[poses[4]]  # the paper's own synchronisation
        assert images[15] - 1 <= middle[0] <= middle[1] <= images[16] + 1


@pytest.mark.parametrize(
    ("rows", "said"), [((600, 603), "3 are in the middle"), ((), "")]
)
def test_lost_indices_are_found_before_anything_is_imported(rows, said, data):
    path = data / NAME / "sync_indices.pkl"
    sync = pickle.loads(path.read_bytes())
    sync[300:303] = mini.NO_IMAGE if rows else sync[300:303]
    path.write_bytes(pickle.dumps(sync))
    found = look(asked(data))
    assert ids(found) == (["sync.invalid"] if rows else [])
    assert all(said in p.text for p in found.problems)
    assert not look(asked(data), accept={"sync.invalid"}).problems


def test_an_index_beyond_the_last_image_means_a_cut_stack(data):
    path = data / NAME / "2p_dff_resized.mm"
    path.write_bytes(path.read_bytes()[: 64 * 64 * 4 * 90])
    (problem,) = look(asked(data)).problems
    assert problem.id == "sync.invalid"
    assert "point beyond the last frame 89" in problem.text


def test_a_map_of_another_length_is_told(data):
    np.save(data / NAME / "indices.npy", np.arange(50))
    (data / NAME / "sync_indices.pkl").unlink()
    assert "sync.length" in ids(look(asked(data)))


def test_the_same_data_in_two_recordings_are_found_before_the_import(data):
    twin = data / "200901_G23xU1_Fly1_002"
    shutil.copytree(data / NAME, twin)
    np.random.default_rng(5).normal(size=(700, 76)).astype("<f4").tofile(
        twin / "pose_result.mm"
    )
    (problem,) = look(asked(data)).problems
    assert problem.id == "source.duplicate"
    assert f"{NAME}, {twin.name} have the same dF/F at half size" in problem.text


def test_two_maps_are_not_chosen_between_unless_they_say_the_same(data):
    np.save(data / NAME / "indices.npy", np.arange(700))
    assert ids(look(asked(data))) == ["mc2p.several"]
    sync = pickle.loads((data / NAME / "sync_indices.pkl").read_bytes())
    np.save(data / NAME / "indices.npy", sync)
    assert ids(look(asked(data))) == []


def test_a_pickle_of_deepfly3d_gives_points_in_pixels(data, tmp_path):
    points = np.random.default_rng(0).uniform(0.1, 0.9, size=(7, 700, 38, 2))
    (data / NAME / "pose_result.pkl").write_bytes(pickle.dumps({"points2d": points}))
    (one,) = find_recordings(data)
    assert one.one("points").name == "pose_result.mm"
    (data / NAME / "pose_result.mm").unlink()
    assert ids(look(asked(data))) == []
    stream = imported(data, tmp_path / "p").opened(NAME).streams["pose"]
    assert stream.data.shape == (700, 38, 2)
    expected = points[1, :, 0, ::-1] * [960, 480]
    np.testing.assert_allclose(stream.data[:, 0], expected)


def test_a_map_that_is_no_row_of_numbers_is_refused(data):
    (data / NAME / "sync_indices.pkl").write_bytes(pickle.dumps({"a": 1}))
    assert ids(look(asked(data))) == ["mc2p.sync"]


def test_a_camera_of_another_rate_is_found_by_its_map(tmp_path):
    flies = (mini.Fly(trials=("001",), pose_rate_hz=30.0),)
    data = mini.write_mc2p(tmp_path / "data", flies, seconds=20.0)
    (problem,) = look(asked(data)).problems
    assert problem.id == "mc2p.rate"
    assert "--pose-rate G23xU1=30" in problem.text
    assert not look(asked(data, pose_rate_hz={"": 100.0, "G23xU1": 30.0})).problems


def test_rates_are_asked_for_and_offered_by_name(data):
    (problem,) = look(asked(data, rate_hz=None)).problems
    assert problem.id == "rate.missing"
    assert "MC2P, values of the paper: --rate 16 --pose-rate 100" in problem.text


def test_an_empty_folder_and_a_missing_file_are_told(data, tmp_path):
    assert ids(look(asked(tmp_path / "data" / NAME / "none"))) == ["mc2p.folder"]
    (data / NAME / "pose_result.mm").unlink()
    (problem,) = look(asked(data)).problems
    assert problem.id == "mc2p.missing"
    assert "--pose angles is there" in problem.text


CLOCKS = {
    name: TimeAxis(700, start_s=start, rate_hz=100.0)
    for name, start in ((NAME, -0.5), ("200901_G23xU1_Fly1_002", -0.25))
}
HEAD = ["200901", "G23xU1", 1]


def table_of(path: Path, first: list, second: list, names=None) -> LabelTable:
    rows = [[*HEAD, 1, *row] for row in first] + [[*HEAD, 2, *row] for row in second]
    mini.write_labels(path, rows)
    return LabelTable(path, names or {})


WALK, GROOM = "forward walking", "foreleg_grooming"


def test_every_row_goes_to_its_own_recording(tmp_path):
    first = [(0, 100, WALK), (200, 300, GROOM)]
    second = [(50, 80, GROOM), (90, 400, WALK), (500, 600, GROOM)]
    file = table_of(tmp_path / "l.csv", first, second).read(CLOCKS)
    for (name, clock), rows in zip(CLOCKS.items(), (first, second), strict=True):
        found = file[name].to_table()
        assert found["action"].tolist() == [row[2] for row in rows]
        starts = [clock.start_s + row[0] / 100 for row in rows]
        np.testing.assert_allclose(found["start_s"], starts)
    assert label_problems(file, list(CLOCKS)) == []


def test_labels_of_one_recording_written_to_another_are_found(tmp_path):
    rows = [(0, 100, WALK), (200, 300, GROOM)]
    file = table_of(tmp_path / "l.csv", rows, rows).read(CLOCKS)
    (problem,) = label_problems(file, list(CLOCKS))
    assert problem.id == "label.copied"
    assert f"{NAME}, 200901_G23xU1_Fly1_002 have the same 2 labels" in problem.text


def test_an_unknown_action_is_asked_and_may_be_named(tmp_path):
    rows = [(0, 100, "walking"), (200, 300, "flying")], [(0, 10, GROOM)]
    file = table_of(tmp_path / "l.csv", *rows).read(CLOCKS)
    texts = [p.text for p in label_problems(file, list(CLOCKS))]
    assert "--map 'walking=forward walking'" in texts[0]
    assert "'flying' (1 bout) is none of the paper's actions" in texts[1]
    names = {"walking": WALK, "flying": ""}
    file = table_of(tmp_path / "l.csv", *rows, names).read(CLOCKS)
    assert label_problems(file, list(CLOCKS)) == []
    assert file.actions() == {WALK: 1, GROOM: 1}


def test_labels_beyond_the_camera_or_of_others_are_refused(tmp_path):
    table = table_of(tmp_path / "l.csv", [(0, 701, WALK)], [])
    with pytest.raises(DataError, match=r"stops at frame 701 of 700 .*label\.range"):
        table.read(CLOCKS)
    file = table_of(tmp_path / "l.csv", [(0, 70, WALK)], []).read(CLOCKS)
    assert [p.id for p in label_problems(file, ["x"])] == ["label.others"]
    warning = label_problems(file, list(CLOCKS))[0]
    assert (warning.id, warning.severity) == ("label.none", "warning")


def test_a_table_without_recordings_is_refused(tmp_path):
    (tmp_path / "l.csv").write_text("start_frame,stop_frame,behaviour\n0,5,pushing\n")
    with pytest.raises(DataError, match="does not say which recording"):
        LabelTable(tmp_path / "l.csv", {}).read({"": CLOCKS[NAME]})


def test_the_table_of_the_laboratory_is_understood_as_it_is(shared_data):
    """Thirteen recordings of the paper's line; two of seven names are asked for."""
    path = shared_data("fly_annotations_aymanns2022") / "annotations_G23xU1_bouts.csv"
    rows = mini.read_rows(path)
    names = [f"{d}_{g}_Fly{fly}_{int(trial):03d}" for d, g, fly, trial, *_ in rows]
    clocks = {name: TimeAxis(60_000, rate_hz=100.0) for name in names}
    file = LabelTable(path, {}).read(clocks)
    assert (len(file), sum(file.actions().values())) == (13, len(rows))
    texts = [p.text for p in label_problems(file, list(clocks))]
    assert len(texts) == 2
    assert "--map 'walking=forward walking'" in texts[0]
    assert "--map 'resting=rest'" in texts[1]


def test_rest_fills_only_what_nobody_labelled(tmp_path):
    file = table_of(tmp_path / "l.csv", [(100, 200, WALK)], []).read(CLOCKS)
    rest = np.zeros(700, bool)
    rest[50:150] = True
    clock = CLOCKS[NAME]
    labels = with_rest(file, {NAME: rest}, CLOCKS)[NAME].at(clock.centers())
    assert set(labels[50:100]) == {"rest"}
    assert set(labels[100:200]) == {WALK}
    assert set(labels[:50]) | set(labels[200:]) == {""}
    assert rest_words(["rest", WALK]) == ["rest"]
