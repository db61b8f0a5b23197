"""From a label file into the store: checked as a whole, then written as a whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from napari_neuroembed.data.annotations.ethogram import DEFAULT_GROUP
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.data.bouts import Bouts, check_bouts
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.readers.labels.file import LabelFile
from napari_neuroembed.data.readers.labels.names import is_same, suggestions
from napari_neuroembed.errors import DataError


@dataclass(frozen=True)
class LabelImport:
    """What an import would add, and what a look at it found.

    Parameters
    ----------
    labels
        Bouts by recording and rater.
    problems
        Errors, warnings and notes of the file and of how it fits the store.
    group
        Exclusive group of new actions; None: multi-label.
    """

    labels: Mapping[tuple[str, str], Bouts]
    problems: tuple[Problem, ...]
    group: str | None

    def n_bouts(self) -> int:
        """Return the number of bouts in all."""
        return sum(len(bouts) for bouts in self.labels.values())


def plan_import(
    store: AnnotationStore | None,
    file: LabelFile,
    *,
    recording: str | None = None,
    rater: str | None = None,
    group: str | None = DEFAULT_GROUP,
    spans_s: Mapping[str, tuple[float, float]] | None = None,
) -> LabelImport:
    """Look at what importing a label file would do; nothing is written.

    Parameters
    ----------
    store
        Where it would go; None: a new one.
    file
        What a reader found.
    recording, rater
        Names where the file has none; they also choose among several.
    group
        Exclusive group of new actions; None: multi-label.
    spans_s
        Start and stop of every recording, to find labels outside of it.

    Raises
    ------
    DataError
        When a recording or rater has no name, or the file names several recordings and
        not this one.
    """
    chosen = file if recording is None or len(file) < 2 else _part(file, recording)
    if rater is not None and len(file.raters()) > 1:
        chosen = file.of_rater(rater)
    labels: dict[tuple[str, str], Bouts] = {}
    for (place, who), bouts in chosen.by_rater.items():
        where, by = recording or place, who or rater or ""
        if not where or not by:
            lacking = "--recording R" if not where else "--rater NAME"
            raise DataError(f"{file.path.name} does not say it; give {lacking}.")
        labels[where, by] = bouts
    problems = [*chosen.problems, *_name_problems(store, chosen)]
    for (where, by), bouts in labels.items():
        start, stop = (spans_s or {}).get(where, (None, None))
        texts = check_bouts(bouts, start_s=start, stop_s=stop, exclusive=False)
        problems += [
            Problem("label.range", "error", text, where=f"{where} by {by}")
            for text in texts
        ]
        problems += [
            Problem("label.overlap", "error", text, where=f"{where} by {by}")
            for text in _overlaps(store, bouts, group)
            if text not in texts
        ]
    return LabelImport(labels, tuple(problems), group)


def import_labels(
    store: AnnotationStore, plan: LabelImport, accept: Collection[str] = ()
) -> int:
    """Write a plan in one transaction; every rater can undo its part at once.

    Parameters
    ----------
    store
        Where it goes.
    plan
        From :func:`plan_import`.
    accept
        Ids of errors that are accepted: bouts beyond the recording go in as they are.

    Returns
    -------
    int
        Number of bouts added; those already there are left out.

    Raises
    ------
    DataError
        When an error is not accepted, or bouts overlap in an exclusive group.
    """
    refuse(plan.problems, "Nothing was imported", accept)
    return store.import_labels(plan.labels, group=plan.group)


def _part(file: LabelFile, recording: str) -> LabelFile:
    """Return what a file of several recordings says about one of them."""
    if recording not in file:
        raise DataError(
            f"{file.path.name} names {len(file)} recordings ({', '.join(file)}), none "
            f"of them {recording!r}. Leave --recording out, and every row goes to its "
            "own."
        )
    its = {place: b for place, b in file.by_rater.items() if place[0] == recording}
    others = sum(len(b) for place, b in file.by_rater.items() if place not in its)
    text = f"{others} bouts of other recordings are left out."
    note = Problem("label.others", "note", text, where=recording)
    return replace(file, by_rater=its, problems=(*file.problems, note))


def _overlaps(
    store: AnnotationStore | None, bouts: Bouts, group: str | None
) -> list[str]:
    """Return the overlaps that the store would refuse, known before it is touched."""
    known: dict[str, str | None] = {}
    if store is not None:
        table = store.actions()
        known = dict(zip(table["name"], table["group"], strict=True))
    groups: dict[str, list[str]] = {}
    for name in bouts.actions():
        its = known.get(name, group)
        if isinstance(its, str):
            groups.setdefault(its, []).append(name)
    texts: list[str] = []
    for names in groups.values():
        found = check_bouts(
            bouts.select(names), start_s=None, stop_s=None, exclusive=True
        )
        texts += [
            f"{text} Actions that may overlap need --multi-label." for text in found
        ]
    return texts


def _name_problems(store: AnnotationStore | None, file: LabelFile) -> list[Problem]:
    """Say which actions are new, and which known ones they may stand for."""
    known = list(store.actions()["name"]) if store is not None else []
    found = []
    for name, count in file.actions().items():
        if name in known:
            continue
        near = suggestions(name, known)
        same = [other for other in near if is_same(name, other)]
        if same:
            text = (
                f"{name!r} ({count} bouts) is no action here, but {same[0]!r} is. Say "
                f"that they are one with --map '{name}={same[0]}', or accept it as new."
            )
            found.append(Problem("label.unknown", "error", text))
        elif near:
            text = f"{name!r} ({count} bouts) is new; did you mean {near[0]!r}?"
            found.append(Problem("label.unknown", "warning", text))
    return found
