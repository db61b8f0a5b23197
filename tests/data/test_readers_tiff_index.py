"""The page index is kept beside nothing but where it was told, and never when stale."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
from tests.data.fixtures.stack_files import SHAPES, movie

from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.tiff import TiffReader
from napari_neuroembed.data.readers.tiff import index as tiff_index
from napari_neuroembed.data.readers.tiff.ifd import read_directory
from napari_neuroembed.data.readers.tiff.index import read_directories
from napari_neuroembed.errors import DataError


@pytest.fixture(autouse=True)
def _keep_all(monkeypatch):
    monkeypatch.setattr(tiff_index, "WORTH_KEEPING", 1)


def unread(path, **_):
    raise AssertionError(f"{path} was walked again")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_kept_index_gives_the_same_frames(shape, tmp_path, monkeypatch):
    stack = movie(12)
    SHAPES[shape](tmp_path / "a.tif", stack)
    source = Source((tmp_path / "a.tif",), tmp_path / "cache")
    TiffReader().describe(source, {})
    monkeypatch.setattr(tiff_index, "read_directory", unread)
    data = TiffReader().read(source, {}, rate_hz=4.0)["neural"].data
    np.testing.assert_array_equal(data[:], stack)


def test_a_changed_file_is_walked_again(tmp_path):
    SHAPES["page by page"](tmp_path / "a.tif", movie(5))
    cache = tmp_path / "cache"
    (before,) = read_directories([tmp_path / "a.tif"], cache)
    SHAPES["page by page"](tmp_path / "a.tif", movie(8))
    (after,) = read_directories([tmp_path / "a.tif"], cache)
    assert (len(before.pages), len(after.pages)) == (5, 8)
    os.utime(tmp_path / "a.tif", ns=(1, 1))
    read_directories([tmp_path / "a.tif"], cache)
    assert len(list(cache.iterdir())) == 3


def test_a_damaged_index_is_made_again(tmp_path):
    SHAPES["page by page"](tmp_path / "a.tif", movie(5))
    cache = tmp_path / "cache"
    read_directories([tmp_path / "a.tif"], cache)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    (again,) = read_directories([tmp_path / "a.tif"], cache)
    assert len(again.pages) == 5


def test_nothing_is_kept_without_a_folder_or_for_small_files(tmp_path, monkeypatch):
    SHAPES["page by page"](tmp_path / "a.tif", movie(5))
    read_directories([tmp_path / "a.tif"])
    monkeypatch.setattr(tiff_index, "WORTH_KEEPING", 6)
    read_directories([tmp_path / "a.tif"], tmp_path / "cache")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def write_flat(path, stack, **settings):
    """Write pages that differ in nothing but the place of their strip."""
    with tifffile.TiffWriter(path, **settings) as tiff:
        for i, frame in enumerate(stack):
            if i == 6:  # a longer text makes one directory unlike the others
                settings["description"] = "a text on page six"
            tiff.write(
                frame,
                photometric="minisblack",
                metadata=None,
                contiguous=False,
                description=settings.pop("description", None),
            )


FLAT = {
    "flat": write_flat,
    "flat big": lambda path, stack: write_flat(path, stack, bigtiff=True),
    "flat big-endian": lambda path, stack: write_flat(path, stack, byteorder=">"),
}


@pytest.mark.parametrize("shape", [*SHAPES, *FLAT])
def test_the_walk_agrees_with_tifffile_on_every_page(shape, tmp_path):
    (SHAPES | FLAT)[shape](tmp_path / "a.tif", movie(9))
    found = read_directory(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert len(found.pages) == len(tiff.pages)
        for row, page in zip(found.pages, tiff.pages, strict=True):
            page = page.aspage()
            assert row["ifd"] == page.offset
            assert row["offset"] == page.dataoffsets[0]
            assert row["stored"] == sum(page.databytecounts)
            assert (row["height"], row["width"]) == page.shape
            assert row["bits"] == page.bitspersample
            assert row["compression"] == page.compression
        assert found.description.strip() == tiff.pages[0].description.strip()


@pytest.mark.faults
@pytest.mark.parametrize(
    "shape", ["tifffile", "page by page", "imagej", "zlib", "ome", "flat"]
)
def test_a_damaged_file_never_gives_fewer_frames_in_silence(shape, tmp_path):
    """Cut at every directory and flip bytes of every tag: refused, or all frames."""
    stack = movie(12, (80, 80))
    path = tmp_path / "a.tif"
    (SHAPES | FLAT)[shape](path, stack)
    options = {"axes": "TYX"} if shape == "flat" else {}
    content = path.read_bytes()
    starts = read_directory(path).pages["ifd"].tolist()
    mutants = [content[: at + d] for at in starts for d in (-1, 0, 1) if at + d > 8]
    rng = np.random.default_rng(0)
    for at in starts[:: max(len(starts) // 5, 1)]:
        for place in rng.integers(at, min(at + 200, len(content)), 8):
            changed = bytearray(content)
            changed[place] ^= 1 << int(rng.integers(8))
            mutants.append(bytes(changed))
    refused = 0
    for mutant in mutants:
        path.write_bytes(mutant)
        try:
            streams = TiffReader().read(Source((path,)), options, rate_hz=5.0)
            data = np.asarray(streams["neural"].data[:])
        except DataError as error:
            refused += 1
            assert "a.tif" in str(error)  # noqa: PT017
        else:
            assert len(data) == 12
    assert refused >= len(starts)
