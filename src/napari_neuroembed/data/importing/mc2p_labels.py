"""Actions for recordings of the MC2P data set: a table for all, and the rest files.

The folders hold no actions. A table with the columns Date, Genotype, Fly, Trial,
start_frame, stop_frame and behaviour (or any other of intervals that names its
recordings) says them; every row goes to the recording it names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.bouts import UNLABELLED, Bouts
from napari_neuroembed.data.importing.labels import DEFAULT_RATER
from napari_neuroembed.data.problems import Problem, counted
from napari_neuroembed.data.readers.array_header import no_objects, read_header
from napari_neuroembed.data.readers.labels import LabelFile, read_labels
from napari_neuroembed.data.readers.labels.names import is_same
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

REST = "rest"
ACTIONS = (
    "forward walking",
    "pushing",
    "hindleg grooming",
    "abdominal grooming",
    REST,
    "foreleg grooming",
    "antennal grooming",
    "eye grooming",
)
"""The eight actions that the paper lists."""

SAME_IN_THE_LAB = {"walking": "forward walking", "resting": REST}
"""What the laboratory's own tables call some of them; proposed, never put in place."""

_Rows = tuple[tuple[float, ...], tuple[float, ...], tuple[str, ...]]
_FEWEST_COPIED = 2
"""Two recordings may by chance share one row, not all of several."""


@dataclass(frozen=True)
class LabelTable:
    """How a file of actions is read.

    Parameters
    ----------
    path
        The table.
    names
        Names in it and the actions they stand for; an empty one leaves them out.
    accept
        Ids of errors that somebody takes.
    """

    path: Path
    names: Mapping[str, str]
    accept: Collection[str] = ()

    def read(self, clocks: Mapping[str, TimeAxis]) -> LabelFile:
        """Read it with every row on the clock of its own recording.

        Parameters
        ----------
        clocks
            Recording -> clock of its camera; rows of others are left out and counted.

        Raises
        ------
        DataError
            Listing every error that was not accepted.
        """
        if not self.path.is_file():
            raise DataError(f"The label file {self.path} is not there.")
        file = read_labels(self.path, time=clocks.get, accept=self.accept)
        if "" in file:
            raise DataError(
                f"{self.path} does not say which recording its rows are of. Expected "
                "Date, Genotype, Fly and Trial, or a column recording; or add a file "
                "for one recording with neuroembed annotations import."
            )
        known = file.actions()
        idle = [name for name in self.names if name not in known]
        named = file.renamed({k: v for k, v in self.names.items() if k in known})
        text = "no label of these recordings has the name that --map speaks of"
        notes = [Problem("label.map", "warning", f"{text}: {name!r}.") for name in idle]
        return replace(named, problems=(*named.problems, *notes))


def label_problems(file: LabelFile, recordings: Collection[str]) -> list[Problem]:
    """Return what is doubtful about a table of actions.

    Returns
    -------
    ``label.unknown``: an action that the paper does not list. ``label.copied``: two
    recordings with the same rows throughout, the mark of labels that were written to
    recordings they are not of. ``label.others``: no row is of these recordings.
    ``label.none`` (a warning): recordings without any.
    """
    problems = _unknown_actions(file)
    problems += _copies(file)
    known = [name for name in file if name in recordings]
    if not known:
        text = (
            f"{file.path.name} holds no label of these recordings; it names "
            f"{', '.join(list(file)[:5]) or 'none of them'}, here are "
            f"{', '.join(list(recordings)[:5])}."
        )
        return [*problems, Problem("label.others", "error", text)]
    bare = [name for name in recordings if name not in known]
    if bare:
        text = (
            f"{counted(len(bare), 'recording')} without any label: "
            f"{', '.join(bare[:5])}{' ...' if len(bare) > 5 else ''}."
        )
        problems.append(Problem("label.none", "warning", text))
    return problems


def read_rest(path: Path) -> NDArray[np.bool_]:
    """Read whether the animal rests, frame by frame.

    Raises
    ------
    DataError
        When it is no row of true and false.
    """
    with path.open("rb") as file:
        header = read_header(file, str(path))
    no_objects(header, str(path))
    if len(header.shape) != 1 or header.dtype != np.bool_:
        raise DataError(
            f"{path} holds {header}, expected one true or false per frame. [mc2p.rest]"
        )
    values: NDArray[np.bool_] = np.load(path, allow_pickle=False)
    return values


