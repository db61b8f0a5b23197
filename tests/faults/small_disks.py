"""Disks that are too small, or closed for writing, as the system makes them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DISK_BYTES = 16 << 20


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a disk of 16 MB of its own, or skip where mounting is not allowed."""
    folder.mkdir()
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"):
        yield folder


def fill(disk: Path, left: int) -> Path:
    """Fill a disk but for some bytes; removing the file returned makes room again."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        for _ in range(max(0, shutil.disk_usage(disk).free - left) // 4096):
            file.write(bytes(4096))
    return filler


@contextlib.contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, which any user may ask of the system."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def closed_for_writing(folder: Path) -> Iterator[None]:
    """Take the permission to write away.

    Permissions do not bite the superuser, so the folder is mounted read-only for it.
    """
    if os.geteuid() == 0:
        with _mounted(folder, "--bind", str(folder)):
            options = ["mount", "-o", "remount,bind,ro", str(folder)]
            subprocess.run(options, check=True, capture_output=True)
            yield
        return
    places = [folder, *(p for p in folder.rglob("*") if p.is_dir())]
    modes = [place.stat().st_mode for place in places]
    for place in places:
        place.chmod(0o555)
    try:
        yield
    finally:
        for place, mode in zip(places, modes, strict=True):
            place.chmod(mode)


@contextlib.contextmanager
def _mounted(folder: Path, *words: str) -> Iterator[None]:
    if sys.platform != "linux":
        pytest.skip("mounting is that of Linux")
    command = ["mount", *words, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
