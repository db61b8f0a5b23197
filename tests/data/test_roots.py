"""Where the data lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_neuroembed.data.project.fingerprints import changes, fingerprint, take
from napari_neuroembed.data.project.names import check_name, fitting_name, name_problem
from napari_neuroembed.data.project.roots import Roots, parse_source
from napari_neuroembed.data.project.sources import as_source, common_folder, find_files
from napari_neuroembed.errors import ConfigError, DataError


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    for name in ("f10.tif", "f9.tif", "f1.tif", ".hidden.tif"):
        file = tmp_path / "lab" / "fly1" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    (tmp_path / "project").mkdir()
    return Roots(tmp_path / "project").with_root("LAB", tmp_path / "lab")


def test_roots_are_read_back_as_written_and_the_project_is_always_one(roots):
    roots.save()
    again = Roots.load(roots.project)
    assert again == roots
    assert again.folder("PROJECT") == roots.project


def test_files_come_in_natural_order_without_hidden_ones(roots):
    found = find_files("LAB:fly1/*.tif", roots)
    assert [path.name for path in found] == ["f1.tif", "f9.tif", "f10.tif"]
    assert find_files("LAB:fly1", roots) == (roots.folders["LAB"] / "fly1",)


def test_a_file_whose_name_holds_wildcards_is_found_as_it_is_written(roots):
    odd = roots.folders["LAB"] / "a[1].tif"
    odd.write_bytes(b"x")
    assert find_files(as_source(odd, roots), roots) == (odd,)


@pytest.mark.parametrize(
    "text",
    [
        "LAB:../secret",
        "LAB:/etc/passwd",
        "LAB:a/../../b",
        "LAB:",
        "LAB:a\0b",
        "//server/share/a",
        "\\\\server\\share",
        "C:/data/a.tif",
        "fly1/a.tif",
        "LAB:a/con/b",
        "LAB:COM1.txt",
        "LAB:x:y",
        "LAB:..\\..\\b",
    ],
)
def test_a_source_that_could_reach_elsewhere_is_refused(roots, text):
    with pytest.raises(DataError, match="is no source"):
        find_files(text, roots)


def test_a_link_that_leads_out_of_all_roots_is_refused(roots, tmp_path):
    secret = tmp_path / "secret.tif"
    secret.write_bytes(b"x")
    (roots.folders["LAB"] / "link.tif").symlink_to(secret)
    with pytest.raises(DataError, match="outside the project and all roots"):
        find_files("LAB:link.tif", roots)
    wider = roots.with_root("MORE", tmp_path)
    assert find_files("LAB:link.tif", wider)[0].name == "link.tif"


def test_an_unknown_or_absent_root_names_the_command_that_helps(roots, tmp_path):
    with pytest.raises(DataError, match=r"relink .* --root RIG=/path"):
        find_files("RIG:a.tif", roots)
    gone = roots.with_root("RIG", tmp_path / "unplugged")
    with pytest.raises(DataError, match=r"unplugged, which is not there. Mount it"):
        find_files("RIG:a.tif", gone)


def test_a_missing_file_tells_where_it_was_looked_for(roots):
    with pytest.raises(DataError, match=r"fly1/f2.tif\). If the data moved"):
        find_files("LAB:fly1/f2.tif", roots)


@pytest.mark.parametrize("name", ["PROJECT", "C", "a b", "../x", "1st"])
def test_a_root_needs_a_plain_name(roots, name):
    with pytest.raises(ConfigError, match="A root is named by"):
        roots.with_root(name, Path("/data"))


def test_a_root_needs_an_absolute_folder(roots):
    with pytest.raises(ConfigError, match="absolute folder"):
        roots.with_root("RIG", Path("data"))


def test_the_deepest_root_names_a_file(roots):
    deeper = roots.with_root("FLY", roots.folders["LAB"] / "fly1")
    file = roots.folders["LAB"] / "fly1" / "f1.tif"
    assert deeper.express(file) == "FLY:f1.tif"
    assert deeper.express(roots.folders["LAB"] / "fly1" / "*.tif") == "FLY:*.tif"
    with pytest.raises(DataError, match="lies under no root"):
        as_source(Path("/elsewhere/a.tif"), roots)


def test_common_folder_stops_before_wildcards():
    paths = [Path("/data/lab/fly1/*.tif"), Path("/data/lab/fly1/pose/a.csv")]
    assert common_folder(paths) == Path("/data/lab/fly1")


def test_parse_source_takes_windows_separators():
    assert parse_source("LAB:a\\b.tif")[1].parts == ("a", "b.tif")


def test_a_fingerprint_sees_a_change_at_either_end_and_not_a_touch(roots):
    file = roots.folders["LAB"] / "big.bin"
    file.write_bytes(b"a" + bytes(3 << 20) + b"z")
    known = take([file], roots)
    os.utime(file, ns=(1, 1))
    assert changes([file], known, roots) == []
    for place in (0, -1):
        content = bytearray(b"a" + bytes(3 << 20) + b"z")
        content[place] = 0x62
        file.write_bytes(content)
        assert "another content" in changes([file], known, roots)[0]
    file.write_bytes(b"short")
    assert "now 5 in 1" in changes([file], known, roots)[0]


def test_a_fingerprint_of_a_folder_knows_names_and_contents(roots):
    folder = roots.folders["LAB"] / "fly1"
    before = fingerprint(folder, "LAB:fly1")
    assert before.n_files == 3
    (folder / "f1.tif").rename(folder / "f2.tif")
    after = fingerprint(folder, "LAB:fly1")
    assert after.bytes == before.bytes
    assert after.sha256 != before.sha256


def test_new_and_lost_files_are_named(roots):
    files = find_files("LAB:fly1/*.tif", roots)
    known = take(files, roots)
    (roots.folders["LAB"] / "fly1" / "f1.tif").rename(
        roots.folders["LAB"] / "fly1" / "f11.tif"
    )
    found = changes(find_files("LAB:fly1/*.tif", roots), known, roots)
    assert found == ["LAB:fly1/f11.tif is new", "LAB:fly1/f1.tif is gone"]


@pytest.mark.parametrize("name", ["fly1", "a b.c-d_e", "7", "x" * 64])
def test_plain_names_pass(name):
    assert check_name(name, "animal") == name


@pytest.mark.parametrize("name", ["", " a", "a.", "a/b", "a\0", ".a", "x" * 65, "nul"])
def test_other_names_are_refused_and_a_fitting_one_is_offered(name):
    with pytest.raises(DataError, match=r"animal: .* would do"):
        check_name(name, "animal")
    assert name_problem(fitting_name(name)) is None
