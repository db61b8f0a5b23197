"""Reader `video`: a camera's clip or a folder of images, frame-exact by timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.frame_files import (
    gap_times,
    list_frames,
    missing_frames,
)
from napari_neuroembed.data.readers.image_folder import (
    SUFFIXES,
    ImageFolder,
    image_size,
)
from napari_neuroembed.data.readers.index_cache import index_file
from napari_neuroembed.data.readers.rates import (
    RateClaim,
    clock,
    is_overruled,
    rate_problems,
)
from napari_neuroembed.data.readers.video.cache import (
    VERSION,
    cached_index,
    load_index,
)
from napari_neuroembed.data.readers.video.clip import VideoClip
from napari_neuroembed.data.readers.video.index import VideoIndex, read_index
from napari_neuroembed.data.recording import Kind, Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import VideoOptions

_MAGIC = {0: (b"RIFF", b"\x1a\x45\xdf\xa3", b"\0\0\x01\xba"), 4: (b"ftyp", b"moov")}

_WALKED = 64 << 20
"""Bytes up to which `describe` walks all packets; of larger files it believes the
header, and `read` looks."""


class VideoReader:
    """Camera images; the container's timestamps are the time base."""

    name = "video"
    kinds: tuple[Kind, ...] = ("video",)
    options = VideoOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.9 for a container of video, 0.6 for a folder of images."""
        if source.path.is_dir():
            frames, _ = list_frames(source.path, SUFFIXES)
            if len(frames) < 2:
                return 0.0, f"holds {len(frames)} images"
            return 0.6, f"a folder of {len(frames):,} images"
        if len(source.paths) > 1:
            return 0.0, "is not one file"
        with source.path.open("rb") as file:
            head = file.read(16)
        for at, known in _MAGIC.items():
            if head[at : at + 4] in known and head[8:12] != b"WAVE":
                return 0.9, "begins like a video"
        return 0.0, "does not begin like a video"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Read the timestamps of all packets, or the names of all images."""
        told = parse_options(VideoOptions, options, self.name, self.kinds)
        if source.path.is_dir():
            return _describe_folder(source, told)
        index = _glance(source)
        claims = _claims(index)
        timed = index.is_timed and index.n_frames > 1
        rate = claims[0].hz if timed else None
        return Description(
            kind="video",
            shape=(index.n_frames, index.height, index.width, *_last(told, index)),
            dtype="uint8",
            axes="TYX" if not _last(told, index) else "TYXC",
            rate_hz=rate,
            rate_origin=claims[0].origin if timed else "",
            units="counts",
            facts=_facts(index),
            problems=tuple(_problems(index)),
        )

    def read(
        self,
        source: Source,
        options: Mapping[str, Any],
        *,
        rate_hz: float | None,
        accept: frozenset[str] = frozenset(),
        salvage: bool = False,
    ) -> dict[str, Stream]:
        """Open the frames lazily; with `salvage` those before the damage."""
        told = parse_options(VideoOptions, options, self.name, self.kinds)
        if source.path.is_dir():
            return {"video": _read_folder(source, told, rate_hz, accept)}
        _one_file(source)
        index = cached_index(source.path, source.cache)
        problems = _problems(index) + rate_problems(
            source.name, _claims(index), rate_hz
        )
        forgiven = (accept - {"video.decode"}) | (
            {"video.decode"} if salvage else set()
        )
        refuse(problems, source.name, forgiven)
        if index.n_frames < 2:
            raise DataError(f"{source.name}: a video of 1 frame. [video.decode]")
        if index.is_timed and not is_overruled(_claims(index), rate_hz, accept):
            axis, origin = index.clock(), "timestamps of the video"
        else:
            axis, origin = clock(source.name, index.n_frames, claims=(), given=rate_hz)
        facts = {**_facts(index), "rate_origin": origin}
        if problems and salvage:
            facts["salvaged"] = "; ".join(p.text for p in problems)
        color = "rgb" if _last(told, index) else "gray"
        clip = VideoClip(index, color)
        return {"video": Stream("video", clip, axis, units="counts", facts=facts)}


