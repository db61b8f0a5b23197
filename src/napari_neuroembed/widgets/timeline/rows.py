"""What a timeline draws: rows of bouts as sorted arrays, looked up by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError

Kind = Literal["human", "rater", "model", "ghost"]
"""Whose bouts: one's own, another rater's, a run's, or proposals waiting for a yes."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Action:
    """How an action is drawn and what it excludes.

    Attributes
    ----------
    name
        As in the ethogram.
    color
        Hexadecimal.
    repeat
        How many actions before it have the same colour; from 1 on it is hatched.
    group
        Its exclusive group; None: it may happen at any time.
    retired
        Whether it is out of use: it has a row only where it has bouts.
    """

    name: str
    color: str
    repeat: int = 0
    group: str | None = None
    retired: bool = False


@dataclass(frozen=True, eq=False)
class Row:
    """One row and its bouts, sorted by start.

    Parameters
    ----------
    label
        Name at the left.
    kind
        Whose bouts they are; only those of `human` and `ghost` can be edited.
    rater
        Rater, or run of a model.
    actions
        Indices of the actions that belong here.
    start_s, stop_s
        Edges in seconds, half-open, shape (n,); equal ones are a point event.
    action
        Index of the action, shape (n,).
    state
        1 present, 0 explicitly absent, shape (n,).
    id
        Number of the bout in the store, or of the proposal, shape (n,).
    source
        Where each comes from, shape (n,).
    confidence
        Of a model, 0 to 1; NaN elsewhere. Shape (n,).
    """

    label: str
    kind: Kind
    rater: str
    actions: tuple[int, ...]
    start_s: Floats
    stop_s: Floats
    action: Ints
    state: NDArray[np.int8]
    id: Ints
    source: NDArray[np.object_]
    confidence: Floats
    reach_s: Floats = field(init=False)
    """The latest stop of this bout and all before it: never falls, so it bisects."""

    def __post_init__(self) -> None:
        if (np.diff(self.start_s) < 0).any():
            raise DataError(f"The bouts of row {self.label!r} are not sorted by start.")
        object.__setattr__(self, "reach_s", np.maximum.accumulate(self.stop_s))

    def __len__(self) -> int:
        return len(self.start_s)

    def visible(self, start_s: float, stop_s: float) -> Ints:
        """Return the indices of bouts with a part inside ``[start_s, stop_s)``.

        Two bisections, then a look at the few between them: a long bout that began
        before the span is found by the running maximum of stops.
        """
        first = np.searchsorted(self.reach_s, start_s, side="left")
        last = np.searchsorted(self.start_s, stop_s, side="left")
        found: Ints = np.arange(first, last)
        stop = self.stop_s[first:last]
        is_point = stop == self.start_s[first:last]
        seen: Ints = found[(stop > start_s) | (is_point & (stop == start_s))]
        return seen

    def where(self, keep: NDArray[np.bool_], **changes: Any) -> Row:
        """Return the row with only the bouts to keep, and other fields changed."""
        arrays = ("start_s", "stop_s", "action", "state", "id", "source", "confidence")
        values: dict[str, Any] = {
            "label": self.label,
            "kind": self.kind,
            "rater": self.rater,
            "actions": self.actions,
        }
        values |= {name: getattr(self, name)[keep] for name in arrays}
        return Row(**(values | changes))


class Lane(NamedTuple):
    """A row and the proposals that wait in it."""

    row: Row
    ghosts: Row | None


def lanes_of(rows: Sequence[Row], ghosts: Row | None = None) -> list[Lane]:
    """Lay every proposal into the first row of one's own that takes its action.

    Those no row takes get a lane of their own at the end, so that none is hidden.
    """
    if ghosts is None or not len(ghosts):
        return [Lane(row, None) for row in rows]
    left = np.ones(len(ghosts), dtype=bool)
    lanes = []
    for row in rows:
        fits = left & np.isin(ghosts.action, row.actions)
        if row.kind != "human" or not fits.any():
            lanes.append(Lane(row, None))
            continue
        left &= ~fits
        lanes.append(Lane(row, ghosts.where(fits)))
    if left.any():
        rest = ghosts.where(left)
        lanes.append(Lane(rest.where(np.zeros(len(rest), bool)), rest))
    return lanes
