"""A newcomer brings a ThorLabs folder and reads nothing but what the command says."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.data.fixtures.thor_files import still_stack, write_session
from tests.journeys.command import Told, done, neuroembed

from napari_neuroembed.api import Project
from napari_neuroembed.data.derived import read_derived

SharedData = Callable[[str], Path]


def flags_in(told: Told, code: int = 2) -> list[str]:
    """Return the flags that a refusal proposes, as one would copy them."""
    assert told.code == code, told.out + told.err
    found = re.findall(r"--[a-z-]+ [^\s(),;.]*[^\s(),;:.]", told.err)
    assert found, told.err
    return found


def found_line(told: Told, word: str) -> str:
    """Return what the command says it found: images, clock, cameras, ball, poses."""
    (line,) = [x for x in told.out.splitlines() if x.strip().startswith(word)]
    return line


def test_a_thorlabs_folder_is_imported_by_reading_the_messages(tmp_path):
    lab, project = tmp_path / "lab", tmp_path / "flies"
    truth = write_session(lab / "001", camera_line="CamTrig", lost=(100, 101, 250))
    # 1. The folder, nothing else: what is there is told, and whose it is asked.
    words: list[object] = ["import", project, lab / "001"]
    told = neuroembed(*words)
    assert "--animal NAME" in flags_in(told)
    assert "60 frames of 32 x 32, 2 channels (ChanA, ChanB), 10 per second" in told.out
    assert "Frame Counter counts 60; lines that rise: CamTrig 330" in told.out
    assert "320 frames each at 50 per second, lost frames: camera 0: 3" in told.out
    words += ["--animal", "fly1"]
    # 2. Cameras ran, so poses are asked for; the file and its flag are there to copy.
    told = neuroembed(*words)
    assert told.err.count("[thor.behaviour]") == 1
    assert not (project / "project.yaml").exists()
    pose = shlex.split(found_line(told, "poses?").partition("import it with ")[2])
    ball = shlex.split(found_line(told, "ball").partition("import it with ")[2])
    assert pose == ["--pose", str(lab / "001/behData/images/pose.npz")]
    words += [*pose, *ball]
    # 3. Two channels: which one is the indicator?
    told = neuroembed(*words)
    assert "0 is ChanA, 1 is ChanB" in told.err
    assert "--channel ROLE=N" in told.err
    words += ["--channel", "functional=0"]
    # 4. The cameras' line has another name here; all lines are shown with their rises.
    told = neuroembed(*words)
    assert "no line named 'Cameras' or 'Basler' for pose" in told.err
    assert "CamTrig 330 times" in told.err
    assert "--camera-line NAME" in flags_in(told)
    # 5. Done. Every stream has the times of the microscope's own clock.
    told = done(*words, "--camera-line", "CamTrig")
    assert "fly1_001 (fly1): imported" in told.out
    assert "the camera lost 3 of 320 frames" in told.out
    streams = Project.open(project).opened("fly1_001").streams
    for name, key in (("neural", "neural"), ("pose", "pose"), ("scalar_ball", "ball")):
        centres = streams[name].time.centers()
        np.testing.assert_allclose(centres, truth[key], atol=2.1 / 5000.0)
    np.testing.assert_array_equal(streams["neural"].data[:], still_stack(60)[:, 0, 0])
    # 6. Again: nothing to do. Checked, pre-processed, and the gap is still a gap.
    assert "nothing to do" in done(*words, "--camera-line", "CamTrig").out
    assert "1 recording of 1 animal" in done("check", project).out
    done("preprocess", project)
    derived = Project.open(project).path / "derived" / "fly1_001"
    kept = read_derived(derived, id="fly1_001", animal="fly1").streams["pose"].time
    np.testing.assert_allclose(kept.centers(), truth["pose"], atol=2.1 / 5000.0)


def real_folder(item: Path, where: Path) -> Path:
    """Put the files of the item where ThorImage and ThorSync had put them."""
    for file in item.glob("mouse_kidney_raw__*"):
        place = where.joinpath(*file.name.split("__")[1:])
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    return where


def test_real_images_of_thorimage_have_their_pixels_and_the_rate_of_the_xml(
    shared_data: SharedData, tmp_path: Path
) -> None:
    item = shared_data("thorlabs_utils2p")
    folder = real_folder(item, tmp_path / "lab")
    project = tmp_path / "mice"
    words = ["import", project, folder, "--animal", "kidney"]
    words += ["--channel", "functional=0", "--channel", "anatomical=1"]
    told = neuroembed(*words)
    assert "5 frames of 256 x 256, 2 channels (ChanA, ChanB), 1.426 per s" in told.out
    assert "2 cameras, 60 frames each at 30 per second" in told.out
    words += ["--accept", "thor.behaviour", "--why", "a slide does not move"]
    assert "2x256x256 uint16, 3.51 s at 1.426 Hz" in done(*words).out
    (raw,) = item.glob("*.raw")
    whole = np.fromfile(raw, "<u2").reshape(5, 2, 256, 256)
    stream = Project.open(project).opened("kidney_001").streams["neural"]
    np.testing.assert_array_equal(stream.data[:], whole)
    # One byte less is refused with every factor of the product.
    copy = folder / "2p" / "Untitled_001" / "Image_0001_0001.raw"
    copy.write_bytes(copy.read_bytes()[:-1])
    told = neuroembed("import", tmp_path / "cut", *words[2:])
    assert told.code == 2
    for word in ("= 1,310,720", "1,310,719 bytes", "4 are whole", "--salvage"):
        assert word in told.err


def test_the_real_clock_of_another_recording_is_refused_with_both_numbers(
    shared_data: SharedData, tmp_path: Path
) -> None:
    item = shared_data("thorlabs_utils2p")
    folder = real_folder(item, tmp_path / "lab")
    sync = folder / "2p" / "Sync-025"
    shutil.copyfile(
        item / "mouse_kidney_z_stack__Episode001.h5", sync / "Episode001.h5"
    )
    project = tmp_path / "mice"
    words = ["import", project, folder, "--animal", "kidney"]
    words += ["--channel", "functional=0"]
    words += ["--accept", "thor.behaviour", "--why", "a slide does not move"]
    told = neuroembed(*words)
    assert told.code == 2
    assert "54,000 samples per line at 30,000 per second (NI6321)" in told.out
    assert "counts 30 scans = 30 complete frames, the stack has 5: 25 more" in told.err
    assert "[thor.frames]" in told.err
    assert not list((project / "derived").glob("*"))
    # The message names the way out, and the clock of the XML is then the only one.
    assert "--sync none" in flags_in(told)
    assert "1.426 Hz (LSM@frameRate 1.426" in done(*words, "--sync", "none").out


def test_two_recordings_in_one_folder_are_never_mixed_up(tmp_path):
    lab = tmp_path / "lab"
    write_session(lab)
    shutil.copytree(lab / "2p" / "Untitled_001", lab / "2p" / "Untitled_002")
    project = tmp_path / "flies"
    told = neuroembed("import", project, lab, "--animal", "a")
    assert "2 ThorImage recordings (2p/Untitled_001, 2p/Untitled_002)" in told.err
    assert told.code == 2
    words = ["import", project, lab / "2p" / "Untitled_001", "--animal", "a"]
    words += ["--channel", "functional=0"]
    told = neuroembed(*words)
    assert "may be those of other recordings here (Untitled_002)" in told.err
    assert "--sync FOLDER" in flags_in(told)
    words += ["--accept", "thor.behaviour", "--why", "images alone"]
    told = done(*words, "--sync", lab / "2p" / "Sync-001")
    assert "10 Hz (Frame Counter of Episode001.h5" in told.out
