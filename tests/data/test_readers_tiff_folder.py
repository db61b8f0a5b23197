"""Folders of single frames: natural order, holes, channels, odd files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile
from tests.data.fixtures.stack_files import movie, write_shaped

from napari_neuroembed.data.readers import find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.frame_files import frame_numbers
from napari_neuroembed.data.readers.tiff.folder import TiffFolderReader
from napari_neuroembed.errors import DataError


def read(folder, rate_hz=10.0, accept=(), salvage=False, **options):
    return TiffFolderReader().read(
        Source((folder,)),
        options,
        rate_hz=rate_hz,
        accept=frozenset(accept),
        salvage=salvage,
    )["neural"]


def write_frames(folder, stack, numbers, name="frame_{}.tif"):
    for number, frame in zip(numbers, stack, strict=True):
        tifffile.imwrite(folder / name.format(number), frame, metadata=None)


def test_frame_ten_comes_after_frame_nine_and_previews_are_left_out(tmp_path):
    stack = movie(12)
    write_frames(tmp_path, stack, range(1, 13))
    write_frames(tmp_path, stack[:1], [0], "frame_Preview_{}.tif")
    (tmp_path / "notes.txt").write_text("x")
    stream = read(tmp_path)
    np.testing.assert_array_equal(stream.data[:], stack)
    np.testing.assert_array_equal(stream.data[8:10], stack[8:10])
    assert stream.facts["left_out"] == ["frame_Preview_0.tif"]
    assert stream.facts["pattern"] == "frame_*.tif"
    assert find_reader(Source((tmp_path,)), ("neural",)).name == "tiff_folder"


def test_a_hole_is_an_error_and_a_gap_in_time_once_accepted(tmp_path):
    stack = movie(6)
    write_frames(tmp_path, stack, [1, 2, 3, 8, 9, 10])
    with pytest.raises(
        DataError, match=r"4 frame numbers are missing.*first: 4, 5, 6.*--accept folder"
    ):
        read(tmp_path)
    stream = read(tmp_path, accept=["folder.missing_frames"])
    np.testing.assert_array_equal(stream.data[:], stack)
    np.testing.assert_allclose(
        stream.time.centers(), [0.05, 0.15, 0.25, 0.75, 0.85, 0.95]
    )
    assert stream.time.gaps().tolist() == [2]


def test_two_channels_are_named_by_their_files(tmp_path):
    green, red = movie(5), movie(5)[::-1]
    write_frames(tmp_path, green, range(5), "ChanA_{:04d}.tif")
    write_frames(tmp_path, red, range(5), "ChanB_{:04d}.tif")
    with pytest.raises(
        DataError, match=r"2 kinds of files: ChanA_\*.tif \(5\), ChanB_\*.tif \(5\)"
    ):
        read(tmp_path)
    one = read(tmp_path, pattern="ChanB_*.tif")
    np.testing.assert_array_equal(one.data[:], red)
    channels = {"functional": "ChanA_*.tif", "anatomical": "ChanB_*.tif"}
    both = read(tmp_path, channels=channels)
    np.testing.assert_array_equal(both.data[:], np.stack([green, red], axis=1))
    assert both.names == ("functional", "anatomical")
    (tmp_path / "ChanB_0004.tif").unlink()
    with pytest.raises(DataError, match="channels have 5 and 4 frames"):
        read(tmp_path, channels=channels)
    shorter = read(tmp_path, channels=channels, salvage=True)
    assert shorter.data.shape == (4, 2, 24, 40)


def test_the_first_odd_file_is_named_at_description_and_at_reading(tmp_path):
    write_frames(tmp_path, movie(80), range(80))
    tifffile.imwrite(tmp_path / "frame_37.tif", np.zeros((24, 38), np.uint16))
    found = TiffFolderReader().describe(Source((tmp_path,)), {})
    assert found.shape == (80, 24, 40)
    assert [(p.id, p.where) for p in found.problems] == [("tiff.pages", "frame_37.tif")]
    with pytest.raises(DataError, match=r"24 x 38 uint16, those of frame_0.tif"):
        read(tmp_path)


def test_a_cut_frame_is_refused_by_name(tmp_path):
    write_frames(tmp_path, movie(8), range(8))
    content = (tmp_path / "frame_5.tif").read_bytes()
    (tmp_path / "frame_5.tif").write_bytes(content[:1500])
    with pytest.raises(DataError, match=r"frame 5 of 8 is not whole.*1,500 bytes"):
        read(tmp_path)
    assert len(read(tmp_path, salvage=True)) == 5


def test_stacks_in_a_folder_are_joined_in_order(tmp_path):
    stack = movie(9)
    for i in range(3):
        write_shaped(tmp_path / f"part{i + 9}.tif", stack[3 * i : 3 * i + 3])
    np.testing.assert_array_equal(read(tmp_path).data[:], stack)
    found = TiffFolderReader().describe(Source((tmp_path,)), {})
    assert found.shape == (9, 24, 40)


def test_an_empty_folder_or_a_file_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"no TIFF is called \*.tif"):
        read(tmp_path)
    write_shaped(tmp_path / "a.tif", movie(4))
    with pytest.raises(DataError, match=r"is no folder.*reader tiff"):
        read(tmp_path / "a.tif")


def test_two_changing_numbers_do_not_tell_the_frame():
    assert frame_numbers(["a_1_1.tif", "a_1_2.tif"]).tolist() == [1, 2]
    assert frame_numbers(["a_1_1.tif", "a_2_2.tif"]) is None
    assert frame_numbers(["a.tif", "b.tif"]) is None


def test_the_six_shared_frames_are_read_with_their_holes(tmp_path, shared_data):
    for path in shared_data("mouse2p_neurofinder600").glob("image*.tiff"):
        shutil.copyfile(path, tmp_path / path.name)
    with pytest.raises(
        DataError, match=r"594 frame numbers are missing.*0 and 599 .*first: 4, 5, 6"
    ):
        read(tmp_path, rate_hz=7.0)
    stream = read(tmp_path, rate_hz=7.0, accept=["folder.missing_frames"])
    assert stream.data.shape == (6, 512, 512)
    assert stream.time.gaps().tolist() == [3, 4]
    assert stream.time.center(5) == pytest.approx(599.5 / 7)
    whole = shared_data("mouse2p_neurofinder600") / "crop160_600f.tif"
    crop = tifffile.imread(whole, key=599)
    np.testing.assert_array_equal(stream.data[5, 128:288, 192:352], crop)
