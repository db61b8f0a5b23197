"""Actions that come with a recording: read on its clock, checked, stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.annotations.importing import LabelImport
    from napari_neuroembed.data.importing.request import ImportRequest
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.readers.labels import LabelFile

DEFAULT_RATER = "imported"
"""Rater of labels that name none."""

_NAMING = ("label.spelling", "label.placeholder")


def plan_labels(
    project: Project,
    request: ImportRequest,
    recording: str,
    path: Path,
    *,
    streams: Mapping[str, Stream],
    accept: Collection[str] = (),
) -> LabelImport:
    """Read the label file of a recording and look at what it would add.

    Rows of a frame-wise file are frames of :func:`clock_stream`; seconds of an
    interval file count from `labels_start_s` on the recording's clock, those of BORIS
    from the first frame of that stream.

    Parameters
    ----------
    project
        Whose actions the names are compared with.
    request
        Says how to read the file.
    recording
        Name to look for in a file of several recordings.
    path
        The file on this machine.
    streams
        Of the recording, on one clock.
    accept
        Ids of errors that are accepted.

    Raises
    ------
    DataError
        When the file has errors that were not accepted, or holds other recordings
        only.
    """
    from napari_neuroembed.data.annotations.importing import plan_import
    from napari_neuroembed.data.readers.labels import find_format, read_labels

    form = request.label_format or find_format(path)
    clock = streams[clock_stream(streams, request.labels_like)].time
    file = read_labels(
        path,
        format=form,
        start_s=request.labels_start_s or 0.0,
        time=lambda name: clock if name in ("", recording) else None,
        options=dict(request.label_options),
        accept=accept,
    )
    if request.labels_start_s is None:
        file = from_camera(file, lambda _: clock)
    file = with_known_names(of_recording(file, recording), project.spec.label_names)
    is_known = project.annotations_path.exists()
    store = project.annotations(read_only=True) if is_known else nullcontext()
    with store as known:
        return plan_import(
            known,
            file,
            recording=recording,
            rater=request.rater or (None if any(file.raters()) else DEFAULT_RATER),
            spans_s={recording: whole_span(streams)},
            **({"group": None} if request.multi_label else {}),
        )


def whole_span(streams: Mapping[str, Stream]) -> tuple[float, float]:
    """Return the seconds in which labels can lie: any stream's, one frame more."""
    axes = [stream.time for stream in streams.values()]
    frame = max(axis.period_s for axis in axes)
    start = min(axis.start_s for axis in axes)
    return start - frame, max(axis.stop_s for axis in axes) + frame


def from_camera(file: LabelFile, clock_of: Callable[[str], TimeAxis]) -> LabelFile:
    """Return labels on the clocks of their recordings.

    Seconds of formats that count from the first frame of what people looked at (BORIS)
    are moved to where that frame is; others stay as they are.
    """
    from napari_neuroembed.data.readers.labels import LABEL_READERS

    if LABEL_READERS[file.format].zero != "camera":
        return file
    zeros = {name: clock_of(name).start_s for name in file}
    told = ", ".join(f"{zero:g}" for zero in dict.fromkeys(zeros.values()))
    moved = file.shifted(zeros)
    return replace(moved, facts={**file.facts, "zero of the camera, s": told})


def with_known_names(file: LabelFile, known: Mapping[str, str]) -> LabelFile:
    """Return labels with the names that somebody has mapped in this project before.

    Each is said in a note; what two names have in common is looked at anew.
    """
    from napari_neuroembed.data.readers.labels.names import name_problems

    counts = file.actions()
    names = {old: new for old, new in known.items() if old in counts}
    if not names:
        return file
    renamed = file.renamed(names)
    notes = [
        Problem(
            "label.renamed",
            "note",
            f"{old!r} ({counts[old]} bouts) is "
            f"{f'taken for {new!r}' if new else 'left out'}, as before (label_names in "
            "project.yaml).",
        )
        for old, new in names.items()
    ]
    others = [p for p in file.problems if p.id not in _NAMING]
    found = name_problems(renamed.actions())
    return replace(renamed, problems=(*others, *notes, *found))


def of_recording(file: LabelFile, recording: str) -> LabelFile:
    """Return the part of a label file that is about one recording.

    A file that names no recording is about the one it is imported with.

    Raises
    ------
    DataError
        When it names others only.
    """
    names = list(file)
    if names == [""]:
        return file
    its = {place: b for place, b in file.by_rater.items() if place[0] == recording}
    if not its:
        raise DataError(
            f"{file.path} holds labels of {', '.join(map(repr, names)) or 'nothing'}, "
            f"none of recording {recording!r}."
        )
    return replace(file, by_rater=its)


def clock_stream(streams: Mapping[str, Stream], like: str | None) -> str:
    """Return the stream whose frames the rows of a frame-wise label file are.

    It is the one asked for, else the video, else the pose, else the first.

    Raises
    ------
    DataError
        When the stream asked for is not there.
    """
    if like is not None and like not in streams:
        raise DataError(
            f"--labels-like {like}: the recording has {', '.join(streams)} only."
        )
    usual = [name for name in ("video", "pose") if name in streams]
    return like or next(iter([*usual, *streams]))


def camera_clock(project: Project, recording: str, like: str | None) -> TimeAxis:
    """Return the clock of the frames that people look at when they label."""
    streams = project.opened(recording).streams
    return streams[clock_stream(streams, like)].time


def keep_label_names(project: Project, names: Mapping[str, str]) -> None:
    """Keep in project.yaml which actions the names in label files stand for."""
    before = project.spec
    if set(names.items()) <= set(before.label_names.items()):
        return
    project.spec = replace(before, label_names={**before.label_names, **names})
    try:
        project.save()
    except BaseException:
        project.spec = before
        raise


def add_labels(
    project: Project, labels: LabelImport, accept: Collection[str] = ()
) -> int:
    """Put bouts into the annotation store, in one transaction that can be undone.

    Raises
    ------
    DataError
        When the store refuses them.
    """
    from napari_neuroembed.data.annotations.importing import import_labels

    with project.annotations(app="cli") as store:
        return import_labels(store, labels, accept)