def with_rest(
    file: LabelFile,
    rests: Mapping[str, NDArray[np.bool_]],
    clocks: Mapping[str, TimeAxis],
) -> LabelFile:
    """Return labels with rest where nobody labelled anything and the rest file says so.

    Parameters
    ----------
    file
        Labels on the clocks of their recordings.
    rests
        Recording -> rests or not, for every frame of its clock.
    clocks
        See :meth:`LabelTable.read`.
    """
    labels = dict(file.by_rater)
    for (name, rater), bouts in file.by_rater.items():
        if name not in rests:
            continue
        clock = clocks[name]
        edges = np.append(clock.edges(), clock.stop_s)
        free = bouts.at(clock.centers()) == UNLABELLED
        word = next((a for a in bouts.actions() if is_same(a, REST)), REST)
        rest = np.where(free & rests[name], word, UNLABELLED)
        more = Bouts.from_frames(rest, edges)
        labels[name, rater] = Bouts(
            np.concatenate([bouts.start_s, more.start_s]),
            np.concatenate([bouts.stop_s, more.stop_s]),
            (*bouts.action, *more.action),
            np.concatenate([bouts.present, more.present]),
        )
    return replace(file, by_rater=labels)


def rest_words(actions: Collection[str]) -> list[str]:
    """Return what rest is called among some actions.

    Examples
    --------
    >>> rest_words(["walking", "resting", "Rest"])
    ['Rest', 'resting']
    """
    words = (REST, *(k for k, v in SAME_IN_THE_LAB.items() if v == REST))
    return sorted(a for a in actions if any(is_same(a, word) for word in words))


def add_table(
    project: Project,
    file: LabelFile,
    is_wanted: Callable[[str], bool],
    accept: Collection[str] = (),
) -> int:
    """Add the labels of wanted recordings to a project; return the number of bouts.

    Raises
    ------
    DataError
        When the store refuses them.
    """
    from napari_neuroembed.data.annotations.importing import (
        import_labels,
        plan_import,
    )

    wanted = {place: b for place, b in file.by_rater.items() if is_wanted(place[0])}
    if not wanted:
        return 0
    with project.annotations(app="cli") as store:
        plan = plan_import(
            store,
            replace(file, by_rater=wanted),
            rater=None if any(file.raters()) else DEFAULT_RATER,
        )
        return import_labels(store, plan, accept)


def _unknown_actions(file: LabelFile) -> list[Problem]:
    problems = []
    for name, count in file.actions().items():
        if any(is_same(name, action) for action in ACTIONS):
            continue
        meant = SAME_IN_THE_LAB.get(name)
        advice = (
            f"If it is {meant!r}: --map '{name}={meant}'"
            if meant
            else f"Say which it is: --map '{name}=ACTION'"
        )
        text = (
            f"{name!r} ({counted(count, 'bout')}) is none of the paper's actions "
            f"({', '.join(ACTIONS)}). {advice}; or leave it out with --map '{name}='."
        )
        problems.append(Problem("label.unknown", "error", text))
    return problems


def _copies(file: LabelFile) -> list[Problem]:
    """Find recordings that have all labels of another one."""
    rows: dict[_Rows, list[str]] = {}
    for (name, _), bouts in file.by_rater.items():
        first = float(bouts.start_s.min()) if len(bouts) else 0.0
        key = (
            tuple(np.round(bouts.start_s - first, 6)),
            tuple(np.round(bouts.stop_s - first, 6)),
            bouts.action,
        )
        if len(bouts) >= _FEWEST_COPIED:
            rows.setdefault(key, []).append(name)
    problems = []
    for key, found in rows.items():
        names = list(dict.fromkeys(found))
        if len(names) < 2:
            continue
        text = (
            f"{', '.join(names)} have the same {len(key[2])} labels, row by row: the "
            "labels of one recording were probably written to others."
        )
        problems.append(Problem("label.copied", "error", text))
    return problems
