"""ThorImage, ThorSync and what lies beside: right files open, wrong ones say why."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.fixtures.lzw_files import write_lzw
from tests.data.fixtures.thor_files import (
    SETTINGS,
    XML,
    experiment_xml,
    pulses,
    settings_xml,
    thor_stack,
    write_capture,
    write_flow,
    write_raw,
    write_sync,
    write_tiffs,
)

from napari_neuroembed.data.readers import READERS, find_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.thor.capture import is_capture, read_capture
from napari_neuroembed.data.readers.thor.experiment import read_experiment
from napari_neuroembed.data.readers.thor.sync_file import (
    CAMERA,
    choose_line,
    is_sync_file,
    line_steps,
    read_sample_rate,
    read_sync_file,
)
from napari_neuroembed.data.readers.tiff.lzw import decode_lzw
from napari_neuroembed.errors import DataError

RAW = "Image_0001_0001.raw"
ONE = {"channels": {"functional": 0}}


def read(path, rate_hz=None, accept=(), salvage=False, **options):
    source = Source((path,))
    (stream,) = (
        find_reader(source, ("neural",))
        .read(
            source, options, rate_hz=rate_hz, accept=frozenset(accept), salvage=salvage
        )
        .values()
    )
    return stream


def problems(path, **options):
    source = Source((path,))
    found = find_reader(source, ("neural",)).describe(source, options).problems
    return {p.id: p for p in found}


# ---- ThorImage raw -------------------------------------------------------------------


def test_every_pixel_of_a_raw_file_is_where_the_xml_says(tmp_path):
    stack = thor_stack()
    path = write_raw(tmp_path / "001", stack)
    for channel in (0, 1):
        stream = read(path, channels={"functional": channel})
        np.testing.assert_array_equal(stream.data[:], stack[:, 0, channel])
    both = read(path, channels={"anatomical": 1, "functional": 0})
    assert both.names == ("anatomical", "functional")
    np.testing.assert_array_equal(both.data[:], stack[:, 0, [1, 0]])
    assert both.time.rate_hz == 10.0
    assert both.time.centers()[0] == pytest.approx(0.05)


def test_the_folder_its_xml_and_its_raw_file_mean_the_same(tmp_path):
    folder = write_raw(tmp_path / "001", thor_stack())
    shapes = {read(p, **ONE).data.shape for p in (folder, folder / XML, folder / RAW)}
    assert shapes == {(12, 6, 8)}


def test_slices_of_a_volume_are_taken_one_by_one_at_their_own_times(tmp_path):
    stack = thor_stack(z=3)
    path = write_raw(tmp_path / "001", stack, rate_hz=40.0, flybackFrames=1)
    assert "0 .. 2" in problems(path, **ONE)["thor.slice"].text
    for z in range(3):
        stream = read(path, z=z, **ONE)
        np.testing.assert_array_equal(stream.data[:], stack[:, z, 0])
        assert stream.time.rate_hz == pytest.approx(10.0)
        assert stream.time.centers()[0] == pytest.approx((z + 0.5) / 4 / 10)
    with pytest.raises(DataError, match=r"thor.slice"):
        read(path, z=3, **ONE)


def test_the_way_back_is_dropped_where_it_is_in_the_file(tmp_path):
    stack = thor_stack(z=4)
    path = write_raw(tmp_path / "001", stack, steps=3, flybackFrames=1)
    stream = read(path, z=2, **ONE)
    np.testing.assert_array_equal(stream.data[:], stack[:, 2, 0])
    assert stream.facts["flyback_dropped"] == 1


def test_a_kymograph_has_its_slices_along_y(tmp_path):
    stack = thor_stack(z=3)
    path = write_raw(tmp_path / "001", stack, areaMode=2, zFastEnable=0)
    stream = read(path, **ONE)
    np.testing.assert_array_equal(stream.data[:], stack[:, :, 0].reshape(12, 18, 8))
    assert problems(path, **ONE)["thor.area_mode"].severity == "warning"
    assert "thor.area_mode" not in problems(write_raw(tmp_path / "2", thor_stack()))


def test_disabled_channels_in_the_file_are_stepped_over(tmp_path):
    stack = thor_stack(c=4)
    path = write_raw(
        tmp_path / "001", stack, channels=["ChanB", "ChanC"], onlyEnabledChannels=0
    )
    for i, place in enumerate((1, 2)):
        stream = read(path, channels={"functional": i})
        np.testing.assert_array_equal(stream.data[:], stack[:, 0, place])


def test_two_ways_to_divide_a_file_are_asked_about(tmp_path):
    doubt = write_raw(
        tmp_path / "002",
        thor_stack(t=6, z=4, c=2),
        steps=2,
        flybackFrames=6,
        channels=["ChanA"],
        onlyEnabledChannels=0,
    )
    found = problems(doubt)["thor.product"]
    assert "2 ways fit" in found.text
    assert "planes: and n_channels:" in found.text
    stream = read(doubt, planes=8, n_channels=1, z=0)
    assert stream.data.shape == (6, 6, 8)


@pytest.mark.parametrize("missing", [1, 96, 97])
def test_a_shorter_file_is_refused_with_every_factor(missing, tmp_path):
    path = write_raw(tmp_path / "001", thor_stack())
    raw = path / RAW
    whole = raw.read_bytes()
    raw.write_bytes(whole[:-missing])
    with pytest.raises(DataError, match=r"thor.product") as caught:
        read(path, **ONE)
    for word in (
        "12 time points (Timelapse@timepoints)",
        "1 slices (ZStage@steps)",
        "2 channels (Wavelength elements)",
        "6 (LSM@pixelY)",
        "8 (LSM@pixelX)",
        "= 2,304",
        f"{2304 - missing:,} bytes were found",
        "11 are whole",
        "--salvage",
    ):
        assert word in str(caught.value)
    with pytest.raises(DataError, match=r"thor.product"):
        read(path, accept=("thor.product",), **ONE)
    kept = read(path, salvage=True, **ONE)
    np.testing.assert_array_equal(kept.data[:], thor_stack()[:11, 0, 0])
    assert "11 time points kept" in kept.facts["salvaged"]


def test_a_larger_file_is_refused_even_to_salvage(tmp_path):
    path = write_raw(tmp_path / "001", thor_stack(), timepoints=10)
    for salvage in (False, True):
        with pytest.raises(DataError, match=r"belongs to another Experiment.xml"):
            read(path, salvage=salvage, **ONE)


def test_several_raw_files_are_asked_about(tmp_path):
    path = write_raw(tmp_path / "001", thor_stack())
    (path / "Image_0001_0002.raw").write_bytes((path / RAW).read_bytes())
    with pytest.raises(DataError, match=r"expected one raw file.*0001_0002.*thor.fol"):
        read(path, **ONE)
    assert read(path / RAW, **ONE).data.shape == (12, 6, 8)


def test_a_file_cut_after_it_was_opened_is_no_crash(tmp_path):
    path = write_raw(tmp_path / "001", thor_stack())
    stream = read(path, **ONE)
    (path / RAW).write_bytes((path / RAW).read_bytes()[:-1])
    with pytest.raises(DataError, match="shorter than when it was opened"):
        stream.data[0]


def test_channels_must_be_said_and_be_there(tmp_path):
    path = write_raw(tmp_path / "001", thor_stack())
    assert "0 is ChanA, 1 is ChanB" in problems(path)["thor.channels"].text
    found = problems(path, channels={"functional": 2})
    assert "do not fit its 2 channels" in found["thor.channels"].text
    assert "thor.channels" not in problems(path, **ONE)


# ---- Experiment.xml ------------------------------------------------------------------


def test_everything_wrong_with_the_xml_is_told_at_once(tmp_path):
    path = tmp_path / XML
    text = experiment_xml((5, 1, 2, 6, 8), pixelX="wide", steps=0, frameRate=-1)
    path.write_text(text.replace('timepoints="5"', ""))
    with pytest.raises(DataError, match=r"thor.xml") as caught:
        read_experiment(path)
    for word in ("LSM@pixelX", "'wide'", "ZStage@steps", "'0'", "Timelapse@timepoints"):
        assert word in str(caught.value)
    path.write_text(experiment_xml((5, 1, 2, 6, 8)))
    assert read_experiment(path).n_timepoints == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<Other/>", "expected <ThorImageExperiment>, found <Other>"),
        ("<ThorImageExperiment>", "no element found"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ThorImageExperiment/>', "xml.doctype"),
        ("<ThorImageExperiment/>", "Wavelengths"),
    ],
)
def test_a_wrong_xml_is_refused(content, message, tmp_path):
    (tmp_path / XML).write_text(content)
    with pytest.raises(DataError, match=message):
        read_experiment(tmp_path / XML)


@pytest.mark.parametrize(
    ("changes", "rate", "counts"),
    [
        ({}, 10.0, 1),
        ({"flybackFrames": 1, "zFastEnable": 0}, 10.0, 1),
        ({"steps": 3, "flybackFrames": 1, "zFastEnable": 1}, 2.5, 4),
        ({"averageMode": 1, "averageNum": 5}, 2.0, 5),
        ({"averageMode": 1, "averageNum": 5, "areaMode": 2}, 2.0, 1),
        ({"enable": 0}, None, 1),
    ],
)
def test_rate_and_counts_divide_by_what_was_switched_on(
    changes, rate, counts, tmp_path
):
    (tmp_path / XML).write_text(experiment_xml((5, 1, 2, 6, 8), **changes))
    found = read_experiment(tmp_path / XML)
    assert found.rate_hz == rate
    assert found.counts_per_frame == counts


def test_the_rate_of_averaged_images_is_asked_for(tmp_path):
    path = write_raw(tmp_path / "001", thor_stack(), averageMode=1, averageNum=5)
    with pytest.raises(DataError, match=r"2 time points per second.*10\b.*averaging"):
        read(path, **ONE)
    for rate in (2.0, 10.0):
        assert read(path, rate_hz=rate, **ONE).time.rate_hz == rate
    with pytest.raises(DataError, match=r"rate.conflict"):
        read(path, rate_hz=5.0, **ONE)
    plain = write_raw(tmp_path / "002", thor_stack())
    assert "thor.averaging" not in problems(plain, **ONE)


def test_without_streaming_the_rate_is_not_guessed(tmp_path):
    path = write_raw(tmp_path / "001", thor_stack(), enable=0)
    with pytest.raises(DataError, match=r"--rate.*Streaming@enable is 0"):
        read(path, **ONE)
    assert read(path, rate_hz=3.0, **ONE).time.rate_hz == 3.0


# ---- ThorImage TIFF ------------------------------------------------------------------


def test_a_rate_that_was_accepted_against_the_times_of_the_files_is_taken(tmp_path):
    path = write_tiffs(tmp_path / "001", thor_stack(), delta_s=0.1, rate_hz=10.0)
    with pytest.raises(DataError, match=r"4 per second.*accept rate.conflict takes 4"):
        read(path, rate_hz=4.0, **ONE)
    assert read(path, rate_hz=4.0, accept=["rate.conflict"], **ONE).time.rate_hz == 4


@pytest.mark.parametrize("is_lzw", [True, False])
def test_a_file_per_plane_is_put_in_order(is_lzw, tmp_path):
    stack = thor_stack(t=11, z=2)
    path = write_tiffs(tmp_path / "001", stack, is_lzw=is_lzw, rate_hz=30.0)
    for z in (0, 1):
        for c in (0, 1):
            stream = read(path, z=z, channels={"functional": c})
            np.testing.assert_array_equal(stream.data[:], stack[:, z, c])
    assert problems(path, z=0, **ONE) == {}
    assert stream.facts["left_out"] == ["ChanA_Preview.tif"]


def test_times_of_the_ome_text_are_taken(tmp_path):
    path = write_tiffs(tmp_path / "001", thor_stack(z=2), delta_s=0.1, rate_hz=30.0)
    stream = read(path, z=1, **ONE)
    assert stream.facts["rate_origin"] == "time of every frame (OME DeltaT)"
    np.testing.assert_allclose(np.diff(stream.time.centers()), 0.1, rtol=0, atol=1e-6)


def test_missing_time_points_are_counted_and_become_gaps(tmp_path):
    path = write_tiffs(tmp_path / "001", thor_stack())
    for name in ("ChanA_0001_0001_0001_0005.tif", "ChanB_0001_0001_0001_0005.tif"):
        (path / name).unlink()
    with pytest.raises(DataError, match=r"thor.product") as caught:
        read(path, **ONE)
    for word in ("12 time points", "= 24 files", "found 22 files", "--salvage"):
        assert word in str(caught.value)
    kept = read(path, salvage=True, accept=("folder.missing_frames",), **ONE)
    assert len(kept) == 11
    assert (
        np.round(np.diff(kept.time.centers()), 6).tolist()
        == [0.1] * 3 + [0.2] + [0.1] * 6
    )


def test_a_channel_that_lost_a_file_is_named(tmp_path):
    path = write_tiffs(tmp_path / "001", thor_stack())
    (path / "ChanB_0001_0001_0001_0012.tif").unlink()
    text = problems(path, **ONE)["thor.product"].text
    assert "12 of ChanA, 11 of ChanB" in text


def test_images_of_another_size_than_the_xml_are_refused(tmp_path):
    path = write_tiffs(tmp_path / "001", thor_stack(), pixelX=9)
    assert "6 x 9" in problems(path, **ONE)["thor.product"].text


def test_a_folder_without_files_of_its_channels_is_refused(tmp_path):
    path = write_tiffs(tmp_path / "001", thor_stack(), channels=["ChanC", "ChanD"])
    with pytest.raises(DataError, match=r"no TIFF of the channels ChanC, ChanD"):
        read(path, **ONE)


# ---- LZW -----------------------------------------------------------------------------


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_lzw_pages_are_what_a_slow_encoder_put_in(tmp_path, data):
    kind = data.draw(st.sampled_from(["u1", "u2", "i2", "u4", "f4"]))
    shape = data.draw(st.tuples(st.integers(1, 20), st.integers(2, 20)))
    top = data.draw(st.sampled_from([2, 200, 60000]))
    seed = data.draw(st.integers(0, 99))
    image = np.random.default_rng(seed).integers(0, top, size=shape).astype(kind)
    path = write_lzw(
        tmp_path / "a.tif",
        image,
        rows=data.draw(st.integers(1, 20)),
        order=data.draw(st.sampled_from(["<", ">"])),
        predictor=1 if kind == "f4" else data.draw(st.sampled_from([1, 2])),
    )
    source = Source((path, path))
    stream = READERS["tiff"].read(source, {}, rate_hz=1.0)["neural"]
    assert stream.data.dtype.name == image.dtype.name
    np.testing.assert_array_equal(stream.data[0], image)
    np.testing.assert_array_equal(stream.data[1], image)


def test_a_table_of_codes_that_fills_up_is_begun_again(tmp_path):
    image = np.random.default_rng(1).integers(0, 65536, (90, 90)).astype(np.uint16)
    path = write_lzw(tmp_path / "a.tif", image, rows=90)
    with tifffile.TiffFile(path) as tiff:
        np.testing.assert_array_equal(decode_lzw(tiff.pages[0], tiff.filehandle), image)


def test_damaged_lzw_is_refused_or_read_and_never_crashes(tmp_path):
    rng = np.random.default_rng(2)
    folder = write_tiffs(tmp_path / "001", thor_stack(t=2, c=1))
    name = folder / "ChanA_0001_0001_0001_0002.tif"
    whole = name.read_bytes()
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for at in rng.integers(8, 110, 3):
            content[at] = rng.integers(256)
        name.write_bytes(bytes(content))
        stream = read(folder)
        try:
            assert stream.data[1].shape == (6, 8)
        except DataError as error:
            refused += "cannot be decoded" in str(error)
    assert refused > 0


# ---- ThorSync ------------------------------------------------------------------------


LINES = {
    "CI/Frame Counter": np.arange(40, dtype=np.uint32),
    "DI/Cameras": pulses([0.001, 0.004], 40, width_s=0.0004),
    "AI/Piezo Monitor": np.linspace(0, 5, 40),
}


def test_lines_are_listed_by_group_and_found_whatever_their_spelling(tmp_path):
    path = write_sync(tmp_path / "s", {**LINES, "DI/frame_out": LINES["DI/Cameras"]})
    found = read_sync_file(path)
    assert found.n_samples == 40
    assert found.find(("Frame Counter",)) == "CI/Frame Counter"
    assert found.find(("FRAMECOUNTER",)) == "CI/Frame Counter"
    assert choose_line(found, CAMERA, "--camera-line") == "DI/Cameras"
    assert line_steps(path, "DI/Cameras").samples.tolist() == [5, 20]


def test_a_line_that_is_not_there_is_refused_with_all_lines(tmp_path):
    found = read_sync_file(write_sync(tmp_path / "s", LINES))
    with pytest.raises(DataError, match=r"thor.line") as caught:
        choose_line(found, ("Basler2",), "--camera-line")
    assert (
        "no line named 'Basler2'. Lines: digital: Cameras; counters: Frame Counter; "
        "analogue: Piezo Monitor. Choose with --camera-line NAME" in str(caught.value)
    )


def test_one_name_in_two_groups_is_asked_about(tmp_path):
    path = write_sync(
        tmp_path / "s", {**LINES, "AI/Cameras": LINES["AI/Piezo Monitor"]}
    )
    found = read_sync_file(path)
    with pytest.raises(DataError, match=r"2 lines .*DI/Cameras, AI/Cameras.*thor.line"):
        choose_line(found, CAMERA, "--camera-line")
    assert choose_line(found, ("DI/Cameras",), "--camera-line") == "DI/Cameras"


def test_lines_of_unequal_length_and_files_without_lines_are_refused(tmp_path):
    path = write_sync(tmp_path / "s", {**LINES, "DI/CO2": np.zeros(39)})
    with pytest.raises(DataError, match=r"DI/CO2 39.*thor.line"):
        read_sync_file(path)
    empty = tmp_path / "other.h5"
    with h5py.File(empty, "w") as file:
        file["data"] = np.zeros(3)
    assert not is_sync_file(empty)
    with pytest.raises(DataError, match=r"found none.*thor.line"):
        read_sync_file(empty)


def test_a_damaged_sync_file_is_told_of_and_not_passed_over(tmp_path):
    path = write_sync(tmp_path / "s", LINES)
    path.write_bytes(path.read_bytes()[:900])
    assert is_sync_file(path)
    with pytest.raises(DataError, match=r"Episode001.h5.*damaged"):
        read_sync_file(path)


def test_the_active_board_and_its_enabled_rate_are_taken(tmp_path):
    path = tmp_path / SETTINGS
    path.write_text(settings_xml(), encoding="utf-8")
    assert read_sample_rate(path) == (5000.0, "NI6321")


@pytest.mark.parametrize(
    ("active", "rates", "message"),
    [
        ((), (1,), r"found 0 of 2.*NI6363 .not active.*--sync-rate HZ.*thor.board"),
        ((0, 1), (1,), r"found 2 of 2.*thor.board"),
        ((1,), (), r"one SampleRate.*found none.*thor.board"),
        ((1,), (0, 1), r"found 250000, 5000.*thor.board"),
    ],
)
def test_none_or_several_boards_or_rates_are_refused(active, rates, message, tmp_path):
    path = tmp_path / SETTINGS
    path.write_text(settings_xml(active, rates), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_sample_rate(path)


# ---- Cameras and ball ----------------------------------------------------------------


def test_saved_frames_keep_their_true_numbers(tmp_path):
    path = write_capture(tmp_path, 25, lost={"0": [3, 11]})
    assert is_capture(path)
    found = read_capture(path)
    assert found.numbers["0"].tolist() == [i for i in range(25) if i not in (3, 11)]
    assert (found.n_taken, found.fps) == (25, 50.0)
    assert found.of_frames(23, None).size == 23
    assert found.of_frames(25, "1").size == 25
    with pytest.raises(DataError, match=r"24 frames were found.*0: 23, 1: 25.*length"):
        found.of_frames(24, None)
    with pytest.raises(DataError, match=r"no camera '7'.*thor.cameras"):
        found.of_frames(23, "7")


def test_cameras_that_lost_different_frames_are_asked_about(tmp_path):
    found = read_capture(write_capture(tmp_path, 25, lost={"0": [3], "1": [4]}))
    with pytest.raises(DataError, match=r"lost different frames.*--camera NAME"):
        found.of_frames(24, None)
    assert 4 not in found.of_frames(24, "1")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (
            {"0": {"0": 0, "1": 1}, "1": {"0": 0, "1": 2}},
            "not synchronised.*0: 2, 1: 3",
        ),
        ({"0": {"0": 0, "2": 2}}, "saved frame 1 is missing"),
        ({"0": {"0": 1, "1": 1}}, "must increase"),
        ({"0": {"0": "x"}}, "expected frame numbers"),
        ({"0": {"0": -1}}, "frame numbers from -1"),
        ({"0": {}}, "saved no frame"),
        ({}, "Frame Counts"),
    ],
)
def test_a_capture_file_that_cannot_be_right_is_refused(counts, message, tmp_path):
    path = tmp_path / "capture_metadata.json"
    path.write_text(json.dumps({"FPS": 50, "Frame Counts": counts}))
    with pytest.raises(DataError, match=message):
        read_capture(path)


def test_movements_of_the_ball_are_read_and_ends_of_range_are_missing(tmp_path):
    rows = write_flow(tmp_path / "OptFlow.txt", 50, n_at_end=3)
    source = Source((tmp_path / "OptFlow.txt",))
    stream = READERS["thor_flow"].read(source, {}, rate_hz=50.0)["scalar"]
    assert np.flatnonzero(~stream.valid).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(stream.data[3:], rows[3:, :4])
    assert stream.units == "counts"


def test_a_broken_line_of_the_ball_is_named_and_may_be_salvaged(tmp_path):
    path = tmp_path / "OptFlow.txt"
    write_flow(path, 50)
    path.write_text(path.read_text()[:-20])
    source = Source((path,))
    with pytest.raises(DataError, match=r"line 50: expected five.*49 of 50"):
        READERS["thor_flow"].read(source, {}, rate_hz=50.0)
    kept = READERS["thor_flow"].read(source, {}, rate_hz=50.0, salvage=True)["scalar"]
    assert len(kept) == 49
