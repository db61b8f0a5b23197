"""When every frame of a video is shown: timestamps of its packets, none decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.media import VIDEO_FORMATS, open_media
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
        opening: NDArray[np.float64] = (self.pts - self.pts[0]) * self.tick_s
        return opening

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


def read_index(path: Path, *, header_only: bool = False) -> VideoIndex:
    """Read the timestamps of all packets.

    Parameters
    ----------
    path
        The video.
    header_only
        Believe the header instead: a steady rate and as many frames as it says, or as
        its duration holds. For a first look at a large file.

    Raises
    ------
    DataError
        When the file cannot be opened as a video or holds no frame (`video.decode`).
    """
    import av

    try:
        with open_media(path, VIDEO_FORMATS) as container:
            if not container.streams.video:
                raise DataError(
                    f"{path} holds no video track. Check which file was meant. "
                    "[video.decode]"
                )
            if container.streams.video[0].codec_context is None:
                raise DataError(
                    f"{path} uses a codec that is not known here. Re-encode it with "
                    "ffmpeg, e.g. as H.264. [video.decode]"
                )
            return _believe(path, container) if header_only else _read(path, container)
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(
            f"{path} cannot be opened as a video ({_reason(error)}); it has "
            f"{path.stat().st_size:,} bytes. It was probably cut before its table of "
            "frames was written: first bad frame 0 at 0 s, none readable. Copy it "
            "again or re-encode it with ffmpeg. [video.decode]"
        ) from error


def _read(path: Path, container: Any) -> VideoIndex:
    import av

    stream = container.streams.video[0]
    pts: list[int | None] = []
    keyframe: list[bool] = []
    fault = ""
    most = _most_frames(path)
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.is_corrupt:
                fault = f"packet {len(pts)} is damaged"
                break
            if len(pts) > most:
                fault = (
                    f"it has more frames than {path.stat().st_size:,} bytes can hold"
                )
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
    times, keys, is_timed, doubt = _in_order(pts, keyframe)
    tick_s = float(stream.time_base or 1.0)
    context = stream.codec_context
    return VideoIndex(
        path=path,
        pts=times,
        keyframe=keys,
        tick_s=tick_s,
        is_timed=is_timed,
        declared=int(stream.frames),
        average_hz=float(stream.average_rate or 0.0),
        height=int(context.height),
        width=int(context.width),
        pixels=str(context.pix_fmt or ""),
        codec=str(context.name),
        fault=fault or doubt or _early_end(container, times, tick_s, is_timed),
    )


def _most_frames(path: Path) -> int:
    """Return how many frames a file can hold: none takes less than 8 bytes."""
    return path.stat().st_size // 8 + 1024


def _believe(path: Path, container: Any) -> VideoIndex:
    """Return an index as the header promises it."""
    stream = container.streams.video[0]
    rate = float(stream.average_rate or 0.0)
    told = (container.duration or 0) / 1e6
    n = int(stream.frames) or round(told * rate)
    if n > _most_frames(path):
        raise DataError(
            f"{path} declares {n:,} frames in {path.stat().st_size:,} bytes. It is "
            "damaged; copy it again. [video.decode]"
        )
    context = stream.codec_context
    return VideoIndex(
        path=path,
        pts=np.arange(n, dtype=np.int64),
        keyframe=np.zeros(n, dtype=bool),
        tick_s=1 / rate if rate else 1.0,
        is_timed=rate > 0,
        declared=n,
        average_hz=rate,
        height=int(context.height),
        width=int(context.width),
        pixels=str(context.pix_fmt or ""),
        codec=str(context.name),
    )


def _in_order(
    pts: list[int | None], keyframe: list[bool]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], bool, str]:
    """Sort frames by timestamp; frames from the first doubtful one on are dropped."""
    keys = np.array(keyframe)
    known = np.array([p for p in pts if p is not None], dtype=np.int64)
    if len(np.unique(known)) < 2:
        return np.arange(len(pts), dtype=np.int64), keys, False, ""
    doubt = ""
    if len(known) < len(pts):
        first = next(i for i, p in enumerate(pts) if p is None)
        doubt = f"{len(pts) - len(known):,} frames have no timestamp"
        known, keys = known[:first], keys[:first]
    order = np.argsort(known, kind="stable")
    known, keys = known[order], keys[order]
    stuck = np.flatnonzero(np.diff(known) <= 0)
    if stuck.size:
        i = int(stuck[0]) + 1
        doubt = f"frames {i - 1} and {i} have the same timestamp, so times do not rise"
        known, keys = known[:i], keys[:i]
    return known, keys, True, doubt


def _early_end(
    container: Any, pts: NDArray[np.int64], tick_s: float, is_timed: bool
) -> str:
    """Return that the track ends before the time its header tells, if it does."""
    alone = len(container.streams) == 1
    if not (alone and is_timed and container.duration and len(pts) > 1):
        return ""
    told = container.duration / 1e6
    start = (container.start_time or 0) / 1e6
    step = float(np.median(np.diff(pts))) * tick_s
    longest = float(np.diff(pts).max()) * tick_s
    found = float(pts[-1]) * tick_s - min(start, float(pts[0]) * tick_s) + longest
    if found > told - max(1.5 * step, 0.01):
        return ""
    return f"the header tells {told:.3f} s, the last frame ends at {found:.3f} s"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or error)
