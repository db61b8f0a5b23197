"""The errors a user can meet, and the signal that a job was asked to stop."""

from __future__ import annotations

from collections.abc import Iterable


class NeuroembedError(Exception):
    """Root of all errors whose message is written for the user."""


class DataError(NeuroembedError):
    """A file, recording or label is not what it must be."""


class DiskError(DataError):
    """The disk is full, or refuses; what was there before is unchanged."""


class NewerError(DataError):
    """A file was written by a newer neuroembed than this one."""


class ConfigError(NeuroembedError):
    """A configuration, flag or project.yaml entry is wrong."""


class TrainingError(NeuroembedError):
    """A training cannot start or cannot go on."""


class RunFolderError(NeuroembedError):
    """A run folder is missing, foreign, unfinished or damaged."""


class Cancelled(Exception):
    """The job was asked to stop; whatever was finished is kept."""


def raise_all(problems: Iterable[str], error: type[NeuroembedError], head: str) -> None:
    """Raise one error that lists every problem found, or return when there is none.

    Parameters
    ----------
    problems
        One sentence per problem; a head of its own that is `head` is left out.
    error
        Class of the error to raise.
    head
        What was looked at, e.g. the file's name.

    Raises
    ------
    NeuroembedError
        Of class `error`, when `problems` is not empty.

    Examples
    --------
    >>> raise_all([], DataError, "stack.tif")
    """
    found = [problem.removeprefix(f"{head}: ") for problem in problems]
    if len(found) == 1:
        raise error(f"{head}: {found[0]}")
    if found:
        lines = "\n".join(f"  - {problem}" for problem in found)
        raise error(f"{head}: {len(found)} problems\n{lines}")
