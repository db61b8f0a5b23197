"""One writer at a time on a network drive: who holds the pen, and since when.

SQLite's write-ahead log needs memory that all programs share, which does not work
across machines. On a network drive one program therefore writes under a lease, a small
file beside the database with its owner and a heartbeat; all others open read-only.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from napari_neuroembed import processes
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import read_json, utc_now, write_json

HEARTBEAT_S = 10.0
"""Seconds between two signs of life."""

STALE_S = 60.0
"""A lease of another machine without a sign of life for so long may be taken over."""

NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs"),
        *("fuse.rclone", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"),
        *("nfs4", "osxfs", "smb", "smb2", "smb3", "smbfs", "webdav"),
    )
)
"""File system types on which several machines may have the file open."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The program that holds a lease.

    Parameters
    ----------
    host, pid, process_start
        The process; its start time tells it from a later one with the same number.
    app
        Such as napari or dashboard.
    since_utc, heartbeat_utc
        When it took the lease and its last sign of life.
    token
        Tells this lease from any other.
    """

    host: str
    pid: int
    process_start: float
    app: str
    since_utc: str
    heartbeat_utc: str
    token: str

    def __str__(self) -> str:
        return (
            f"{self.app} on {self.host} (process {self.pid}, since {self.since_utc}, "
            f"last seen {self.heartbeat_utc})"
        )

    def is_gone(self) -> bool:
        """Whether the process is known to have ended (this machine only)."""
        if self.host != processes.host():
            return False
        return not processes.is_running(self.pid, self.process_start)

    def is_stale(self) -> bool:
        """Whether the last sign of life is older than a minute."""
        seen = datetime.fromisoformat(self.heartbeat_utc)
        return (datetime.now(UTC) - seen).total_seconds() > STALE_S


class Lease:
    """The right to write, kept alive by a thread until it is released.

    Parameters
    ----------
    path
        The lease file.
    app
        Name of this program.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> lease = Lease(Path(folder.name) / "annotations.lease", "python")
    >>> lease.acquire() is None
    True
    >>> lease.release()
    >>> folder.cleanup()
    """

    def __init__(self, path: Path, app: str) -> None:
        self.path = Path(path)
        self._app = app
        self._mine: Holder | None = None
        self._stop = threading.Event()
        self._beat: threading.Thread | None = None

    def acquire(self, *, take_over: bool = False) -> Holder | None:
        """Take the lease, or return who holds it.

        Parameters
        ----------
        take_over
            Take it from a holder without a sign of life for a minute. A holder on
            this machine whose process has ended never needs asking.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        mine = self._new()
        if not self._create(mine):
            holder = self.holder()
            free = holder is None or holder.is_gone()
            if not free and holder and not (take_over and holder.is_stale()):
                return holder
            write_json(self.path, asdict(mine))
        self._mine = mine
        self._beat = threading.Thread(target=self._keep_alive, daemon=True)
        self._beat.start()
        return None

    def holder(self) -> Holder | None:
        """Return who holds the lease now."""
        if not self.path.exists():
            return None
        try:
            return Holder(**read_json(self.path))
        except (DataError, TypeError):
            if not self.path.exists():
                return None
            seen = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
            return _unknown(seen.isoformat(timespec="milliseconds"))

    def check(self) -> None:
        """Make sure that the lease is still ours.

        Raises
        ------
        DataError
            When another program has taken it over; names that program.
        """
        holder = self.holder()
        if self._mine is None or holder is None or holder.token != self._mine.token:
            self._stop.set()
            raise DataError(
                f"The annotations are now written by {holder or 'nobody'}; this "
                "program lost its lease and writes no more. Open them again."
            )

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        self._stop.set()
        if self._beat is not None:
            self._beat.join()
        holder = self.holder()
        if self._mine and holder and holder.token == self._mine.token:
            self.path.unlink(missing_ok=True)
        self._mine = None

    def _new(self) -> Holder:
        now = utc_now()
        return Holder(
            host=processes.host(),
            pid=os.getpid(),
            process_start=processes.start_mark(),
            app=self._app,
            since_utc=now,
            heartbeat_utc=now,
            token=secrets.token_hex(8),
        )

    def _create(self, mine: Holder) -> bool:
        """Make the file if there is none: of two programs only one succeeds."""
        try:
            with self.path.open("x", encoding="utf-8") as file:
                file.write(json.dumps(asdict(mine)))
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            return False
        return True

    def _keep_alive(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            holder = self.holder()
            if self._mine is None or holder is None or holder.token != self._mine.token:
                return
            with contextlib.suppress(DataError):  # the next beat may reach the drive
                write_json(
                    self.path, {**asdict(self._mine), "heartbeat_utc": utc_now()}
                )


def is_network_drive(path: Path) -> bool:
    """Guess from the type of its file system whether a file lies on another machine.

    Parameters
    ----------
    path
        File or folder; it need not exist.
    """
    path = Path(path).absolute()
    if os.name == "nt" and str(path).startswith("\\\\"):
        return True
    best, kind, options = -1, "", ""
    for disk in psutil.disk_partitions(all=True):
        mount = Path(disk.mountpoint)
        if path.is_relative_to(mount) and len(mount.parts) > best:
            best, kind, options = len(mount.parts), disk.fstype, disk.opts
    return kind.lower() in NETWORK_FILE_SYSTEMS or "remote" in options.split(",")


def _unknown(seen_utc: str) -> Holder:
    """Return the holder of a lease that is being written or cannot be read."""
    return Holder(
        host="unknown",
        pid=0,
        process_start=0.0,
        app="an unknown program",
        since_utc=seen_utc,
        heartbeat_utc=seen_utc,
        token="",
    )
