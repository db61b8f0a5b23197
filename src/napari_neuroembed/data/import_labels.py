"""Actions that come with a recording: read, checked, put into the annotation store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import Stream, TimeAxis
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.import_request import ImportRequest
    from napari_neuroembed.data.project import Project


@dataclass(frozen=True)
class LabelRequest:
    """Bouts of one rater, ready to be stored."""

    bouts: Bouts
    rater: str | None


def read_labels_of(
    request: ImportRequest, recording: str, path: Path, streams: Mapping[str, Stream]
) -> tuple[list[LabelRequest], list[Problem]]:
    """Read the label file of a recording on the recording's clock.

    Parameters
    ----------
    request
        Names the file, its rater, and the stream whose frames its rows are.
    recording
        Name to look for in a file of several recordings.
    path
        The file on this machine.
    streams
        Of the recording, tied.

    Returns
    -------
    labels
        One per rater.
    problems
        ``label.range`` and what else :func:`check_bouts` finds.

    Raises
    ------
    DataError
        When the file cannot be read, or holds other recordings only.
    """
    from napari_neuroembed.data.readers.labels import read_labels

    clock = clock_of(streams, request.labels_like)
    found = read_labels(
        path,
        rate_hz=clock.rate_hz,
        start_s=clock.start_s,
        options=dict(request.label_options),
    )
    chosen = of_recording(found, recording, path)
    stop = max(stream.time.stop_s for stream in streams.values())
    labels, problems = [], []
    for rater, bouts in chosen.items():
        labels.append(LabelRequest(bouts, rater or request.rater))
        problems += bout_problems(bouts, recording, path, stop)
    return labels, problems


def of_recording(
    found: Mapping[Any, Bouts], recording: str, path: Path
) -> dict[str, Bouts]:
    """Return the bouts of one recording by rater ("" where the file names none).

    A file that names no recording is about the one it is imported with.

    Raises
    ------
    DataError
        When it names others only.
    """
    parts: dict[str, dict[str, Bouts]] = {}
    for key, bouts in found.items():
        name, rater = key if isinstance(key, tuple) else (key, "")
        parts.setdefault(name, {})[rater] = bouts
    if recording in parts:
        return parts[recording]
    if set(parts) == {""}:
        return parts[""]
    raise DataError(
        f"{path} holds labels of {', '.join(sorted(map(repr, parts))) or 'nothing'}, "
        f"none of recording {recording!r}."
    )


def bout_problems(
    bouts: Bouts, recording: str, path: Path, stop_s: float
) -> list[Problem]:
    """Return what is wrong with bouts, as errors of the check ``label.range``."""
    from napari_neuroembed.data.bouts import check_bouts

    return [
        Problem("label.range", "error", f"{path.name}: {text}", recording)
        for text in check_bouts(bouts, stop_s=stop_s, exclusive=False)
    ]


def clock_of(streams: Mapping[str, Stream], like: str | None) -> TimeAxis:
    """Return the clock that the rows of a frame-wise label file run on.

    Raises
    ------
    DataError
        When the stream asked for is not there, or its frames are not regular.
    """
    if like is not None and like not in streams:
        raise DataError(
            f"--labels-like {like}: the recording has {', '.join(streams)} only."
        )
    names = [n for n in ("video", "pose") if n in streams] or list(streams)
    return streams[like or names[0]].time


def count_bouts(labels: Sequence[LabelRequest]) -> int:
    """Return the number of bouts of all raters."""
    return sum(len(label.bouts.action) for label in labels)


def add_labels(
    project: Project, recording: str, labels: Sequence[LabelRequest]
) -> None:
    """Put bouts into the annotation store: per rater one command, which can be undone.

    Actions and raters that are new are added to it.

    Raises
    ------
    DataError
        When the store refuses them.
    """
    with project.annotations(app="import") as store:
        known = set(store.actions()["name"])
        for label in labels:
            rater = label.rater or "imported"
            if rater not in store.raters():
                store.add_rater(rater)
            for action in label.bouts.actions():
                if action not in known:
                    store.add_action(action)
                    known.add(action)
            store.import_bouts(recording, label.bouts, rater=rater)
