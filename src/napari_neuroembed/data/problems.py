"""What a look at files and projects finds: graded, named, acceptable by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from napari_neuroembed.errors import DataError, raise_all

Severity = Literal["error", "warning", "note"]


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


def refuse(
    problems: Iterable[Problem], head: str, accept: Collection[str] = ()
) -> None:
    """Raise when an error was found that the user did not accept.

    Raises
    ------
    DataError
        Listing every unaccepted error with its id.
    """
    errors = [p for p in problems if p.severity == "error" and p.id not in accept]
    raise_all((f"{p.text} [{p.id}]" for p in errors), DataError, head)
