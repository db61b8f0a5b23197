"""ThorSync: the lines of ``Episode001.h5`` and their sampling rate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.clocks.steps import Steps, as_digital, find_steps
from napari_neuroembed.data.hdf5 import Hdf5File, is_hdf5, open_hdf5
from napari_neuroembed.data.readers.thor.xml_files import read_root
from napari_neuroembed.errors import DataError

SETTINGS = "ThorRealTimeDataSettings.xml"
COUNTER = ("Frame Counter",)
CAMERA = ("Cameras", "Basler")
FLOW = ("OpFlow",)
"""Usual names of the lines; capitals, spaces and underscores do not matter."""
_GROUPS = {"DI": "digital", "CI": "counters", "AI": "analogue"}
_CHUNK = 1 << 20
_EPISODE = re.compile(r"Episode.*\.h5", re.IGNORECASE)


@dataclass(frozen=True)
class SyncFile:
    """What a ThorSync file holds.

    Parameters
    ----------
    path
        The file.
    lines
        Names of the lines by group: ``DI``, ``CI``, ``AI``.
    n_samples
        Length of each line.
    """

    path: Path
    lines: dict[str, tuple[str, ...]]
    n_samples: int

    def listed(self) -> str:
        """Return all lines by group, for people."""
        parts = [
            f"{text}: {', '.join(self.lines.get(group, ())) or 'none'}"
            for group, text in _GROUPS.items()
        ]
        return f"Lines: {'; '.join(parts)}"

    def find(self, wanted: Sequence[str]) -> str | None:
        """Return ``GROUP/name`` of the line that has one of some names.

        Raises
        ------
        DataError
            When two lines have that name, or two of the names are there.
        """
        keys = {_key(name) for name in wanted}
        full = [f"{g}/{name}" for g, names in self.lines.items() for name in names]
        found = [one for one in full if one in wanted]
        if not found:
            found = [one for one in full if _key(one.partition("/")[2]) in keys]
        if len(found) > 1:
            raise DataError(
                f"{self.path} has {len(found)} lines that may be meant: "
                f"{', '.join(found)}. Say which, with its group: "
                f"--camera-line {found[0]}. [thor.line]"
            )
        return found[0] if found else None


def is_sync_file(path: Path) -> bool:
    """Whether a file is a ThorSync recording, by its name or its lines."""
    if _EPISODE.fullmatch(path.name):
        return path.is_file()  # one that is damaged is told of, not passed over
    if not is_hdf5(path):
        return False
    try:
        return any(read_sync_file(path).lines.get(group) for group in ("DI", "CI"))
    except DataError:
        return False


def sync_files(folder: Path) -> list[Path]:
    """Return the ThorSync files directly in a folder, by their names."""
    return sorted(p for p in folder.iterdir() if _EPISODE.fullmatch(p.name))


def read_sync_file(path: Path) -> SyncFile:
    """List the lines of a ThorSync file; no sample is read.

    Raises
    ------
    DataError
        When it is no HDF5 file, or has no lines of one length.
    """
    with open_hdf5(path) as file:
        lines = {
            group: tuple(file.below(group)) for group in _GROUPS if group in file.groups
        }
        lengths = {
            f"{group}/{name}": _length(file, f"{group}/{name}")
            for group, names in lines.items()
            for name in names
        }
    if not lengths:
        raise DataError(
            f"{path}: expected the lines of ThorSync in the groups DI, CI and AI, "
            "found none. [thor.line]"
        )
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {n:,}" for name, n in lengths.items())
        raise DataError(
            f"{path}: its lines have different lengths: {listed}. Export it again. "
            "[thor.line]"
        )
    return SyncFile(path, lines, next(iter(lengths.values())))


def choose_line(sync: SyncFile, wanted: Sequence[str], flag: str) -> str:
    """Return ``GROUP/name`` of a line.

    Raises
    ------
    DataError
        When it is not there, listing all lines (`thor.line`).
    """
    found = sync.find(wanted)
    if found is None:
        names = " or ".join(repr(name) for name in wanted)
        raise DataError(
            f"{sync.path}: no line named {names}. {sync.listed()}. Choose "
            f"with {flag} NAME. [thor.line]"
        )
    return found


def line_steps(path: Path, line: str) -> Steps:
    """Find the steps of a line, reading it in pieces.

    An analogue line counts as high above three quarters of its range and as low below
    one quarter.

    Raises
    ------
    DataError
        When it is not there or damaged.
    """
    with open_hdf5(path) as file:
        n = _length(file, line)
        if file.dtype(line).kind != "f":
            return find_steps(_chunks(file, line, n))
        ends = [(chunk.min(), chunk.max()) for chunk in _chunks(file, line, n)]
        low = float(min((a for a, _ in ends), default=0.0))
        high = float(max((b for _, b in ends), default=0.0))
        if not np.isfinite([low, high]).all():
            raise DataError(
                f"{path}: {line} has values that are no numbers. [thor.line]"
            )
        return find_steps(as_digital(_chunks(file, line, n), low, high))


def read_sample_rate(path: Path) -> tuple[float, str]:
    """Return the samples per second of the board in use, and its name.

    Raises
    ------
    DataError
        When not exactly one board is active with one rate enabled (`thor.board`).
    """
    root = read_root(path, "RealTimeDataSettings", "thor.board")
    boards = root.findall("DaqDevices/AcquireBoard")
    active = [board for board in boards if board.get("active") == "1"]
    told = ", ".join(
        f"{b.get('type')} ({'active' if b in active else 'not active'})" for b in boards
    )
    if len(active) != 1:
        raise DataError(
            f"{path}: expected one AcquireBoard with active=1, found {len(active)} of "
            f"{len(boards)}: {told or 'none'}. Give the samples per second with "
            "--sync-rate HZ. [thor.board]"
        )
    rates = [r for r in active[0].findall("SampleRate") if r.get("enable") == "1"]
    texts = [r.get("rate") or "" for r in rates]
    try:
        (hz,) = (float(text) for text in texts)
    except ValueError:
        hz = 0.0
    if not (np.isfinite(hz) and hz > 0):
        raise DataError(
            f"{path}: expected one SampleRate with enable=1 of the active board "
            f"{active[0].get('type')}, found {', '.join(texts) or 'none'}. Give the "
            "samples per second with --sync-rate HZ. [thor.board]"
        )
    return hz, str(active[0].get("type"))


def _key(name: str) -> str:
    return re.sub(r"[\s_]", "", name).casefold()


def _length(file: Hdf5File, line: str) -> int:
    """Return the number of samples of a line, stored as (n,) or (n, 1)."""
    shape = file.shape(line)
    if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
        raise DataError(
            f"{file.path}: {line} has shape {shape}, expected one column. [thor.line]"
        )
    return shape[0]


def _chunks(file: Hdf5File, line: str, n: int) -> Iterator[NDArray[np.generic]]:
    for start in range(0, n, _CHUNK):
        yield file.numbers(line, slice(start, start + _CHUNK))
