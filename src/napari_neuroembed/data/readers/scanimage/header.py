"""What ScanImage's settings say of the order of the pages and of the frame rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from napari_neuroembed.data.readers.scanimage.settings import (
    SettingError,
    Settings,
    names,
    number,
    numbers,
)
from napari_neuroembed.options.readers import ScanImageOptions

_STACK, _FAST, _SCAN = "SI.hStackManager.", "SI.hFastZ.", "SI.hRoiManager."
_MAX = 1 << 20


@dataclass(frozen=True)
class Header:
    """How the pages of a file follow each other.

    Parameters
    ----------
    version
        Of ScanImage.
    channels
        Names of the saved channels, which take turns from page to page.
    n_slices
        Slices of a volume.
    per_slice
        Frames of a slice that follow each other within a volume.
    n_flyback
        Frames at the end of a volume that show the way back.
    averaged
        Scanned frames in one saved frame.
    frame_hz, volume_hz
        Saved frames, and volumes, per second.
    z_um
        Depth of every slice, where the file says so.
    pixel_um
        Micrometres per pixel, 0 when unknown.
    has_regions
        Several regions were scanned into one page.
    doubts
        What does not fit together.
    """

    version: str
    channels: tuple[str, ...]
    n_slices: int = 1
    per_slice: int = 1
    n_flyback: int = 0
    averaged: int = 1
    frame_hz: float | None = None
    volume_hz: float | None = None
    z_um: tuple[float, ...] = ()
    pixel_um: float = 0.0
    has_regions: bool = False
    doubts: tuple[str, ...] = field(default=())

    @property
    def per_volume(self) -> int:
        """Pages of one volume, the way back included."""
        frames = self.n_slices * self.per_slice + self.n_flyback
        return frames * len(self.channels)

    @property
    def is_volume(self) -> bool:
        """Whether there are several slices."""
        return self.n_slices > 1


def read_header(settings: Settings, options: ScanImageOptions) -> Header:
    """Understand the settings; what the user says of the order goes before them.

    Raises
    ------
    SettingError
        When a setting is missing or of another kind than ScanImage writes.
    """
    if not settings:
        raise SettingError("there are none")
    if any(name.startswith("SI.") for name in settings):
        return _modern(settings, options)
    return _old(settings, options)


def _modern(settings: Settings, options: ScanImageOptions) -> Header:
    """Read ``SI.`` settings, 2015 and later."""
    saved = numbers(settings, "SI.hChannels.channelSave")
    if options.n_channels is None and not saved:
        raise SettingError("SI.hChannels.channelSave is missing")
    averaged = _count(settings, "SI.hScan2D.logAverageFactor") or 1
    slices, per_slice, flyback, doubts = _volume(settings, averaged)
    if options.n_slices is not None:
        slices, doubts = options.n_slices, []
        per_slice = per_slice if slices > 1 else 1
    if options.n_flyback is not None:
        flyback = options.n_flyback
    frame_hz = number(settings, _SCAN + "scanFrameRate")
    parts = [number(settings, f"SI.VERSION_{part}") for part in ("MAJOR", "MINOR")]
    return Header(
        version=".".join(f"{p:g}" for p in parts if p is not None) or "unknown",
        channels=_channels(settings, saved or [], options),
        n_slices=slices,
        per_slice=per_slice,
        n_flyback=flyback if slices > 1 else 0,
        averaged=averaged,
        frame_hz=_rate(frame_hz, averaged),
        volume_hz=_rate(number(settings, _SCAN + "scanVolumeRate"), 1),
        z_um=_depths(settings, slices),
        pixel_um=_pixel_um(settings),
        has_regions=bool(number(settings, _SCAN + "mroiEnable")),
        doubts=tuple(doubts),
    )


def _old(settings: Settings, options: ScanImageOptions) -> Header:
    """Read ``SI5.``, ``SI4.`` and ``state.`` settings, before 2015."""
    prefix = next(iter(settings)).split(".")[0]
    if prefix == "state":
        n = _count(settings, "state.acq.numberOfChannelsSave")
        saved = [float(i + 1) for i in range(n or 0)]
        slices = _count(settings, "state.acq.numberOfZSlices") or 1
        rate = number(settings, "state.acq.frameRate")
        averaged, version, is_fast = 1, "3", False
    else:
        saved = numbers(settings, f"{prefix}.channelsSave") or []
        slices = _count(settings, f"{prefix}.stackNumSlices") or 1
        period = number(settings, f"{prefix}.scanFramePeriod")
        rate = 1 / period if period else None
        averaged = _count(settings, f"{prefix}.acqNumAveragedFrames") or 1
        version = prefix.removeprefix("SI")
        is_fast = bool(number(settings, f"{prefix}.fastZEnable"))
    if options.n_channels is None and not saved:
        raise SettingError("the number of saved channels is missing")
    doubts = []
    if (slices > 1 or is_fast) and options.n_slices is None:
        doubts.append(
            f"ScanImage {version} wrote a volume of {slices} slices; how its frames "
            "follow each other is not known for versions before 2015. Say n_slices, "
            "and n_flyback if frames of the way back are in the file"
        )
    slices = options.n_slices or slices
    return Header(
        version=version,
        channels=_channels(settings, saved, options),
        n_slices=slices,
        n_flyback=(options.n_flyback or 0) if slices > 1 else 0,
        averaged=averaged,
        frame_hz=_rate(rate, averaged),
        doubts=tuple(doubts),
    )


def _volume(settings: Settings, averaged: int) -> tuple[int, int, int, list[str]]:
    """Return slices, frames per slice and frames of the way back, on disk.

    ``numSlices`` may be left over from an earlier setting, so that it counts only
    where a stack was taken, and after ``actualNumSlices``.
    """
    is_stack = number(settings, _STACK + "enable") or number(settings, _FAST + "enable")
    planned = _count(settings, _STACK + "numSlices")
    slices = _count(settings, _STACK + "actualNumSlices") or planned or 1
    if not is_stack or slices == 1:
        return 1, 1, 0, []
    scanned = _count(settings, _STACK + "framesPerSlice") or 1
    frames = _count(settings, _STACK + "numFramesPerVolume")
    with_flyback = _count(settings, _STACK + "numFramesPerVolumeWithFlyback")
    doubts = []
    if frames and frames != slices * scanned:
        doubts.append(
            f"{slices} slices x {scanned} frames per slice are not the {frames} frames "
            "per volume of the header. Say n_slices and n_flyback"
        )
    if scanned % averaged:
        doubts.append(
            f"{scanned} frames per slice are no multiple of the {averaged} averaged "
            "ones. Say n_slices and n_flyback"
        )
    if with_flyback:
        flyback = with_flyback - (frames or slices * scanned)
    else:
        flyback = _count(settings, _FAST + "numDiscardFlybackFrames") or 0
    if flyback < 0 or (flyback and averaged > 1):
        doubts.append(
            f"{flyback} frames of the way back with {averaged} frames averaged leave "
            "open how many are in the file. Say n_slices and n_flyback"
        )
    return slices, max(scanned // averaged, 1), max(flyback, 0), doubts


def _channels(
    settings: Settings, saved: list[float], options: ScanImageOptions
) -> tuple[str, ...]:
    if options.n_channels is not None:
        return tuple(f"channel {i + 1}" for i in range(options.n_channels))
    known = names(settings, "SI.hChannels.channelName")
    found = []
    for value in saved:
        at = int(value) if math.isfinite(value) else 0
        found.append(known[at - 1] if 0 < at <= len(known) else f"channel {at}")
    return tuple(found)


def _count(settings: Settings, name: str) -> int | None:
    """Return a whole number; None when absent, infinite or 0."""
    value = number(settings, name)
    if value is None or not math.isfinite(value):
        return None
    if value != int(value) or not 0 <= value <= _MAX:
        raise SettingError(f"{name} is {value:g}, expected a count")
    return int(value) or None


def _rate(hz: float | None, averaged: int) -> float | None:
    return hz / averaged if hz and math.isfinite(hz) and hz > 0 else None


def _depths(settings: Settings, n_slices: int) -> tuple[float, ...]:
    try:
        found = numbers(settings, _STACK + "zs") or []
    except SettingError:
        return ()
    return tuple(found) if len(found) == n_slices else ()


def _pixel_um(settings: Settings) -> float:
    """Return micrometres per pixel from the corners of the field of view."""
    try:
        corners = numbers(settings, _SCAN + "imagingFovUm") or []
        pixels = number(settings, _SCAN + "pixelsPerLine")
    except SettingError:
        return 0.0
    if len(corners) != 8 or not pixels or not all(map(math.isfinite, corners)):
        return 0.0
    return (max(corners[::2]) - min(corners[::2])) / pixels
