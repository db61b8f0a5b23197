"""HDF5 files of strangers: numbers and names come in, nothing else does."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_neuroembed.data.hdf5 import is_hdf5, open_hdf5
from napari_neuroembed.errors import DataError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.h5"
    with h5py.File(path, "w") as new:
        new["tracks"] = np.arange(24, dtype="f4").reshape(2, 3, 4)
        new["group/names"] = np.array([b"nose", b"tail"])
        new["group/words"] = ["ähre", "b"]
        new["group"].attrs["kind"] = "poses"
        new["group"].attrs["packed"] = np.void(b"\x80\x04N.")
        new["group"].attrs["list"] = np.array([b"a", b"b"])
        new["tracks"].attrs["rate"] = 30.0
    return path


def test_numbers_texts_and_attributes_are_read(file: Path) -> None:
    assert is_hdf5(file)
    with open_hdf5(file) as opened:
        assert opened.shape("tracks") == (2, 3, 4)
        assert opened.dtype("tracks") == np.float32
        assert opened.numbers("tracks").sum() == 276
        assert opened.numbers("tracks", (1, slice(0, 2))).shape == (2, 4)
        assert opened.texts("group/names") == ["nose", "tail"]
        assert opened.texts("group/words") == ["ähre", "b"]
        assert list(opened.below("group")) == ["names", "words"]
        assert list(opened.below("")) == ["tracks"]
        assert opened.attribute("group", "kind") == "poses"
        assert opened.attribute("group", "packed") == b"\x80\x04N."
        assert opened.attribute("group", "list") == ["a", "b"]
        assert opened.attribute("tracks", "rate") == 30.0
        assert opened.attribute("", "none") is None


def test_what_is_missing_is_named_with_what_is_there(file: Path) -> None:
    with open_hdf5(file) as opened:
        with pytest.raises(DataError, match=r"expected 'trakcs', found .*tracks"):
            opened.numbers("trakcs")
        with pytest.raises(DataError, match="expected numbers"):
            opened.numbers("group/names")
        with pytest.raises(DataError, match="expected texts"):
            opened.texts("tracks")


@pytest.mark.parametrize("content", [b"", b"no hdf5 at all", b"\x89HDF\r\n\x1a\n"])
def test_another_or_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.h5"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged or no HDF5 file"), open_hdf5(path):
        pass


@pytest.mark.parametrize("link", ["external", "soft", "storage", "virtual"])
def test_nothing_leads_out_of_the_file(tmp_path: Path, link: str) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as new:
        new["key"] = np.arange(8.0)
    raw = tmp_path / "secret.bin"
    raw.write_bytes(np.arange(8.0).tobytes())
    path = tmp_path / "sly.h5"
    with h5py.File(path, "w") as new:
        new["honest"] = np.arange(3)
        if link == "external":
            new["a"] = h5py.ExternalLink(str(secret), "key")
        elif link == "soft":
            new["a"] = h5py.SoftLink("/honest")
        elif link == "storage":
            new.create_dataset("a", (8,), "f8", external=[(str(raw), 0, 64)])
        else:
            layout = h5py.VirtualLayout((8,), "f8")
            layout[:] = h5py.VirtualSource(str(secret), "key", shape=(8,))
            new.create_virtual_dataset("a", layout)
    with open_hdf5(path) as opened:
        assert opened.numbers("honest").tolist() == [0, 1, 2]
        with pytest.raises(DataError, match=r"\[hdf5.link\]"):
            opened.numbers("a")


def test_circles_of_groups_end(tmp_path: Path) -> None:
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as new:
        group = new.create_group("a")
        group["again"] = group
        group["root"] = new["/"]
        group["x"] = np.arange(3)
    with open_hdf5(path) as opened:
        assert list(opened.datasets) == ["a/x"]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as new:
        new.create_dataset(
            "zeros", (4096, 4096), "f8", chunks=(512, 4096), compression="gzip"
        )
        new["zeros"][:512] = 0
        new.create_dataset("huge", (1 << 20, 1 << 20), "u1", chunks=(1024, 1024))
    assert path.stat().st_size < 200_000
    with open_hdf5(path) as opened:
        for name in ("zeros", "huge"):
            with pytest.raises(DataError, match=r"\[size.cap\]"):
                opened.numbers(name)
        with pytest.raises(DataError, match=r"\[size.cap\]"):
            opened.numbers("huge", slice(0, 1 << 14))


def test_references_and_objects_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "objects.h5"
    with h5py.File(path, "w") as new:
        new["x"] = np.arange(3)
        new.create_dataset("refs", (1,), dtype=h5py.ref_dtype)[0] = new["x"].ref
        new["x"].attrs["ref"] = new["x"].ref
    with open_hdf5(path) as opened:
        with pytest.raises(DataError, match="expected numbers"):
            opened.numbers("refs")
        with pytest.raises(DataError, match="expected numbers or texts"):
            opened.attribute("x", "ref")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.h5"
    with h5py.File(path, "w") as new:
        new["x"] = np.arange(50_000.0)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"\[hdf5"), open_hdf5(path) as opened:
        opened.numbers("x")


def test_a_table_is_read_by_its_fields(tmp_path: Path) -> None:
    kind = np.dtype([("index", "<i8"), ("values", "<f4", (2,))])
    rows = np.zeros(3, kind)
    rows["index"], rows["values"][:, 1] = [0, 1, 2], [5, 6, 7]
    words = np.dtype([("index", "<i8"), ("name", "S4")])
    with h5py.File(tmp_path / "t.h5", "w") as new:
        new["table"], new["words"] = rows, np.zeros(3, words)
        new["plain"] = np.arange(3)
    with open_hdf5(tmp_path / "t.h5") as opened:
        found = opened.table("table")
        assert found["index"].tolist() == [0, 1, 2]
        assert found["values"][:, 1].tolist() == [5, 6, 7]
        with pytest.raises(DataError, match="needs 48 bytes; the limit is 40"):
            opened.table("table", max_bytes=40)
        for name in ("words", "plain"):
            with pytest.raises(DataError, match="expected columns of numbers"):
                opened.table(name)
        with pytest.raises(DataError, match="expected numbers"):
            opened.numbers("table")
