"""Whether the recordings can show a leak at all, and how many more it would take."""

from __future__ import annotations

import math
from itertools import count

import numpy as np

from napari_neuroembed.data.problems import counted
from napari_neuroembed.data.splits import n_fit
from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.intervals import ALPHA
from napari_neuroembed.evaluation.relabel import smallest_p
from napari_neuroembed.options.split import SplitOptions


def fewest_fresh(audit: Audit) -> int:
    """Return the fresh recordings of the animal that has fewest."""
    return int(np.bincount(audit.of_recording).min())


def largest_hidden(context: Context, audit: Audit) -> float:
    """Return the balanced accuracy that a leak must not reach unseen."""
    chance = 1.0 / len(audit.names)
    return chance + context.options.leak_to_show * (1.0 - chance)


def fresh_needed(context: Context, audit: Audit, detectable: float) -> int:
    """Return how many fresh recordings per animal a test would need.

    Parameters
    ----------
    context, audit
        The evaluation and the plan.
    detectable
        Balanced accuracy of the smallest leak found now; NaN when none is.

    Notes
    -----
    What the smallest leak lies above chance by falls with the square root of the
    number of recordings.
    """
    fresh, chance = fewest_fresh(audit), 1.0 / len(audit.names)
    if not np.isfinite(detectable):
        return max(fresh + 1, _fresh_for_any_p(len(audit.names)))
    limit = largest_hidden(context, audit)
    if detectable <= limit:
        return fresh
    return math.ceil(fresh * ((detectable - chance) / (limit - chance)) ** 2)


def untestable(context: Context, audit: Audit, detectable: float) -> str:
    """Say that a leak could not have been seen, why, and what to record."""
    fresh = fewest_fresh(audit)
    needed = fresh_needed(context, audit, detectable)
    more = more_recordings(context, audit, needed)
    head = f"not testable with {counted(fresh, 'fresh recording')} per animal: "
    if fresh == 1:
        why = "recording and animal cannot be told apart"
    elif smallest_p(audit.of_recording, audit.group) > ALPHA:
        why = f"{counted(audit.of_recording.size, 'recording')} cannot reach p = 0.05"
    elif np.isfinite(detectable):
        why = f"a leak read at less than {detectable:.2f} would stay hidden"
    else:
        why = "no planted leak was found 95 times in 100"
    about = "about" if np.isfinite(detectable) else "at least"
    return f"{head}{why}; record {about} {more} more per animal"


def more_recordings(context: Context, audit: Audit, fresh: int) -> int:
    """Return how many recordings to add per animal to have that many fresh ones.

    By the rule that splits recordings, if that is how they were split; else all new
    ones count as fresh.
    """
    now, total = fewest_fresh(audit), _total(context, audit)
    if context.sample.split_kind != "blocks" and _fresh_of(total) != now:
        return fresh - now
    return next(n for n in count(1) if _fresh_of(total + n) >= fresh)


def _total(context: Context, audit: Audit) -> int:
    """Return all recordings of the animal that has fewest fresh ones."""
    name = audit.names[int(np.bincount(audit.of_recording).argmin())]
    own = context.sample.column("animal") == name
    return int(np.unique(context.recording[own]).size)


def _fresh_of(n: int) -> int:
    return n - n_fit(n, SplitOptions().fit_fraction) if n > 1 else 0


def _fresh_for_any_p(n_animals: int) -> int:
    """Return the fewest recordings per animal with which p <= 0.05 is possible."""
    for n in count(2):
        label = np.repeat(np.arange(n_animals), n)
        if smallest_p(label, np.zeros_like(label)) <= ALPHA:
            return n
    raise AssertionError
