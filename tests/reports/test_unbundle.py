"""A stranger's bundle is unpacked whole, or refused in a sentence with nothing left."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.journeys.command import neuroembed

from napari_neuroembed.errors import Cancelled, DataError
from napari_neuroembed.reports.bundle import write_bundle
from napari_neuroembed.reports.unbundle import (
    MAX_LIST_BYTES,
    bundle_facts,
    open_bundle,
)
from napari_neuroembed.reports.verify import sealed

Members = dict[str, bytes]
Change = Callable[[Members], Any]


@pytest.fixture(scope="module")
def bundle(judged, tmp_path_factory) -> bytes:
    from napari_neuroembed.api import Project

    out = tmp_path_factory.mktemp("good") / "good.zip"
    return write_bundle(Project.open(judged), "first", out).read_bytes()


@pytest.fixture(scope="module")
def members(bundle) -> Members:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    keep = ("project.yaml", "manifest.json", "runs/first/run.json")
    return {name: found[name] for name in keep}


def packed(
    members: Members,
    *,
    facts: Mapping[str, Any] | None = None,
    packing: int = zipfile.ZIP_STORED,
    mode: int = stat.S_IFREG | 0o644,
    seal: bool = True,
) -> bytes:
    """Return a zip with a manifest that fits its members, honest but for `facts`."""
    about = json.loads(members["manifest.json"])
    names = [name for name in members if name != "manifest.json"]
    about["files"] = {
        name: {
            "bytes": len(members[name]),
            "sha256": hashlib.sha256(members[name]).hexdigest(),
        }
        for name in names
    }
    about |= facts or {}
    text = json.dumps(sealed(about) if seal else about).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        archive.writestr(zipfile.ZipInfo("manifest.json"), text)
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, packing
            archive.writestr(info, members[name])
    return buffer.getvalue()


def refused(content: bytes, tmp_path: Path) -> str:
    """Return the message of a refusal, after checking that nothing is left."""
    path, folder = tmp_path / "theirs.zip", tmp_path / "inside" / "theirs"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_bundle(path, folder)
    left = {p.name for p in tmp_path.rglob("*")} - {"inside"}
    assert left == {"theirs.zip"}
    return str(caught.value)


def test_a_small_honest_one_is_opened(members, tmp_path):
    path = tmp_path / "theirs.zip"
    path.write_bytes(packed(members))
    folder = open_bundle(path, tmp_path / "theirs")
    assert (folder / "runs/first/run.json").is_file()


CLIMBING = (
    "../canary",
    "../../canary",
    "/tmp/canary",
    "..\\canary",
    "C:/canary",
    "C:\\canary",
    "runs/first/../../../canary",
    "runs/first/../../canary",
    "./canary",
    "runs//canary",
    "derived/../canary/mean.npy",
    "previews/%2e%2e/x.png",
    "previews/..",
    "\\\\server\\share\\canary",
    "previews/a\0b.png",
    "previews/CON.png",
    "derived/nul/mean.npy",
    "derived/fly /mean.npy",
    "derived/fly./mean.npy",
    "derived/.fly/mean.npy",
    "previews/" + "a" * 300 + ".png",
    "previews/x.png\n",
)


@pytest.mark.parametrize("name", CLIMBING)
def test_a_name_that_leads_elsewhere_is_refused(name, members, tmp_path):
    content = {**members, name: b"gotcha"}
    told = refused(packed(content), tmp_path)
    assert "leads out of the folder or is no plain name" in told or (
        "other files than" in told  # zipfile turned a backslash round
    )


@pytest.mark.parametrize(
    "name",
    [
        "roots.local.yaml",
        "runs/first/checkpoints/step_00000001/resume.pt",
        "runs/second/run.json",
        "runs/first/note.txt",
        "runs/first/embeddings/eval/code.py",
        "jobs/1/job.json",
        "derived/fly1_001/neural.tif",
        "annotations.sqlite-wal",
        "dashboard.sqlite",
    ],
)
def test_a_file_that_no_bundle_holds_is_refused(name, members, tmp_path):
    assert "is no file of a bundle" in refused(
        packed({**members, name: b"x"}), tmp_path
    )


def test_names_that_are_one_file_on_other_systems_are_refused(members, tmp_path):
    both = {"previews/a_mean.png": b"1", "previews/A_mean.png": b"2"}
    told = refused(packed({**members, **both}), tmp_path)
    assert "differ by capital letters only" in told


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK]
)
def test_links_and_devices_are_refused(kind, members, tmp_path):
    told = refused(packed(members, mode=kind | 0o777), tmp_path)
    assert "is a link or no plain file" in told


def test_bombs_are_refused_before_they_are_opened(members, tmp_path):
    bomb = {**members, "annotations.sqlite": b"\0" * (64 << 20)}
    content = packed(bomb, packing=zipfile.ZIP_DEFLATED)
    assert len(content) < 1 << 20
    assert "is compressed" in refused(content, tmp_path)
    assert "is compressed" in refused(
        packed(members, packing=zipfile.ZIP_LZMA), tmp_path
    )


def test_members_that_share_their_bytes_are_refused(members, tmp_path):
    """Point many entries of the list at one large member."""
    image = b"\1" * 4096
    names = [f"previews/p{i:03d}_mean.png" for i in range(40)]
    content = packed({**members, **dict.fromkeys(names, image)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        first = archive.getinfo(names[0]).header_offset
        start = archive.start_dir
    listed = bytearray(content[start:])
    for name in names[1:]:
        at = listed.index(name.encode()) - 4
        listed[at : at + 4] = struct.pack("<I", first)
    kept = content[: first + 30 + len(names[0]) + len(image)]
    end = listed.rindex(b"PK\5\6") + 16
    listed[end : end + 4] = struct.pack("<I", len(kept))
    told = refused(kept + bytes(listed), tmp_path)
    assert "declares more bytes than it has" in told


def changed(at: int, value: bytes, mark: bytes = b"PK\1\2") -> Callable[[bytes], bytes]:
    """Overwrite bytes of the last entry of the list of contents."""

    def change(content: bytes) -> bytes:
        place = content.rindex(mark) + at
        return content[:place] + value + content[place + len(value) :]

    return change


TAMPERED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a password": (changed(8, b"\1\0"), "has a password"),
    "another size": (changed(24, struct.pack("<I", 0xFFFFFFF0)), "is compressed"),
    "both sizes": (changed(20, struct.pack("<II", 9 << 20, 9 << 20)), "bytes, its"),
    "no end": (lambda c: c[:-1], "damaged, cut"),
    "a comment": (
        lambda c: c[:-2] + b"\3\0abc",
        "its end is not that of a bundle",
    ),
    "bytes behind": (lambda c: c + b"x", "damaged, cut"),
    "an endless list": (
        changed(12, struct.pack("<I", MAX_LIST_BYTES + 1), b"PK\5\6"),
        "its list of contents is longer",
    ),
    "an endless list in 64 bits": (
        lambda c: (
            c[:-22]
            + struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 9, 9, 1 << 40, 0)
            + struct.pack("<4sLQL", b"PK\6\7", 0, len(c) - 22, 1)
            + c[-22:]
        ),
        "its list of contents is longer",
    ),
    "64 bits that are not there": (
        changed(12, struct.pack("<I", 0xFFFFFFFF), b"PK\5\6"),
        "its list of contents is longer",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_zip_that_lies_is_refused(name, members, tmp_path):
    change, match = TAMPERED[name]
    assert match in refused(change(packed(members)), tmp_path)


FALSE: dict[str, tuple[Callable[[Members], bytes], str]] = {
    "newer": (
        lambda m: packed(m, facts={"schema_version": 2}),
        "by a newer neuroembed",
    ),
    "another kind": (lambda m: packed(m, facts={"kind": "x"}), "is no bundle"),
    "no seal": (lambda m: packed(m, seal=False), "was changed"),
    "run is a number": (lambda m: packed(m, facts={"run": 3}), "was changed"),
    "files is a list": (lambda m: packed(m, facts={"files": []}), "not as written"),
    "a size of truth": (
        lambda m: packed(
            m, facts={"files": {"project.yaml": {"bytes": True, "sha256": ""}}}
        ),
        "not as written",
    ),
    "a file too many": (
        lambda m: packed(m, facts={"files": {}}),
        "holds other files than",
    ),
    "another hash": (
        lambda m: packed(
            {**m, "previews/a_mean.png": b"1"},
            facts={
                "files": {
                    **{
                        n: {
                            "bytes": len(c),
                            "sha256": hashlib.sha256(c).hexdigest(),
                        }
                        for n, c in m.items()
                        if n != "manifest.json"
                    },
                    "previews/a_mean.png": {"bytes": 1, "sha256": "0" * 64},
                }
            },
        ),
        "is not what its manifest.json says",
    ),
    "no project": (
        lambda m: packed({n: c for n, c in m.items() if n != "project.yaml"}),
        "holds no project with run 'first'",
    ),
    "a project of nonsense": (
        lambda m: packed({**m, "project.yaml": b"schema_version: [1"}),
        "holds no project with run 'first'",
    ),
    "no run": (
        lambda m: packed({n: c for n, c in m.items() if n != "runs/first/run.json"}),
        "holds no project with run 'first'",
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_manifest_that_lies_is_refused(name, members, tmp_path):
    make, match = FALSE[name]
    assert match in refused(make(members), tmp_path)


def plain_zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, h=np.zeros(3))
    return buffer.getvalue()


OTHERS = {
    "an empty file": b"",
    "text": b"dear diary, " * 100,
    "an empty zip": plain_zip({}),
    "arrays": npz(),
    "a zip with a manifest of nonsense": plain_zip({"manifest.json": b"[" * 100_000}),
    "a zip with a manifest of numbers": plain_zip({"manifest.json": b"9" * 9000}),
    "a zip with a manifest of no text": plain_zip({"manifest.json": b"\xff\xfe"}),
    "a folder of neuroembed, zipped": plain_zip({"manifest.json": b'{"files": {}}'}),
    "its manifest later": plain_zip({"a": b"", "manifest.json": b"{}"}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_file_is_refused(name, tmp_path):
    assert "bundle" in refused(OTHERS[name], tmp_path)


def test_a_file_twice_is_refused(members, tmp_path):
    text = json.dumps(sealed(json.loads(members["manifest.json"]) | {"files": {}}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("manifest.json", "project.yaml", "project.yamL"):
            content = text if name == "manifest.json" else members["project.yaml"]
            archive.writestr(zipfile.ZipInfo(name), content)
    twice = buffer.getvalue().replace(b"project.yamL", b"project.yaml")
    assert "holds other files than" in refused(twice, tmp_path)


def test_a_list_of_many_thousands_is_refused_at_once(members, tmp_path):
    many = {f"previews/p{i:06d}_mean.png": b"" for i in range(25_000)}
    told = refused(packed({**members, **many}), tmp_path)
    assert "names 25,002 files" in told


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(share=st.floats(0, 1, exclude_max=True), data=st.data())
def test_a_damaged_one_is_refused_or_gives_what_was_sent(
    share, data, members, tmp_path_factory
):
    content = packed(members)
    place = int(share * len(content))
    if data.draw(st.booleans()):
        hurt = content[:place]
    else:
        bit = 1 << data.draw(st.integers(0, 7))
        hurt = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
    folder = tmp_path_factory.mktemp("hurt")
    (folder / "theirs.zip").write_bytes(hurt)
    try:
        opened = open_bundle(folder / "theirs.zip", folder / "theirs")
    except DataError:
        assert [p.name for p in folder.iterdir()] == ["theirs.zip"]
    else:
        for name in members:
            if name != "manifest.json":
                assert (opened / name).read_bytes() == members[name]


def test_a_folder_with_something_in_it_is_not_touched(members, tmp_path):
    path = tmp_path / "theirs.zip"
    path.write_bytes(packed(members))
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "diary.txt").write_text("dear")
    for place in (taken, path):
        told = neuroembed("unbundle", path, place)
        assert told.code == 2
        assert "is not empty" in told.err
    assert (taken / "diary.txt").read_text() == "dear"
    (tmp_path / "empty").mkdir()
    assert neuroembed("unbundle", path, tmp_path / "empty").code == 0
    told = neuroembed("unbundle", tmp_path / "none.zip", tmp_path / "x")
    assert told.code == 2
    assert "There is no file" in told.err


def test_stopping_leaves_nothing(members, tmp_path):
    path = tmp_path / "theirs.zip"
    path.write_bytes(packed(members))

    def cancelled(stage, done, total, message=""):
        if done == 1:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        open_bundle(path, tmp_path / "theirs", cancelled)
    assert [p.name for p in tmp_path.iterdir()] == ["theirs.zip"]
    assert bundle_facts(path)["run"] == "first"
