"""Make the n-th call of the system fail, for every n, as SQLite's own tests do."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from napari_neuroembed.errors import DiskError

CODES = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EINTR)
CALLS = ("fsync", "replace", "rename", "mkdir", "posix_fallocate", "truncate")
WRITING = set("wxa+")


class FailingFile:
    """An open file whose writes are counted and may fail."""

    def __init__(self, file: Any, fail: Callable[..., None]) -> None:
        self._file, self._fail = file, fail

    def write(self, *args: Any) -> Any:
        self._fail(self._file.name)
        return self._file.write(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> FailingFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


class NthCall:
    """Makes the n-th writing call of the program fail: open, write, fsync, rename ...

    Parameters
    ----------
    patch
        Undone by whoever made it.
    n
        Which call, from 1.
    code
        The error, e.g. ``errno.ENOSPC``.
    below
        Only calls about files in this folder count.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, n: int, code: int, below: Path
    ) -> None:
        self.left, self.code, self.below = n, code, str(below)
        self.failed = ""
        self.name = ""
        for name in CALLS:
            if hasattr(os, name):
                patch.setattr(os, name, self._failing(name, getattr(os, name)))
        patch.setattr(Path, "open", self._opening(Path.open))

    @property
    def has_failed(self) -> bool:
        return self.left <= 0

    def _failing(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            place = _place_of(args[0])
            if place.startswith(self.below):
                self.name = name
                self._fail(args[0])
            return call(*args, **kwargs)

        return wrapper

    def _opening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            is_ours = WRITING & set(mode) and str(path).startswith(self.below)
            if not is_ours:
                return call(path, mode, *args, **kwargs)
            self.name = "open"
            self._fail(path)
            return FailingFile(call(path, mode, *args, **kwargs), self._fail_write)

        return wrapper

    def _fail_write(self, name: str) -> None:
        del name
        self.name = "write"
        self._fail(None)  # the system names no file when a write fails

    def _fail(self, what: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = self.name
            text = os.strerror(self.code)
            if isinstance(what, str | os.PathLike):
                raise OSError(self.code, text, os.fspath(what))
            raise OSError(self.code, text)


def failures(
    below: Path, code: int, *, first: int = 1, step: int = 1
) -> Iterator[NthCall]:
    """Yield one failing call after the other until none was left to fail."""
    for n in range(first, 10_000, step):
        with pytest.MonkeyPatch.context() as patch:
            call = NthCall(patch, n, code, below)
            yield call
        if not call.has_failed:
            return


def _place_of(what: Any) -> str:
    """Return the path a call is about, also of a handle."""
    if not isinstance(what, int):
        return os.fspath(what) if not isinstance(what, bytes) else os.fsdecode(what)
    try:
        if sys.platform == "linux":
            return str(Path(f"/proc/self/fd/{what}").readlink())
    except OSError:
        return ""
    return ""


def refusal(work: Callable[[], object]) -> DiskError | None:
    """Do something and return the plain error it ended with, if any."""
    try:
        work()
    except DiskError as error:
        return error
    return None


def hidden(folder: Path) -> list[Path]:
    """Return what an unfinished or interrupted write left."""
    return sorted(
        p for p in folder.rglob(".*") if p.name.endswith((".partial", ".old"))
    )
