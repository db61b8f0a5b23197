"""What a file of labels holds: bouts by recording and rater."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import DataError


@dataclass(frozen=True, eq=False)
class LabelFile(Mapping[str, Bouts]):
    """The labels of one file, by recording; ``""`` when the file names none.

    Parameters
    ----------
    path, format
        The file and the name of its reader.
    by_rater
        Bouts by recording and rater; ``""`` where the file names none.
    problems
        Warnings and notes; errors have been refused or accepted.
    facts
        What the reader took for granted, e.g. separator and columns.

    Examples
    --------
    >>> bouts = Bouts([0.0], [1.0], ("walk",), [True])
    >>> labels = LabelFile(Path("a.csv"), "csv-frames", {("", ""): bouts})
    >>> labels[""].actions()
    ('walk',)
    """

    path: Path
    format: str
    by_rater: Mapping[tuple[str, str], Bouts]
    problems: tuple[Problem, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, recording: str) -> Bouts:
        raters = [who for place, who in self.by_rater if place == recording]
        if not raters:
            raise KeyError(recording)
        if len(raters) > 1:
            raise DataError(
                f"{self.path.name}: {recording!r} was labelled by {len(raters)} raters "
                f"({', '.join(raters)}). Choose one, or import all of them."
            )
        return self.by_rater[recording, raters[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(recording for recording, _ in self.by_rater))

    def __len__(self) -> int:
        return len({recording for recording, _ in self.by_rater})

    def raters(self) -> tuple[str, ...]:
        """Return the raters named in the file, sorted."""
        return tuple(sorted({rater for _, rater in self.by_rater}))

    def actions(self) -> dict[str, int]:
        """Return how many bouts every action has, the most frequent first."""
        counts = Counter[str]()
        for bouts in self.by_rater.values():
            counts.update(bouts.action)
        return dict(counts.most_common())

    def of_rater(self, rater: str) -> LabelFile:
        """Return the part of one rater."""
        mine = {place: b for place, b in self.by_rater.items() if place[1] == rater}
        if not mine:
            raise DataError(
                f"{self.path.name} has no rater {rater!r}; it has "
                f"{', '.join(self.raters())}."
            )
        return replace(self, by_rater=mine)

    def renamed(self, names: Mapping[str, str]) -> LabelFile:
        """Return the labels with actions renamed; an empty new name leaves them out.

        Raises
        ------
        DataError
            When a name to be replaced is not in the file.
        """
        unknown = sorted(set(names) - set(self.actions()))
        if unknown:
            raise DataError(
                f"{self.path.name} has no action {', '.join(map(repr, unknown))} to "
                f"rename; it has {', '.join(self.actions())}."
            )
        changed = {
            place: _renamed(bouts, names) for place, bouts in self.by_rater.items()
        }
        return replace(self, by_rater=changed)

    def shifted(self, zeros_s: Mapping[str, float]) -> LabelFile:
        """Return the labels with the zero of each recording's times put elsewhere."""
        moved = {
            place: bouts.shift(zeros_s.get(place[0], 0.0))
            for place, bouts in self.by_rater.items()
        }
        return replace(self, by_rater=moved)


ClockOf = Callable[[str], TimeAxis | None]
"""From the name of a recording to the clock its frames count on; None: leave it out."""


class ReadLabels(Protocol):
    """How every reader of labels is called."""

    def __call__(
        self,
        path: Path,
        *,
        rate_hz: float | None = None,
        start_s: float = 0.0,
        time: TimeAxis | ClockOf | None = None,
        options: Mapping[str, Any] | None = None,
        accept: Collection[str] = (),
    ) -> LabelFile:
        """Read the labels of a file.

        Parameters
        ----------
        path
            The file.
        rate_hz
            Frames per second of the camera the labels count in.
        start_s
            Time of the file's zero, or opening edge of its frame 0, on the
            recording's clock.
        time
            Clock of the camera, instead of rate and start; for tables of several
            recordings a function that gives each its own.
        options
            Settings of the reader.
        accept
            Ids of errors that are accepted; the rows concerned are left out.

        Raises
        ------
        DataError
            Listing all errors of the file that were not accepted.
        """


def check_options(
    options: Mapping[str, Any] | None, known: Collection[str], reader: str
) -> dict[str, Any]:
    """Return the options, refusing those that the reader does not have.

    Raises
    ------
    DataError
        Naming the unknown options and those there are.
    """
    given = dict(options or {})
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise DataError(
            f"The reader {reader} has no option {', '.join(unknown)}. Options: "
            f"{', '.join(sorted(known))}."
        )
    return given


def frame_edges(
    n_frames: int,
    *,
    rate_hz: float | None,
    start_s: float,
    time: TimeAxis | None,
) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Return the n_frames + 1 edges of camera frames, or None without any clock.

    Frame k covers the time from its opening edge to that of frame k + 1.
    """
    if time is not None and time.times_s is not None:
        return np.append(time.edges(), time.stop_s)
    if time is not None:
        rate_hz, start_s = time.rate_hz, time.start_s
    if rate_hz is None:
        return None
    checked = TimeAxis(n_frames, start_s, rate_hz)
    return checked.start_s + np.arange(n_frames + 1) / rate_hz


def _renamed(bouts: Bouts, names: Mapping[str, str]) -> Bouts:
    table = bouts.to_table()
    table["action"] = [names.get(name, name) for name in bouts.action]
    return Bouts.from_table(table[table["action"] != ""])
