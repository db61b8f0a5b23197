"""Whole files, whole folders, whole lines: whatever fails, nothing is half there."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_neuroembed import disk, files, leftovers, processes
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import (
    RowWriter,
    append_row,
    check_folder,
    free_bytes,
    read_json,
    recover_folder,
    reserve,
    sha256_of,
    utc_now,
    write_bytes,
    write_file,
    write_folder,
    write_json,
    write_text,
)

FAULTS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EINTR)


def hidden(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.rglob("*") if ".partial" in p.name or ".old" in p.name
    )


def put(folder: Path, content: str = "new") -> None:
    with write_folder(folder) as build:
        (build / "a.txt").write_text(content)
        (build / "inner").mkdir()
        (build / "inner" / "b.txt").write_text(content * 2)


class NthCall:
    """Makes the n-th call of some functions of the operating system fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n: int, code: int) -> None:
        self.left = n
        self.code = code
        names = ("fsync", "replace", "rename", "mkdir", "posix_fallocate")
        for name in names:
            if hasattr(os, name):
                monkeypatch.setattr(os, name, self.failing(getattr(os, name)))
        for name in ("mkdir", "rename", "open"):
            failing = self.failing(getattr(Path, name))
            monkeypatch.setattr(Path, name, failing)

    def failing(self, call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left == 0:
                raise OSError(self.code, os.strerror(self.code))
            return call(*args, **kwargs)

        return wrapper


def fail_every_call(
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    work: Callable[[], object],
    check: Callable[[], None],
) -> int:
    """Fail the 1st, 2nd, ... call until none is left; return how many errors came."""
    messages: list[str] = []
    for n in range(1, 200):
        with monkeypatch.context() as patch:
            calls = NthCall(patch, n, code)
            try:
                work()
            except DataError as error:
                messages.append(str(error))
            else:
                if calls.left > 0:
                    assert all(os.strerror(code) in text for text in messages)
                    return len(messages)
        check()
    raise AssertionError("it never ran through")


@pytest.mark.faults
@pytest.mark.parametrize("code", FAULTS)
def test_whichever_call_fails_the_old_file_is_unharmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "project.yaml"
    write_text(path, "old")

    def check() -> None:
        assert path.read_text() in ("old", "new")
        assert hidden(tmp_path) == []

    n_errors = fail_every_call(
        monkeypatch, code, lambda: write_text(path, "new"), check
    )
    assert n_errors >= 5
    assert path.read_text() == "new"


@pytest.mark.faults
@pytest.mark.parametrize("code", FAULTS)
def test_whichever_call_fails_the_old_folder_is_unharmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    folder = tmp_path / "derived" / "fly1_001"
    put(folder, "old")

    def check() -> None:
        check_folder(folder, contents=True)
        found = (folder / "a.txt").read_text(), (folder / "inner/b.txt").read_text()
        assert found in (("old", "oldold"), ("new", "newnew"))
        assert hidden(tmp_path) == []

    assert fail_every_call(monkeypatch, code, lambda: put(folder), check) >= 8
    assert (folder / "a.txt").read_text() == "new"


@pytest.mark.faults
@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no folders")
def test_a_drive_that_syncs_no_folders_gets_its_files_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def sync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", sync)
    write_text(tmp_path / "a.txt", "new")
    put(tmp_path / "run")
    assert (tmp_path / "a.txt").read_text() == "new"
    check_folder(tmp_path / "run", contents=True)
    assert hidden(tmp_path) == []
    assert "could not be synced: Invalid argument" in caplog.text


@pytest.mark.faults
def test_the_message_of_a_full_disk_names_the_file_and_the_room(
    tmp_path: Path,
) -> None:
    def full(temporary: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        DataError, match=r"No space left on device .*bytes are free"
    ) as found:
        write_file(tmp_path / "neural.tif", full)
    assert str(tmp_path / "neural.tif") in str(found.value)
    assert "What was there before is unchanged" in str(found.value)


@pytest.mark.faults
def test_numpy_says_a_full_disk_in_its_own_way(tmp_path: Path) -> None:
    def short(temporary: Path) -> None:
        raise OSError("1048576 requested and 65408 written")

    with pytest.raises(DataError, match="1048576 requested and 65408 written"):
        write_file(tmp_path / "pose.npy", short)


def test_an_error_about_another_file_is_passed_on(tmp_path: Path) -> None:
    def copy(temporary: Path) -> None:
        temporary.write_bytes((tmp_path / "elsewhere" / "raw.tif").read_bytes())

    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "derived" / "neural.tif", copy)
    assert hidden(tmp_path) == []


