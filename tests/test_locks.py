"""Two processes never prepare one recording at the same time."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from napari_neuroembed import processes
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import recover_inside
from napari_neuroembed.locks import working_alone

ROOT = Path(__file__).resolve().parents[1]
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts from its start")
@pytest.mark.parametrize("by_s", [-86_400.0, 3_600.0])
def test_a_clock_that_is_set_makes_no_process_another(folder, monkeypatch, by_s):
    mark, boot_time = processes.start_mark(), psutil._pslinux.boot_time
    moved = [0.0]
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: boot_time() + moved[0])
    before = psutil.Process().create_time()
    moved[0] = by_s
    assert psutil.Process().create_time() == pytest.approx(before + by_s, abs=1.5)
    assert processes.start_mark() == pytest.approx(mark, abs=1.5)
    assert processes.is_running(os.getpid(), mark)
    write_lock(folder, process_start_s=mark)
    with pytest.raises(DataError, match=WHAT), working_alone(folder, WHAT):
        pass


@pytest.mark.skipif(os.name == "nt", reason="kills of POSIX")
def test_a_killed_process_leaves_no_lock_without_content(folder):
    """One in 200 killed pre-processings did, and the next one had to wait 10 s."""
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT / "src")!r})
from pathlib import Path
from napari_neuroembed.locks import working_alone
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
class Dying:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def __getattr__(self, name): return getattr(self.file, name)
    def write(self, content): killed()
opened = Path.open
Path.open = lambda path, mode="r", *rest, **more: (
    Dying(opened(path, mode, *rest, **more)) if mode in ("wb", "xb")
    else opened(path, mode, *rest, **more)
)
with working_alone(Path({str(folder)!r}), "x"):
    pass
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    assert not lock_of(folder).exists()
    with working_alone(folder, WHAT):
        recover_inside(folder.parent)
    assert list(folder.parent.iterdir()) == []


def test_a_disk_without_second_names_has_locks_as_well(folder, monkeypatch):
    def cannot(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", cannot)
    with working_alone(folder, WHAT):
        with (
            pytest.raises(DataError, match=f"process {os.getpid()}"),
            working_alone(folder, WHAT),
        ):
            pass
        assert [path.name for path in folder.parent.iterdir()] == [".fly1_001.lock"]


def test_a_lock_without_content_from_before_the_clock_was_set_back_is_taken_over(
    folder,
):
    folder.parent.mkdir(parents=True)
    lock_of(folder).touch()
    later = time.time() + 3600
    os.utime(lock_of(folder), (later, later))
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
