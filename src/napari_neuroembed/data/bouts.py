"""Bouts: labelled time intervals; to frames and back.

Time that no bout covers is unlabelled: nobody looked, which is not the same as absent
and not the same as an action called ``background``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_neuroembed.data.bout_checks import check_bouts, clashes
from napari_neuroembed.data.intervals import (
    TOUCH_S,
    checked_edges,
    covered_until,
    is_covered,
    runs,
    union,
)
from napari_neuroembed.errors import DataError

__all__ = ["UNLABELLED", "Bouts", "check_bouts", "clashes"]

Labels = NDArray[np.object_]

UNLABELLED = ""
"""The label of time that no bout covers."""


@dataclass(frozen=True, eq=False)
class Bouts:
    """Labelled intervals of one recording by one rater, sorted by start.

    Intervals are half-open, ``[start_s, stop_s)``; a point event has
    ``stop_s == start_s``.

    Parameters
    ----------
    start_s, stop_s
        Edges in seconds on the recording's clock, shape (n,).
    action
        Name of the action of each bout.
    present
        False: the rater says that the action does *not* happen here.

    Raises
    ------
    DataError
        When lengths differ or a time is not finite.

    Examples
    --------
    >>> bouts = Bouts.from_frames(["walk", "walk", "", "rest"], [0, 1, 2, 3, 4])
    >>> bouts.to_table()
       start_s  stop_s action  state
    0      0.0     2.0   walk      1
    1      3.0     4.0   rest      1
    >>> bouts.at([0.5, 2.5])
    array(['walk', ''], dtype=object)
    """

    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]
    action: tuple[str, ...]
    present: NDArray[np.bool_]

    def __post_init__(self) -> None:
        start = np.asarray(self.start_s, dtype=np.float64)
        stop = np.asarray(self.stop_s, dtype=np.float64)
        present = np.asarray(self.present, dtype=bool)
        names = tuple(str(name) for name in self.action)
        sizes = (start.shape, stop.shape, present.shape, (len(names),))
        if len(set(sizes)) != 1 or start.ndim != 1:
            raise DataError(
                f"Bouts need one start, stop, action and state each, found "
                f"{start.shape} starts, {stop.shape} stops, {len(names)} actions and "
                f"{present.shape} states."
            )
        bad = np.flatnonzero(~(np.isfinite(start) & np.isfinite(stop)))
        if bad.size:
            i = int(bad[0])
            raise DataError(f"Bout {i} ({names[i]}) goes from {start[i]} to {stop[i]}.")
        order = np.lexsort((np.asarray(names, dtype=str), stop, start))
        for field, values in (("start_s", start), ("stop_s", stop)):
            object.__setattr__(self, field, _frozen(values[order]))
        object.__setattr__(self, "present", _frozen(present[order]))
        object.__setattr__(self, "action", tuple(names[i] for i in order))

    @classmethod
    def empty(cls) -> Bouts:
        """Return no bouts: everything is unlabelled."""
        return cls(np.empty(0), np.empty(0), (), np.empty(0, dtype=bool))

    @classmethod
    def from_frames(cls, labels: Sequence[str] | NDArray[Any], edges_s: Any) -> Bouts:
        """Join runs of equal labels into bouts.

        Parameters
        ----------
        labels
            One action per frame; empty or missing: unlabelled.
        edges_s
            Opening edge of every frame and the closing edge of the last, shape
            (n_frames + 1,), increasing.

        Raises
        ------
        DataError
            When there is not one edge more than labels, or edges do not increase.
        """
        clean = pd.Series(np.asarray(labels, dtype=object), dtype=object).fillna("")
        codes, names = pd.factorize(clean)
        edges = checked_edges(edges_s, len(codes))
        first, stop = runs(codes)
        actions = [str(names[code]) for code in codes[first]]
        keep = np.array([name != UNLABELLED for name in actions], dtype=bool)
        kept = tuple(name for name in actions if name != UNLABELLED)
        return cls(
            edges[first][keep], edges[stop][keep], kept, np.ones(len(kept), dtype=bool)
        )

    @classmethod
    def from_states(
        cls, states: NDArray[np.int8], actions: Sequence[str], edges_s: Any
    ) -> Bouts:
        """Join runs of equal states, action by action.

        Parameters
        ----------
        states
            1 present, 0 absent, -1 unlabelled; shape (n_frames, n_actions).
        actions
            Name of each column.
        edges_s
            As in :meth:`from_frames`.

        Raises
        ------
        DataError
            When a state is none of the three, or shapes do not fit.
        """
        states = np.asarray(states)
        if states.ndim != 2 or states.shape[1] != len(actions):
            raise DataError(
                f"Expected one column of states for each of {len(actions)} actions, "
                f"found shape {states.shape}."
            )
        if not np.isin(states, (-1, 0, 1)).all():
            raise DataError("States must be 1 (present), 0 (absent) or -1 (unknown).")
        edges = checked_edges(edges_s, len(states))
        start, stop, names, present = [], [], [], []
        for column, name in enumerate(actions):
            first, last = runs(states[:, column])
            value = states[first, column]
            known = value >= 0
            start.append(edges[first[known]])
            stop.append(edges[last[known]])
            present.append(value[known] == 1)
            names += [name] * int(known.sum())
        if not names:
            return cls.empty()
        return cls(
            np.concatenate(start),
            np.concatenate(stop),
            tuple(names),
            np.concatenate(present),
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Bouts:
        """Build bouts from columns start_s, stop_s, action and, if given, state.

        Raises
        ------
        DataError
            When a column is missing or a state is neither 1 nor 0.
        """
        missing = [c for c in ("start_s", "stop_s", "action") if c not in table]
        if missing:
            raise DataError(
                f"A table of bouts needs the columns start_s, stop_s and action; "
                f"missing {', '.join(missing)}, found {', '.join(map(str, table))}."
            )
        state = np.ones(len(table))
        if "state" in table:
            state = table["state"].to_numpy(dtype=np.float64)
        if not np.isin(state, (0, 1)).all():
            raise DataError("The state of a bout must be 1 (present) or 0 (absent).")
        return cls(
            table["start_s"].to_numpy(dtype=np.float64),
            table["stop_s"].to_numpy(dtype=np.float64),
            tuple(table["action"].astype(str)),
            state == 1,
        )

    def to_table(self) -> pd.DataFrame:
        """Return columns start_s, stop_s, action, state (1 present, 0 absent)."""
        return pd.DataFrame(
            {
                "start_s": self.start_s,
                "stop_s": self.stop_s,
                "action": pd.Series(list(self.action), dtype=object),
                "state": self.present.astype(np.int64),
            }
        )

    def __len__(self) -> int:
        return len(self.action)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bouts):
            return NotImplemented
        return (
            self.action == other.action
            and np.array_equal(self.start_s, other.start_s)
            and np.array_equal(self.stop_s, other.stop_s)
            and np.array_equal(self.present, other.present)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash

    def actions(self) -> tuple[str, ...]:
        """Return the names in use, sorted."""
        return tuple(sorted(set(self.action)))

    def durations(self) -> NDArray[np.float64]:
        """Return the length of every bout in seconds."""
        return self.stop_s - self.start_s

    def at(self, times_s: ArrayLike) -> Labels:
        """Return the one action present at each time.

        Unlabelled time, and time at which several actions are present, gives ``""``;
        :meth:`ambiguous_at` tells them apart. Point events have no duration and
        label no time.
        """
        code, count = self._present_at(np.asarray(times_s, dtype=np.float64))
        code[count > 1] = 0
        return np.array([UNLABELLED, *self.actions()], dtype=object)[code]

    def ambiguous_at(self, times_s: ArrayLike) -> NDArray[np.bool_]:
        """Return for each time whether several actions are present at once."""
        return self._present_at(np.asarray(times_s, dtype=np.float64))[1] > 1

    def states_at(
        self, times_s: ArrayLike, actions: Sequence[str] | None = None
    ) -> NDArray[np.int8]:
        """Return 1 present, 0 absent, -1 unlabelled; shape (n_times, n_actions).

        Parameters
        ----------
        times_s
            Times in seconds, shape (n_times,).
        actions
            Columns of the result; default :meth:`actions`.
        """
        times = np.asarray(times_s, dtype=np.float64)
        names = self.actions() if actions is None else tuple(actions)
        states = np.full((times.size, len(names)), -1, dtype=np.int8)
        for column, name in enumerate(names):
            states[is_covered(times, *self._union(name, present=False)), column] = 0
            states[is_covered(times, *self._union(name)), column] = 1
        return states

    def over(
        self,
        start_s: ArrayLike,
        stop_s: ArrayLike,
        how: Literal["centre", "majority", "pure"] = "centre",
    ) -> Labels:
        """Return the action of each interval, e.g. of each window.

        Parameters
        ----------
        start_s, stop_s
            Edges of the intervals, shape (n,).
        how
            ``centre``: what :meth:`at` says of the middle. ``majority``: the one
            action present for more than half of the interval. ``pure``: the action
            present all the time, with no other for any of it. Otherwise ``""``.

        Raises
        ------
        DataError
            When `how` is none of the three.
        """
        start = np.asarray(start_s, dtype=np.float64)
        stop = np.asarray(stop_s, dtype=np.float64)
        if how == "centre":
            return self.at((start + stop) / 2)
        if how not in ("majority", "pure"):
            raise DataError(f"how is {how!r}; allowed: centre, majority, pure.")
        names = self.actions()
        share = np.zeros((start.size, len(names)))
        length = np.maximum(stop - start, TOUCH_S)
        for column, name in enumerate(names):
            spans = self._union(name)
            covered = covered_until(stop, *spans) - covered_until(start, *spans)
            share[:, column] = covered / length
        slack = TOUCH_S / length
        if how == "majority":
            chosen = share > 0.5
        else:
            mixed = (share > slack[:, None]).sum(axis=1) > 1
            chosen = (share >= 1 - slack[:, None]) & ~mixed[:, None]
        return _only_choice(chosen, names)

    def clip(self, start_s: float, stop_s: float) -> Bouts:
        """Return the parts inside ``[start_s, stop_s)``."""
        is_point = self.stop_s == self.start_s
        keep = (self.start_s < stop_s) & (self.stop_s > start_s)
        keep |= is_point & (self.start_s >= start_s) & (self.start_s < stop_s)
        return Bouts(
            np.clip(self.start_s, start_s, stop_s)[keep],
            np.clip(self.stop_s, start_s, stop_s)[keep],
            tuple(np.array(self.action, dtype=object)[keep]),
            self.present[keep],
        )

    def shift(self, seconds: float) -> Bouts:
        """Return the same bouts `seconds` later."""
        return Bouts(
            self.start_s + seconds, self.stop_s + seconds, self.action, self.present
        )

    def select(self, actions: Collection[str]) -> Bouts:
        """Return the bouts of the named actions."""
        return self._where(np.array([name in actions for name in self.action], bool))

    def merged(self) -> Bouts:
        """Join overlapping bouts of the same action and state; keep neighbours.

        Point events are kept once each.
        """
        table = self.to_table()
        alike = table.groupby(["action", "state", self.durations() == 0])
        parts = [_joined(Bouts.from_table(same)).to_table() for _, same in alike]
        if not parts:
            return Bouts.empty()
        return Bouts.from_table(pd.concat(parts).drop_duplicates())

    def _where(self, keep: NDArray[np.bool_]) -> Bouts:
        names = tuple(
            name for name, kept in zip(self.action, keep, strict=True) if kept
        )
        return Bouts(self.start_s[keep], self.stop_s[keep], names, self.present[keep])

    def _present_at(
        self, times: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return an action's number (from 1) at each time and how many there are."""
        code = np.zeros(times.shape, dtype=np.int64)
        count = np.zeros(times.shape, dtype=np.int64)
        for number, name in enumerate(self.actions(), start=1):
            inside = is_covered(times, *self._union(name))
            code[inside] = number
            count += inside
        return code, count

    def _union(
        self, action: str, *, present: bool = True
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        mine = np.array([name == action for name in self.action], dtype=bool)
        mine &= self.present == present
        return union(self.start_s[mine], self.stop_s[mine])


def _joined(bouts: Bouts) -> Bouts:
    """Join what overlaps; neighbours that only touch stay two bouts."""
    reach = np.maximum.accumulate(bouts.stop_s)
    opens = np.concatenate([[True], bouts.start_s[1:] >= reach[:-1] - TOUCH_S])
    closes = np.concatenate([opens[1:], [True]])
    n = int(opens.sum())
    return Bouts(
        bouts.start_s[opens], reach[closes], bouts.action[:n], bouts.present[:n]
    )


def _only_choice(chosen: NDArray[np.bool_], names: Sequence[str]) -> Labels:
    codes = np.zeros(len(chosen), dtype=np.int64)
    single = chosen.sum(axis=1) == 1
    if names:
        codes[single] = chosen[single].argmax(axis=1) + 1
    return np.array([UNLABELLED, *names], dtype=object)[codes]


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values
