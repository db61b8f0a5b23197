"""ScanImage's pages become frames of one plane and channel, or the file is refused."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.fixtures.scanimage_files import (
    Scan,
    movie,
    write_classic,
    write_scanimage,
)
from tests.data.fixtures.stack_files import write_shaped

from napari_neuroembed.data.readers import find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.scanimage import ScanImageReader
from napari_neuroembed.data.readers.scanimage import stamps as scanimage_stamps
from napari_neuroembed.data.readers.scanimage.settings import (
    SettingError,
    find_settings,
    names,
    number,
    numbers,
    split_settings,
)
from napari_neuroembed.data.readers.tiff import index as tiff_index
from napari_neuroembed.data.readers.tiff.ifd import read_directory
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError

FUNCTIONAL = {"functional": 0}


def read(*paths: Path, rate_hz=None, accept=(), salvage=False, cache=None, **options):
    streams = ScanImageReader().read(
        Source(tuple(paths), cache),
        options,
        rate_hz=rate_hz,
        accept=frozenset(accept),
        salvage=salvage,
    )
    stream: Stream = streams["neural"]
    return stream


def ids(*paths: Path, **options: Any) -> list[str]:
    found = ScanImageReader().describe(Source(tuple(paths)), options)
    return [problem.id for problem in found.problems]


def without(text: str, *names: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith(names)]
    return "\n".join(lines)


def test_the_fixture_is_what_tifffile_takes_for_scanimage(tmp_path):
    scan = Scan(frames=movie(8, 3, 2), flyback=1)
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_scanimage
        frame = tiff.scanimage_metadata["FrameData"]
        assert frame["SI.hChannels.channelSave"] == [[1], [2]]
        assert frame["SI.hStackManager.numFramesPerVolumeWithFlyback"] == 4
        pages = np.stack([page.asarray() for page in tiff.pages])
    assert pages.shape == (64, 12, 20)
    assert pages.dtype == np.int16
    np.testing.assert_array_equal(pages[:2], scan.frames[0, 0])


def test_a_movie_keeps_its_signed_integers_and_takes_its_stamps_as_times(tmp_path):
    frames = movie(40)
    path = write_scanimage(tmp_path / "a_00001.tif", Scan(frames=frames))
    found = ScanImageReader().describe(Source((path,)), {})
    assert (found.shape, found.dtype, found.axes) == ((40, 12, 20), "int16", "TYX")
    assert found.rate_hz == pytest.approx(30, rel=1e-6)
    assert found.rate_origin == "frameTimestamps_sec of every frame"
    assert found.facts["pixel_um"] == 5.0
    assert found.facts["software"] == "ScanImage 2022.1"
    stream = read(path)
    np.testing.assert_array_equal(stream.data[:], frames[:, 0, 0])
    assert stream.data.dtype == np.int16
    assert np.asarray(stream.data[:]).min() < 0
    centres = (np.arange(40) + 0.5) / 30
    np.testing.assert_allclose(stream.time.centers(), centres, atol=1e-8)


@given(
    n=st.integers(2, 5),
    slices=st.integers(1, 4),
    channels=st.integers(1, 3),
    flyback=st.integers(0, 2),
    per_slice=st.integers(1, 2),
    data=st.data(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_channels_slices_and_the_way_back_gives_the_plane_asked_for(
    n, slices, channels, flyback, per_slice, data, tmp_path
):
    per_slice = per_slice if slices > 1 else 1
    flyback = flyback if slices > 1 else 0
    plane = data.draw(st.integers(0, slices - 1))
    channel = data.draw(st.integers(0, channels - 1))
    frames = movie(n * per_slice, slices, channels)
    scan = Scan(frames=frames, flyback=flyback, per_slice=per_slice)
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    stream = read(path, plane=plane, channels={"functional": channel})
    np.testing.assert_array_equal(stream.data[:], frames[:, plane, channel])
    per_volume = slices * per_slice + flyback
    number_of = (
        np.arange(n)[:, None] * per_volume + plane * per_slice + np.arange(per_slice)
    )
    centres = (number_of.ravel() + 0.5) / scan.hz
    np.testing.assert_allclose(stream.time.centers(), centres, atol=1e-8)


def test_a_volume_lists_its_planes_until_one_is_chosen(tmp_path):
    scan = Scan(frames=movie(6, 3, 2), flyback=1)
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with pytest.raises(
        DataError,
        match=r"has 3 planes \(0 at 0 um, 1 at 10 um, 2 at 20 um\).*plane: 0 \.\. 2.*"
        r"\[scanimage.plane\]",
    ):
        read(path, channels=FUNCTIONAL)
    assert ids(path, channels=FUNCTIONAL, plane=3) == ["scanimage.plane"]
    stream = read(path, plane=2, channels={"functional": 1, "anatomical": 0})
    assert ids(path, channels=FUNCTIONAL, plane=2) == []
    np.testing.assert_array_equal(stream.data[:], scan.frames[:, 2, ::-1])
    assert stream.names == ("functional", "anatomical")
    assert stream.facts["flyback_pages"] == 12
    assert "plane 2 of the 3" in stream.facts["notes"][0]


def test_channels_are_asked_for_by_the_names_of_the_microscope(tmp_path):
    path = write_scanimage(tmp_path / "a_00001.tif", Scan(frames=movie(6, 1, 2)))
    with pytest.raises(DataError, match=r"2 channels \(0: Green, 1: Red\).*functional"):
        read(path)
    with pytest.raises(DataError, match=r"do not fit a file with 2 channels"):
        read(path, channels={"functional": 2})


def test_an_incomplete_volume_is_refused_with_its_numbers_and_can_be_left_out(tmp_path):
    scan = Scan(frames=movie(6, 3, 2), flyback=1)
    path = write_scanimage(tmp_path / "a_00001.tif", scan, slice(0, 45))
    with pytest.raises(
        DataError,
        match=r"45 pages are no whole number of 2 channels x 3 slices \+ 1 of the way "
        r"back: 5 pages of 8 remain.*--salvage.*\[scanimage.indivisible\]",
    ):
        read(path, plane=0, channels=FUNCTIONAL)
    with pytest.raises(DataError, match=r"scanimage.indivisible"):
        read(path, plane=0, channels=FUNCTIONAL, accept=["scanimage.indivisible"])
    stream = read(path, plane=0, channels=FUNCTIONAL, salvage=True)
    np.testing.assert_array_equal(stream.data[:], scan.frames[:5, 0, 0])
    assert "5 complete frames kept, 1 lost" in stream.facts["salvaged"]


def test_a_last_volume_that_lacks_only_the_way_back_is_whole(tmp_path):
    scan = Scan(frames=movie(6, 3, 2), flyback=1)
    path = write_scanimage(tmp_path / "a_00001.tif", scan, slice(0, 46))
    stream = read(path, plane=2, channels=FUNCTIONAL)
    np.testing.assert_array_equal(stream.data[:], scan.frames[:, 2, 0])


def test_a_truncated_file_names_its_last_frame(tmp_path):
    scan = Scan(frames=movie(20))
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.6)])
    with pytest.raises(
        DataError, match=r"the last complete frame is 10.*tiff.truncated"
    ):
        read(path)
    stream = read(path, salvage=True)
    np.testing.assert_array_equal(stream.data[:], scan.frames[: len(stream), 0, 0])
    assert len(stream) == stream.time.n_frames == 11


def test_a_file_whose_list_of_pages_was_cut_is_refused(tmp_path):
    """Pages share one long text, which must not count as many bytes in use."""
    path = write_scanimage(tmp_path / "a_00001.tif", Scan(frames=movie(60)))
    content = bytearray(path.read_bytes())
    at = int(read_directory(path).pages["ifd"][5])
    (n,) = struct.unpack_from("<Q", content, at)
    struct.pack_into("<Q", content, at + 8 + n * 20, 0)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"\[tiff.unused\]"):
        read(path)


def test_lost_frames_of_a_movie_are_gaps_in_time(tmp_path):
    scan = Scan(frames=movie(20), lost=frozenset({8, 9, 10}))
    stream = read(write_scanimage(tmp_path / "a_00001.tif", scan))
    assert len(stream) == 17
    assert stream.time.gaps().tolist() == [6]
    (note,) = stream.facts["notes"]
    assert "3 frames were not saved (first: after frame number 7 comes 11" in note


def test_lost_frames_of_a_volume_are_refused_as_planes_would_be_mixed_up(tmp_path):
    scan = Scan(frames=movie(6, 3), lost=frozenset({5, 6, 7}))
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with pytest.raises(DataError, match=r"planes after that.*\[scanimage.lost\]"):
        read(path, plane=0, accept=["scanimage.lost"])
    whole = write_scanimage(tmp_path / "b_00001.tif", Scan(frames=movie(6, 3)))
    assert ids(whole, plane=0) == []


def test_a_way_back_that_was_not_saved_can_be_said(tmp_path):
    frames = movie(6, 3)
    lost = frozenset(range(4, 25, 4))
    scan = Scan(frames=frames, flyback=1, lost=lost)
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with pytest.raises(DataError, match=r"say n_flyback: 0"):
        read(path, plane=1)
    stream = read(path, plane=1, n_flyback=0)
    np.testing.assert_array_equal(stream.data[:], frames[:, 1, 0])
    assert stream.time.gaps().size == 0


def test_averaged_frames_have_the_rate_they_were_saved_with(tmp_path):
    scan = Scan(frames=movie(12), averaged=5)
    stream = read(write_scanimage(tmp_path / "a_00001.tif", scan))
    assert 1 / stream.time.period_s == pytest.approx(6.0)
    assert stream.facts["averaged_frames"] == 5
    assert "notes" not in stream.facts


def test_the_rate_of_the_header_must_agree_with_the_stamps(tmp_path):
    scan = Scan(frames=movie(12), settings={"SI.hRoiManager.scanFrameRate": "29.6"})
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with pytest.raises(
        DataError, match=r"30 per second \(frameTimestamps_sec.*29.6.*rate.conflict"
    ):
        read(path)
    assert 1 / read(path, accept=["rate.conflict"]).time.period_s == pytest.approx(30)
    close = dataclasses.replace(scan, settings={"SI.hRoiManager.scanFrameRate": "29.9"})
    assert ids(write_scanimage(tmp_path / "b_00001.tif", close)) == []


def test_a_given_rate_that_contradicts_the_stamps_must_be_accepted_to_be_taken(
    tmp_path,
):
    path = write_scanimage(tmp_path / "a_00001.tif", Scan(frames=movie(12)))
    with pytest.raises(DataError, match=r"15 per second \(rate_hz, as given\).*30"):
        read(path, rate_hz=15.0)
    assert read(path, rate_hz=15.0, accept=["rate.conflict"]).time.rate_hz == 15.0
    assert not read(path, rate_hz=30.0).time.is_regular


def test_stamps_that_do_not_increase_are_refused(tmp_path):
    scan = Scan(frames=movie(4))
    stamps = [scan.stamp(k) for k in (1, 2, 2, 4)]
    text = scan.text()
    path = write_classic(tmp_path / "a.tif", scan, software=text, described=stamps)
    with pytest.raises(DataError, match=r"frame 2 is at 0.033.*time.not_increasing"):
        read(path)


def test_pages_that_cannot_be_the_channels_of_one_frame_are_refused(tmp_path):
    scan = Scan(frames=movie(12), settings={"SI.hChannels.channelSave": "[1;2]"})
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with pytest.raises(
        DataError, match=r"pages 0 to 1.*have the numbers 1, 2.*scanimage.layout"
    ):
        read(path, channels=FUNCTIONAL)
    np.testing.assert_array_equal(
        read(path, n_channels=1).data[:], scan.frames[:, 0, 0]
    )


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("numFramesPerVolume", "7", r"3 slices x 1 frames per slice are not the 7"),
        ("numFramesPerVolumeWithFlyback", "2", r"-1 frames of the way back"),
        ("actualNumSlices", "5", r"5 slices x 1 frames per slice are not the 3"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(setting, value, message, tmp_path):
    frames = movie(6, 3)
    scan = Scan(frames=frames, settings={f"SI.hStackManager.{setting}": value})
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    with pytest.raises(DataError, match=rf"{message}.*\[scanimage.layout\]"):
        read(path, plane=0)
    stream = read(path, plane=0, n_slices=3, n_flyback=0)
    np.testing.assert_array_equal(stream.data[:], frames[:, 0, 0])


def test_regions_of_interest_are_refused_with_what_to_do(tmp_path):
    on = {"SI.hRoiManager.mroiEnable": "true"}
    several = Scan(frames=movie(6), settings=on)
    path = write_classic(tmp_path / "a.tif", several, software=several.text())
    with pytest.raises(DataError, match=r"\(mROI\).*not supported.*scanimage.mroi"):
        read(path, accept=["scanimage.mroi"])
    one = write_scanimage(tmp_path / "b_00001.tif", several)
    assert ids(one) == []


def test_parts_are_joined_in_the_order_of_their_numbers(tmp_path):
    scan = Scan(frames=movie(30, 2, 2), flyback=1)
    cuts = [slice(0, 50), slice(50, 101), slice(101, None)]
    paths = [
        write_scanimage(tmp_path / f"a_00003_{k + 1:05d}.tif", scan, part)
        for k, part in enumerate(cuts)
    ]
    told = {"plane": 1, "channels": {"functional": 1}}
    for given_paths in (paths, paths[::-1], [tmp_path]):
        source = Source(tuple(given_paths))
        assert find_reader(source, ("neural",)).name == "scanimage"
        stream = read(*given_paths, **told)
        np.testing.assert_array_equal(stream.data[:], scan.frames[:, 1, 1])
    with pytest.raises(
        DataError, match=r"a_00003_00001, a_00003_00003.*a_00003_\*\.tif.*parts"
    ):
        read(paths[1], **told)


def test_a_part_of_a_movie_can_be_taken_alone_with_its_own_times(tmp_path):
    scan = Scan(frames=movie(30))
    first = write_scanimage(tmp_path / "a_00001_00001.tif", scan, slice(0, 10))
    second = write_scanimage(tmp_path / "a_00001_00002.tif", scan, slice(10, 30))
    assert ids(first, second) == []
    assert ids(second) == ["scanimage.parts"]
    stream = read(second, accept=["scanimage.parts"])
    assert stream.time.start_s == pytest.approx(10 / 30, abs=1e-6)
    first.unlink()
    with pytest.raises(DataError, match=r"first frame is number 11.*scanimage.parts"):
        read(second)


def test_a_part_that_begins_within_a_volume_cannot_be_taken_alone(tmp_path):
    scan = Scan(frames=movie(8, 3))
    path = write_scanimage(tmp_path / "a_00001_00002.tif", scan, slice(10, 22))
    with pytest.raises(DataError, match=r"frame 11 .*within a volume.*scanimage.lost"):
        read(path, plane=0, accept=["scanimage.parts"])
    path = write_scanimage(tmp_path / "a_00001_00002.tif", scan, slice(9, 24))
    stream = read(path, plane=1, accept=["scanimage.parts"])
    np.testing.assert_array_equal(stream.data[:], scan.frames[3:, 1, 0])


def test_files_of_two_recordings_are_not_joined(tmp_path):
    one = write_scanimage(tmp_path / "a_00001.tif", Scan(frames=movie(6)))
    two = write_scanimage(tmp_path / "b_00001.tif", Scan(frames=movie(6)))
    with pytest.raises(DataError, match=r"give a_00001.tif or b_00001.tif"):
        read(one, two)
    other = Scan(frames=movie(8, 1, 2))
    write_classic(
        tmp_path / "c_00001.tif",
        Scan(frames=movie(6)),
        software=Scan(frames=movie(6)).text(),
    )
    write_classic(tmp_path / "c_00002.tif", other, software=other.text())
    with pytest.raises(
        DataError, match=r"c_00002.tif was recorded with other settings"
    ):
        read(tmp_path / "c_00001.tif", tmp_path / "c_00002.tif")


def test_settings_are_found_in_tag_head_and_json(tmp_path):
    scan = Scan(frames=movie(6, 1, 2))
    tree = {
        "SI": {
            "hChannels": {"channelSave": [[1], [2]], "channelName": ["G", "R"]},
            "hRoiManager": {"scanFrameRate": 30.0, "mroiEnable": False},
            "hStackManager": {"enable": False},
        }
    }
    texts = {"tag.tif": scan.text(), "json.tif": json.dumps(tree)}
    for name, text in texts.items():
        path = write_classic(tmp_path / name, scan, software=text)
        assert find_reader(Source((path,))).name in ("scanimage", "tiff")
        stream = read(path, channels={"functional": 1})
        np.testing.assert_array_equal(stream.data[:], scan.frames[:, 0, 1])
    head = write_scanimage(tmp_path / "head_00001.tif", scan)
    content = head.read_bytes().replace(struct.pack("<HH", 305, 2), b"\xf0\xff\x02\0")
    head.write_bytes(content)
    assert read_directory(head).software == ""
    assert len(read(head, channels=FUNCTIONAL)) == 6


def old_text(kind: str, number: int, hz: float, channels: str, slices: int) -> str:
    if kind == "SI5":
        return (
            f"Frame Number = {number:20d}\n"
            f"Frame Timestamp(s) = {(number - 1) / hz:25.9f}\n"
            f"Acq Trigger Timestamp(s) = -0.000083300\nDC Overvoltage = 0\n"
            f"scanimage.SI5.VERSION_MAJOR = 5\nscanimage.SI5.acqNumAveragedFrames = 1\n"
            f"scanimage.SI5.channelsSave = {channels}\n"
            f"scanimage.SI5.fastZEnable = false\n"
            f"scanimage.SI5.scanFramePeriod = {1 / hz:.9f}\n"
            f"scanimage.SI5.stackNumSlices = {slices}\n"
            "scanimage.SI5.userFunctionsCfg = <nonscalar struct/object>\n"
        )
    if kind == "2015":
        return (
            f"Frame Number = {number}\nFrame Timestamp(s) = {(number - 1) / hz:.9f}\n"
            f"scanimage.SI.hChannels.channelSave = {channels}\n"
            f"scanimage.SI.hRoiManager.scanFrameRate = {hz:g}\n"
            f"scanimage.SI.hStackManager.numSlices = {slices}\n"
        )
    n = channels.count(";") + 1
    return (
        f"state.configName='a'\rstate.acq.numberOfChannelsSave={n}\r"
        f"state.acq.numberOfZSlices={slices}\rstate.acq.frameRate={hz:g}\r"
    )


@pytest.mark.parametrize("kind", ["SI5", "2015", "state"])
def test_older_versions_write_their_settings_into_the_description(kind, tmp_path):
    frames = movie(10, 1, 2)
    texts = [old_text(kind, k // 2 + 1, 25.0, "[1;2]", 1) for k in range(20)]
    path = write_classic(tmp_path / "a.tif", Scan(frames=frames), described=texts)
    assert find_reader(Source((path,)), ("neural",)).name == "scanimage"
    stream = read(path, channels={"functional": 1})
    np.testing.assert_array_equal(stream.data[:], frames[:, 0, 1])
    assert 1 / stream.time.period_s == pytest.approx(25.0)
    assert stream.time.is_regular == (kind == "state")


def test_a_volume_of_an_old_version_needs_its_slices_said(tmp_path):
    frames = movie(10, 3)
    texts = [old_text("SI5", k + 1, 25.0, "1", 3) for k in range(30)]
    path = write_classic(tmp_path / "a.tif", Scan(frames=frames), described=texts)
    with pytest.raises(DataError, match=r"not known for versions before 2015.*layout"):
        read(path, plane=1)
    stream = read(path, plane=1, n_slices=3)
    np.testing.assert_array_equal(stream.data[:], frames[:, 1, 0])


def test_a_file_without_settings_is_no_scanimage_file(tmp_path):
    write_shaped(tmp_path / "a.tif", movie(6)[:, 0, 0])
    assert find_reader(Source((tmp_path / "a.tif",)), ("neural",)).name == "tiff"
    with pytest.raises(DataError, match=r"use the reader tiff.*\[scanimage.header\]"):
        read(tmp_path / "a.tif")
    scan = Scan(frames=movie(6), settings={"SI.hChannels.channelSave": ""})
    path = write_scanimage(tmp_path / "b_00001.tif", scan)
    with pytest.raises(DataError, match=r"channelSave is missing.*scanimage.header"):
        read(path)
    assert len(read(path, n_channels=1)) == 6


def test_without_stamps_the_rate_of_the_header_is_taken_or_asked_for(tmp_path):
    scan = Scan(frames=movie(6))
    texts = [""] * 6
    path = write_classic(
        tmp_path / "a.tif", scan, software=scan.text(), described=texts
    )
    stream = read(path)
    assert (stream.time.rate_hz, stream.time.start_s) == (30.0, 0.0)
    assert stream.facts["rate_origin"] == "scanFrameRate of the header"
    text = without(scan.text(), "SI.hRoiManager.scanFrameRate")
    path = write_classic(tmp_path / "b.tif", scan, software=text, described=texts)
    with pytest.raises(DataError, match=r"6 frames but no frame rate.*rate.missing"):
        read(path)


def test_stamps_on_some_pages_only_are_not_used_unasked(tmp_path):
    scan = Scan(frames=movie(6))
    texts = [scan.stamp(k + 1) for k in range(6)]
    path = write_classic(
        tmp_path / "a.tif", scan, software=scan.text(), described=texts
    )
    assert ids(path) == []
    texts[3] = texts[3].replace("0.1", "1e999")
    texts[4] = ""
    write_classic(path, scan, software=scan.text(), described=texts)
    with pytest.raises(DataError, match=r"2 of 6 pages have no stamp.*stamps"):
        read(path)
    assert read(path, accept=["scanimage.stamps"]).time.rate_hz == 30.0


@pytest.mark.parametrize(
    "value",
    [
        "__import__('os').system('touch canary')",
        "[1;2",
        "{1 {2}}",
        "1; quit",
        "@system",
        "1e999999",
        "[" * 5000,
    ],
)
def test_settings_are_compared_with_a_grammar_and_never_run(
    value, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    scan = Scan(frames=movie(4), settings={"SI.hChannels.channelSave": value})
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    try:
        read(path, channels=FUNCTIONAL)
    except DataError as error:
        assert "scanimage" in str(error)  # noqa: PT017
    assert not (tmp_path / "canary").exists()


@given(st.text(max_size=200))
def test_any_text_splits_into_settings_or_none(text):
    for found in (split_settings(text), split_settings("SI.a = " + text)):
        for name in found:
            assert name.startswith(("SI", "state"))
            try:
                numbers(found, name)
                number(found, name)
            except SettingError:
                pass
            names(found, name)


def test_the_settings_of_every_beginning_of_a_file_are_found_or_refused(tmp_path):
    scan = Scan(frames=movie(3))
    path = write_scanimage(tmp_path / "a_00001.tif", scan)
    content = path.read_bytes()
    for size in range(8, len(content), 97):
        path.write_bytes(content[:size])
        try:
            find_settings(read_directory(path, 1))
            read(path, salvage=True)
        except DataError:
            pass


def test_stamps_are_kept_with_the_index_and_read_again_when_the_file_changes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tiff_index, "WORTH_KEEPING", 1)
    monkeypatch.setattr(scanimage_stamps, "WORTH_KEEPING", 1)
    path = write_scanimage(tmp_path / "a_00001.tif", Scan(frames=movie(9)))
    first = read(path, cache=tmp_path / "cache")

    def unread(_):
        raise AssertionError("the pages were looked through again")

    with monkeypatch.context() as patched:
        patched.setattr(scanimage_stamps, "page_texts", unread)
        again = read(path, cache=tmp_path / "cache")
    assert again.time == first.time
    write_scanimage(path, Scan(frames=movie(11), hz=10.0))
    assert 1 / read(path, cache=tmp_path / "cache").time.period_s == pytest.approx(10)
    for kept in (tmp_path / "cache").iterdir():
        kept.write_bytes(b"torn")
    assert len(read(path, cache=tmp_path / "cache")) == 11
