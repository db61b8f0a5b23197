"""``Experiment.xml``: what ThorImage says of a recording."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from napari_neuroembed.data.readers.thor.xml_files import is_xml_of, read_root
from napari_neuroembed.errors import DataError, raise_all

NAME = "Experiment.xml"
ROOT = "ThorImageExperiment"
_LINE_MODES = {2: "kymograph", 3: "line"}
_MOST = 1 << 31


@dataclass(frozen=True)
class Experiment:
    """One ThorImage recording as its XML describes it.

    Parameters
    ----------
    path
        The XML file.
    n_timepoints
        ``Timelapse@timepoints``.
    width, height
        ``LSM@pixelX, pixelY``.
    steps, flyback
        ``ZStage@steps`` and ``Streaming@flybackFrames``: scans of a volume, and those
        while the objective returns.
    is_streaming, is_fast_z
        ``Streaming@enable, zFastEnable``.
    averaging
        Scans averaged into one image; 1 when ``LSM@averageMode`` is not 1.
    scan_rate_hz
        ``LSM@frameRate``.
    channels
        Names of the ``Wavelength`` elements, e.g. ``("ChanA", "ChanB")``.
    n_detectors
        Detectors of the microscope, saved or not.
    only_enabled
        Whether the file holds the enabled channels only
        (``RawData@onlyEnabledChannels``).
    line_mode
        ``kymograph``, ``line`` or "" for images.
    pixel_um
        ``LSM@pixelSizeUM``, 0 when unknown.
    date, software
        As written.
    """

    path: Path
    n_timepoints: int
    width: int
    height: int
    steps: int
    flyback: int
    is_streaming: bool
    is_fast_z: bool
    averaging: int
    scan_rate_hz: float
    channels: tuple[str, ...]
    n_detectors: int
    only_enabled: bool
    line_mode: str
    pixel_um: float
    date: str
    software: str

    @property
    def scans_per_volume(self) -> int:
        """Places that the scan passes per time point, the way back included."""
        return self.steps + (self.flyback if self.is_fast_z else 0)

    @property
    def rate_hz(self) -> float | None:
        """Time points per second; None where the XML cannot tell.

        Without streaming the stage moves and waits between scans, for as long as
        nobody wrote down.
        """
        if not self.is_streaming or self.scan_rate_hz <= 0:
            return None
        return self.scan_rate_hz / self.scans_per_volume / self.averaging

    @property
    def counts_per_frame(self) -> int:
        """Steps of ThorSync's frame counter per time point."""
        passed = self.steps
        if self.is_fast_z and self.is_streaming:
            passed += self.flyback
        return passed * (1 if self.line_mode else self.averaging)


def find_experiment(folder: Path) -> Path | None:
    """Return the folder's Experiment.xml, if it is one of ThorImage."""
    path = folder / NAME
    return path if path.is_file() and is_xml_of(path, ROOT) else None


def read_experiment(path: Path) -> Experiment:
    """Read an Experiment.xml.

    Raises
    ------
    DataError
        When it cannot be read, or listing everything that is missing or no number
        (`thor.xml`).
    """
    root = read_root(path, ROOT, "thor.xml")
    look = _Look(root)
    found = Experiment(
        path=path,
        n_timepoints=look.whole("Timelapse", "timepoints", 1),
        width=look.whole("LSM", "pixelX", 1),
        height=look.whole("LSM", "pixelY", 1),
        steps=look.whole("ZStage", "steps", 1),
        flyback=look.whole("Streaming", "flybackFrames", 0),
        is_streaming=look.whole("Streaming", "enable", 0) == 1,
        is_fast_z=look.whole("Streaming", "zFastEnable", 0) == 1,
        averaging=look.averaging(),
        scan_rate_hz=look.number("LSM", "frameRate"),
        channels=look.channels(),
        n_detectors=look.n_detectors(),
        only_enabled=look.whole("RawData", "onlyEnabledChannels", 0, default=0) == 1,
        line_mode=_LINE_MODES.get(look.whole("LSM", "areaMode", 0, default=0), ""),
        pixel_um=look.number("LSM", "pixelSizeUM", default=0.0),
        date=look.text("Date", "date"),
        software=f"ThorImage {look.text('Software', 'version')}".strip(),
    )
    raise_all(look.problems, DataError, f"{path} [thor.xml]")
    return found


class _Look:
    """Reads attributes and collects what is wrong with them."""

    def __init__(self, root: ET.Element) -> None:
        self.root = root
        self.problems: list[str] = []

    def text(self, tag: str, attribute: str) -> str:
        element = self.root.find(tag)
        return "" if element is None else (element.get(attribute) or "")[:200]

    def whole(
        self, tag: str, attribute: str, least: int, *, default: int | None = None
    ) -> int:
        text = self.text(tag, attribute)
        if not text and default is not None:
            return default
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value < _MOST:
            self.problems.append(
                f"{tag}@{attribute}: expected a whole number of {least} or more, found "
                f"{text!r}"
            )
            return max(least, 1)
        return value

    def number(
        self, tag: str, attribute: str, *, default: float | None = None
    ) -> float:
        text = self.text(tag, attribute)
        if not text and default is not None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            self.problems.append(
                f"{tag}@{attribute}: expected a number of 0 or more, found {text!r}"
            )
            return 0.0
        return value

    def averaging(self) -> int:
        if self.whole("LSM", "averageMode", 0, default=0) != 1:
            return 1
        return self.whole("LSM", "averageNum", 1)

    def channels(self) -> tuple[str, ...]:
        found = self.root.findall("Wavelengths/Wavelength")
        names = tuple(
            (e.get("name") or f"channel {i}")[:80] for i, e in enumerate(found)
        )
        if not names:
            self.problems.append(
                "Wavelengths: expected a Wavelength element per channel, found none"
            )
        elif len(set(names)) < len(names):
            self.problems.append(f"Wavelengths: two channels have one name: {names}")
        return names

    def n_detectors(self) -> int:
        element = self.root.find("PMT")
        named = () if element is None else element.keys()
        return sum(1 for key in named if key.startswith("enable"))
