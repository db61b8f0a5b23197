"""Folders of Prairie View open as their XML says, or are refused with what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.fixtures.prairie_files import (
    HZ,
    START_S,
    Series,
    movie,
    write_prairie,
    write_voltage,
)
from tests.data.fixtures.stack_files import write_shaped

from napari_neuroembed.data.readers import find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.prairie import PrairieReader
from napari_neuroembed.data.readers.prairie.scan import read_scan
from napari_neuroembed.data.readers.prairie.voltage import PrairieVoltageReader
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError


def read(folder: Path, *, rate_hz=None, accept=(), salvage=False, **options) -> Stream:
    streams = PrairieReader().read(
        Source((folder,)),
        options,
        rate_hz=rate_hz,
        accept=frozenset(accept),
        salvage=salvage,
    )
    return streams["neural"]


def ids(folder: Path, **options: object) -> list[str]:
    found = PrairieReader().describe(Source((folder,)), options)
    return [problem.id for problem in found.problems]


def xml_of(folder: Path) -> Path:
    return folder / f"{folder.name}.xml"


def edit(folder: Path, *changes: tuple[str, str]) -> None:
    text = xml_of(folder).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    xml_of(folder).write_text(text)


@given(
    n=st.integers(2, 5),
    planes=st.integers(1, 3),
    channels=st.integers(1, 2),
    is_multipage=st.booleans(),
    is_ome=st.booleans(),
    data=st.data(),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_layout_gives_the_frames_and_times_of_the_plane_asked_for(
    n, planes, channels, is_multipage, is_ome, data, tmp_path
):
    plane = data.draw(st.integers(0, planes - 1))
    channel = data.draw(st.integers(0, channels - 1))
    frames = movie(n, planes, channels)
    series = Series(frames=frames, is_multipage=is_multipage, is_ome=is_ome)
    shutil.rmtree(tmp_path / "TSeries-1", ignore_errors=True)
    folder = write_prairie(tmp_path / "TSeries-1", series)
    assert find_reader(Source((folder,)), ("neural",)).name == "prairie"
    stream = read(folder, plane=plane, channels={"functional": channel + 1})
    np.testing.assert_array_equal(stream.data[:], frames[:, plane, channel])
    assert stream.data.dtype == np.uint16
    centres = (np.arange(n) * planes + plane + 0.5) / HZ
    np.testing.assert_allclose(stream.time.centers(), centres, atol=1e-8)
    assert stream.facts["pixel_um"] == 1.18


def test_files_of_an_ome_set_are_counted_once(tmp_path):
    """Each file describes all of them; N files x N frames would be N times too many."""
    folder = write_prairie(tmp_path / "s", Series(frames=movie(30)))
    found = PrairieReader().describe(Source((folder,)), {})
    assert found.shape == (30, 12, 20)
    assert found.problems == ()
    assert found.rate_hz == pytest.approx(HZ)
    assert found.rate_origin == "absoluteTime of every frame"


def test_the_order_is_that_of_the_xml_and_not_of_the_names(tmp_path):
    frames = movie(4)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    first, last = (f"s_Cycle00001_Ch1_{k:06d}.ome.tif" for k in (1, 4))
    edit(folder, (first, "swap"), (last, first), ("swap", last))
    expected = frames[[3, 1, 2, 0], 0, 0]
    np.testing.assert_array_equal(read(folder).data[:], expected)


def test_a_large_folder_is_described_without_opening_every_file(tmp_path, monkeypatch):
    from napari_neuroembed.data.readers.tiff import index

    folder = write_prairie(tmp_path / "s", Series(frames=movie(90)))
    opened = []
    whole = index.read_directory
    monkeypatch.setattr(
        index,
        "read_directory",
        lambda path, **told: opened.append(path) or whole(path, **told),
    )
    found = PrairieReader().describe(Source((folder,)), {})
    assert found.shape == (90, 12, 20)
    assert len(opened) == 2
    assert found.facts["pages"] == found.facts["files"] == 90


def test_channels_are_those_of_the_file_names(tmp_path):
    frames = movie(6, 1, 2)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    with pytest.raises(
        DataError, match=r"channels are 1 \(Red\), 2 \(Green\).*functional: 1.*channels"
    ):
        read(folder)
    assert ids(folder, channels={"functional": 3}) == ["tiff.channels"]
    stream = read(folder, channels={"functional": 2, "anatomical": 1})
    np.testing.assert_array_equal(stream.data[:], frames[:, 0, ::-1])
    assert stream.names == ("functional", "anatomical")


def test_frames_that_were_never_written_are_counted_and_can_be_left_out(tmp_path):
    frames = movie(20)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    assert ids(folder) == []
    for k in range(15, 21):
        (folder / f"s_Cycle00001_Ch1_{k:06d}.ome.tif").unlink()
    with pytest.raises(
        DataError,
        match=r"lists 20 frames, but 6 of them.*the first is frame 14 \(s_Cycle00001_"
        r"Ch1_000015.ome.tif\).*last complete frame is 13.*\[prairie.unwritten\]",
    ):
        read(folder, accept=["prairie.unwritten"])
    stream = read(folder, salvage=True)
    np.testing.assert_array_equal(stream.data[:], frames[:14, 0, 0])
    assert stream.time.n_frames == 14
    assert "salvaged: 14 complete frames kept" in stream.facts["notes"][0]
    (folder / "s_Cycle00001_Ch1_000014.ome.tif").write_bytes(b"")
    with pytest.raises(DataError, match=r"7 of them were never written"):
        read(folder)


def test_pages_that_were_never_written_are_found_too(tmp_path):
    frames = movie(20)
    folder = write_prairie(tmp_path / "s", Series(frames=frames, is_multipage=True))
    edit(folder, ('page="19"', 'page="23"'), ('page="20"', 'page="24"'))
    with pytest.raises(
        DataError,
        match=r"lists page 23 of s_.*which has 20; 2 of 20.*prairie.unwritten",
    ):
        read(folder)
    assert len(read(folder, salvage=True)) == 18


def test_a_channel_that_stops_early_ends_the_recording(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(8, 1, 2)))
    (folder / "s_Cycle00001_Ch2_000006.ome.tif").unlink()
    with pytest.raises(
        DataError, match=r"frame 5 \(s_Cycle00001_Ch2.*prairie.unwritten"
    ):
        read(folder, channels={"functional": 1})


def test_cycles_are_asked_for_and_their_own_times_start_again(tmp_path):
    """relativeTime starts again with every cycle; the absolute time goes on."""
    frames = movie(30)
    folder = write_prairie(tmp_path / "s", Series(frames=frames, cycles=(10, 20)))
    with pytest.raises(
        DataError,
        match=r"2 cycles: 1 \(10 frames, 3.0 to 3.4 s\), 2 \(20 frames.*cycle: 1 for "
        r"one.*cycle: all.*\[prairie.cycles\]",
    ):
        read(folder, accept=["prairie.cycles"])
    assert ids(folder, cycle=3) == ["prairie.cycles"]
    second = read(folder, cycle=2)
    np.testing.assert_array_equal(second.data[:], frames[10:, 0, 0])
    assert second.time.start_s == pytest.approx(0.0, abs=1e-8)
    whole = read(folder, cycle="all")
    np.testing.assert_array_equal(whole.data[:], frames[:, 0, 0])
    assert whole.time.gaps().tolist() == [9]
    assert whole.time.center(10) == pytest.approx(10.5 / HZ + 5.0)


def test_a_cycle_for_every_frame_is_one_recording(tmp_path):
    """Versions before 5 write it so, with names that hold CurrentSettings."""
    frames = movie(12)
    series = Series(frames=frames, cycles=(1,) * 12, pause_s=0.0, is_ome=False)
    stream = read(write_prairie(tmp_path / "s", series))
    np.testing.assert_array_equal(stream.data[:], frames[:, 0, 0])
    assert 1 / stream.time.period_s == pytest.approx(HZ)


def test_a_volume_lists_its_planes_until_one_is_chosen(tmp_path):
    frames = movie(6, 4)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    with pytest.raises(
        DataError, match=r"has 4 planes.*plane: 0 \.\. 3.*prairie.plane"
    ):
        read(folder)
    assert ids(folder, plane=4) == ["prairie.plane"]
    assert ids(folder, plane=3) == []
    assert 1 / read(folder, plane=3).time.period_s == pytest.approx(HZ / 4)


def test_a_volume_that_was_stopped_is_left_out_when_told(tmp_path):
    frames = movie(6, 3)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    text = xml_of(folder).read_text()
    at = text.rindex("    <Frame")
    xml_of(folder).write_text(text[:at] + "  </Sequence>\n</PVScan>")
    with pytest.raises(DataError, match=r"last volume has 2 of 3.*prairie.unwritten"):
        read(folder, plane=0)
    assert len(read(folder, plane=0, salvage=True)) == 5


def test_volumes_of_unequal_size_and_mixed_kinds_are_refused(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(6, 3)))
    text = xml_of(folder).read_text()
    at = text.index("    <Frame")
    stop = text.index("    <Frame", at + 1)
    xml_of(folder).write_text(text[:at] + text[stop:])
    with pytest.raises(DataError, match=r"volumes differ: the first has 2.*layout"):
        read(folder, plane=0, salvage=True)
    line = write_prairie(tmp_path / "l", Series(frames=movie(4), kind="Linescan"))
    with pytest.raises(DataError, match=r"type 'Linescan'; expected a T-series"):
        read(line)


def test_planes_scanned_in_both_directions_need_consent(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(6, 3), reverses=True))
    with pytest.raises(DataError, match=r"bidirectionalZ.*prairie.reversing"):
        read(folder, plane=0)
    assert len(read(folder, plane=0, accept=["prairie.reversing"])) == 6
    one = write_prairie(tmp_path / "t", Series(frames=movie(6), reverses=True))
    assert ids(one) == []


def test_the_frame_period_must_agree_with_the_times(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(12)))
    assert ids(folder) == []
    edit(folder, ('"framePeriod" value="0.050000000"', '"framePeriod" value="0.0513"'))
    with pytest.raises(
        DataError, match=r"20 per second \(absoluteTime.*19.49.*framePeriod.*conflict"
    ):
        read(folder)
    assert not read(folder, accept=["rate.conflict"]).time.is_regular


def test_times_that_do_not_increase_are_refused(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(5)))
    late, early = (f'absoluteTime="{START_S + k / HZ:.9f}"' for k in (3, 1))
    edit(folder, (late, early))
    with pytest.raises(DataError, match=r"frame 3 is at 0.05.*time.not_increasing"):
        read(folder)


def test_without_absolute_times_one_cycle_has_relative_ones(tmp_path):
    series = Series(frames=movie(8), has_absolute=False)
    stream = read(write_prairie(tmp_path / "s", series))
    assert stream.time.centers()[:2] == pytest.approx([0.5 / HZ, 1.5 / HZ])
    bursts = Series(frames=movie(8), cycles=(4, 4), has_absolute=False)
    folder = write_prairie(tmp_path / "t", bursts)
    assert read(folder, cycle="all").time.rate_hz == pytest.approx(HZ)


def test_times_on_some_frames_only_are_not_used_unasked(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(8)))
    edit(folder, (f'absoluteTime="{START_S + 3 / HZ:.9f}"', 'absoluteTime="soon"'))
    with pytest.raises(
        DataError, match=r"1 of 8 frames.*first: frame 3.*prairie.times"
    ):
        read(folder)
    centres = read(folder, accept=["prairie.times"]).time.centers()
    np.testing.assert_allclose(centres, (np.arange(8) + 0.5) / HZ, atol=1e-8)


def test_without_its_xml_the_frames_are_taken_by_their_numbers(tmp_path):
    frames = movie(12, 1, 2)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    xml_of(folder).unlink()
    assert find_reader(Source((folder,)), ("neural",)).name == "prairie"
    told = {"channels": {"functional": 2}}
    with pytest.raises(
        DataError, match=r"its XML \(s.xml\) is missing.*--rate.*--sync.*rate.missing"
    ):
        read(folder, **told)
    stream = read(folder, rate_hz=20.0, **told)
    np.testing.assert_array_equal(stream.data[:], frames[:, 0, 1])
    with pytest.raises(DataError, match=r"its channels are 1, 2"):
        read(folder, rate_hz=20.0)
    (folder / "s_Cycle00001_Ch2_000004.ome.tif").unlink()
    with pytest.raises(DataError, match=r"missing between 1 and 12.*missing_frames"):
        read(folder, rate_hz=20.0, **told)


def test_without_its_xml_several_cycles_cannot_be_put_in_order(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(6, 3)))
    xml_of(folder).unlink()
    with pytest.raises(DataError, match=r"6 cycles but not the XML.*prairie.xml"):
        read(folder, rate_hz=20.0)


def test_an_xml_that_ends_early_gives_the_frames_before(tmp_path):
    frames = movie(12)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    text = xml_of(folder).read_text()
    xml_of(folder).write_text(text[: text.index('index="9"') + 60])
    with pytest.raises(DataError, match=r"s.xml ends early.*at line.*prairie.xml"):
        read(folder, accept=["prairie.xml"])
    stream = read(folder, salvage=True)
    np.testing.assert_array_equal(stream.data[:], frames[:8, 0, 0])


def test_a_folder_that_was_renamed_still_opens(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(5)))
    moved = folder.rename(tmp_path / "fly1_day2")
    assert len(read(moved)) == 5
    shutil.copy(moved / "s.xml", moved / "other.xml")
    with pytest.raises(
        DataError, match=r"XML of 2 scans: other.xml, s.xml.*prairie.xml"
    ):
        read(moved)


def test_the_xml_and_the_single_files_point_to_their_folder(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(5)))
    for paths in ([xml_of(folder)], sorted(folder.glob("*.tif"))):
        source = Source(tuple(paths))
        assert find_reader(source, ("neural",)).name == "prairie"
        with pytest.raises(
            DataError, match=rf"takes the folder.*give {folder}.*folder"
        ):
            PrairieReader().read(source, {}, rate_hz=None)
    alone = tmp_path / "s_Cycle00001_Ch1_000001.ome.tif"
    shutil.copy(folder / alone.name, alone)
    assert find_reader(Source((alone,)), ("neural",)).name == "tiff"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("<PVScan", '<!DOCTYPE x [<!ENTITY a "b">]><PVScan'), r"xml.doctype"),
        (("s_Cycle00001_Ch1_000002", "../x"), r"names the file '../x.*prairie.layout"),
        (("s_Cycle00001_Ch1_000002", "c:\\x"), r"expected a name in its own folder"),
        (('page="1"', 'page="-1"'), r"page is '-1', expected a whole number"),
        (('channel="1"', 'channel="one"'), r"channel is 'one'.*prairie.layout"),
        (('cycle="1"', 'cycle="99999999999"'), r"cycle is '99999999999'"),
    ],
)
def test_an_xml_that_no_microscope_writes_is_refused(change, message, tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(5)))
    edit(folder, change)
    with pytest.raises(DataError, match=message):
        read(folder)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_to_the_xml_opens_fewer_frames_or_is_refused(data, tmp_path):
    folder = tmp_path / "s"
    frames = movie(5)
    if not folder.exists():
        write_prairie(folder, Series(frames=frames))
        (tmp_path / "whole.xml").write_bytes(xml_of(folder).read_bytes())
    content = bytearray((tmp_path / "whole.xml").read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.integers(0, 255)
        )
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    xml_of(folder).write_bytes(content)
    try:
        stream = read(folder, salvage=True, rate_hz=20.0, accept=["rate.conflict"])
    except DataError:
        return
    np.asarray(stream.data[:])
    assert len(stream) <= 5


def test_a_file_that_is_cut_names_its_frame(tmp_path):
    frames = movie(20)
    folder = write_prairie(tmp_path / "s", Series(frames=frames))
    odd = folder / "s_Cycle00001_Ch1_000012.ome.tif"
    odd.write_bytes(odd.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"frame 11 of 20 is not whole.*tiff.truncated"):
        read(folder)
    assert len(read(folder, salvage=True)) == 11


def test_a_folder_of_other_tiffs_is_left_to_the_reader_of_folders(tmp_path):
    for k in range(3):
        write_shaped(tmp_path / f"f_{k}.tif", movie(1)[0, 0, 0])
    (tmp_path / "x.xml").write_text("<Experiment/>")
    assert find_reader(Source((tmp_path,)), ("neural",)).name == "tiff_folder"


def voltage(path: Path, *, rate_hz=None, accept=(), **options: object) -> Stream:
    streams = PrairieVoltageReader().read(
        Source((path,)), options, rate_hz=rate_hz, accept=frozenset(accept)
    )
    return streams["scalar"]


def test_a_voltage_recording_is_placed_on_the_clock_of_the_frames(tmp_path):
    series = Series(frames=movie(8), voltage_s=START_S - 0.5)
    folder = write_prairie(tmp_path / "s", series)
    values = np.random.default_rng(0).normal(size=(300, 2)).round(6)
    path = write_voltage(folder, values, 1000.0)
    assert find_reader(Source((path,)), ("scalar",)).name == "prairie_voltage"
    stream = voltage(path)
    np.testing.assert_allclose(stream.data[:], values, atol=1e-6)
    assert stream.names == ("Input 0", "Input 1")
    assert stream.units == "V"
    assert stream.time.start_s == pytest.approx(-0.5)
    assert 1 / stream.time.period_s == pytest.approx(1000.0)
    assert voltage(path, columns=["Input 1"]).names == ("Input 1",)
    with pytest.raises(DataError, match=r"no column 'Speed'. Columns: Input 0"):
        voltage(path, columns=["Speed"])
    assert path.name in read(folder).facts["notes"][0]


def test_without_the_xml_of_the_scan_a_voltage_has_its_rate_only(tmp_path):
    path = write_voltage(tmp_path / "s", np.zeros((50, 1)), 500.0)
    stream = voltage(path)
    assert stream.time.rate_hz == pytest.approx(500.0)
    assert "no XML of a scan" in stream.facts["zero"]


def test_a_voltage_of_a_scan_of_several_cycles_needs_the_same_choice(tmp_path):
    series = Series(frames=movie(8), cycles=(4, 4), voltage_s=START_S)
    folder = write_prairie(tmp_path / "s", series)
    path = write_voltage(folder, np.zeros((50, 1)), 500.0)
    with pytest.raises(DataError, match=r"2 cycles.*prairie.cycles"):
        voltage(path)
    assert voltage(path, cycle="all").time.start_s == pytest.approx(0.0, abs=1e-9)
    second = voltage(path, cycle=2)
    assert second.time.start_s == pytest.approx(-(4 / HZ + 5.0))


def test_a_voltage_whose_table_and_xml_disagree_is_refused(tmp_path):
    folder = write_prairie(tmp_path / "s", Series(frames=movie(8), voltage_s=START_S))
    path = write_voltage(folder, np.zeros((50, 1)), 500.0, told_hz=1000.0)
    with pytest.raises(
        DataError, match=r"500 per second.*1000 \(Rate in.*rate.conflict"
    ):
        voltage(path)
    write_voltage(folder, np.zeros((50, 1)), 500.0)
    assert len(voltage(path)) == 50
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:31]) + "\n")
    with pytest.raises(
        DataError, match=r"50 samples were taken, the table has 30.*prairie.voltage"
    ):
        voltage(path)
    assert len(voltage(path, accept=["prairie.voltage"])) == 30
    path.write_text("Time(ms)\n0\n1\n")
    with pytest.raises(DataError, match=r"no voltage recording.*csv.header"):
        voltage(path)


def test_what_the_xml_says_is_read_once_and_in_order(tmp_path):
    series = Series(frames=movie(6, 1, 2), cycles=(2, 4), voltage_s=1.25)
    scan = read_scan(xml_of(write_prairie(tmp_path / "s", series)))
    assert scan.version == "5.8.64.813"
    assert [len(cycle.frames) for cycle in scan.cycles] == [2, 4]
    assert scan.channels == {1: "Red", 2: "Green"}
    assert (scan.frame_period_s, scan.pixel_um) == (0.05, 1.18)
    assert [v.absolute_s for v in scan.voltages] == [1.25]
    assert scan.damage == ""
