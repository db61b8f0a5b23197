"""Refusals that a person may overrule, with a reason that is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from napari_neuroembed.data.problems import FIRM, Problem, is_accepted
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.errors import DataError, raise_all


def accepted_ids(accepted: Iterable[Acceptance], recording: str) -> frozenset[str]:
    """Return the checks that were accepted for a recording or the whole project."""
    return frozenset(a.check for a in accepted if a.recording in (None, recording))


def refuse_with_option(
    problems: Iterable[Problem], head: str, accept: Collection[str] = ()
) -> None:
    """Raise when an error was found that nobody accepted.

    Raises
    ------
    DataError
        Listing every such error with its id and the option that accepts it.
    """
    lines = []
    for problem in problems:
        if problem.severity != "error" or is_accepted(problem, accept):
            continue
        lines.append(with_option(problem))
    raise_all(lines, DataError, head)


def with_option(problem: Problem) -> str:
    """Return a problem's text with its id and the option that accepts it."""
    if problem.severity != "error" or problem.id in FIRM:
        return f"{problem.text} [{problem.id}]"
    return (
        f"{problem.text} [{problem.id}] If this is right: --accept {problem.id} "
        '--why "..."'
    )


def check_acceptances(accepted: Sequence[Acceptance]) -> None:
    """Refuse acceptances without a reason, or of checks that need an answer.

    Raises
    ------
    DataError
        Naming the check.
    """
    problems = [
        f"--accept {a.check} needs a reason: --why '...'"
        for a in accepted
        if not a.why.strip()
    ]
    problems += [
        f"{a.check} cannot be accepted; its message says what to give instead"
        for a in accepted
        if a.check in FIRM
    ]
    raise_all(problems, DataError, "Accepting")


def merge_accepted(
    known: Iterable[Acceptance], new: Iterable[Acceptance]
) -> tuple[Acceptance, ...]:
    """Return all acceptances; a newer one replaces one of the same check and place."""
    merged = {(a.check, a.recording): a for a in known}
    merged.update({(a.check, a.recording): a for a in new})
    return tuple(merged.values())
