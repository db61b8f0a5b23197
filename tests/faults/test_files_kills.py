"""Processes killed while they write, and disks that fill up, for real."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_neuroembed.files import check_folder, read_json, recover_folder

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.name == "nt", reason="kills and limits of POSIX"),
]

WRITE_FOLDERS = """
import sys
from pathlib import Path
from napari_neuroembed.files import write_folder, write_json
folder = Path(sys.argv[1])
for version in range(10**9):
    with write_folder(folder / "derived") as build:
        for name in "abcd":
            (build / name).write_bytes(b"%012d" % version * 20_000)
    write_json(folder / "run.json", {"version": version, "fill": "x" * 100_000})
    print(version, flush=True)
"""

APPEND_ROWS = """
import sys
from pathlib import Path
from napari_neuroembed.files import RowWriter
rows = RowWriter(Path(sys.argv[1]) / "history.csv")
for step in range(10**9):
    rows.append(f"{step}," + "x" * 200)
    print(step, flush=True)
"""

SMALL_DISK = """
import resource, sys
import numpy as np
from pathlib import Path
from napari_neuroembed import files
from napari_neuroembed.errors import DataError
folder = Path(sys.argv[1])
files.write_text(folder / "old.txt", "old")
with files.write_folder(folder / "run") as build:
    (build / "a").write_text("old")
rows = files.RowWriter(folder / "history.csv")
rows.append("whole")
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

def save(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(1 << 20))

def in_folder():
    with files.write_folder(folder / "run") as build:
        save(build / "a")

for work in (
    lambda: files.write_bytes(folder / "old.txt", bytes(2 << 20)),
    lambda: files.write_file(folder / "old.txt", save),
    in_folder,
    lambda: files.reserve(folder / "neural.tif", 2 << 20),
    lambda: rows.append("x" * (2 << 20)),
):
    try:
        work()
    except DataError as error:
        assert "Cannot write" in str(error), error
    else:
        raise SystemExit("it fitted")
rows.append("again")
rows.close()
"""


def start(code: str, folder: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE)


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Kill a process some time after its first line; return its last line."""
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    lines = process.stdout.read().splitlines()
    process.stdout.close()
    process.wait()
    return int(lines[-1]) if lines else 0


@pytest.mark.parametrize("n_kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_writer_leaves_one_version_whole(tmp_path: Path, n_kills: int) -> None:
    """P5: no mixed folder, no accepted partial."""
    moments = random.Random(0)
    for _ in range(n_kills):
        told = kill_after(start(WRITE_FOLDERS, tmp_path), moments.uniform(0, 0.1))
        recover_folder(tmp_path / "derived")
        recover_folder(tmp_path / "run.json")
        check_folder(tmp_path / "derived", contents=True)
        versions = {
            int((tmp_path / "derived" / name).read_bytes()[-12:]) for name in "abcd"
        }
        assert len(versions) == 1
        assert versions.pop() in (told, told + 1)
        content = read_json(tmp_path / "run.json")
        assert content["version"] - told in (0, 1)
        assert len(content["fill"]) == 100_000
        visible = {p.name for p in tmp_path.iterdir()}
        assert visible == {"derived", "run.json"}


@pytest.mark.parametrize("n_kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_a_killed_logger_loses_no_row_it_has_told_of(
    tmp_path: Path, n_kills: int
) -> None:
    """P7: history re-opens; here the system lives on, so not even a second is lost."""
    moments = random.Random(0)
    for kill in range(n_kills):
        folder = tmp_path / str(kill)
        folder.mkdir()
        told = kill_after(start(APPEND_ROWS, folder), moments.uniform(0, 0.1))
        text = (folder / "history.csv").read_text()
        rows = text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]
        steps = [int(row.partition(",")[0]) for row in rows]
        assert steps == list(range(len(steps)))
        assert len(steps) >= told + 1


def test_a_full_disk_is_an_error_and_no_loss(tmp_path: Path) -> None:
    """P8: old data intact, no partial visible."""
    process = start(SMALL_DISK, tmp_path)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert (tmp_path / "old.txt").read_text() == "old"
    check_folder(tmp_path / "run", contents=True)
    assert (tmp_path / "run" / "a").read_text() == "old"
    assert (tmp_path / "history.csv").read_text() == "whole\nagain\n"
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"old.txt", "run", "history.csv"}
