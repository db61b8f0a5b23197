"""The preview of pre-processing: a piece before and after, and what all would need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.api.preview_sources import (
    ARRAY,
    Answer,
    FieldError,
    Kept,
    Sources,
    one_of,
    refuse_large,
    span_of,
)
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.disk import free_bytes
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.jobs.preview_lines import PreprocessAsk
from napari_neuroembed.options.base import from_dict, problems
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.preprocessing.frames import (
    FrameTable,
    measure_frames,
    wanted_reference,
)
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.piece import Piece, prepare_piece
from napari_neuroembed.preprocessing.pipeline import estimate_disk, neural_of
from napari_neuroembed.preprocessing.project import reference_of
from napari_neuroembed.preprocessing.registration import Float
from napari_neuroembed.preprocessing.stages import digest_of, hash_of
from napari_neuroembed.progress import Report

SECTION = "preprocessing"
T = TypeVar("T")


@dataclass(frozen=True)
class Raw:
    """Raw frames of a recording, or a given array, and where they come from.

    Parameters
    ----------
    whole
        All of it, lazily, with one neural stream.
    stream
        That stream's frames `first` and on, in memory.
    first
        Number of the first of these frames in the whole.
    reference
        Template of the animal's first recording.
    accept
        Ids of problems that were accepted.
    """

    whole: Recording
    stream: Stream
    first: int
    reference: Float | None = None
    accept: Collection[str] = ()


class PreprocessPreview:
    """Answers `preprocess`; keeps the measured motion of the last few pieces.

    Parameters
    ----------
    sources
        The project and the given arrays.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._motion: Kept[FrameTable] = Kept()
        self._pieces: Kept[Stream] = Kept(1)

    def answer(self, ask: PreprocessAsk, report: Report) -> Answer:
        """Return frames before and after, motion, mask, disk.

        Raises
        ------
        ConfigError
            When an option is wrong, by its name.
        DataError
            When the frames cannot be prepared at all.
        """
        one_of(ask.recording, ask.array)
        options = self.options(ask.options)
        if ask.recording is not None:
            raw = self.raw(ask.recording, ask.frame, ask.n_frames)
        else:
            raw = self._given(ask)
        piece, found = self.prepare(raw, options, report)
        return self._told(ask, raw, options, piece, found)

    def options(self, values: dict[str, Any] | None) -> PreprocessingOptions:
        """Return options by name, those of the project, or the defaults."""
        if values is not None:
            return checked(PreprocessingOptions, values, SECTION)
        if self._sources.path is None:
            return PreprocessingOptions()
        return self._sources.project.preprocessing()

    def raw(self, name: str, frame: int, n_frames: int) -> Raw:
        """Read raw frames of a recording about one of them."""
        whole = self._sources.raw(name)
        stream = neural_stream(whole)
        height, width = stream.data.shape[-2:]
        first, stop = span_of(frame, n_frames, len(stream), f"Recording {name!r}")
        refuse_large(stop - first, (height, width))
        key = (name, self._sources.stamp, first, stop)
        read = self._pieces.get(key, lambda: _cut(stream, first, stop))
        project = self._sources.project
        return Raw(
            whole, read, first, reference_of(project, name), project.accepted(name)
        )

    def prepare(
        self, raw: Raw, options: PreprocessingOptions, report: Report
    ) -> tuple[Piece, FrameTable]:
        """Measure the motion of raw frames, unless that is known, and prepare them."""
        stack = NativeStack(raw.stream, raw.whole.id)
        reference = wanted_reference(options.registration, raw.reference)
        key = (
            digest_of({"valid": raw.stream.valid.tolist(), "names": raw.stream.names}),
            hash_of(np.asarray(raw.stream.data)),
            options.registration,
            None if reference is None else hash_of(reference),
        )
        found = self._motion.get(
            key,
            lambda: measure_frames(
                stack,
                options.registration,
                reference=reference,
                max_memory_mb=options.max_memory_mb,
                report=report,
            ),
        )
        piece = prepare_piece(stack, found, options, accept=raw.accept, report=report)
        return piece, found

    def _given(self, ask: PreprocessAsk) -> Raw:
        assert ask.array is not None
        data = self._sources.array(ask.array, rgb=ask.rgb)
        n, height, width = data.shape
        refuse_large(n, (height, width))
        if n < 2:
            raise FieldError(
                f"Pre-processing needs at least 2 frames, found {n}.", "array"
            )
        stream = Stream("neural", data, TimeAxis(n, rate_hz=1.0), units="counts")
        n_all = max(n, ask.of_frames or n)
        whole = np.broadcast_to(np.zeros((), data.dtype), (n_all, height, width))
        clock = TimeAxis(n_all, rate_hz=1.0)
        every = replace(stream, data=whole, time=clock, valid=np.ones(n_all, bool))
        return Raw(Recording(ARRAY, ARRAY, {"neural": every}), stream, 0)

    def _told(
        self,
        ask: PreprocessAsk,
        raw: Raw,
        options: PreprocessingOptions,
        piece: Piece,
        found: FrameTable,
    ) -> Answer:
        is_dff = options.dff.method != "none"
        time = raw.stream.time
        is_array = ask.recording is None
        facts = {
            "recording": ask.recording,
            "first_frame": raw.first,
            "n_frames": len(raw.stream),
            "rate_hz": None if is_array else 1.0 / time.period_s,
            "start_s": None if is_array else float(time.center(0)),
            "units": "dff_percent" if is_dff else "counts",
            "window_frames": piece.window_frames,
            "steps": piece.facts,
            "disk": self._disk(raw.whole, options),
            "problems": [
                {"id": p.id, "severity": p.severity, "text": p.text}
                for p in piece.problems
            ],
            "notes": _notes(raw, options, piece),
        }
        arrays: dict[str, NDArray[Any]] = {
            "before": piece.before,
            "after": piece.after,
            "shifts": found.shifts,
            "correlation": found.table["correlation"].to_numpy(dtype=np.float64),
            "valid": piece.valid,
            "mask": piece.mask,
        }
        return Answer(facts, arrays)

    def _disk(self, whole: Recording, options: PreprocessingOptions) -> dict[str, Any]:
        needed = estimate_disk(whole, options)
        if self._sources.path is None:
            return {"needed_bytes": needed, "free_bytes": None, "folder": None}
        folder = self._sources.project.derived_root
        free = free_bytes(folder)
        return {"needed_bytes": needed, "free_bytes": free, "folder": str(folder)}


