"""Embeddings of other programs: npy, npz and text, known by their content."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from napari_neuroembed.data.embedding_file import read_embedding_file
from napari_neuroembed.errors import DataError


@pytest.fixture
def values(rng):
    return rng.normal(size=(7, 3)).astype(np.float32)


def test_the_same_numbers_come_from_every_kind_of_file(values, tmp_path):
    np.save(tmp_path / "h.npy", values)
    np.savez(tmp_path / "h.npz", h=values, fps=30.0, labels=np.zeros(7))
    np.savetxt(tmp_path / "Y0__worm_0", values)
    np.savetxt(tmp_path / "h.csv", values, delimiter=",", header="x,y,z", comments="")
    np.savetxt(tmp_path / "h.tsv", values, delimiter="\t")
    for path in sorted(tmp_path.iterdir()):
        found = read_embedding_file(path)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, values, rtol=1e-6, err_msg=path.name)


def test_one_column_is_an_embedding_of_one_dimension(tmp_path):
    np.savetxt(tmp_path / "h.txt", np.arange(4.0))
    assert read_embedding_file(tmp_path / "h.txt").shape == (4, 1)


def test_an_npz_of_several_tables_asks_for_the_key(values, tmp_path):
    path = tmp_path / "h.npz"
    np.savez(path, h=values, z=values)
    with pytest.raises(DataError, match=r"arrays h \(7, 3\).*z.*--embedding-key NAME"):
        read_embedding_file(path)
    assert read_embedding_file(path, "z").shape == (7, 3)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "holds no numbers"),
        (b"a b c\n", "holds no numbers"),
        (b"1 2\n3\n4 x\n", r"2 of 3 lines are not 2 numbers \(line 2, 3\)"),
        (pickle.dumps([1.0]), "is a pickle of plain data"),
        (b"PK\x03\x04rubbish", "npz"),
        (b"\x93NUMPY\x01\x00", "is no NumPy array"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, content, match):
    path = tmp_path / "h"
    path.write_bytes(content)
    with pytest.raises(DataError, match=match):
        read_embedding_file(path)


def test_cut_arrays_objects_and_other_shapes_are_refused(values, tmp_path):
    path = tmp_path / "h.npy"
    np.save(path, values)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"must hold 84 bytes .* has 83"):
        read_embedding_file(path)
    np.save(path, np.array([None, 1], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="object array"):
        read_embedding_file(path)
    np.save(path, np.zeros((2, 2, 2)))
    with pytest.raises(DataError, match=r"shape \(2, 2, 2\) float64; expected a row"):
        read_embedding_file(path)
    with pytest.raises(DataError, match="is not there"):
        read_embedding_file(tmp_path / "gone.npy")
    member = io.BytesIO()
    np.save(member, np.array([None], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "o.npz", "w") as archive:
        archive.writestr("h.npy", member.getvalue())
    with pytest.raises(DataError, match="object array"):
        read_embedding_file(tmp_path / "o.npz", "h")
