"""The XML of Prairie View: which frame of which cycle lies in which file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from napari_neuroembed.data.xml_text import scan_xml
from napari_neuroembed.errors import DataError

_HEAD_BYTES = 4096
_MAX_BYTES = 2 << 30
"""About 2 kB per plane and time point; nothing of it is kept but places and times."""


@dataclass(frozen=True)
class Place:
    """Where one image lies: a file of the folder, and its page from 1."""

    file: str
    page: int


@dataclass
class Frame:
    """One frame of all channels.

    Parameters
    ----------
    absolute_s, relative_s
        When it began: since the scan was started, and since its cycle began; NaN when
        the XML does not say.
    images
        Channel number -> where its image lies.
    """

    absolute_s: float
    relative_s: float
    images: dict[int, Place] = field(default_factory=dict)


@dataclass
class Cycle:
    """One ``Sequence``: a stretch of frames, or one volume.

    Parameters
    ----------
    number, kind
        As written, e.g. ``TSeries ZSeries Element``.
    is_reversing
        Every second volume was scanned upwards.
    frames
        In the order of the XML.
    """

    number: int
    kind: str
    is_reversing: bool
    frames: list[Frame] = field(default_factory=list)

    @property
    def is_volume(self) -> bool:
        """Whether its frames are the planes of one volume."""
        return "ZSeries" in self.kind


@dataclass(frozen=True)
class Voltage:
    """A voltage recording that belongs to a cycle."""

    cycle: int
    file: str
    absolute_s: float


@dataclass
class Scan:
    """What the XML says.

    Parameters
    ----------
    path
        The XML.
    version
        Of Prairie View.
    cycles
        Those that have frames.
    channels
        Channel number -> name.
    frame_period_s, pixel_um
        As set; 0 when unknown.
    voltages
        Recordings beside the frames.
    damage
        Why the XML ends early; empty when it is whole.
    """

    path: Path
    version: str = "unknown"
    cycles: list[Cycle] = field(default_factory=list)
    channels: dict[int, str] = field(default_factory=dict)
    frame_period_s: float = 0.0
    pixel_um: float = 0.0
    voltages: list[Voltage] = field(default_factory=list)
    damage: str = ""


def is_scan(path: Path) -> bool:
    """Return whether a file begins like the XML of a scan of Prairie View."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b"<PVScan" in head or b"<PVScan".decode().encode("utf-16-le") in head


def find_scan(folder: Path) -> Path | None:
    """Return the XML of a folder; the one named like it, or the only one.

    Raises
    ------
    DataError
        When there are several.
    """
    named = folder / f"{folder.name}.xml"
    if named.is_file() and is_scan(named):
        return named
    found = sorted(p for p in folder.glob("*.xml") if p.is_file() and is_scan(p))
    if len(found) > 1:
        raise DataError(
            f"{folder} holds the XML of {len(found)} scans: "
            f"{', '.join(p.name for p in found[:4])}. One recording is one folder of "
            "Prairie View; put each into a folder of its own with its TIFFs. "
            "[prairie.xml]"
        )
    return found[0] if found else None


def read_scan(path: Path) -> Scan:
    """Read the XML of a scan.

    Raises
    ------
    DataError
        When it is no such XML, declares a document type, or names a file outside its
        folder.
    """
    reading = _Reading(path)
    damage = scan_xml(path, reading.start, reading.end, max_bytes=_MAX_BYTES)
    scan = reading.scan
    if not reading.is_scan:
        raise DataError(
            f"{path} is no XML of a scan of Prairie View: its root must be PVScan"
            f"{f' ({damage})' if damage else ''}. [prairie.xml]"
        )
    if damage and reading.frame is not None and scan.cycles:
        scan.cycles[-1].frames.pop()  # it may lack a channel
    scan.damage = damage
    scan.cycles = [cycle for cycle in scan.cycles if cycle.frames]
    return scan


class _Reading:
    """What has been read so far, element by element."""

    def __init__(self, path: Path) -> None:
        self.scan = Scan(path)
        self.is_scan = False
        self.frame: Frame | None = None
        self._is_first = True
        self._key = ""
        self._handlers = {
            "PVScan": self._pvscan,
            "Sequence": self._sequence,
            "Frame": self._frame,
            "File": self._file,
            "PVStateValue": self._setting,
            "Key": self._setting,
            "IndexedValue": self._indexed,
            "VoltageRecording": self._voltage,
        }

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        handler = self._handlers.get(tag)
        if handler is not None:
            handler(attributes)

    def end(self, tag: str) -> None:
        if tag == "Frame":
            self.frame = None
            self._is_first = False
        elif tag == "PVStateValue":
            self._key = ""

    def _pvscan(self, attributes: Mapping[str, str]) -> None:
        self.is_scan = True
        self.scan.version = attributes.get("version", "unknown")

    def _sequence(self, attributes: Mapping[str, str]) -> None:
        number = self._whole(attributes, "cycle", len(self.scan.cycles) + 1)
        reversing = attributes.get("bidirectionalZ", "").lower() == "true"
        kind = attributes.get("type", "")
        self.scan.cycles.append(Cycle(number, kind, reversing))

    def _frame(self, attributes: Mapping[str, str]) -> None:
        absolute = _number(attributes.get("absoluteTime"))
        self.frame = Frame(absolute, _number(attributes.get("relativeTime")))
        if not self.scan.cycles:
            self.scan.cycles.append(Cycle(1, "", False))
        self.scan.cycles[-1].frames.append(self.frame)

    def _file(self, attributes: Mapping[str, str]) -> None:
        if self.frame is None:
            return
        name = attributes.get("filename", "")
        if not name or PureWindowsPath(name).name != name:
            raise DataError(
                f"{self.scan.path} names the file {name!r}; expected a name in its own "
                "folder. [prairie.layout]"
            )
        channel = self._whole(attributes, "channel", 1)
        page = self._whole(attributes, "page", 1)
        self.frame.images[channel] = Place(name, page)
        known = attributes.get("channelName") or f"Ch{channel}"
        self.scan.channels.setdefault(channel, known)

    def _setting(self, attributes: Mapping[str, str]) -> None:
        self._key = attributes.get("key", "")
        value = _number(attributes.get("value"))
        if self._key != "framePeriod" or not (math.isfinite(value) and value > 0):
            return
        if self._is_first:  # the first frame's own setting comes after the general one
            self.scan.frame_period_s = value

    def _indexed(self, attributes: Mapping[str, str]) -> None:
        value = _number(attributes.get("value"))
        is_wanted = self._key == "micronsPerPixel" and not self.scan.pixel_um
        if is_wanted and attributes.get("index") == "XAxis" and value > 0:
            self.scan.pixel_um = value

    def _voltage(self, attributes: Mapping[str, str]) -> None:
        cycle = self.scan.cycles[-1].number if self.scan.cycles else 1
        absolute = _number(attributes.get("absoluteTime"))
        self.scan.voltages.append(
            Voltage(cycle, attributes.get("dataFile", ""), absolute)
        )

    def _whole(self, attributes: Mapping[str, str], name: str, default: int) -> int:
        text = attributes.get(name, str(default))
        if not text.isdecimal() or len(text) > 9:
            raise DataError(
                f"{self.scan.path}: {name} is {text!r}, expected a whole number. "
                "[prairie.layout]"
            )
        return int(text)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