def _glance(source: Source) -> VideoIndex:
    """Return the index, of a large file that was never read only the header's."""
    _one_file(source)
    path = source.path
    if path.stat().st_size < _WALKED:
        return read_index(path)
    if source.cache is not None:
        kept = load_index(index_file(source.cache, [path], VERSION), path)
        if kept is not None:
            return kept
    return read_index(path, header_only=True)


def _one_file(source: Source) -> None:
    if len(source.paths) > 1:
        raise DataError(
            f"{source.name}: the reader video takes one file or one folder of images."
        )


def _last(told: VideoOptions, index: VideoIndex) -> tuple[int, ...]:
    return () if _is_gray(told, index.pixels) else (3,)


def _is_gray(told: VideoOptions, pixels: str) -> bool:
    return told.color == "gray" or (told.color == "auto" and pixels.startswith("gray"))


def _claims(index: VideoIndex) -> tuple[RateClaim, ...]:
    if not index.is_timed or index.n_frames < 2 or index.pts[-1] <= index.pts[0]:
        return ()
    axis_s = float(index.opening_s()[-1])
    rate = (index.n_frames - 1) / axis_s
    return (RateClaim(rate, f"timestamps of {index.path.name}"),)


def _facts(index: VideoIndex) -> dict[str, Any]:
    return {
        "codec": index.codec,
        "pixels": index.pixels,
        "declared_frames": index.declared,
        "first_timestamp_s": float(index.pts[0] * index.tick_s),
        "key_frames": int(index.keyframe.sum()),
    }


def _problems(index: VideoIndex) -> list[Problem]:
    """Return the problem that fewer frames are there than declared."""
    n, name = index.n_frames, str(index.path)
    short = 0 < index.declared != n
    if not index.fault and not short:
        return []
    when = ""
    if index.is_timed and n > 1:
        step = float(index.opening_s()[-1]) / (n - 1)
        when = f" at {n * step:.3f} s"
    text = (
        f"{index.declared or 'an unknown number of'} frames are declared, {n:,} are "
        f"readable; the first bad "
        f"one is frame {n}{when} ({index.fault or 'the file ends'}). Copy the video "
        "again or re-encode it with ffmpeg; --salvage opens what is there."
    )
    return [Problem("video.decode", "error", text, name)]


def _describe_folder(source: Source, told: VideoOptions) -> Description:
    frames, left_out, problems = _images(source)
    height, width, pixels = image_size(frames[0])
    image = (height, width) if _is_gray(told, pixels) else (height, width, 3)
    facts: dict[str, Any] = {"first": frames[0].name, "last": frames[-1].name}
    if left_out:
        facts["left_out"] = list(left_out)
    return Description(
        kind="video",
        shape=(len(frames), *image),
        dtype="uint8",
        axes="TYX" if len(image) == 2 else "TYXC",
        units="counts",
        facts=facts,
        problems=tuple(problems),
    )


def _images(source: Source) -> tuple[Any, Any, list[Problem]]:
    frames, left_out = list_frames(source.path, SUFFIXES)
    if len(frames) < 2:
        raise DataError(
            f"{source.name} holds {len(frames)} images ({', '.join(SUFFIXES)}), "
            "expected 2 or more. [video.decode]"
        )
    return frames, left_out, missing_frames(source.name, [p.name for p in frames])


def _read_folder(
    source: Source, told: VideoOptions, rate_hz: float | None, accept: frozenset[str]
) -> Stream:
    frames, _, problems = _images(source)
    refuse(problems, source.name, accept)
    axis, origin = clock(source.name, len(frames), claims=(), given=rate_hz)
    if rate_hz is not None:
        times = gap_times([p.name for p in frames], len(frames), rate_hz)
        if times is not None:
            axis = TimeAxis(len(frames), times_s=times)
    _, _, pixels = image_size(frames[0])
    images = ImageFolder(frames, "gray" if _is_gray(told, pixels) else "rgb")
    facts = {"rate_origin": origin, "first": frames[0].name, "last": frames[-1].name}
    return Stream("video", images, axis, units="counts", facts=facts)
