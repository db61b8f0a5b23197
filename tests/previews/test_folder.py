"""The private folder: whose it is, what may lie in it, and that it goes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_neuroembed.errors import DataError
from napari_neuroembed.jobs import preview_folder
from napari_neuroembed.jobs.preview_folder import PreviewFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PreviewFolder:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return PreviewFolder.make()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_may_look_into_it(folder: PreviewFolder) -> None:
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "bool"])
def test_an_array_comes_back_as_it_was(folder: PreviewFolder, dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    back = folder.load(folder.save("one.npy", array.transpose(2, 0, 1)))
    np.testing.assert_array_equal(back, array.transpose(2, 0, 1))
    assert back.dtype == array.dtype
    assert not back.flags.writeable


@pytest.mark.parametrize(
    "name",
    ["../one.npy", "/etc/passwd", "a/b.npy", ".hidden.npy", "one.npz", "", "a\n.npy"],
)
def test_a_name_that_leaves_the_folder_is_refused(
    folder: PreviewFolder, name: str
) -> None:
    np.save(folder.path.parent / "one.npy", np.zeros(3))
    for use in (folder.load, lambda n: folder.save(n, np.zeros(3))):
        with pytest.raises(DataError, match=r"Expected the name of a \.npy file"):
            use(name)
    folder.remove(name)
    assert (folder.path.parent / "one.npy").exists()


def test_a_link_is_no_array(folder: PreviewFolder) -> None:
    outside = folder.path.parent / "secret.npy"
    np.save(outside, np.zeros(3))
    (folder.path / "link.npy").symlink_to(outside)
    (folder.path / "pipe.npy").mkdir()
    for name in ("link.npy", "pipe.npy"):
        with pytest.raises(DataError, match="a link or no file"):
            folder.load(name)


def test_what_is_no_plain_array_of_numbers_is_refused(folder: PreviewFolder) -> None:
    np.save(folder.path / "object.npy", np.array([{}, []], dtype=object))
    (folder.path / "text.npy").write_bytes(b"\x93NUMPY" + b"x" * 50)
    (folder.path / "empty.npy").write_bytes(b"")
    np.save(folder.path / "none.npy", np.zeros((0, 3)))
    np.save(folder.path / "cut.npy", np.zeros(1000))
    os.truncate(folder.path / "cut.npy", 500)
    for name, said in (
        ("object", "could run code"),
        ("text", "is no NumPy array"),
        ("empty", "is no NumPy array"),
        ("none", "at least one value"),
        ("cut", "must hold 8,000 bytes"),
        ("missing", "cannot be read"),
    ):
        with pytest.raises(DataError, match=said):
            folder.load(f"{name}.npy")


def test_an_array_too_large_is_refused_with_both_figures(
    folder: PreviewFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save("large.npy", np.zeros(1001, dtype=np.uint8))
    monkeypatch.setattr(preview_folder, "MAX_ARRAY_BYTES", 1000)
    with pytest.raises(DataError, match=r"1,001 bytes; at most 1,000 are taken"):
        folder.load("large.npy")
    with pytest.raises(DataError, match=r"1,001 bytes .* at most 1,000 are taken"):
        folder.save("larger.npy", np.zeros(1001, dtype=np.uint8))
    assert not (folder.path / "larger.npy").exists()


def test_what_a_killed_process_left_is_removed_and_a_living_one_s_stays(
    folder: PreviewFolder,
) -> None:
    """Only the folder of the process that is gone."""
    code = (
        "import tempfile, sys; tempfile.tempdir = sys.argv[1]\n"
        "from napari_neuroembed.jobs.preview_folder import PreviewFolder\n"
        "import numpy as np; folder = PreviewFolder.make()\n"
        "folder.save('a.npy', np.ones(3)); print(folder.path)"
    )
    place = str(folder.path.parent)
    told = subprocess.run(
        [sys.executable, "-c", code, place], capture_output=True, text=True, check=True
    )
    left = Path(told.stdout.strip())
    assert (left / "a.npy").exists()
    assert folder.path.exists()
    PreviewFolder.make()
    assert not left.exists()
    assert folder.path.exists()


def test_closing_removes_it_and_nothing_of_another_name(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    PreviewFolder(mine).close()
    assert mine.exists()
