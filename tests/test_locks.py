"""Two processes never prepare one recording at the same time."""

import json
import os
import subprocess
import sys
import time

import pytest

from napari_neuroembed import processes
from napari_neuroembed.errors import DataError
from napari_neuroembed.locks import working_alone

WHAT = "Recording 'fly1_001' is being processed"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "derived" / "fly1_001"


def lock_of(folder):
    return folder.with_name(f".{folder.name}.lock")


def write_lock(folder, **changes):
    facts = {
        "pid": os.getpid(),
        "process_start_s": processes.start_mark(),
        "host": processes.host(),
        "since_utc": "2026-03-01T12:00:00.000Z",
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock_of(folder).write_text(json.dumps({**facts, **changes}))


def test_a_lock_is_there_while_it_is_held_and_gone_afterwards(folder):
    with working_alone(folder, WHAT):
        assert json.loads(lock_of(folder).read_text())["pid"] == os.getpid()
    assert list(folder.parent.iterdir()) == []


def test_a_lock_is_released_when_the_work_fails(folder):
    with pytest.raises(ZeroDivisionError), working_alone(folder, WHAT):
        raise ZeroDivisionError
    assert not lock_of(folder).exists()


def test_a_second_process_is_told_who_works_where_since_when(folder):
    write_lock(folder)
    text = (
        f"'fly1_001' is being processed by process {os.getpid()} on "
        f"{processes.host()} since 2026-03-01T12:00:00"
    )
    with pytest.raises(DataError, match=text), working_alone(folder, WHAT):
        pass
    assert lock_of(folder).exists()


def test_a_lock_on_another_computer_is_left_and_named(folder):
    write_lock(folder, host="elsewhere", pid=1)
    with (
        pytest.raises(DataError, match=r"has ended, delete .*\.fly1_001\.lock"),
        working_alone(folder, WHAT),
    ):
        pass


def test_the_lock_of_a_process_that_ended_is_taken_over(folder):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_lock(folder, pid=ended.pid)
    with working_alone(folder, WHAT):
        assert json.loads(lock_of(folder).read_text())["pid"] == os.getpid()
    assert list(folder.parent.iterdir()) == []


def test_a_later_process_of_the_same_number_does_not_hold_the_lock(folder):
    write_lock(folder, process_start_s=processes.start_mark() - 100)
    with working_alone(folder, WHAT):
        pass


def test_a_lock_without_content_is_taken_over_after_a_while(folder):
    folder.parent.mkdir(parents=True)
    lock_of(folder).touch()
    with (
        pytest.raises(DataError, match="by another process"),
        working_alone(folder, WHAT),
    ):
        pass
    long_ago = time.time() - 60
    os.utime(lock_of(folder), (long_ago, long_ago))
    with working_alone(folder, WHAT):
        pass
