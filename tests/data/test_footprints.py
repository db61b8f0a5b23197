"""Pixels of regions: sparse in memory, in derived folders, and never out of bounds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_neuroembed.data.derived import read_derived, write_derived_stream
from napari_neuroembed.data.footprints import Footprints
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import write_folder
from napari_neuroembed.options.preprocessing import TraceOptions
from napari_neuroembed.preprocessing.traces import prepare_traces


def sparse(images):
    """Return the footprints of dense images (region, y, x)."""
    places = [np.nonzero(image) for image in images]
    return Footprints.of_regions(
        images.shape[1:],
        y=[y for y, _ in places],
        x=[x for _, x in places],
        weights=[image[p] for image, p in zip(images, places, strict=True)],
    )


@settings(max_examples=40, deadline=None)
@given(
    images=arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 7)),
        elements=st.sampled_from([0.0, 0.0, 0.5, 2.0]),
    ),
    picks=st.lists(st.integers(0, 3), max_size=5),
)
def test_dense_images_come_back_and_regions_can_be_picked(images, picks):
    footprints = sparse(images)
    assert len(footprints) == len(images)
    for i, image in enumerate(images):
        np.testing.assert_array_equal(footprints.to_dense(i), image)
    picks = [i for i in picks if i < len(images)]
    some = footprints.take(np.array(picks, dtype=np.int64))
    assert len(some) == len(picks)
    for place, i in enumerate(picks):
        np.testing.assert_array_equal(some.to_dense(place), images[i])


@settings(max_examples=40, deadline=None)
@given(
    inside=arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))),
)
def test_the_outline_is_what_a_walk_over_all_pixels_finds(inside):
    height, width = inside.shape
    expected = np.zeros_like(inside)
    for y in range(height):
        for x in range(width):
            for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                v, u = y + dy, x + dx
                beyond = not (0 <= v < height and 0 <= u < width)
                if inside[y, x] and (beyond or not inside[v, u]):
                    expected[y, x] = True
    outline = sparse(inside[None].astype(np.float32)).outline(0)
    np.testing.assert_array_equal(outline, expected)


def test_the_centre_is_the_median_pixel():
    images = np.zeros((2, 9, 9), np.float32)
    images[0, 2:5, 6] = 1
    (row, column), empty = sparse(images).centers()
    assert (row, column) == (3, 6)
    assert np.isnan(empty).all()


GOOD = {
    "shape": (4, 5),
    "y": [[0, 1], [3]],
    "x": [[4, 0], [2]],
    "weights": [[1.0, 2.0], [3.0]],
    "overlap": [[True, False], [False]],
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": [[0, 4], [3]]}, r"1 of 3 pixels .* outside .* row 4 of 4"),
        ({"x": [[4, -1], [2]]}, r"outside of the image, the first in column -1 of 5"),
        ({"x": [[4, 2**40], [2]]}, r"outside of the image"),
        ({"weights": [[1.0, np.nan], [3.0]]}, r"1 of 3 weights are not finite"),
        ({"weights": [[1.0], [3.0]]}, r"region 0 has 2 rows and 1 weights"),
        ({"overlap": [[True, False], []]}, r"region 1 has 1 rows and 0 overlap"),
        ({"y": [[0.5, 1.0], [3.0]]}, r"places of pixels are float64"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers(change, words):
    assert len(Footprints.of_regions(**GOOD)) == 2
    with pytest.raises(DataError, match=words):
        Footprints.of_regions(**{**GOOD, **change})


@pytest.mark.parametrize("starts", [[0, 2], [1, 2, 3], [0, 3, 2], []])
def test_starts_must_cover_all_pixels(starts):
    good = Footprints.of_regions(**GOOD)
    with pytest.raises(DataError, match="starts of the regions"):
        Footprints(good.shape, np.array(starts, np.int64), good.y, good.x, good.weights)


def test_a_stream_has_as_many_footprints_as_channels():
    footprints = Footprints.of_regions(**GOOD)
    clock = TimeAxis(6, rate_hz=2.0)
    Stream("trace", np.zeros((6, 2)), clock, footprints=footprints)
    with pytest.raises(DataError, match="3 channels but footprints of 2 regions"):
        Stream("trace", np.zeros((6, 3)), clock, footprints=footprints)


@pytest.fixture
def traces(rng):
    return Stream(
        "trace",
        rng.random((20, 2)) + 1,
        TimeAxis(20, rate_hz=10.0),
        names=("roi0", "roi3"),
        footprints=Footprints.of_regions(**GOOD),
    )


@pytest.mark.parametrize("method", ["none", "percentile"])
def test_prepared_traces_keep_their_pixels_and_come_back(method, traces, tmp_path):
    prepared = prepare_traces(traces, TraceOptions(method=method), "here").stream
    with write_folder(tmp_path / "r1") as build:
        write_derived_stream(build, "trace", prepared)
    (back,) = read_derived(tmp_path / "r1", id="r1", animal="a").streams.values()
    for name in ("starts", "y", "x", "weights", "overlap"):
        stored = getattr(back.footprints, name)
        expected = getattr(traces.footprints, name)
        np.testing.assert_array_equal(stored, expected)
        assert stored.dtype == expected.dtype
    assert back.footprints.shape == (4, 5)
    about = json.loads((tmp_path / "r1" / "trace.json").read_text())
    assert about["footprints"]["n"] == 2
    with np.load(tmp_path / "r1" / "trace_footprints.npz", allow_pickle=False) as plain:
        assert sorted(plain.files) == ["overlap", "starts", "weights", "x", "y"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.write_bytes(b"no zip"), "footprints.npz cannot be read"),
        (lambda file: np.savez(file, y=[0]), "footprints.npz cannot be read"),
        (
            lambda file: np.savez(
                file,
                starts=np.array([0, 1, 2]),
                y=np.array([0, 9], np.int32),
                x=np.zeros(2, np.int32),
                weights=np.ones(2, np.float32),
            ),
            "row 9 of 4",
        ),
        (
            lambda file: np.savez(
                file,
                starts=np.array([0, 1]),
                y=np.zeros(1, np.int32),
                x=np.zeros(1, np.int32),
                weights=np.ones(1, np.float32),
            ),
            "has 1 regions, its description 2",
        ),
    ],
)
def test_a_damaged_file_of_pixels_is_refused(damage, words, traces, tmp_path):
    with write_folder(tmp_path / "r1") as build:
        write_derived_stream(build, "trace", traces)
        damage(build / "trace_footprints.npz")
    with pytest.raises(DataError, match=words):
        read_derived(tmp_path / "r1", id="r1", animal="a")
