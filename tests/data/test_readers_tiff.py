"""TIFF in all its shapes opens whole, or is refused with file and frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.data.fixtures import stack_files
from tests.data.fixtures.stack_files import CONTIGUOUS, SHAPES, movie

from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.tiff import TiffReader
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import ConfigError, DataError

NUMBERS = ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"]


def read(*paths, rate_hz=10.0, accept=(), salvage=False, cache=None, **options):
    source = Source(tuple(paths), cache)
    streams = TiffReader().read(
        source, options, rate_hz=rate_hz, accept=frozenset(accept), salvage=salvage
    )
    stream: Stream = streams["neural"]
    return stream


def ids(*paths, **options):
    description = TiffReader().describe(Source(tuple(paths)), options)
    return [problem.id for problem in description.problems]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_file_gives_all_frames_unchanged(shape, tmp_path):
    stack = movie()
    SHAPES[shape](tmp_path / "a.tif", stack)
    description = TiffReader().describe(Source((tmp_path / "a.tif",)), {})
    assert (description.shape, description.dtype, description.axes) == (
        (7, 24, 40),
        "uint16",
        "TYX",
    )
    assert description.problems == ()
    stream = read(tmp_path / "a.tif", rate_hz=None if "4 GiB" in shape else 10.0)
    np.testing.assert_array_equal(stream.data[:], stack)
    assert stream.data.dtype == np.uint16
    assert isinstance(stream.data, np.memmap) == (shape in CONTIGUOUS)


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_number_type_and_byte_order_comes_back_in_native_order(
    dtype, order, tmp_path
):
    stack = movie(dtype=dtype) - (0 if dtype.startswith("u") else 125)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack,
        byteorder=order,
        photometric="minisblack",
        metadata={"axes": "TYX"},
    )
    data = read(tmp_path / "a.tif").data
    assert data.dtype == np.dtype(dtype)
    assert data.dtype.isnative
    np.testing.assert_array_equal(data[:], stack.astype(dtype))


@pytest.mark.parametrize("shape", ["page by page", "zlib", "big-endian"])
def test_frames_come_in_any_order_like_those_of_an_array(shape, tmp_path):
    stack = movie(9)
    SHAPES[shape](tmp_path / "a.tif", stack)
    data = read(tmp_path / "a.tif").data
    for key in [
        0,
        -1,
        slice(2, 7, 3),
        slice(None, None, -2),
        [5, 1, 1],
        slice(3, 3),
        (slice(1, 3), slice(0, 5), 4),
        (4, slice(None), slice(2, 9)),
        Ellipsis,
        (Ellipsis, 3),
        np.array([False, True] * 4 + [False]),
    ]:
        np.testing.assert_array_equal(data[key], stack[key], err_msg=str(key))
    with pytest.raises(IndexError):
        data[9]


def test_a_stack_written_page_by_page_is_never_one_frame(tmp_path):
    stack = movie(60)
    SHAPES["page by page"](tmp_path / "a.tif", stack)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert len(tiff.series) == 60  # what made others open one frame
    assert read(tmp_path / "a.tif").data.shape == (60, 24, 40)


def test_pages_without_a_word_about_time_are_refused_until_axes_are_said(tmp_path):
    stack = movie(6)
    stack_files.write_plain(tmp_path / "a.tif", stack)
    with pytest.raises(DataError, match=r'a.tif.*\(6, y, x\).*"IYX".*axes: TYX.*TCYX'):
        read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(tmp_path / "a.tif", axes="TYX").data[:], stack)
    accepted = read(tmp_path / "a.tif", accept=["tiff.axes"])
    np.testing.assert_array_equal(accepted.data[:], stack)
    two = read(
        tmp_path / "a.tif",
        axes="TCYX",
        n_channels=2,
        channels={"anatomical": 1, "functional": 0},
    )
    np.testing.assert_array_equal(two.data[:], stack.reshape(3, 2, 24, 40)[:, ::-1])
    assert two.names == ("anatomical", "functional")


def test_axes_that_do_not_fit_are_refused_with_the_numbers(tmp_path):
    stack_files.write_plain(tmp_path / "a.tif", movie(7))
    with pytest.raises(DataError, match=r"7 pages are not .* groups of 2; 1 are left"):
        read(tmp_path / "a.tif", axes="TCYX", n_channels=2)
    with pytest.raises(DataError, match=r"give n_channels and n_slices too"):
        read(tmp_path / "a.tif", axes="TCYX")
    with pytest.raises(DataError, match=r"T, Z and C in some order, then YX"):
        read(tmp_path / "a.tif", axes="YXT")
    with pytest.raises(ConfigError, match=r"axis.*Did you mean.*axes"):
        read(tmp_path / "a.tif", axis="TYX")


def test_a_stack_of_slices_is_refused_until_it_is_said_to_be_a_movie(tmp_path):
    stack = movie(5)
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(DataError, match='"ZYX" has slices but no time'):
        read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(tmp_path / "a.tif", axes="TYX").data[:], stack)


@pytest.mark.parametrize("kind", ["imagej", "ome", "tifffile"])
def test_volumes_give_the_slice_that_was_asked_for(kind, tmp_path):
    stack = movie(4 * 3 * 2).reshape(4, 3, 2, 24, 40)  # T Z C
    told = {"imagej": {"imagej": True}, "ome": {"ome": True}, "tifffile": {}}[kind]
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack,
        metadata={"axes": "TZCYX"},
        **({} if kind == "imagej" else {"photometric": "minisblack"}),
        **told,
    )
    with pytest.raises(DataError, match=r"3 slices per time point. Say which: z: 0"):
        read(tmp_path / "a.tif", channels={"functional": 0})
    stream = read(tmp_path / "a.tif", z=2, channels={"functional": 1})
    np.testing.assert_array_equal(stream.data[:], stack[:, 2, 1])
    with pytest.raises(DataError, match=r"2 channels.*channels: \{functional: 0"):
        read(tmp_path / "a.tif", z=0)
    with pytest.raises(DataError, match=r"do not fit a file with 2 channels"):
        read(tmp_path / "a.tif", z=0, channels={"functional": 2})


def test_planes_of_an_ome_file_follow_its_own_dimension_order(tmp_path):
    pages = movie(6)
    text = (
        '<OME xmlns="x"><Image><Pixels DimensionOrder="XYTZC" SizeX="40" SizeY="24" '
        'SizeT="3" SizeC="2" SizeZ="1" Type="uint16" TimeIncrement="0.5"/></Image>'
        "</OME>"
    )
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for i, page in enumerate(pages):
            tiff.write(
                page,
                photometric="minisblack",
                metadata=None,
                contiguous=False,
                description=text if i == 0 else None,
            )
    stream = read(
        tmp_path / "a.tif", channels={"functional": 0, "anatomical": 1}, rate_hz=None
    )
    expected = pages.reshape(2, 3, 24, 40).transpose(1, 0, 2, 3)
    np.testing.assert_array_equal(stream.data[:], expected)
    assert stream.time.rate_hz == 2.0


def test_a_later_file_may_be_longer_than_the_first(tmp_path):
    stack = movie(11)
    for name, part in (("a1.tif", stack[:3]), ("a2.tif", stack[3:])):
        stack_files.write_shaped(tmp_path / name, part)
    stream = read(tmp_path / "a1.tif", tmp_path / "a2.tif")
    np.testing.assert_array_equal(stream.data[:], stack)


def test_an_ome_set_counts_every_frame_once_and_asks_for_missing_files(tmp_path):
    stack = movie(12)
    paths = stack_files.write_ome_set(tmp_path, stack, 3)
    stream = read(*paths, rate_hz=None)
    np.testing.assert_array_equal(stream.data[:], stack)
    assert stream.time.rate_hz == pytest.approx(20.0)
    with pytest.raises(DataError, match=r"set of 12 planes, of which 8 are in files"):
        read(paths[0], rate_hz=None)


def test_times_of_single_planes_become_the_clock(tmp_path):
    times = np.array([0.0, 0.1, 0.2, 0.3, 0.9, 1.0])
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        movie(6),
        ome=True,
        photometric="minisblack",
        metadata={"axes": "TYX", "Plane": {"DeltaT": times.tolist()}},
    )
    stream = read(tmp_path / "a.ome.tif", rate_hz=None)
    np.testing.assert_allclose(stream.time.centers(), times + 0.05)
    assert stream.time.gaps().tolist() == [3]
    with pytest.raises(
        DataError, match=r"15 per second \(rate_hz, as given\) and 10 \(OME DeltaT"
    ):
        read(tmp_path / "a.ome.tif", rate_hz=15.0)
    taken = read(tmp_path / "a.ome.tif", rate_hz=15.0, accept=["rate.conflict"])
    assert taken.time.rate_hz == 15.0


def test_several_files_follow_each_other_in_natural_order(tmp_path):
    stack = movie(9)
    for i, name in enumerate(["r_2.tif", "r_10.tif", "r_1.tif"]):
        stack_files.write_shaped(tmp_path / name, stack[3 * i : 3 * i + 3])
    source = Source.find(tmp_path / "r_*.tif")
    assert [p.name for p in source.paths] == ["r_1.tif", "r_2.tif", "r_10.tif"]
    data = read(*source.paths).data
    np.testing.assert_array_equal(data[:], stack[[6, 7, 8, 0, 1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(data[2:4], stack[[8, 0]])


def test_files_of_different_frames_cannot_be_joined(tmp_path):
    stack_files.write_shaped(tmp_path / "a.tif", movie(3))
    stack_files.write_shaped(tmp_path / "b.tif", movie(3, (24, 41)))
    with pytest.raises(DataError, match=r"24 x 41 uint16, those of a.tif 24 x 40"):
        read(tmp_path / "a.tif", tmp_path / "b.tif", accept=["tiff.pages"])


def test_two_files_can_be_two_channels_of_equal_length(tmp_path):
    green, red = movie(5), movie(5)[::-1]
    stack_files.write_shaped(tmp_path / "g.tif", green)
    stack_files.write_imagej(tmp_path / "r.tif", red[:4])
    options = {"join": "channel", "channels": {"functional": 0, "anatomical": 1}}
    paths = tmp_path / "g.tif", tmp_path / "r.tif"
    with pytest.raises(DataError, match=r"5, 4 frames"):
        read(*paths, **options)
    stream = read(*paths, **options, salvage=True)
    np.testing.assert_array_equal(
        stream.data[:], np.stack([green[:4], red[:4]], axis=1)
    )
    assert stream.names == ("functional", "anatomical")
    assert "5, 4 frames" in stream.facts["salvaged"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused_with_its_last_frame(shape, share, tmp_path):
    stack = movie(30)
    SHAPES[shape](tmp_path / "a.tif", stack)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"a\.tif.*\[tiff\.(truncated|unreadable)\]"):
        read(tmp_path / "a.tif", rate_hz=4.0)
    if shape == "ome":  # its text lay at the lost end: nothing says what pages are
        with pytest.raises(DataError, match=r"no page can be read.*tag 270"):
            read(tmp_path / "a.tif", rate_hz=4.0, salvage=True)
        return
    stream = read(tmp_path / "a.tif", rate_hz=4.0, salvage=True)
    n = len(stream)
    assert 30 * share - 6 < n <= 30
    np.testing.assert_array_equal(stream.data[:], stack[:n])
    assert f"{n} complete frames kept" in stream.facts["salvaged"]


def test_the_message_about_a_cut_file_has_frames_bytes_and_the_way_out(tmp_path):
    SHAPES["page by page"](tmp_path / "a.tif", movie(10))
    size = (tmp_path / "a.tif").stat().st_size
    with (tmp_path / "a.tif").open("r+b") as file:
        file.truncate(size - 100)
    with pytest.raises(
        DataError,
        match=rf"frame 9 of 10.*complete frame is 8.*{size - 100:,}.*{size:,}",
    ):
        read(tmp_path / "a.tif")
    assert len(read(tmp_path / "a.tif", salvage=True)) == 9


def test_a_file_whose_pages_differ_from_its_text_is_refused(tmp_path):
    text = "ImageJ=1.53c\nimages=9\nframes=9\n"
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for i, frame in enumerate(movie(6)):
            tiff.write(
                frame,
                photometric="minisblack",
                metadata=None,
                contiguous=False,
                description=text if i == 0 else None,
            )
    with pytest.raises(DataError, match=r"describes 9 pages, found 6.*tiff.one_frame"):
        read(tmp_path / "a.tif")
    many = "ImageJ=1.53c\nimages=1\n"
    with tifffile.TiffWriter(tmp_path / "b.tif") as tiff:
        for frame in movie(6):
            tiff.write(
                frame,
                photometric="minisblack",
                metadata=None,
                contiguous=False,
                description=many,
            )
    with pytest.raises(DataError, match=r"describes 1 pages, found 6.*tiff.one_frame"):
        read(tmp_path / "b.tif")


@pytest.mark.parametrize(
    ("stack", "options", "words"),
    [
        (movie(1)[0], {}, r"one 2-D image of 24 x 40.*give the folder.*tiff.one_frame"),
        (movie(2, (24, 40, 3), "uint8"), {"photometric": "rgb"}, r"3 samples.*RGB"),
        (movie(3).astype("complex64"), {}, r"complex numbers"),
        (movie(3) > 100, {}, r"1 bits"),
    ],
)
def test_what_is_no_movie_of_grey_images_is_refused(stack, options, words, tmp_path):
    told = {"photometric": "minisblack", "metadata": None} | options
    tifffile.imwrite(tmp_path / "a.tif", stack, **told)
    with pytest.raises(DataError, match=words):
        read(tmp_path / "a.tif", axes="TYX")


def test_unequal_pages_are_refused_with_the_first_odd_one(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for shape in [(24, 40), (24, 40), (24, 38), (24, 40)]:
            frame = np.zeros(shape, np.uint16)
            tiff.write(frame, photometric="minisblack", metadata=None, contiguous=False)
    with pytest.raises(DataError, match=r"page 2 is unlike page 0: width 38 .* 40"):
        read(tmp_path / "a.tif", axes="TYX")


def test_a_thumbnail_is_left_out_and_noted(tmp_path):
    stack = movie(5)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for frame in stack:
            tiff.write(frame, photometric="minisblack", metadata=None, contiguous=False)
        tiff.write(
            stack[0, ::4, ::4],
            photometric="minisblack",
            metadata=None,
            contiguous=False,
            subfiletype=1,
        )
    stream = read(tmp_path / "a.tif", axes="TYX")
    np.testing.assert_array_equal(stream.data[:], stack)
    assert "smaller copies" in stream.facts["note"]


def test_a_chain_of_pages_that_ends_too_early_is_noticed(tmp_path):
    stack = movie(10, (64, 64))
    stack_files.write_plain_pages(tmp_path / "a.tif", stack)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = tiff.pages[4]
        at = page.offset + 2 + 12 * len(page.tags)
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(at)
        file.write(b"\0\0\0\0")
    with pytest.raises(DataError, match=r"not in its list of 5 pages.*tiff.unused"):
        read(tmp_path / "a.tif", axes="TYX")


def test_a_small_file_that_grows_beyond_200_to_1_is_refused_until_accepted(tmp_path):
    stack = np.zeros((20, 512, 512), np.uint16)
    SHAPES["zlib"](tmp_path / "a.tif", stack)
    with pytest.raises(DataError, match=r"become 10,485,760 .*200 to 1.*size.cap"):
        read(tmp_path / "a.tif")
    assert read(tmp_path / "a.tif", accept=["size.cap"]).data[19].max() == 0


def test_damaged_compressed_pixels_name_the_page(tmp_path):
    SHAPES["zlib"](tmp_path / "a.tif", movie(5))
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages[3].dataoffsets[0]
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 20)
    data = read(tmp_path / "a.tif").data
    assert data[2].shape == (24, 40)
    with pytest.raises(DataError, match=r"a.tif: page 3 cannot be decoded"):
        data[3]


def test_a_file_that_shrinks_after_opening_is_noticed(tmp_path):
    SHAPES["page by page"](tmp_path / "a.tif", movie(5))
    data = read(tmp_path / "a.tif").data
    with (tmp_path / "a.tif").open("r+b") as file:
        file.truncate(4000)
    with pytest.raises(DataError, match=r"ended while frames"):
        data[:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"no tiff at all", "begins with"),
        (b"II*\0" + b"\xff" * 60, "no page can be read"),
    ],
)
def test_a_file_that_is_no_tiff_says_what_it_begins_with(content, words, tmp_path):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DataError, match=rf"a.tif.*{words}"):
        read(tmp_path / "a.tif")


def test_two_rates_that_contradict_each_other_are_shown_with_their_origins(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        movie(5),
        imagej=True,
        metadata={"axes": "TYX", "finterval": 0.1},
    )
    assert read(tmp_path / "a.tif", rate_hz=None).time.rate_hz == pytest.approx(10)
    assert read(tmp_path / "a.tif", rate_hz=10.05).time.rate_hz == 10.05
    with pytest.raises(DataError, match=r"15 per second \(rate_hz, as given\) and 10 "):
        read(tmp_path / "a.tif", rate_hz=15.0)
    taken = read(tmp_path / "a.tif", rate_hz=15.0, accept=["rate.conflict"])
    assert taken.time.rate_hz == 15.0


def test_the_first_frame_opens_at_zero(tmp_path):
    stack_files.write_shaped(tmp_path / "a.tif", movie(5))
    clock = read(tmp_path / "a.tif", rate_hz=4.0).time
    assert (clock.start_s, clock.center(0), clock.stop_s) == (0.0, 0.125, 1.25)


def test_a_folder_is_sent_to_its_own_reader(tmp_path):
    with pytest.raises(DataError, match=r"is a folder.*tiff_folder"):
        read(Path(tmp_path))


def test_problems_are_collected_before_anything_is_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        movie(6).reshape(3, 2, 24, 40),
        imagej=True,
        metadata={"axes": "ZCYX", "finterval": 0.1, "fps": 30.0},
    )
    with pytest.raises(DataError, match=r"3 problems") as caught:
        read(tmp_path / "a.tif", rate_hz=None)
    for word in ("tiff.axes", "tiff.channels", "rate.conflict"):
        assert word in str(caught.value)
    assert ids(tmp_path / "a.tif") == ["tiff.axes", "tiff.channels", "rate.conflict"]
