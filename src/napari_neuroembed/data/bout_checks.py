"""What cannot be right in a set of bouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.intervals import TOUCH_S, overlaps

if TYPE_CHECKING:
    from napari_neuroembed.data.bouts import Bouts


def check_bouts(
    bouts: Bouts,
    *,
    stop_s: float | None,
    exclusive: bool,
    start_s: float | None = 0.0,
) -> list[str]:
    """Find what cannot be right in a set of bouts.

    Parameters
    ----------
    bouts
        Bouts of one rater in one recording.
    stop_s
        End of the recording; None: unknown.
    exclusive
        Whether only one action can be present at a time.
    start_s
        Earliest time there can be; None: any. (A camera that starts before the
        recording's clock gives negative times that are right.)

    Returns
    -------
    list of str
        One sentence per problem: reversed, before the start, beyond the end,
        overlapping, or present and absent at once.

    Examples
    --------
    >>> from napari_neuroembed.data.bouts import Bouts
    >>> bouts = Bouts([0.0, 1.0], [2.0, 3.0], ("walk", "rest"), [True, True])
    >>> check_bouts(bouts, stop_s=None, exclusive=True)
    ['walk 0.000-2.000 s and rest 1.000-3.000 s overlap by 1.000 s.']
    """
    found = []
    for i in _rows(bouts.stop_s < bouts.start_s):
        found.append(f"{_say(bouts, i)} ends before it starts.")
    if start_s is not None:
        for i in _rows(bouts.start_s < start_s - TOUCH_S):
            found.append(f"{_say(bouts, i)} starts before {start_s:.3f} s.")
    if stop_s is not None:
        for i in _rows(bouts.stop_s > stop_s + TOUCH_S):
            found.append(f"{_say(bouts, i)} ends after the recording ({stop_s:.3f} s).")
    for i, j in clashes(bouts, exclusive=exclusive):
        shared = min(bouts.stop_s[i], bouts.stop_s[j]) - bouts.start_s[j]
        how = "overlap" if bouts.present[i] == bouts.present[j] else "contradict"
        found.append(f"{_say(bouts, i)} and {_say(bouts, j)} {how} by {shared:.3f} s.")
    return found


def clashes(bouts: Bouts, *, exclusive: bool) -> list[tuple[int, int]]:
    """Return pairs of bouts (as row numbers) that cannot both be right.

    Two present ones that overlap when actions exclude one another; a present and an
    absent one of the same action that overlap.
    """
    pairs: set[tuple[int, int]] = set()
    if exclusive:
        pairs.update(_pairs(bouts, np.flatnonzero(bouts.present)))
    names = np.array(bouts.action, dtype=object)
    for name in set(bouts.action) if not bouts.present.all() else ():
        rows = np.flatnonzero(names == name)
        contradicting = [
            (i, j)
            for i, j in _pairs(bouts, rows)
            if bouts.present[i] != bouts.present[j]
        ]
        pairs.update(contradicting)
    return sorted(pairs)


def _pairs(bouts: Bouts, rows: NDArray[np.int64]) -> list[tuple[int, int]]:
    found = overlaps(bouts.start_s[rows], bouts.stop_s[rows])
    return [(int(rows[i]), int(rows[j])) for i, j in found]


def _say(bouts: Bouts, row: int) -> str:
    word = "" if bouts.present[row] else "no "
    start, stop = bouts.start_s[row], bouts.stop_s[row]
    return f"{word}{bouts.action[row]} {start:.3f}-{stop:.3f} s"


def _rows(mask: NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(mask)]
