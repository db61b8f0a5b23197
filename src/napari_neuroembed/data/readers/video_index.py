"""When every frame of a video is shown: timestamps of its packets, none decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError


@dataclass(frozen=True)
class VideoIndex:
    """Frames of one video in the order they are shown.

    Parameters
    ----------
    path
        The file.
    pts
        Timestamp of every frame in units of `tick_s`, increasing; frame numbers when
        the file has no timestamps.
    keyframe
        Which frames can be decoded on their own.
    tick_s
        Seconds per unit.
    is_timed
        Whether the container has timestamps.
    declared
        Frames that the container promises; 0 when it does not say.
    average_hz
        Rate the container states; 0 when it does not.
    height, width, pixels, codec
        Of a frame.
    fault
        Why reading stopped early or timestamps do not fit; empty when all is well.
    """

    path: Path
    pts: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    tick_s: float
    is_timed: bool
    declared: int
    average_hz: float
    height: int
    width: int
    pixels: str
    codec: str
    fault: str = ""

    @property
    def n_frames(self) -> int:
        """Frames found."""
        return len(self.pts)

    def opening_s(self) -> NDArray[np.float64]:
        """Return when every frame appears, seconds after the first one."""
        return (self.pts - self.pts[0]) * self.tick_s

    def clock(self) -> TimeAxis:
        """Return the clock of a timed video; its first frame opens at 0 s.

        Steady timestamps (to one tick) give a regular clock, others a centre time for
        every frame, half the usual period after it appears.
        """
        n, opening = self.n_frames, self.opening_s()
        rate = (n - 1) / opening[-1]
        if abs(self.average_hz - rate) < 1e-4 * rate:
            rate = self.average_hz
        if np.abs(opening - np.arange(n) / rate).max() <= self.tick_s:
            return TimeAxis(n, 0.0, rate)
        return TimeAxis(n, times_s=opening + float(np.median(np.diff(opening))) / 2)


def read_index(path: Path) -> VideoIndex:
    """Read the timestamps of all packets.

    Raises
    ------
    DataError
        When the file cannot be opened as a video or holds no frame (`video.decode`).
    """
    import av  # noqa: PLC0415

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError(
                    f"{path} holds no video track. Check which file was meant. "
                    "[video.decode]"
                )
            return _read(path, container)
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(
            f"{path} cannot be opened as a video ({_reason(error)}); it has "
            f"{path.stat().st_size:,} bytes. It was probably cut before its table of "
            "frames was written: first bad frame 0 at 0 s, none readable. Copy it "
            "again or re-encode it with ffmpeg. [video.decode]"
        ) from error


def _read(path: Path, container: Any) -> VideoIndex:
    import av  # noqa: PLC0415

    stream = container.streams.video[0]
    pts: list[int | None] = []
    keyframe: list[bool] = []
    fault = ""
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.is_corrupt:
                fault = f"packet {len(pts)} is damaged"
                break
            pts.append(packet.pts)
            keyframe.append(packet.is_keyframe)
    except av.error.FFmpegError as error:
        fault = _reason(error)
    if not pts:
        raise DataError(
            f"{path}: no frame can be read ({fault or 'the track is empty'}); "
            f"{stream.frames:,} are declared. Copy it again. [video.decode]"
        )
    known = [p for p in pts if p is not None]
    is_timed = len(known) == len(pts) and len(set(known)) > 1
    if is_timed:
        order = np.argsort(np.array(known), kind="stable")
        times = np.array(known, dtype=np.int64)[order]
        keys = np.array(keyframe)[order]
    else:
        times, keys = np.arange(len(pts), dtype=np.int64), np.array(keyframe)
    context = stream.codec_context
    return VideoIndex(
        path=path,
        pts=times,
        keyframe=keys,
        tick_s=float(stream.time_base or 1.0),
        is_timed=is_timed,
        declared=int(stream.frames),
        average_hz=float(stream.average_rate or 0.0),
        height=int(context.height),
        width=int(context.width),
        pixels=str(context.pix_fmt or ""),
        codec=str(context.name),
        fault=fault or _stuck(times, float(stream.time_base or 1.0)),
    )


def _stuck(pts: NDArray[np.int64], tick_s: float) -> str:
    bad = np.flatnonzero(np.diff(pts) <= 0)
    if not bad.size:
        return ""
    i = int(bad[0]) + 1
    return f"frames {i - 1} and {i} have the same timestamp, {pts[i] * tick_s:.6f} s"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error)