def checked(kind: type[T], values: dict[str, Any], section: str) -> T:
    """Build options, with the name of every wrong one in the error.

    Raises
    ------
    FieldError
        See :func:`napari_neuroembed.options.base.from_dict`.
    """
    try:
        return from_dict(kind, values, section)
    except ConfigError as error:
        wrong = problems(kind, values)
        head = f"{section}." if section else ""
        told = {f"{head}{path}": text for path, text in wrong.items()}
        raise FieldError(str(error), next(iter(told)), told) from None


def neural_stream(recording: Recording) -> Stream:
    """Return the images of a raw recording.

    Raises
    ------
    DataError
        When it has none, or several.
    """
    name = neural_of(recording)
    if name is None:
        kinds = ", ".join(s.kind for s in recording.streams.values()) or "none"
        raise DataError(
            f"Recording {recording.id!r} has no images to show (its streams: {kinds})."
        )
    return recording.streams[name]


def _cut(stream: Stream, first: int, stop: int) -> Stream:
    """Read frames of a stream into memory."""
    time = stream.time
    if time.rate_hz is not None:
        start = time.start_s + first / time.rate_hz
        axis = TimeAxis(stop - first, start, time.rate_hz)
    else:
        axis = TimeAxis(stop - first, times_s=time.centers()[first:stop])
    data = np.array(stream.data[first:stop])
    return replace(stream, data=data, time=axis, valid=stream.valid[first:stop])


def _notes(raw: Raw, options: PreprocessingOptions, piece: Piece) -> list[str]:
    """Say in what a run over the whole recording differs from the piece."""
    n, notes = len(raw.stream), []
    asked, used = options.dff.window_frames, piece.window_frames
    if 0 < used < asked:
        notes.append(
            f"The resting fluorescence is a mean over {asked:,} frames "
            f"(preprocessing.dff.window_frames), but there are only {used:,} valid "
            f"frames in a row in this piece of {n:,}: {used:,} were used here."
        )
    if used:
        notes.append(
            f"Resting fluorescence: the smallest mean of {used:,} frames within these "
            f"{n:,}. A run looks at the whole recording, so that dF/F there is the "
            "same or larger."
        )
    if options.registration.method != "none":
        notes.append(
            f"The template was made from these {n:,} frames; a run makes it from up to "
            f"{options.registration.reference_frames:,} of the whole recording."
        )
    return notes
