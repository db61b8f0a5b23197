"""Pre-process all recordings of a project that need it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import DataError
from napari_neuroembed.preprocessing.pipeline import (
    estimate_disk,
    is_current,
    preprocess_recording,
)
from napari_neuroembed.progress import Report, silent

TEMPLATE_FILE = "template.npy"

_CHECK = re.compile(r"\[((?:neural|trace)\.[a-z0-9_]+)\]")
"""Ids of findings about the data in a message."""


def preprocess_project(
    project: Project,
    *,
    recordings: Sequence[str] | None = None,
    report: Report = silent,
) -> pd.DataFrame:
    """Pre-process recordings; one failure does not stop the others.

    Parameters
    ----------
    project
        With at least one recording.
    recordings
        Only these ids; default all.
    report
        Told about every chunk of every recording.

    Returns
    -------
    DataFrame
        One row per recording: recording, status (``made``, ``kept``, ``failed``),
        detail.

    Raises
    ------
    DataError
        When the project is empty or the disk too small for what is to be made.
    """
    ids = list(recordings or project.recording_ids())
    if not ids:
        raise DataError(f"{project.path} holds no recording. Import one first.")
    todo = [name for name in ids if not _is_current(project, name)]
    rows = [(name, "kept", "") for name in ids if name not in todo]
    needed = _check_disk(project, todo)
    report("preprocess", 0, len(todo), f"{needed / 1e6:,.0f} MB of disk needed")
    for i, name in enumerate(todo):
        place = (i, len(todo))
        report("preprocess", *place, name)
        try:
            rows.append((name, "made", _preprocess(project, name, place, report)))
        except DataError as error:
            rows.append((name, "failed", _with_option(str(error), project, name)))
    report("preprocess", len(todo), len(todo))
    table = pd.DataFrame(rows, columns=["recording", "status", "detail"])
    return table.set_index("recording").loc[ids].reset_index()


def _preprocess(
    project: Project, name: str, place: tuple[int, int], report: Report
) -> str:
    def inner(stage: str, done: int, total: int, message: str = "") -> None:
        """Tell the progress of one recording as part of all."""
        del message
        report("preprocess", *place, f"{name}: {stage} {done} of {total}")

    summary = preprocess_recording(
        project.raw(name),
        project.preprocessing(),
        project.derived_folder(name),
        provenance=project.provenance(name),
        reference=_reference(project, name),
        accept=project.accepted(name),
        report=inner,
    )
    return f"{summary['bytes'] / 1e6:.1f} MB"


def _with_option(text: str, project: Project, name: str) -> str:
    """Add to a refusal of the data how it is overruled."""
    checks = [] if "--accept" in text else _CHECK.findall(text)
    if not checks:
        return text
    flags = " ".join(f"--accept {check}" for check in dict.fromkeys(checks))
    return (
        f"{text} If this is right: neuroembed check {project.path} --recording {name} "
        f'{flags} --why "...", then pre-process again.'
    )


def _reference(project: Project, name: str) -> NDArray[np.float32] | None:
    """Return the template of the animal's first recording; None for that one."""
    animal = project.recording(name).animal
    first = next(
        i for i in project.recording_ids() if project.recording(i).animal == animal
    )
    path = project.derived_folder(first) / TEMPLATE_FILE
    if first == name or not path.is_file():
        return None
    template: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return template


def _is_current(project: Project, name: str) -> bool:
    sources = project.provenance(name)["sources"]
    return is_current(project.derived_folder(name), project.preprocessing(), sources)


def _check_disk(project: Project, todo: Sequence[str]) -> int:
    """Return the bytes to be written, refusing a disk that is too small."""
    options = project.preprocessing()
    needed = 0
    for name in todo:
        try:
            needed += estimate_disk(project.raw(name), options)
        except DataError:
            continue  # told by the caller, when its turn comes
    free = files.free_bytes(project.path)
    if needed > free:
        raise DataError(
            f"Pre-processing needs {needed / 1e9:.1f} GB in {project.path}, but only "
            f"{free / 1e9:.1f} GB are free. Free some space, or choose a smaller "
            "preprocessing.resize."
        )
    return needed
