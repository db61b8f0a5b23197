import json
import os
import time
from collections import namedtuple

import psutil
import pytest

from napari_neuroembed.data.annotations import lease as annotation_lease
from napari_neuroembed.data.annotations.lease import Lease, is_network_drive
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annotations.sqlite"


def lease_of(path):
    return path.parent / ".neuroembed" / "annotations.sqlite.lease"


def rewrite(path, **values):
    file = lease_of(path)
    file.parent.mkdir(exist_ok=True)
    holder = {
        "host": "lab-server",
        "pid": 4242,
        "process_start": 1.0,
        "app": "napari",
        "since_utc": "2026-01-01T00:00:00.000Z",
        "heartbeat_utc": "2026-01-01T00:00:00.000Z",
        "token": "other",
    }
    file.write_text(json.dumps({**holder, **values}))


def test_on_a_network_drive_the_second_program_reads_and_names_the_first(path):
    with AnnotationStore.open(path, app="napari", network=True) as first:
        first.add_rater("ana")
        assert first._session.database.pragma("journal_mode") == "delete"
        with AnnotationStore.open(path, app="cli", network=True) as second:
            assert second.read_only
            assert f"napari on {annotation_lease.processes.host()}" in second.notice
            assert f"process {os.getpid()}" in second.notice
            assert second.raters() == ("ana",)
            with pytest.raises(DataError, match="being written by napari"):
                second.add_rater("ben")
        first.add_rater("cleo")
    with AnnotationStore.open(path, network=True) as third:
        assert not third.read_only
        third.add_rater("dora")
    assert not lease_of(path).exists()


def test_a_reader_on_a_network_drive_needs_no_lease(path):
    AnnotationStore.open(path, network=True).close()
    with AnnotationStore.open(path, network=True, read_only=True) as store:
        assert store.notice == ""
        assert not lease_of(path).exists()


def test_the_lease_of_a_program_that_ended_here_is_taken_silently(path):
    AnnotationStore.open(path, network=True).close()
    host = annotation_lease.processes.host()
    rewrite(path, host=host, pid=os.getpid(), process_start=1.0)
    with AnnotationStore.open(path, network=True) as store:
        assert not store.read_only


def test_a_silent_program_on_another_machine_is_taken_over_only_when_asked(path):
    AnnotationStore.open(path, network=True).close()
    rewrite(path)
    with AnnotationStore.open(path, network=True) as store:
        assert store.read_only
        assert "take_over=True" in store.notice
        assert "lab-server" in store.notice
    with AnnotationStore.open(path, network=True, take_over=True) as store:
        assert not store.read_only


def test_a_living_program_on_another_machine_is_never_taken_over(path):
    AnnotationStore.open(path, network=True).close()
    rewrite(path, heartbeat_utc=annotation_lease.utc_now())
    with AnnotationStore.open(path, network=True, take_over=True) as store:
        assert store.read_only
        assert "take_over" not in store.notice


def test_a_program_that_lost_its_lease_writes_no_more(path):
    with AnnotationStore.open(path, network=True) as store:
        store.add_rater("ana")
        rewrite(path)
        with pytest.raises(DataError, match=r"lab-server.*lost its lease"):
            store.add_rater("ben")
        assert store.raters() == ("ana",)
    assert lease_of(path).exists()


def test_an_unreadable_lease_is_somebodys(path):
    AnnotationStore.open(path, network=True).close()
    lease_of(path).write_text("")
    with AnnotationStore.open(path, network=True, take_over=True) as store:
        assert store.read_only
        assert "an unknown program" in store.notice


def test_a_lease_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(annotation_lease, "HEARTBEAT_S", 0.01)
    lease = Lease(tmp_path / "lease", "python")
    assert lease.acquire() is None
    first = lease.holder().heartbeat_utc
    deadline = time.monotonic() + 10
    while lease.holder().heartbeat_utc == first and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lease.holder().heartbeat_utc > first
    lease.release()
    assert lease.holder() is None


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("nfs4", "rw", True),
        ("cifs", "rw", True),
        ("ext4", "rw", False),
        ("NTFS", "rw,remote", True),
    ],
)
def test_network_drives_are_told_by_their_file_system(
    tmp_path, monkeypatch, kind, options, expected
):
    disk = namedtuple("disk", "device mountpoint fstype opts")
    disks = [
        disk(device="", mountpoint="/", fstype="ext4", opts="rw"),
        disk(device="", mountpoint=str(tmp_path), fstype=kind, opts=options),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: disks)
    assert is_network_drive(tmp_path / "new" / "annotations.sqlite") is expected
    assert is_network_drive(tmp_path.parent) is False
