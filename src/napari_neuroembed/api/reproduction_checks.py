"""A look at a folder of the MC2P data set: all that stands in the way, at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from napari_neuroembed.api.project import Project
from napari_neuroembed.api.reproduction_setting import Reproduction
from napari_neuroembed.data.importing import import_recording
from napari_neuroembed.data.importing.mc2p import request_for
from napari_neuroembed.data.importing.mc2p_checks import Mc2pLook, look
from napari_neuroembed.data.importing.mc2p_folder import Mc2pRecording
from napari_neuroembed.data.importing.mc2p_labels import (
    LabelTable,
    label_problems,
    read_rest,
)
from napari_neuroembed.data.problems import Problem, counted, is_accepted
from napari_neuroembed.data.project.acceptance import with_option
from napari_neuroembed.data.readers.labels import LabelFile
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.progress import Report, silent

_NAMED = 6
"""Recordings named in one line."""
_CAMERA_HZ = 100.0
"""Stands in where only frames matter."""


@dataclass(frozen=True)
class Found:
    """What is in the folder, and what stands in the way.

    Parameters
    ----------
    look
        Recordings and numbers of frames.
    labels
        Actions in frames of the cameras as if they were of 100 Hz; None without a
        table.
    problems
        All that must be repaired, said or accepted first, a line each.
    warnings
        What should be known.
    """

    look: Mc2pLook
    labels: LabelFile | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def refuse(self) -> None:
        """Raise one error (DataError) that lists all problems, or return."""
        if not self.problems:
            return
        head = (
            f"{counted(len(self.problems), 'problem')} in the way; nothing was "
            "imported. --without RECORDING leaves a recording out."
        )
        raise DataError("\n".join([head, *(f"  - {text}" for text in self.problems)]))


def find(project: Project, asked: Reproduction, report: Report = silent) -> Found:
    """Look at the folder, every file and the labels; nothing is written.

    Parameters
    ----------
    project
        What it would be imported into; recordings it has already are not looked at
        again beyond their names and sizes.
    asked
        See :class:`Reproduction`.
    report
        Called per recording.
    """
    looked = look(asked.data, asked.accept, report)
    lines = _told(looked.problems)
    new = [
        one
        for one in looked.recordings
        if looked.is_sound(one.id) and one.id not in project.recording_ids()
    ]
    for done, one in enumerate(new):
        report("check", done, len(new), one.id)
        lines += _refused(project, asked, looked, one)
    labels, problems, refused = _labels(project, asked, looked)
    lines += refused
    errors = [p for p in problems if p.severity == "error"]
    lines += _told(p for p in errors if not is_accepted(p, asked.accept))
    warnings = [p.text for p in problems if p.severity != "error"]
    return Found(looked, labels, tuple(lines), tuple(warnings))


def rest_of(one: Mc2pRecording, lengths: tuple[int | None, ...]) -> dict[str, Any]:
    """Return the rest file of a recording by its name, when it has one.

    Raises
    ------
    DataError
        When it is as long as neither camera nor images, or is no row of true and
        false.
    """
    path = one.one("rest")
    if path is None:
        return {}
    values = read_rest(path)
    if values.size not in lengths:
        known = " and ".join(
            f"{n:,} {what}"
            for n, what in zip(lengths, ("camera frames", "images"), strict=True)
            if n is not None
        )
        raise DataError(
            f"{path.name} has {values.size:,} values; the recording has {known}. "
            "[mc2p.rest]"
        )
    return {one.id: values}


def _told(problems: Iterable[Problem]) -> list[str]:
    """Return a line for every finding, with all recordings that share it."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(with_option(problem), []).append(problem.where)
    lines = []
    for text, places in found.items():
        named = [place for place in places if place]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        where = f"{', '.join(named[:_NAMED])}{more}: " if named else ""
        lines.append(f"{where}{text}")
    return lines


def _parts(error: NeuroembedError) -> list[str]:
    """Return the problems that an error lists, each a line."""
    head, *parts = str(error).split("\n  - ")
    return [part.replace("\n", " ") for part in (parts or [head])]


def _refused(
    project: Project, asked: Reproduction, looked: Mc2pLook, one: Mc2pRecording
) -> list[str]:
    """Return why a recording would not be imported."""
    request = request_for(asked.data, one, looked.frames[one.id])
    try:
        import_recording(project, request, accepted=asked.accepted, dry_run=True)
    except NeuroembedError as error:
        return [f"{one.id}: {text}" for text in _parts(error)]
    return []


def _labels(
    project: Project, asked: Reproduction, looked: Mc2pLook
) -> tuple[LabelFile | None, list[Problem], list[str]]:
    """Read the labels by the frames of the cameras, to find what is wrong with them."""
    lines = []
    clocks = {}
    for one in looked.recordings:
        frames = looked.frames[one.id]
        if frames.poses:
            clocks[one.id] = TimeAxis(frames.poses, rate_hz=_CAMERA_HZ)
        try:
            rest_of(one, (frames.poses, frames.images))
        except DataError as error:
            lines += [f"{one.id}: {text}" for text in _parts(error)]
    if asked.labels is None:
        if project.annotations_path.exists() or not looked.recordings:
            return None, [], lines
        text = (
            "the folders hold no actions, and without them no accuracy can be told. "
            "Give a table with --labels FILE (columns Date, Genotype, Fly, Trial, "
            "start_frame, stop_frame, behaviour)."
        )
        return None, [Problem("label.missing", "error", text)], lines
    table = LabelTable(asked.labels, asked.names, asked.accept)
    try:
        file = table.read(clocks)
    except DataError as error:
        return None, [], [*lines, *_parts(error)]
    names = [one.id for one in looked.recordings]
    return file, [*file.problems, *label_problems(file, names)], lines
