"""A ThorLabs folder is put together, and what is in doubt is asked."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from tests.data.fixtures.thor_files import (
    SAMPLES_HZ,
    SETTINGS,
    XML,
    counter,
    thor_stack,
    write_capture,
    write_raw,
    write_session,
    write_sync,
)
from tests.journeys.command import neuroembed

from napari_neuroembed.data.importing import import_recording
from napari_neuroembed.data.importing.request import (
    ImportRequest,
    StreamRequest,
    ThorRequest,
)
from napari_neuroembed.data.importing.thor import complete
from napari_neuroembed.data.importing.thor_folder import find_thor
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.errors import DataError

IMAGES, SYNC = "2p/Untitled_001", "2p/Sync-001"
POSE, FLOW = "behData/images/pose.npz", "behData/OptFlowData/OptFlow.txt"
CAPTURE = "behData/images/capture_metadata.json"


@pytest.fixture
def lab(tmp_path):
    write_session(tmp_path / "lab")
    return tmp_path / "lab"


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project")


def asked(lab, *, thor=None, like=None, **streams):
    found = {"neural": StreamRequest(source=lab, channels={"functional": 0})}
    found |= {
        name: value if isinstance(value, StreamRequest) else StreamRequest(source=value)
        for name, value in streams.items()
    }
    return ImportRequest(animal="a", streams=found, thor=thor or ThorRequest())


def imported(project, request, *accepted):
    why = [Acceptance(check=check, why="a test", by="a test") for check in accepted]
    report = import_recording(project, request, accepted=why)
    return {p.id: p for p in report.problems}, project.opened(report.recording).streams


def ids(request):
    return {p.id: p.text for p in complete(request).findings}


def test_all_files_of_a_recording_are_found_from_any_of_its_folders(lab):
    for place in (lab, lab / "2p", lab / IMAGES):
        found = find_thor(place)
        assert found.images == (lab / IMAGES,)
        assert found.syncs == (lab / SYNC / "Episode001.h5",)
    whole = find_thor(lab)
    assert whole.captures == (lab / CAPTURE,)
    assert whole.flows == (lab / FLOW,)
    assert whole.poses == (lab / POSE,)
    assert find_thor(lab / "behData") is None


def test_a_recording_with_its_poses_is_complete(lab, project):
    found, streams = imported(project, asked(lab, pose=lab / POSE))
    assert {i: p.severity for i, p in found.items()} == {
        "thor.lost": "warning",
        "thor.pulses": "note",
        "sync.overlap": "warning",
    }
    assert len(streams["pose"]) == 319
    assert streams["neural"].facts["rate_origin"].startswith("Frame Counter")


def test_what_the_animal_did_is_asked_for_where_cameras_ran(lab):
    text = ids(asked(lab))["thor.behaviour"]
    assert CAPTURE in text
    assert f"--pose {lab / POSE}" in text
    assert "thor.behaviour" not in ids(asked(lab, pose=lab / POSE))
    shutil.rmtree(lab / "behData")
    assert "line DI/Cameras, 330 pulses" in ids(asked(lab))["thor.behaviour"]


def test_of_several_sync_files_one_must_be_named(lab):
    shutil.copytree(lab / SYNC, lab / "2p" / "Sync-002")
    text = ids(asked(lab, pose=lab / POSE))["thor.sync"]
    assert "2p/Sync-001/Episode001.h5, 2p/Sync-002/Episode001.h5" in text
    named = StreamRequest(source=lab / POSE, sync_file=lab / SYNC)
    request = complete(asked(lab, pose=named))
    assert request.findings == ()
    assert {s.sync_file for s in request.streams.values()} == {
        lab / SYNC / "Episode001.h5"
    }


@pytest.mark.parametrize(
    ("named", "what"), [("nothing", "is not there"), ("behData", "holds no Episode001")]
)
def test_a_folder_named_as_clock_must_hold_one(named, what, lab):
    pose = StreamRequest(source=lab / POSE, sync_file=lab / named)
    text = ids(asked(lab, pose=pose))["thor.sync"]
    assert what in text
    assert "ThorSync files beside the images: 2p/Sync-001/Episode001.h5" in text


@pytest.mark.parametrize("place", [SYNC, f"{SYNC}/Episode001.h5"])
def test_a_clock_is_no_source(place, lab, tmp_path):
    told = neuroembed("import", tmp_path / "p", lab / place, "--animal", "a")
    assert told.code == 2
    assert "a clock, no images. Give the folder of ThorImage" in told.err
    assert f"--sync {lab / place}" in told.err


def test_the_sync_file_inside_the_image_folder_is_its_own(lab):
    shutil.copytree(lab / "2p" / "Untitled_001", lab / "2p" / "Untitled_002")
    request = asked(lab / IMAGES, pose=lab / POSE)
    assert "other recordings here" in ids(request)["thor.sync"]
    shutil.copyfile(lab / SYNC / "Episode001.h5", lab / IMAGES / "Episode001.h5")
    inside = complete(request)
    assert inside.findings == ()
    assert inside.streams["neural"].sync_file == lab / IMAGES / "Episode001.h5"


def test_a_folder_of_several_recordings_is_not_one(lab):
    shutil.copytree(lab / "2p" / "Untitled_001", lab / "2p" / "Untitled_002")
    found = ids(asked(lab))
    assert list(found) == ["thor.folder"]
    assert "2p/Untitled_001, 2p/Untitled_002" in found["thor.folder"]
    assert "--pattern" in found["thor.folder"]


def test_a_rate_instead_of_a_clock_needs_no_choice(lab):
    shutil.copytree(lab / SYNC, lab / "2p" / "Sync-002")
    request = asked(lab, pose=lab / POSE)
    neural = dataclasses.replace(request.streams["neural"], rate_hz=10.0)
    request = dataclasses.replace(
        request, streams={**request.streams, "neural": neural}
    )
    assert complete(request).findings == ()
    assert complete(request).streams["neural"].sync_file is None


def test_what_is_said_of_a_clock_that_is_not_used_is_refused(lab):
    request = asked(lab, thor=ThorRequest(is_used=False, sample_rate_hz=5000.0))
    assert "--sync-rate: given, but no ThorSync file" in ids(request)["thor.sync"]
    request = asked(lab, pose=lab / POSE, thor=ThorRequest(is_used=False))
    assert "thor.sync" not in ids(request)


def test_a_clock_without_settings_needs_its_sampling_rate(lab, project):
    (lab / SYNC / SETTINGS).unlink()
    with pytest.raises(DataError, match=r"--sync-settings FILE.*--sync-rate HZ.*rate"):
        imported(project, asked(lab, pose=lab / POSE))
    rated = asked(lab, pose=lab / POSE, thor=ThorRequest(sample_rate_hz=5000.0))
    _, streams = imported(project, rated)
    assert streams["neural"].time.period_s == pytest.approx(0.1)


def test_a_wrong_sampling_rate_contradicts_the_xml(lab, project):
    request = asked(lab, pose=lab / POSE, thor=ThorRequest(sample_rate_hz=6000.0))
    with pytest.raises(DataError, match=r"12 per second.*and 10 .LSM@frameRate.*conf"):
        imported(project, request)


def test_without_a_capture_file_it_is_said_that_losses_are_unknown(lab, project):
    (lab / CAPTURE).unlink()
    found, _ = imported(project, asked(lab, pose=lab / POSE))
    assert found["thor.capture"].severity == "warning"
    assert "--capture FILE" in found["thor.capture"].text


def test_the_capture_file_beside_the_poses_is_theirs(lab, tmp_path, project):
    away = tmp_path / "elsewhere"
    shutil.move(lab / "behData", away)
    _, streams = imported(project, asked(lab, pose=away / "images/pose.npz"))
    gap = np.flatnonzero(np.diff(streams["pose"].time.centers()) > 0.03)
    assert gap.tolist() == [99]


def test_poses_of_another_recording_do_not_fit_the_capture_file(lab, project):
    np.savez(lab / POSE, pose=np.zeros((200, 6, 2)))
    with pytest.raises(DataError, match=r"200 frames were found.*0: 319, 1: 319.*pose"):
        imported(project, asked(lab, pose=lab / POSE))


def test_a_camera_that_lost_its_own_frames_can_be_named(lab, project):
    write_capture(lab / "behData/images", 320, lost={"0": [7], "1": [9]}, fps=50.0)
    with pytest.raises(DataError, match=r"lost different frames.*--camera NAME"):
        imported(project, asked(lab, pose=lab / POSE))
    named = asked(lab, pose=lab / POSE, thor=ThorRequest(camera="1"))
    _, streams = imported(project, named)
    gap = np.flatnonzero(np.diff(streams["pose"].time.centers()) > 0.03)
    assert gap.tolist() == [8]


def test_a_stack_of_other_length_than_the_counter_is_refused(tmp_path, project):
    write_session(tmp_path / "lab", n_frames=60)
    write_session(tmp_path / "other", n_frames=40, n_taken=200)
    shutil.rmtree(tmp_path / "lab" / SYNC)
    shutil.copytree(tmp_path / "other" / SYNC, tmp_path / "lab" / SYNC)
    request = asked(tmp_path / "lab")
    with pytest.raises(
        DataError, match=r"40 complete frames, the stack has 60: 20 few"
    ):
        imported(project, request, "thor.behaviour")
    _, streams = imported(project, request, "thor.behaviour", "thor.frames")
    assert int(streams["neural"].valid.sum()) == 40


def test_streams_of_one_recording_have_one_clock(lab, tmp_path, project):
    shutil.copytree(lab / SYNC, tmp_path / "elsewhere")
    settings = {"source": lab / POSE, "sync_file": tmp_path / "elsewhere"}
    request = asked(lab, pose=StreamRequest(**settings))
    neural = dataclasses.replace(request.streams["neural"], sync_file=lab / SYNC)
    both = dataclasses.replace(request, streams={**request.streams, "neural": neural})
    assert "2 ThorSync files" in ids(both)["thor.sync"]


def test_traces_of_the_images_follow_the_frame_counter(lab, tmp_path, project):
    path = tmp_path / "traces.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 5)))
    trace = StreamRequest(source=path, kind="trace", sync_file=lab / SYNC)
    request = ImportRequest(animal="a", streams={"trace": trace})
    found, streams = imported(project, request)
    assert {i for i, p in found.items() if p.severity == "error"} == set()
    np.testing.assert_allclose(
        streams["trace"].time.centers(), 0.05 + np.arange(60) / 10, atol=1e-3
    )
    np.save(path, np.zeros((50, 5)))
    other = Project.create(tmp_path / "second")
    with pytest.raises(DataError, match=r"60 complete frames, the stack has 50"):
        imported(other, request)


def test_a_changed_clock_is_noticed(lab, project):
    imported(project, asked(lab, pose=lab / POSE))
    before = {p.id for p in project.problems("a_001")}
    assert "source.changed" not in before
    file = lab / SYNC / "Episode001.h5"
    content = bytearray(file.read_bytes())
    content[-5] ^= 255
    file.write_bytes(bytes(content))
    assert "source.changed" in {p.id for p in project.problems("a_001")}


def test_poses_added_later_are_not_passed_over(lab, project):
    imported(project, asked(lab), "thor.behaviour")
    with pytest.raises(
        DataError, match=r"these files already, but not pose.*import.present"
    ):
        import_recording(project, asked(lab, pose=lab / POSE))


def counted_lab(folder, stack, scans_s, **changes):
    """Write images and the counter of their scans, and nothing else."""
    n_samples = round((scans_s[-1] + 1.0) * SAMPLES_HZ)
    write_raw(folder / IMAGES, stack, **changes)
    write_sync(folder / SYNC, {"CI/Frame Counter": counter(scans_s, n_samples)})
    return folder


@pytest.mark.parametrize("z", [0, 1])
def test_slices_of_a_volume_have_their_own_times_by_the_counter(z, tmp_path, project):
    scans = 0.5 + np.arange(20 * 3) / 30.0
    lab = counted_lab(
        tmp_path / "lab", thor_stack(t=20, z=2), scans, rate_hz=30.0, flybackFrames=1
    )
    request = asked(lab)
    neural = dataclasses.replace(request.streams["neural"], options={"z": z})
    found, streams = imported(
        project, dataclasses.replace(request, streams={"neural": neural})
    )
    assert found == {}
    wanted = (np.arange(20) * 3 + z + 0.5) / 30.0
    np.testing.assert_allclose(streams["neural"].time.centers(), wanted, atol=2e-4)


def test_the_counter_decides_what_the_rate_of_averaged_images_means(tmp_path, project):
    scans = 0.5 + np.arange(12 * 5) / 50.0
    lab = counted_lab(
        tmp_path / "lab", thor_stack(), scans, averageMode=1, averageNum=5
    )
    found, streams = imported(project, asked(lab))
    assert found == {}
    assert streams["neural"].time.period_s == pytest.approx(0.1, rel=1e-3)


def test_one_frame_begun_and_not_kept_is_let_pass(tmp_path, project):
    scans = 0.5 + np.arange(13) / 10.0
    lab = counted_lab(tmp_path / "lab", thor_stack(), scans)
    found, streams = imported(project, asked(lab))
    assert [(p.id, p.severity) for p in found.values()] == [("thor.frames", "warning")]
    assert streams["neural"].valid.all()


@pytest.mark.parametrize("place", [f"{IMAGES}/{XML}", f"{SYNC}/{SETTINGS}", CAPTURE])
def test_a_mutated_file_is_read_or_refused_and_never_anything_else(place, lab, project):
    rng = np.random.default_rng(11)
    file = lab / place
    whole = file.read_bytes()
    refused = 0
    for _ in range(40):
        content = bytearray(whole)
        for at in rng.integers(len(content), size=3):
            content[at] = rng.integers(256)
        file.write_bytes(bytes(content[: rng.integers(1, 2 * len(content))]))
        why = [Acceptance(check="thor.behaviour", why="a test", by="a test")]
        try:
            import_recording(
                project, asked(lab, pose=lab / POSE), accepted=why, dry_run=True
            )
        except DataError as error:
            refused += str(error) != ""
    assert refused > 10
