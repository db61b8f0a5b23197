"""Reader `tiff_folder`: a folder of single-frame TIFFs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Description, Source, parse_options
from napari_neuroembed.data.readers.frame_files import (
    list_frames,
    missing_frames,
    text_pattern,
)
from napari_neuroembed.data.readers.tiff import Look, description, look, open_stream
from napari_neuroembed.data.recording import Kind, Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.readers import TiffFolderOptions, TiffOptions

SUFFIXES = (".tif", ".tiff")
_SAMPLE = 64
"""Files whose header `describe` opens; the sizes of all are compared."""


class TiffFolderReader:
    """A folder with one file per frame, in the natural order of their numbers."""

    name = "tiff_folder"
    kinds: tuple[Kind, ...] = ("neural",)
    options = TiffFolderOptions

    def sniff(self, source: Source) -> tuple[float, str]:
        """Return 0.75 for a folder with two or more TIFFs."""
        if not source.path.is_dir():
            return 0.0, "is no folder"
        frames, _ = list_frames(source.path, SUFFIXES)
        if len(frames) < 2:
            return 0.0, f"holds {len(frames)} TIFFs"
        return 0.75, f"a folder of {len(frames):,} TIFFs"

    def describe(self, source: Source, options: Mapping[str, Any]) -> Description:
        """Look at the names and sizes of all files and at some headers."""
        told = parse_options(TiffFolderOptions, options, self.name, self.kinds)
        seen, found, n_frames = _look(source, told, sample=True)
        what = description(seen)
        return dataclasses.replace(
            what,
            shape=(n_frames, *what.shape[1:]),
            facts={**what.facts, **found},
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
        """Open the frames lazily; missing numbers become gaps when accepted."""
        told = parse_options(TiffFolderOptions, options, self.name, self.kinds)
        seen, found, _ = _look(source, told, sample=False)
        stream = open_stream(seen, rate_hz, accept, salvage)
        facts = {**stream.facts, **found}
        return {"neural": dataclasses.replace(stream, facts=facts)}


def _look(
    source: Source, options: TiffFolderOptions, *, sample: bool
) -> tuple[Look, dict[str, Any], int]:
    """Return what the files hold, facts about the folder and the number of frames."""
    folder = source.path
    if not folder.is_dir():
        raise DataError(
            f"{folder} is no folder. The reader tiff_folder takes the folder that "
            "holds the frames; for one file use the reader tiff."
        )
    groups = _groups(folder, options)
    frames, left_out = groups[0]
    problems = [p for files, _ in groups for p in _numbers(folder, files)]
    roles = tuple(options.channels) if options.channels else ()
    told = TiffOptions(axes=None)
    seen = _stack(source, frames, told, sample=sample)
    if len(groups) > 1:
        seen = _two_channels(source, seen, [files for files, _ in groups], sample)
    seen = dataclasses.replace(
        seen, roles=roles, problems=(*_other(seen.problems), *problems)
    )
    found: dict[str, Any] = {
        "files": sum(len(files) for files, _ in groups),
        "pattern": " + ".join(sorted({text_pattern(f[0].name) for f, _ in groups})),
        "first": frames[0].name,
        "last": frames[-1].name,
    }
    if left_out:
        found["left_out"] = list(left_out)
    sampled = len(seen.directories) < sum(len(files) for files, _ in groups)
    return seen, found, len(frames) if sampled else seen.n_frames


def _other(problems: tuple[Problem, ...]) -> list[Problem]:
    """Drop the numbering problems of the stack; the folder has looked itself."""
    return [p for p in problems if p.id != "folder.missing_frames"]


def _groups(
    folder: Path, options: TiffFolderOptions
) -> list[tuple[tuple[Path, ...], tuple[str, ...]]]:
    """Return the files of each channel."""
    patterns = list(options.channels.values()) if options.channels else []
    groups = [
        list_frames(folder, SUFFIXES, pattern)
        for pattern in (patterns or [options.pattern])
    ]
    for (files, _), pattern in zip(groups, patterns or [options.pattern], strict=True):
        if not files:
            raise DataError(
                f"{folder}: no TIFF is called {pattern or '*.tif'}. Check the folder "
                "and the pattern."
            )
    return groups


def _numbers(folder: Path, files: tuple[Path, ...]) -> list[Problem]:
    """Check that the names are one row of numbers without holes."""
    texts = Counter(text_pattern(p.name) for p in files)
    if len(texts) > 1:
        listed = ", ".join(f"{text} ({n})" for text, n in texts.most_common(5))
        text = (
            f"the folder holds {len(texts)} kinds of files: {listed}. Say which with "
            'pattern: "ChanA_*.tif", or name two channels: {functional: "ChanA_*.tif", '
            'anatomical: "ChanB_*.tif"}.'
        )
        return [Problem("folder.groups", "error", text, str(folder))]
    return missing_frames(str(folder), [p.name for p in files])


def _stack(
    source: Source, files: tuple[Path, ...], told: TiffOptions, *, sample: bool
) -> Look:
    """Look into the files; a sample is the first, the last and those of odd size."""
    chosen = files
    if sample and len(files) > _SAMPLE:
        sizes = [p.stat().st_size for p in files]
        usual = Counter(sizes).most_common(1)[0][0]
        odd = [i for i, size in enumerate(sizes) if size != usual][: _SAMPLE - 2]
        picked = sorted({0, len(files) - 1, *odd})
        chosen = tuple(files[i] for i in picked)
    seen = look(dataclasses.replace(source, paths=chosen), told, is_folder=True)
    if len(chosen) < len(files) and any(k.n_planes > 1 for k in seen.stack.layouts):
        return look(dataclasses.replace(source, paths=files), told, is_folder=True)
    return seen


def _two_channels(
    source: Source, first: Look, groups: list[tuple[Path, ...]], sample: bool
) -> Look:
    """Join one row of files per channel."""
    looks = [first] + [
        _stack(source, files, TiffOptions(), sample=sample) for files in groups[1:]
    ]
    n = min(look.n_frames for look in looks)
    problems = [p for look in looks for p in look.problems]
    lengths = [len(files) for files in groups]
    if len(set(lengths)) > 1:
        text = (
            f"the channels have {' and '.join(f'{k:,}' for k in lengths)} frames; "
            "expected equal numbers. Copy the missing files, or use the frames both "
            "have with --salvage."
        )
        name = str(source.path)
        problems.append(Problem("tiff.channel_length", "error", text, name))
    shift = np.cumsum([0] + [len(look.directories) for look in looks[:-1]])
    stack = dataclasses.replace(
        first.stack,
        files=sum((look.stack.files for look in looks), ()),
        layouts=sum((look.stack.layouts for look in looks), ()),
        file=np.concatenate(
            [k.stack.file[:n] + s for k, s in zip(looks, shift, strict=True)], axis=1
        ),
        plane=np.concatenate([k.stack.plane[:n] for k in looks], axis=1),
    )
    return dataclasses.replace(
        first,
        directories=sum((look.directories for look in looks), ()),
        stack=stack,
        order=tuple(range(len(looks))),
        problems=tuple(problems),
    )
