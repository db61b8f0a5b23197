"""A source is what it holds; parts of one file are different data; short poses."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
from tests.data.fixtures.hdf5_files import (
    dlc_labels,
    write_caiman,
    write_dlc_h5,
    write_sleap,
    write_sleap_project,
)
from tests.data.fixtures.stack_files import movie, write_shaped
from tests.data.fixtures.table_files import write_suite2p
from tests.data.fixtures.video_files import write_clip

from napari_neuroembed.cli.import_flags import add_import_flags, stream_settings
from napari_neuroembed.data.importing import import_recording
from napari_neuroembed.data.importing.kinds import kind_of_source
from napari_neuroembed.data.importing.request import ImportRequest, StreamRequest
from napari_neuroembed.data.importing.table import plan_table
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.reader_advice import flags_in
from napari_neuroembed.data.readers import READERS, get_reader
from napari_neuroembed.errors import ConfigError, DataError, NeuroembedError

OPS = {"fs": 15.5, "Ly": 8, "Lx": 9}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.draft(tmp_path / "flies")


def ask(animal="m1", recording=None, **streams):
    found = {
        name: value if isinstance(value, StreamRequest) else StreamRequest(source=value)
        for name, value in streams.items()
    }
    return ImportRequest(animal=animal, streams=found, recording=recording)


def suite2p(folder, parts=None, n=60, seed=0):
    f = np.random.default_rng(seed).random((3, n), dtype=np.float32) * 100
    ops = OPS if parts is None else {**OPS, "frames_per_folder": np.array(parts)}
    return write_suite2p(folder, f, f / 2, np.ones(3), ops)


def make(kind, folder, rng):
    if kind == "tiff":
        write_shaped(folder / "a.tif", movie(20))
        return folder / "a.tif"
    if kind == "stack.npy":
        np.save(folder / "a.npy", np.zeros((20, 5, 6), np.uint16))
        return folder / "a.npy"
    if kind == "caiman":
        return write_caiman(folder / "a.h5", np.ones((2, 9)), np.ones((2, 3, 3)))
    if kind == "sleap":
        return write_sleap(folder / "a.h5", rng.random((20, 1, 3, 2)), list("abc"))
    if kind == "deeplabcut_h5":
        return write_dlc_h5(folder / "a.h5", rng.random((20, 3)), dlc_labels(["n"]))
    return suite2p(folder)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("tiff", "neural"),
        ("stack.npy", "neural"),
        ("suite2p", "trace"),
        ("caiman", "trace"),
        ("sleap", "pose"),
        ("deeplabcut_h5", "pose"),
    ],
)
def test_a_source_is_what_it_holds(what, kind, tmp_path, rng):
    path = make(what, tmp_path, rng)
    assert kind_of_source(str(path), Roots(tmp_path)) == kind
    roots = Roots(tmp_path / "p").with_root("LAB", tmp_path)
    assert kind_of_source(f"LAB:{path.name}", roots) == kind
    if what in READERS:
        assert kind_of_source(str(path), Roots(tmp_path), what) == kind


def test_what_cannot_be_told_is_asked_with_the_flags(tmp_path, rng):
    roots = Roots(tmp_path)
    np.save(tmp_path / "traces.npy", rng.random((20, 3)))
    with pytest.raises(ConfigError, match=r"no stack of images.*--trace traces.npy"):
        kind_of_source(str(tmp_path / "traces.npy"), roots)
    (tmp_path / "a.csv").write_text("speed\n1\n2\n")
    with pytest.raises(ConfigError, match=r"reader csv .*--pose a.csv or --trace a.cs"):
        kind_of_source(str(tmp_path / "a.csv"), roots)
    write_clip(tmp_path / "a.avi", 10)
    with pytest.raises(ConfigError, match=r"reader video .*: --video a.avi"):
        kind_of_source(str(tmp_path / "a.avi"), roots)
    (tmp_path / "a.bin").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match=r"a.bin: no reader can open this"):
        kind_of_source(str(tmp_path / "a.bin"), roots)
    assert kind_of_source(str(tmp_path / "none.tif"), roots) == "neural"


def test_a_folder_that_is_no_recording_names_what_it_holds(tmp_path, rng):
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / "notes.bin").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match="Convert it to one of these formats"):
        kind_of_source(str(folder), Roots(tmp_path))
    suite2p(folder / "monday")
    np.savez(folder / ".hidden.npz", a=rng.random((20, 3)))
    np.savez(folder / "pose.npz", a=rng.random((20, 3)))
    with pytest.raises(
        DataError, match=r"It holds monday \(suite2p\), pose.npz \(npz\)"
    ):
        kind_of_source(str(folder), Roots(tmp_path))


def test_a_file_out_of_a_suite2p_folder_is_sent_back_to_its_folder(tmp_path):
    folder = suite2p(tmp_path) / "plane0"
    for name in ("F.npy", "iscell.npy", "ops.npy"):
        with pytest.raises(ConfigError, match=rf"{name} is one file of a suite2p"):
            kind_of_source(str(folder / name), Roots(tmp_path))


def test_a_folder_above_its_plane_and_the_plane_are_one_source(project, tmp_path):
    folder = suite2p(tmp_path / "lab")
    import_recording(project, ask(trace=folder / "plane0"))
    source = project.recording("m1_001").streams["trace"].source
    assert source == "DATA:plane0"
    for place in (folder, folder.parent):
        assert import_recording(project, ask(trace=place)).status == "present"
    with pytest.raises(DataError, match=r"DATA:plane0.*same content.*source.duplicate"):
        import_recording(project, ask("m2", trace=folder.parent))


def test_recordings_that_suite2p_processed_together_are_imported_one_by_one(
    project, tmp_path
):
    folder = suite2p(tmp_path / "lab", parts=[25, 35])
    with pytest.raises(
        DataError, match=r"part 0 has 25, part 1 has 35.*\n.*--reader-option trace.par"
    ):
        import_recording(project, ask(trace=folder))
    for part in (0, 1):
        one = StreamRequest(source=folder, options={"part": part})
        assert import_recording(project, ask(trace=one)).status == "imported"
        assert import_recording(project, ask(trace=one)).status == "present"
    lengths = [len(project.raw(r).streams["trace"]) for r in project.recording_ids()]
    assert lengths == [25, 35]
    again = ask(recording="again", trace=one)
    with pytest.raises(DataError, match=r"same content.*'m1_002'.*source.duplicate"):
        import_recording(project, again)


def test_two_animals_of_one_pose_file_are_two_recordings(project, tmp_path, rng):
    path = write_sleap(
        tmp_path / "both.h5", rng.random((40, 2, 5, 2)), list("abcde"), ["m", "f"]
    )
    for animal in ("m", "f"):
        one = StreamRequest(source=path, rate_hz=10, options={"individual": animal})
        found = import_recording(project, ask(animal, pose=one))
        assert found.status == "imported"
    wrong = StreamRequest(source=path, rate_hz=10, options={"individual": "f"})
    with pytest.raises(DataError, match=r"same content as pose of recording 'f_001'"):
        import_recording(project, ask("x", pose=wrong))


@pytest.fixture
def short(tmp_path, rng):
    """A pose of 30 frames whose camera took 40."""
    scores = rng.random((30, 1, 3))
    return write_sleap(
        tmp_path / "pose.h5", rng.random((30, 1, 3, 2)), list("abc"), scores=scores
    )


def test_a_pose_that_ends_early_is_as_long_as_its_camera(project, short, tmp_path):
    write_clip(tmp_path / "cam.avi", 40)
    pose = StreamRequest(source=short, rate_hz=30.0)
    found = import_recording(project, ask(pose=pose, video=tmp_path / "cam.avi"))
    said = {p.id: p for p in found.problems}
    assert said["pose.short"].severity == "warning"
    assert "pose has 30 frames, its camera 40" in said["pose.short"].text
    streams = project.raw("m1_001").streams
    assert len(streams["pose"]) == len(streams["video"]) == 40
    assert streams["pose"].valid.tolist() == [True] * 30 + [False] * 10
    assert np.isnan(streams["pose"].data[30:]).all()
    assert streams["pose"].facts["confidence"].shape == (40, 3)
    assert streams["video"].valid.all()


def test_times_of_every_camera_frame_tell_how_long_a_pose_is(project, short, tmp_path):
    np.savetxt(tmp_path / "times.csv", np.arange(40) / 10 + 0.05)
    pose = StreamRequest(
        source=short,
        rate_hz=10.0,
        sync_file=tmp_path / "times.csv",
        sync_kind="timestamps",
    )
    import_recording(project, ask(pose=pose))
    stream = project.raw("m1_001").streams["pose"]
    assert (len(stream), int(stream.valid.sum())) == (40, 30)


def test_other_poses_that_are_too_short_stay_an_error(project, tmp_path, rng):
    write_clip(tmp_path / "cam.avi", 40)
    write_dlc_h5(tmp_path / "pose.h5", rng.random((30, 3)), dlc_labels(["n"]))
    pose = StreamRequest(source=tmp_path / "pose.h5", rate_hz=30.0)
    with pytest.raises(
        DataError, match=r"video has 40 frames but pose.* has 30 .*pose.length"
    ):
        import_recording(project, ask(pose=pose, video=tmp_path / "cam.avi"))


def test_a_project_of_sleap_is_refused_when_it_is_imported(project, tmp_path):
    path = write_sleap_project(tmp_path / "a.slp")
    with pytest.raises(DataError, match=r"xport Analysis HDF5 from SLEAP"):
        import_recording(project, ask(pose=StreamRequest(source=path, rate_hz=10)))
    assert not project.path.exists()


def settings(*words, streams=("neural", "pose")):
    parser = argparse.ArgumentParser()
    add_import_flags(parser)
    return stream_settings(parser.parse_args(list(words)), streams)


def test_the_animal_of_a_pose_file_has_a_flag():
    assert settings("--individual", "m1")["pose"]["options"] == {"individual": "m1"}
    both = settings("--individual", "pose_b=m2", streams=("neural", "pose_a", "pose_b"))
    assert both["pose_b"]["options"] == {"individual": "m2"}
    assert "options" not in both["pose_a"]
    with pytest.raises(ConfigError, match=r"--individual m1: there is no pose"):
        settings("--individual", "m1", streams=("neural",))


def test_the_animal_of_a_pose_file_has_a_column(project, tmp_path, rng):
    write_sleap(
        tmp_path / "both.h5", rng.random((40, 2, 5, 2)), list("abcde"), ["m", "f"]
    )
    table = tmp_path / "all.csv"
    table.write_text(
        "animal,pose,pose_rate_hz,pose_individual\nm,both.h5,10,m\nf,both.h5,10,f\n"
    )
    plans = plan_table(project, table)
    assert [p.status for p in plans] == ["new", "new"]
    options = [p.request.streams["pose"].options for p in plans]
    assert options == [{"individual": "m"}, {"individual": "f"}]


@pytest.mark.parametrize(
    ("reader", "text", "flag"),
    [
        ("suite2p", "say which with plane: 0. [x]", "--reader-option s.plane=0;"),
        ("sleap", "Say axes: [track, xy].", "--reader-option 's.axes=[track, xy]';"),
        ("tiff", "Say axes: TYX or axes: ZYX.", "--reader-option s.axes=TYX;"),
        ("npz", "Say kind: or key:.", "s.kind=... or --reader-option s.key=...;"),
    ],
)
def test_advice_shows_a_flag_that_can_be_typed(reader, text, flag):
    assert flag in flags_in(text, "s", get_reader(reader))


def test_the_folder_of_a_root_is_not_expressed_by_the_root_itself(tmp_path):
    roots = Roots(tmp_path / "p").with_root("LAB", tmp_path / "lab")
    assert roots.express(tmp_path / "lab") is None
    assert roots.express(tmp_path / "lab" / "a.tif") == "LAB:a.tif"
    wider = roots.with_root("ALL", tmp_path)
    assert wider.express(tmp_path / "lab") == "ALL:lab"


def test_whatever_is_wrong_is_an_error_of_ours(project, tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(NeuroembedError, match=r"a.pkl holds a NoneType"):
        import_recording(
            project, ask(pose=StreamRequest(source=tmp_path / "a.pkl", rate_hz=1))
        )
