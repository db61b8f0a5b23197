"""Any frame of a video, asked for in any order, shows its own number."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests.data.fixtures.video_files import (
    HEIGHT,
    WIDTH,
    number_shown,
    write_clip,
    write_images,
)

from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.video import VideoReader
from napari_neuroembed.data.readers.video import cache as video_cache
from napari_neuroembed.data.readers.video.cache import cached_index
from napari_neuroembed.data.readers.video.index import read_index
from napari_neuroembed.errors import DataError

N = 61
UNEVEN = np.cumsum(np.random.default_rng(3).integers(15, 90, N)).tolist()
CLIPS = {
    "mp4": ("a.mp4", {}),
    "mp4 with B-frames": ("a.mp4", {"codec": "libx264"}),
    "avi": ("a.avi", {}),
    "mkv": ("a.mkv", {}),
    "motion jpeg": ("a.avi", {"codec": "mjpeg"}),
    "uneven mp4": ("a.mp4", {"opens_ms": UNEVEN}),
    "uneven mp4 with B-frames": ("a.mp4", {"codec": "libx264", "opens_ms": UNEVEN}),
    "uneven mkv": ("a.mkv", {"opens_ms": UNEVEN}),
}


def read(path, rate_hz=None, accept=(), salvage=False, **options):
    return VideoReader().read(
        Source((path,)),
        options,
        rate_hz=rate_hz,
        accept=frozenset(accept),
        salvage=salvage,
    )["video"]


@pytest.fixture(params=CLIPS)
def clip(request, tmp_path):
    name, options = CLIPS[request.param]
    write_clip(tmp_path / name, N, **options)
    return tmp_path / name, options


def test_every_frame_shows_its_own_number_in_any_order(clip, rng):
    path, _ = clip
    data = read(path, color="gray").data
    assert data.shape == (N, HEIGHT, WIDTH)
    order = [N - 1, 0, *rng.permutation(N).tolist(), N - 1, N - 2, 1, 0]
    assert [number_shown(data[i]) for i in order] == order
    assert [number_shown(image) for image in data[:]] == list(range(N))
    some = [40, 3, 3, -1]
    assert [number_shown(image) for image in data[some]] == [40, 3, 3, N - 1]
    assert [number_shown(image) for image in data[50:10:-7]] == [50, 43, 36, 29, 22, 15]


def test_the_frame_nearest_to_a_time_shows_its_own_number(clip, rng):
    path, options = clip
    stream = read(path)
    opens = np.array(options.get("opens_ms", np.arange(N) * 1000 / 30)) / 1000
    opens = opens - opens[0]
    half = np.median(np.diff(opens)) / 2
    np.testing.assert_allclose(stream.time.centers(), opens + half, atol=2e-3)
    for i in rng.permutation(N)[:12]:
        at = np.array([opens[i] + half])
        assert number_shown(stream.data[int(stream.time.nearest(at)[0])]) == i


def test_a_steady_video_has_a_regular_clock_and_an_uneven_one_its_own_times(tmp_path):
    write_clip(tmp_path / "a.mp4", N, rate=25)
    steady = read(tmp_path / "a.mp4").time
    assert (steady.rate_hz, steady.start_s) == (25.0, 0.0)
    write_clip(tmp_path / "b.mp4", N, opens_ms=UNEVEN)
    uneven = read(tmp_path / "b.mp4").time
    assert uneven.rate_hz is None
    assert uneven.gaps().size > 0


def test_frames_are_colour_unless_gray_is_asked_for(tmp_path):
    write_clip(tmp_path / "a.mp4", 20)
    assert read(tmp_path / "a.mp4").data[3].shape == (HEIGHT, WIDTH, 3)
    assert read(tmp_path / "a.mp4", color="gray").data[3].shape == (HEIGHT, WIDTH)
    described = VideoReader().describe(Source((tmp_path / "a.mp4",)), {})
    assert (described.shape, described.axes) == ((20, HEIGHT, WIDTH, 3), "TYXC")


def test_an_open_clip_can_be_sent_to_another_process(tmp_path):
    write_clip(tmp_path / "a.mp4", 30)
    data = read(tmp_path / "a.mp4").data
    assert number_shown(data[25]) == 25
    copy = pickle.loads(pickle.dumps(data))
    assert number_shown(copy[7]) == 7
    data.close()
    assert number_shown(data[8]) == 8


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv"])
def test_a_cut_video_is_refused_with_its_first_bad_frame(name, tmp_path):
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    write_clip(tmp_path / name, 80, options=options)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(
        DataError, match=rf"{name}.*readable.*first bad .*frame \d+ at .*video.decode"
    ):
        read(tmp_path / name)
    whole = read(tmp_path / name, salvage=True)
    assert 10 < len(whole) < 80
    assert [number_shown(whole.data[i]) for i in (5, 0, 9)] == [5, 0, 9]
    assert "readable" in whole.facts["salvaged"]


def test_a_video_cut_before_its_table_of_frames_says_so(tmp_path):
    write_clip(tmp_path / "a.mp4", 80)
    content = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: len(content) // 2])
    assert VideoReader().sniff(Source((tmp_path / "a.mp4",)))[0] == 0.9
    with pytest.raises(DataError, match=r"cannot be opened .* bytes.*ffmpeg"):
        read(tmp_path / "a.mp4")


def test_damage_in_the_middle_gives_an_error_and_never_a_wrong_frame(tmp_path, rng):
    write_clip(tmp_path / "a.mp4", 100, codec="libx264")
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = rng.integers(0, 256, 200).astype("u1").tobytes()
    (tmp_path / "a.mp4").write_bytes(content)
    data = read(tmp_path / "a.mp4").data
    refused = 0
    for i in range(0, 100, 3):
        try:
            assert number_shown(data[i]) == i
        except DataError as error:
            refused += 1
            assert "cannot be decoded" in str(error)  # noqa: PT017
    assert refused > 0


def test_a_rate_that_contradicts_the_timestamps_is_refused(tmp_path):
    write_clip(tmp_path / "a.mp4", 30, rate=25)
    assert read(tmp_path / "a.mp4", rate_hz=25.1).time.rate_hz == 25.0
    with pytest.raises(DataError, match=r"100 per second.*and 25 \(timestamps of"):
        read(tmp_path / "a.mp4", rate_hz=100.0)
    taken = read(tmp_path / "a.mp4", rate_hz=100.0, accept=["rate.conflict"])
    assert taken.time.rate_hz == 100.0
    assert taken.facts["rate_origin"] == "rate_hz, as given"


def test_a_folder_of_images_needs_a_rate_and_keeps_natural_order(tmp_path):
    write_images(tmp_path, range(7, 13))
    (tmp_path / "preview.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"6 frames but no frame rate"):
        read(tmp_path)
    stream = read(tmp_path, rate_hz=50.0)
    assert [number_shown(image) for image in stream.data[:]] == list(range(7, 13))
    assert stream.time.rate_hz == 50.0
    assert VideoReader().sniff(Source((tmp_path,)))[0] == 0.6


def test_missing_images_are_gaps_only_when_accepted(tmp_path):
    write_images(tmp_path, [0, 1, 2, 5, 6])
    with pytest.raises(DataError, match=r"2 frame numbers are missing.*first: 3, 4"):
        read(tmp_path, rate_hz=10.0)
    stream = read(tmp_path, rate_hz=10.0, accept=["folder.missing_frames"])
    np.testing.assert_allclose(stream.time.centers()[2:4], [0.25, 0.55])
    assert stream.time.gaps().tolist() == [2]


def test_an_odd_or_broken_image_is_named(tmp_path):
    write_images(tmp_path, range(4))
    (tmp_path / "img_2.png").write_bytes(b"not an image")
    data = read(tmp_path, rate_hz=10.0).data
    assert number_shown(data[3]) == 3
    with pytest.raises(DataError, match=r"img_2.png cannot be opened as an image"):
        data[2]


def test_timestamps_of_large_files_are_kept_and_belong_to_the_file(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(video_cache, "WORTH_KEEPING", 0)
    write_clip(tmp_path / "a.mp4", 30)
    first = cached_index(tmp_path / "a.mp4", tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    monkeypatch.setattr(video_cache, "read_index", lambda _: pytest.fail("read"))
    again = cached_index(tmp_path / "a.mp4", tmp_path / "cache")
    np.testing.assert_array_equal(first.pts, again.pts)
    assert again.clock().rate_hz == first.clock().rate_hz
    monkeypatch.setattr(video_cache, "read_index", read_index)
    write_clip(tmp_path / "a.mp4", 40)
    assert cached_index(tmp_path / "a.mp4", tmp_path / "cache").n_frames == 40


def test_the_header_of_a_large_video_gives_a_first_description(tmp_path):
    write_clip(tmp_path / "a.mp4", 30, rate=25)
    index = read_index(tmp_path / "a.mp4", header_only=True)
    assert (index.n_frames, index.average_hz, index.width) == (30, 25.0, WIDTH)


def test_an_unknown_codec_says_to_re_encode(tmp_path):
    write_clip(tmp_path / "a.avi", 20)
    content = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(content.replace(b"FMP4", b"ZZZZ"))
    with pytest.raises(DataError, match=r"codec that is not known.*video.decode"):
        read(tmp_path / "a.avi")


def test_a_file_without_video_says_so(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 100)
    with pytest.raises(DataError, match=r"a.mp4 .*video"):
        read(tmp_path / "a.mp4")
