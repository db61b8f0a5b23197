"""Names of actions that look like two spellings of one; never merged, only said."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from napari_neuroembed.data.problems import Problem

PLACEHOLDERS = frozenset({"default", "undefined", "none", "nan", "na", "unknown"})
"""Names that programs write when no class was chosen."""

TYPO_EDITS = 2
"""Names that differ by so many letters may be one name."""


def plain(name: str) -> str:
    """Return a name without case, spaces, underscores, hyphens and slashes.

    Examples
    --------
    >>> plain("Start/End") == plain("start_end")
    True
    """
    return re.sub(r"[\s_\-/]+", "", name).casefold()


def is_same(first: str, second: str) -> bool:
    """Whether two names differ only in case, spaces and separators."""
    return plain(first) == plain(second)


def edit_distance(first: str, second: str) -> int:
    """Return how many letters to insert, delete or replace (Levenshtein).

    Examples
    --------
    >>> edit_distance("walking", "wlaking")
    2
    """
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        above, row = row, [i]
        for j, b in enumerate(second, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def suggestions(name: str, known: Collection[str]) -> list[str]:
    """Return known names that `name` may stand for, the nearest first.

    Examples
    --------
    >>> suggestions("Start/End", ["Start_End", "Grooming"])
    ['Start_End']
    """
    short = plain(name)
    near = {}
    for other in known:
        distance = edit_distance(short, plain(other))
        if other != name and distance <= min(TYPO_EDITS, len(short) // 2):
            near[other] = distance
    return sorted(near, key=lambda other: (near[other], other))


def name_problems(counts: Mapping[str, int]) -> list[Problem]:
    """Return warnings about the names of one file.

    Parameters
    ----------
    counts
        Number of bouts of every action.
    """
    found = []
    names = list(counts)
    for i, name in enumerate(names):
        if plain(name) in PLACEHOLDERS:
            found.append(
                Problem(
                    "label.placeholder",
                    "warning",
                    f"{name!r} ({counts[name]} bouts) looks like a placeholder; leave "
                    f"it out with --map {name}=",
                )
            )
        for other in names[i + 1 :]:
            if is_same(name, other):
                found.append(
                    Problem(
                        "label.spelling",
                        "warning",
                        f"{name!r} ({counts[name]} bouts) and {other!r} "
                        f"({counts[other]}) may be one action; they are kept apart. "
                        f"Join them with --map '{other}={name}'.",
                    )
                )
    return found
