"""Importing one recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.data.project_files import write_recording

from napari_neuroembed.data.importing import import_recording
from napari_neuroembed.data.importing.request import ImportRequest, StreamRequest
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.errors import DataError, NeuroembedError

pytest.importorskip("napari_neuroembed.data.readers.csv")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "lab" / "fly1", seed=1).resolve()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.draft(tmp_path / "flies")


def neural(lab: Path, **changes: object) -> StreamRequest:
    return StreamRequest(source=lab / "neural.npy", rate_hz=16.0, **changes)


def pose(lab: Path, **changes: object) -> StreamRequest:
    values = {"rate_hz": 32.0, "start_s": -0.25, **changes}
    return StreamRequest(source=lab / "pose.csv", **values)


def request(lab: Path, **streams: StreamRequest) -> ImportRequest:
    return ImportRequest(animal="fly1", streams={"neural": neural(lab), **streams})


def accept(*checks: str) -> list[Acceptance]:
    return [Acceptance(check=c, why="seen", by="me") for c in checks]


def test_a_recording_is_imported_with_its_clocks_and_facts(project, lab):
    asked = request(lab, pose=pose(lab), scalar=StreamRequest(source=lab / "speed.csv"))
    asked = replace(asked, covariates={"sex": "f"})
    with pytest.raises(DataError, match=r"unit of speed is not known.*--accept unit"):
        import_recording(project, asked)
    found = import_recording(project, asked, accepted=accept("unit.missing", "x.y"))
    assert found.recording == "fly1_001"
    assert [p.id for p in found.problems if p.severity != "note"] == ["sync.overlap"]
    assert "neural: 64x6x5 uint16, 4.00 s at 16 Hz" in found.text()
    opened = Project.open(project.path)
    assert [a.check for a in opened.spec.accepted] == ["unit.missing"]
    raw = opened.raw("fly1_001")
    assert raw.covariates == {"sex": "f"}
    assert raw.streams["pose"].time.start_s == -0.25
    assert raw.overlap() == (0.0, 4.0)
    assert opened.roots.folders == {"DATA": lab}
    assert opened.recording("fly1_001").streams["neural"].source == "DATA:neural.npy"
    assert opened.recording("fly1_001").streams["scalar"].sync.kind == "timestamps"


def test_a_dry_run_writes_nothing(project, lab):
    found = import_recording(project, request(lab), dry_run=True)
    assert found.status == "checked"
    assert not project.path.exists()


def test_without_a_rate_nothing_is_imported_and_both_ways_to_give_one_are_named(
    project, lab
):
    asked = replace(
        request(lab), streams={"neural": replace(neural(lab), rate_hz=None)}
    )
    with pytest.raises(DataError, match=r"64 frames but no frame rate.*--rate"):
        import_recording(project, asked)
    assert not (project.path / "project.yaml").exists()


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_none_is_refused(project, lab, rate):
    with pytest.raises(NeuroembedError, match="rate_hz"):
        import_recording(project, request(lab, pose=pose(lab, rate_hz=rate)))


def test_without_an_animal_nothing_is_imported(project, lab):
    with pytest.raises(DataError, match="--animal"):
        import_recording(project, replace(request(lab), animal=""))


def test_when_a_pose_starts_is_asked_and_never_taken_as_zero(project, lab):
    with pytest.raises(DataError, match=r"when does pose start relative to neural"):
        import_recording(project, request(lab, pose=pose(lab, start_s=None)))


def test_a_clock_tied_in_two_ways_is_refused(project, lab):
    with pytest.raises(DataError, match="tied in 2 ways"):
        import_recording(project, request(lab, pose=pose(lab, like="neural")))


def test_streams_without_overlap_are_refused_until_somebody_accepts(project, lab):
    asked = request(lab, pose=pose(lab, start_s=70.0))
    with pytest.raises(
        DataError, match=r"pose 70.0-74.7 s, so no window fits.*--accept"
    ):
        import_recording(project, asked)
    import_recording(project, asked, accepted=accept("sync.overlap"))
    (kept,) = Project.open(project.path).spec.accepted
    assert (kept.check, kept.recording, kept.why, kept.by) == (
        "sync.overlap",
        "fly1_001",
        "seen",
        "me",
    )
    assert Project.open(project.path).raw("fly1_001").id == "fly1_001"


def test_a_map_of_frames_ties_the_pose_and_masks_its_ends(project, lab):
    asked = request(lab, pose=pose(lab, start_s=None, sync_file=lab / "map.npy"))
    found = import_recording(project, asked)
    assert "sync.invalid" in [p.id for p in found.problems]
    stream = Project.open(project.path).raw("fly1_001").streams["pose"]
    assert stream.time.start_s == pytest.approx(-0.25, abs=0.5 / 32)
    values = np.load(lab / "map.npy")
    np.testing.assert_array_equal(stream.valid, values >= 0)


def test_a_map_with_lost_frames_in_the_middle_is_refused_with_its_rows(project, lab):
    values = np.load(lab / "map.npy")
    values[70:73] = np.iinfo(np.int64).min
    np.save(lab / "map.npy", values)
    asked = request(lab, pose=pose(lab, start_s=None, sync_file=lab / "map.npy"))
    with pytest.raises(DataError, match=r"3 are in the middle \(70, 71, 72...\)"):
        import_recording(project, asked)
    import_recording(project, asked, accepted=accept("sync.invalid"))
    stream = Project.open(project.path).raw("fly1_001").streams["pose"]
    assert not stream.valid[70:73].any()


def test_the_map_measures_the_imaging_rate_when_nobody_gave_it(project, lab):
    asked = request(lab, pose=pose(lab, start_s=None, sync_file=lab / "map.npy"))
    streams = {**asked.streams, "neural": replace(neural(lab), rate_hz=None)}
    import_recording(project, replace(asked, streams=streams))
    time = Project.open(project.path).raw("fly1_001").streams["neural"].time
    assert time.rate_hz == pytest.approx(16.0, rel=1e-3)


def test_a_wrong_imaging_rate_shows_as_drift_against_the_map(project, lab):
    asked = request(lab, pose=pose(lab, start_s=None, sync_file=lab / "map.npy"))
    streams = {**asked.streams, "neural": replace(neural(lab), rate_hz=16.8)}
    asked = replace(asked, streams=streams)
    with pytest.raises(DataError, match=r"clock of neural drifts by \+\d\d,\d+ ppm"):
        import_recording(project, asked)
    found = import_recording(project, asked, max_drift_ppm=60_000)
    assert "sync.deviation" in [p.id for p in found.problems]
    again = Project.open(project.path)
    assert again.spec.max_drift_ppm == 60_000
    neural_time = again.raw("fly1_001").streams["neural"].time
    assert not neural_time.is_regular
    assert 1 / neural_time.period_s == pytest.approx(16.0, rel=0.02)


def test_times_of_every_frame_decide_and_contradictions_are_refused(project, lab):
    times = 100 + np.arange(150) * 31.25
    np.save(lab / "times.npy", times)
    asked = pose(lab, start_s=None, sync_file=lab / "times.npy", sync_kind="timestamps")
    with pytest.raises(DataError, match=r"rate_hz says 32 .* its times say 0.032"):
        import_recording(project, request(lab, pose=asked))
    np.save(lab / "times.npy", times / 1000)
    import_recording(project, request(lab, pose=asked))
    stream = Project.open(project.path).raw("fly1_001").streams["pose"]
    assert stream.time.centers()[0] == pytest.approx(0.1)
    np.save(lab / "times.npy", np.r_[times[:9], times[8:-1]] / 1000)
    with pytest.raises(DataError, match=r"must increase: frame 9 is at 0.35"):
        import_recording(Project.draft(lab / "p2"), request(lab, pose=asked))
    np.save(lab / "times.npy", times[:-3] / 1000)
    with pytest.raises(DataError, match="147 times but pose has 150"):
        import_recording(Project.draft(lab / "p2"), request(lab, pose=asked))


def test_signals_without_time_and_rate_share_the_clock_of_equal_frames(project, lab):
    np.savetxt(lab / "run.csv", np.arange(64.0), header="speed", comments="")
    signal = StreamRequest(source=lab / "run.csv", options={"unit": "cm/s"})
    import_recording(project, request(lab, scalar=signal))
    opened = Project.open(project.path)
    assert opened.recording("fly1_001").streams["scalar"].sync.stream == "neural"
    assert opened.raw("fly1_001").streams["scalar"].time.rate_hz == 16.0
    assert opened.raw("fly1_001").streams["scalar"].units == "cm/s"


def test_two_streams_on_one_clock_must_have_as_many_frames(project, lab):
    asked = request(lab, pose=pose(lab, rate_hz=None, start_s=None, like="neural"))
    with pytest.raises(DataError, match=r"pose has 150 frames but neural.*has 64"):
        import_recording(project, asked)
    import_recording(project, asked, accepted=accept("pose.length"))
    stream = Project.open(project.path).raw("fly1_001").streams["pose"]
    assert stream.valid.sum() == 64


def test_clocks_in_a_circle_are_refused(project, lab):
    asked = request(
        lab,
        pose=pose(lab, start_s=None, like="scalar"),
        scalar=StreamRequest(source=lab / "speed.csv", like="pose"),
    )
    with pytest.raises(DataError, match="circle: pose -> scalar -> pose"):
        import_recording(project, asked)
    with pytest.raises(DataError, match="no stream 'camera'"):
        import_recording(
            project, request(lab, pose=pose(lab, start_s=None, like="camera"))
        )


def test_the_same_file_under_two_animals_is_refused(project, lab, tmp_path):
    import_recording(project, request(lab))
    copy = tmp_path / "lab" / "fly2"
    copy.mkdir()
    (copy / "neural.npy").write_bytes((lab / "neural.npy").read_bytes())
    other = ImportRequest(animal="fly2", streams={"neural": neural(copy)})
    with pytest.raises(
        DataError, match=r"same content as neural of .*'fly1_001' of an"
    ):
        import_recording(project, other)
    assert project.recording_ids() == ("fly1_001",)
    import_recording(project, other, accepted=accept("source.duplicate"))
    assert project.animals() == ("fly1", "fly2")


def test_the_next_recording_of_an_animal_gets_the_next_number(project, lab, tmp_path):
    import_recording(project, request(lab))
    second = write_recording(tmp_path / "lab" / "b", seed=9)
    found = import_recording(project, request(second))
    assert found.recording == "fly1_002"
    assert sorted(project.roots.folders) == ["DATA", "DATA2"]


def test_the_same_import_again_changes_nothing(project, lab):
    import_recording(project, request(lab))
    before = (project.path / "project.yaml").read_text()
    again = import_recording(Project.open(project.path), request(lab))
    assert (again.recording, again.status) == ("fly1_001", "present")
    assert "nothing to do" in again.text()
    assert (project.path / "project.yaml").read_text() == before


def test_a_named_root_keeps_the_sources_of_a_lab_together(project, lab):
    import_recording(project, replace(request(lab), roots={"LAB": lab.parent}))
    stream = Project.open(project.path).recording("fly1_001").streams["neural"]
    assert stream.source == "LAB:fly1/neural.npy"


def test_files_in_the_project_folder_need_no_root(project):
    inside = write_recording(project.path / "raw", seed=3)
    import_recording(project, request(inside))
    stream = Project.open(project.path).recording("fly1_001").streams["neural"]
    assert stream.source == "PROJECT:raw/neural.npy"


@pytest.mark.parametrize("name", ["../x", "a/b", "nul", ""])
def test_names_that_are_no_names_are_refused(project, lab, name):
    with pytest.raises(DataError, match="animal"):
        import_recording(project, replace(request(lab), animal=name))


@pytest.fixture
def labelled(lab: Path) -> ImportRequest:
    pytest.importorskip("napari_neuroembed.data.annotations.importing")
    rows = ["walk,rest", *["1,0"] * 60, *["0,1"] * 40, *["-1,-1"] * 50]
    (lab / "labels.csv").write_text("\n".join(rows) + "\n")
    return replace(request(lab, pose=pose(lab)), labels=lab / "labels.csv")


def test_frame_wise_labels_are_imported_on_the_clock_of_the_pose(project, labelled):
    import_recording(project, replace(labelled, rater="me"))
    bouts = Project.open(project.path).raw("fly1_001").bouts
    present = bouts.to_table().query("state == 1")
    assert present["action"].tolist() == ["walk", "rest"]
    np.testing.assert_allclose(present["start_s"], [-0.25, 60 / 32 - 0.25], atol=1e-6)
    np.testing.assert_allclose(present["stop_s"], [60 / 32 - 0.25, 100 / 32 - 0.25])
    with project.annotations(read_only=True) as store:
        assert store.raters() == ("me",)


def test_interval_labels_count_from_their_start(project, lab, labelled):
    (lab / "labels.csv").write_text("start_s,stop_s,action\n0.5,1.5,walk\n")
    import_recording(project, replace(labelled, labels_start_s=1.0))
    bouts = project.raw("fly1_001").bouts
    assert (bouts.start_s[0], bouts.stop_s[0]) == (1.5, 2.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start_s,stop_s,action\n2.0,1.0,walk\n", "line 2"),
        ("start_s,stop_s,action\n0,900,walk\n", r"label.range"),
        ("recording,start_s,stop_s,action\nother,0,1,walk\n", "none of recording"),
    ],
)
def test_wrong_labels_refuse_the_whole_recording(project, lab, labelled, text, message):
    (lab / "labels.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        import_recording(project, labelled)
    assert not (project.path / "project.yaml").exists()


def test_labels_of_frames_that_no_stream_has_are_refused(project, labelled):
    with pytest.raises(DataError, match=r"--labels-like camera"):
        import_recording(project, replace(labelled, labels_like="camera"))
    with pytest.raises(DataError, match=r"source.missing"):
        import_recording(project, replace(labelled, labels="none.csv"))


def test_when_the_store_refuses_the_labels_the_recording_is_not_kept(
    project, labelled, monkeypatch
):
    def refuse(*_: object, **__: object) -> object:
        raise DataError("the store is read-only")

    monkeypatch.setattr(Project, "annotations", refuse)
    with pytest.raises(DataError, match="read-only"):
        import_recording(project, labelled)
    assert Project.open(project.path).recording_ids() == ()
