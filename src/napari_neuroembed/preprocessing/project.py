"""Pre-process all recordings of a project that need it, several at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.derived import TEMPLATE_FILE
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.derived_state import first_recording
from napari_neuroembed.disk import disk_errors_told, refuse_too_small
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import recover_inside
from napari_neuroembed.preprocessing.order import Order, firsts_of, select
from napari_neuroembed.preprocessing.pipeline import (
    estimate_disk,
    is_current,
    preprocess_recording,
)
from napari_neuroembed.preprocessing.workers import Message, Workers, count_workers
from napari_neuroembed.progress import Report, silent

LISTEN_S = 0.5
"""Seconds between two looks at whether work should stop."""

Outcome = tuple[str, str]
"""Status (``made``, ``kept``, ``failed``) and detail."""

_CHECK = re.compile(r"\[((?:neural|trace)\.[a-z0-9_]+)\]")
"""Ids of findings about the data in a message."""


def preprocess_project(
    project: Project,
    *,
    recordings: Sequence[str] | None = None,
    workers: int | None = None,
    report: Report = silent,
) -> pd.DataFrame:
    """Pre-process recordings; one failure does not stop the others.

    Parameters
    ----------
    project
        With at least one recording.
    recordings
        Only these ids; default all.
    workers
        Processes that work side by side, each on one thread. Default as many as there
        are cores, or what the variable NEUROEMBED_WORKERS says. Results do not depend
        on it.
    report
        Told about every chunk of every recording. When it raises Cancelled, nothing
        unfinished is left, but finished stages and recordings are kept.

    Returns
    -------
    DataFrame
        One row per recording: recording, status (``made``, ``kept``, ``failed``),
        detail.

    Raises
    ------
    DataError
        When the project is empty, or (DiskError) the disk too small for what is to
        be made.
    """
    ids = list(recordings or project.recording_ids())
    if not ids:
        raise DataError(f"{project.path} holds no recording. Import one first.")
    firsts = firsts_of(
        {i: project.recording(i).animal for i in project.recording_ids()}
    )
    for name in ids:
        project.recording(name)  # refuses an unknown one before any work
    recover_inside(project.derived_root)  # also beside what is kept
    todo = select(ids, firsts, lambda name: _looks_current(project, name))
    outcomes = dict.fromkeys(ids, ("kept", ""))
    needed = _check_disk(project, todo)
    report("preprocess", 0, len(todo), f"{needed / 1e6:,.0f} MB of disk needed")
    order = Order(todo, firsts)
    n = count_workers(workers, len(todo), project.preprocessing().max_memory_mb)
    if n > 1 and _is_saved(project):
        outcomes |= _side_by_side(project, order, n, report)
    else:
        outcomes |= _one_by_one(project, order, report)
    report("preprocess", len(todo), len(todo))
    rows = [(name, *outcomes[name]) for name in ids]
    return pd.DataFrame(rows, columns=["recording", "status", "detail"])


def prepare_one(project: Project, name: str, report: Report) -> Outcome:
    """Prepare a recording, unless that is no longer needed."""
    try:
        if _is_current(project, name):
            return "kept", ""
        with disk_errors_told():
            summary = preprocess_recording(
                project.raw_streams(name),
                project.preprocessing(),
                project.derived_folder(name),
                provenance=project.provenance(name),
                reference=reference_of(project, name),
                accept=project.accepted(name),
                report=report,
            )
    except DataError as error:
        return "failed", _with_option(str(error), project, name)
    return "made", f"{summary['bytes'] / 1e6:.1f} MB"


def _one_by_one(project: Project, order: Order, report: Report) -> dict[str, Outcome]:
    outcomes = {}
    while (name := order.take()) is not None:
        report("preprocess", *order.place, name)
        outcomes[name] = prepare_one(project, name, _inner(name, order, report))
        order.finish(name)
    return outcomes


def _side_by_side(
    project: Project, order: Order, n: int, report: Report
) -> dict[str, Outcome]:
    outcomes = {}
    with Workers(project.path, n) as workers:
        while order.n_done < order.n:
            while workers.idle and (name := order.take()) is not None:
                workers.give(name)
            message = workers.next_message(LISTEN_S)
            if message is None:
                report("preprocess", *order.place, ", ".join(workers.busy.values()))
            elif message.facts and message.facts["event"] == "progress":
                facts = message.facts
                inner = _inner(workers.busy[message.worker], order, report)
                inner(facts["stage"], facts["done"], facts["total"])
            else:
                name, outcome = _ended(workers, message)
                outcomes[name] = outcome
                order.finish(name)
                report("preprocess", *order.place, name)
    return outcomes


def _ended(workers: Workers, message: Message) -> tuple[str, Outcome]:
    """Return what came of a recording whose worker is done with it, or ended."""
    if message.facts is None:
        name, code = workers.replace(message.worker)
        return name, ("failed", _ended_early(name, code))
    if message.facts["event"] == "error":
        raise RuntimeError(f"A worker failed:\n{message.facts['detail']}")
    name = workers.release(message.worker)
    return name, (message.facts["status"], message.facts["detail"])


def _ended_early(name: str, code: int) -> str:
    return (
        f"The process that prepared {name!r} ended before it was done (exit code "
        f"{code}); the computer may have run out of memory. Try --workers 1, or a "
        "smaller preprocessing.max_memory_mb."
    )


def _inner(name: str, order: Order, report: Report) -> Report:
    """Return what tells the progress of one recording as part of all."""

    def inner(stage: str, done: int, total: int, message: str = "") -> None:
        del message
        report("preprocess", *order.place, f"{name}: {stage} {done} of {total}")

    return inner


def _is_saved(project: Project) -> bool:
    """Whether a process that opens the project folder sees this very project."""
    return Project.open(project.path).spec == project.spec


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


def reference_of(project: Project, name: str) -> NDArray[np.float32] | None:
    """Return the template of the animal's first recording; None for that one."""
    first = first_recording(project, project.recording(name).animal)
    path = project.derived_folder(first) / TEMPLATE_FILE
    if first == name or not path.is_file():
        return None
    template: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return template


def _is_current(project: Project, name: str) -> bool:
    sources = project.provenance(name)["sources"]
    return is_current(project.derived_folder(name), project.preprocessing(), sources)


def _looks_current(project: Project, name: str) -> bool:
    try:
        return _is_current(project, name)
    except DataError:
        return False  # why is told when its turn comes


def _check_disk(project: Project, todo: Sequence[str]) -> int:
    """Return the bytes to be written, refusing a disk that is too small."""
    options = project.preprocessing()
    needed = 0
    for name in todo:
        try:
            needed += estimate_disk(project.raw_streams(name), options)
        except DataError:
            continue  # told by the caller, when its turn comes
    advice = "Free some space, or choose a smaller preprocessing.resize."
    refuse_too_small(project.path, needed, advice)
    return needed