def test_any_other_error_leaves_no_trace(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        with write_folder(folder) as build:
            (build / "a.txt").write_text("half")
            raise KeyboardInterrupt

    put(tmp_path / "run", "old")
    with pytest.raises(KeyboardInterrupt):
        half(tmp_path / "run")
    check_folder(tmp_path / "run", contents=True)
    assert (tmp_path / "run" / "a.txt").read_text() == "old"
    assert hidden(tmp_path) == []


def test_a_writer_that_writes_elsewhere_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Cannot write"):
        write_file(tmp_path / "pose.npy", lambda temporary: np.save(temporary, [1]))
    assert not (tmp_path / "pose.npy").exists()


def test_an_open_file_serves_libraries_that_choose_their_own_ending(
    tmp_path: Path,
) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, np.arange(3))

    write_file(tmp_path / "pose.npy", save)
    assert np.load(tmp_path / "pose.npy").tolist() == [0, 1, 2]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b" / "c.bin", b"\x00\xff")
    assert (tmp_path / "a/b/c.bin").read_bytes() == b"\x00\xff"


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions and links")
def test_permissions_and_links_survive(tmp_path: Path) -> None:
    real = tmp_path / "lab" / "project.yaml"
    write_text(real, "old")
    real.chmod(0o664)
    link = tmp_path / "project.yaml"
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o664


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_linked_folder_is_replaced_where_it_really_is(tmp_path: Path) -> None:
    real = tmp_path / "big_disk" / "fly1"
    put(real, "old")
    link = tmp_path / "fly1"
    link.symlink_to(real)
    put(link)
    assert link.is_symlink()
    assert (real / "a.txt").read_text() == "new"
    assert hidden(tmp_path) == []


def test_json_is_read_back_and_nan_is_refused_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    content = {"name": "Günel", "values": [1, 2.5, None, True]}
    write_json(path, content)
    assert read_json(path) == content
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"value": float("nan")})
    assert read_json(path) == content
    path.write_text('{"value": NaN}')
    with pytest.raises(DataError, match="NaN is no JSON"):
        read_json(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'{"a": ', "not readable as JSON"),
        (b"\xff\xfe", "not readable as JSON"),
        (b"[" * 100_000, "not readable as JSON"),
    ],
)
def test_what_is_no_json_is_named(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=text) as found:
        read_json(path)
    assert str(path) in str(found.value)


def test_a_missing_json_and_a_folder_in_its_place_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"run\.json is missing"):
        read_json(tmp_path / "run.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_json(tmp_path)


def test_a_checked_folder_is_whole(tmp_path: Path) -> None:
    put(tmp_path / "run")
    check_folder(tmp_path / "run", contents=True)
    manifest = read_json(tmp_path / "run" / "manifest.json")
    assert manifest["files"]["inner/b.txt"]["bytes"] == 6
    assert manifest["files"]["a.txt"]["sha256"] == sha256_of(tmp_path / "run/a.txt")


def test_a_check_finds_missing_short_and_changed_files(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    put(folder)
    (folder / "a.txt").write_text("nex")
    check_folder(folder)
    with pytest.raises(DataError, match=r"a\.txt: its content changed"):
        check_folder(folder, contents=True)
    (folder / "a.txt").write_text("ne")
    with pytest.raises(DataError, match=r"a\.txt: expected 3 bytes, found 2 bytes"):
        check_folder(folder)
    (folder / "a.txt").unlink()
    with pytest.raises(DataError, match=r"a\.txt: expected 3 bytes, found no file"):
        check_folder(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(DataError, match=r"manifest\.json is missing"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"files": {}}, "no manifest of ours"),
        ([], "no manifest of ours"),
        ({"schema_version": 99, "files": {}}, "Use the newer neuroembed"),
        ({"schema_version": 1}, "is damaged"),
        ({"schema_version": 1, "files": {"a": 3}}, "is damaged"),
        (
            {"schema_version": 1, "files": {"../x": {"bytes": 1, "sha256": ""}}},
            "is damaged",
        ),
        (
            {"schema_version": 1, "files": {"/etc/x": {"bytes": 1, "sha256": ""}}},
            "is damaged",
        ),
    ],
)
def test_a_foreign_manifest_is_refused(
    tmp_path: Path, content: object, text: str
) -> None:
    write_json(tmp_path / "manifest.json", content)
    with pytest.raises(DataError, match=text):
        check_folder(tmp_path)


def left_by(
    pid: int, path: Path, ending: str, *, age_s: float = 0.0, mark_s: float = 0.0
) -> Path:
    """Make what a killed process left beside `path`."""
    mark_s += processes.start_mark()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "start_mark", lambda: mark_s)
        patch.setattr(os, "getpid", lambda: pid)
        patch.setattr(time, "time_ns", lambda: int((time.time() - age_s) * 1e9))
        name = leftovers.beside(path, ending)
    name.mkdir(parents=True)
    (name / "a.txt").write_text("left")
    return name


