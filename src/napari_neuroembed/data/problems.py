"""What a look at files and projects finds: graded, named, acceptable by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from napari_neuroembed.errors import DataError, raise_all

Severity = Literal["error", "warning", "note"]

FIRM = frozenset(
    {
        "mc2p.folder",
        "mc2p.genotype",
        "mc2p.missing",
        "mc2p.name",
        "mc2p.rate",
        "mc2p.rest",
        "mc2p.several",
        "mc2p.sync",
        "mc2p.twice",
        "mc2p.without",
        "raw.shape",
        "raw.size",
        "rate.missing",
        "derived.missing",
        "embedding.dimension",
        "embedding.rows",
        "sync.missing",
        "sync.length",
        "source.missing",
        "import.animal",
        "import.column",
        "label.observation",
        "label.overlap",
        "label.subject",
        "recording.name",
        "scanimage.layout",
        "scanimage.lost",
        "scanimage.mroi",
        "scanimage.plane",
        "prairie.cycles",
        "prairie.layout",
        "prairie.plane",
        "thor.channels",
        "thor.folder",
        "thor.product",
        "thor.slice",
        "thor.sync",
    }
)
"""Checks that need an answer rather than a consent; their texts say which."""

ONCE = frozenset({"source.changed"})
"""Checks whose acceptance is acted on at once and holds for no later finding."""


def counted(n: int, noun: str) -> str:
    """Return a number and its noun, in the plural where that is right.

    Examples
    --------
    >>> counted(1, "recording"), counted(1200, "animal")
    ('1 recording', '1,200 animals')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


@dataclass(frozen=True)
class Problem:
    """One finding.

    Parameters
    ----------
    id
        Stable name, e.g. ``tiff.one_frame``; what ``--accept`` takes.
    severity
        ``error`` refuses, ``warning`` and ``note`` are shown.
    text
        What was expected, what was found, what to do.
    where
        Recording or file it belongs to.
    """

    id: str
    severity: Severity
    text: str
    where: str = ""


def is_accepted(problem: Problem, accept: Collection[str]) -> bool:
    """Whether a problem was accepted and can be."""
    return problem.id in accept and problem.id not in FIRM | ONCE


def refuse(
    problems: Iterable[Problem],
    head: str,
    accept: Collection[str] = (),
    salvaged: Collection[str] = (),
) -> None:
    """Raise when an error was found that the user did not accept, or cannot.

    Parameters
    ----------
    problems
        What was found.
    head
        What was looked at.
    accept
        Ids that the user accepted.
    salvaged
        Ids that salvaging what is whole is an answer to.

    Raises
    ------
    DataError
        Listing every unaccepted error with its id.
    """
    errors = [
        p
        for p in problems
        if p.severity == "error" and p.id not in salvaged and not is_accepted(p, accept)
    ]
    several = len({p.where for p in errors}) > 1
    lines = [
        f"{p.where}: {p.text} [{p.id}]"
        if several and p.where and p.where not in p.text
        else f"{p.text} [{p.id}]"
        for p in errors
    ]
    raise_all(lines, DataError, head)
