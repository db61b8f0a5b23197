"""ScanImage and Prairie View by the command alone, as a new user would type it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.fixtures import prairie_files, scanimage_files
from tests.journeys.command import done, neuroembed

from napari_neuroembed.data.project import Project


def refused(*words: object) -> str:
    told = neuroembed(*words)
    assert told.code == 2, told.out
    assert "Traceback" not in told.err
    return told.err


def test_a_volume_of_scanimage_is_imported_by_following_the_messages(tmp_path):
    scan = scanimage_files.Scan(frames=scanimage_files.movie(60, 3, 2), flyback=1)
    folder = tmp_path / "si"
    folder.mkdir()
    for k, part in enumerate((slice(0, 240), slice(240, 477))):
        name = f"fly_00001_{k + 1:05d}.tif"
        scanimage_files.write_scanimage(folder / name, scan, part)
    words = ["import", tmp_path / "p", folder, "--animal", "fly1"]
    err = refused(*words)
    for advice in (
        "plane: 0 .. 2",
        "{functional: 0",
        "--salvage",
        "--reader-option neural.plane=0",
        "--channel ROLE=N",
    ):
        assert advice in err
    words += ["--reader-option", "neural.plane=2", "--channel", "functional=1"]
    assert "scanimage.indivisible" in refused(*words)
    told = done(*words, "--salvage")
    assert "59x12x20 int16, 7.87 s at 7.5 Hz (frameTimestamps_sec" in told.out
    assert "59 complete frames kept" in told.out
    assert "pages of the way back left out" in told.out
    assert "reader: scanimage" in (tmp_path / "p" / "project.yaml").read_text()
    assert done("check", tmp_path / "p").out.count("fly1_001 (fly1)") == 1
    stream = Project.open(tmp_path / "p").raw_streams("fly1_001").streams["neural"]
    np.testing.assert_array_equal(stream.data[:], scan.frames[:59, 2, 1])


def test_a_folder_of_prairie_view_is_imported_with_its_voltages(tmp_path):
    frames = prairie_files.movie(80, 1, 2)
    start_s = prairie_files.START_S - 0.2
    series = prairie_files.Series(frames=frames, voltage_s=start_s)
    folder = prairie_files.write_prairie(tmp_path / "TSeries-001", series)
    speed = np.random.default_rng(0).normal(size=(4500, 1)).round(6)
    voltage = prairie_files.write_voltage(folder, speed, 1000.0)
    words = ["import", tmp_path / "p", folder, "--animal", "mouse1"]
    assert "1 (Red), 2 (Green)" in refused(*words)
    words += ["--channel", "functional=2", "--scalar", voltage]
    told = done(*words)
    assert "80x12x20 uint16, 4.00 s at 20 Hz (absoluteTime of every frame)" in told.out
    streams = Project.open(tmp_path / "p").raw_streams("mouse1_001").streams
    np.testing.assert_array_equal(streams["neural"].data[:], frames[:, 0, 1])
    assert streams["scalar"].time.start_s == pytest.approx(-0.2)
    assert streams["neural"].time.start_s == pytest.approx(0.0, abs=1e-9)