GONE = 2**22 + 1
"""No process has this number: it is above the largest there can be."""


def test_a_folder_moved_aside_by_a_killed_process_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "fly[1]"
    left_by(GONE, path, ".old")
    left_by(GONE, path, ".partial")
    recover_folder(path)
    assert (path / "a.txt").read_text() == "left"
    assert hidden(tmp_path) == []


def test_an_old_folder_is_removed_when_the_new_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "fly1"
    put(path)
    left_by(GONE, path, ".old")
    recover_folder(path)
    assert (path / "a.txt").read_text() == "new"
    assert hidden(tmp_path) == []


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fly1"
    mine = [left_by(os.getpid(), path, ending) for ending in (".partial", ".old")]
    recover_folder(path)
    assert not path.exists()
    assert hidden(tmp_path) == sorted(mine)


def test_a_number_that_went_to_a_later_process_protects_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "fly1"
    left_by(os.getpid(), path, ".partial", mark_s=-100.0)
    recover_folder(path)
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(("hours", "n_left"), [(1, 1), (25, 0)])
def test_what_another_computer_writes_is_left_alone_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float, n_left: int
) -> None:
    path = tmp_path / "fly1"
    with monkeypatch.context() as patch:
        patch.setattr(processes, "host", lambda: "the other")
        left = left_by(GONE, path, ".partial", age_s=hours * 3600)
    then = time.time() - hours * 3600
    for entry in (left / "a.txt", left):
        os.utime(entry, (then, then))
    recover_folder(path)
    assert len(hidden(tmp_path)) == n_left


def test_names_that_only_look_like_leftovers_are_kept(tmp_path: Path) -> None:
    names = [
        ".fly1.mine.partial",
        ".fly1.a.b.c.old",
        ".fly12.x-1.2-3.partial",
        ".fly1.",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    recover_folder(tmp_path / "fly1")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)


def test_recovering_where_nothing_is_does_nothing(tmp_path: Path) -> None:
    recover_folder(tmp_path / "nowhere" / "fly1")
    assert list(tmp_path.iterdir()) == []


def test_a_torn_last_line_is_cut_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(b"step,loss\n1,0.5\n2,0.")
    with caplog.at_level(logging.WARNING):
        append_row(path, "3,0.3")
    assert path.read_text() == "step,loss\n1,0.5\n3,0.3\n"
    assert "a last line of 4 bytes without line end was cut off" in caplog.text


def test_a_file_of_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(b"step,lo")
    append_row(path, "step,loss")
    assert path.read_text() == "step,loss\n"


def test_rows_are_on_disk_at_once_and_have_no_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "history.csv"
    with RowWriter(path) as rows:
        rows.append("1,ä")
        assert path.read_text(encoding="utf-8") == "1,ä\n"
        with pytest.raises(ValueError, match="One row is one line"):
            rows.append("2\n3")
    assert path.read_text(encoding="utf-8") == "1,ä\n"


def test_rows_cannot_go_into_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Cannot write"):
        RowWriter(tmp_path)


def test_reserved_bytes_are_really_there(tmp_path: Path) -> None:
    path = tmp_path / "neural.tif"
    reserve(path, 3 << 20)
    assert path.stat().st_size == 3 << 20
    if os.name != "nt":
        assert path.stat().st_blocks * 512 >= 3 << 20
    reserve(path, 0)
    assert path.stat().st_size == 0


def test_systems_without_fallocate_get_written_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    reserve(tmp_path / "neural.tif", (1 << 20) + 5)
    assert (tmp_path / "neural.tif").read_bytes() == bytes((1 << 20) + 5)


def test_more_than_the_disk_has_is_refused_with_the_number(tmp_path: Path) -> None:
    path = tmp_path / "neural.tif"
    with pytest.raises(DataError, match="9,223,372,036,854,771,712 bytes are needed"):
        reserve(path, 2**63 - 4096)
    assert not path.exists()


def test_free_bytes_are_those_of_the_nearest_folder(tmp_path: Path) -> None:
    there = free_bytes(tmp_path)
    assert there > 0
    assert abs(free_bytes(tmp_path / "not" / "yet") - there) < there / 10


def test_times_are_utc_and_sort_as_text() -> None:
    first = utc_now()
    time.sleep(0.002)
    assert first < utc_now()
    assert first.endswith("Z")
    assert json.loads(json.dumps(first)) == first


def test_the_parts_of_files_are_one_module_to_its_users() -> None:
    assert files.reserve is disk.reserve
    assert files.recover_folder is leftovers.recover_folder
