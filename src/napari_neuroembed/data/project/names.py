"""Names of animals, recordings and streams: what may become a file name."""

from __future__ import annotations

import re

from napari_neuroembed.errors import DataError

LONGEST = 64
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_. \-]*[A-Za-z0-9_\-])?")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)


def name_problem(name: str) -> str | None:
    """Say what is wrong with a name, or return None.

    Parameters
    ----------
    name
        1 to 64 letters, digits, ``_``, ``-``, ``.`` and spaces inside; begins with a
        letter or digit. Names of Windows devices (``con``, ``lpt1``) are refused, so
        that a project can be opened everywhere.

    Examples
    --------
    >>> name_problem("fly1_001") is None
    True
    >>> name_problem("../fly")
    "found '../fly'; a name has 1 to 64 letters, digits, _ - . or spaces inside \
and begins with a letter or digit"
    """
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        shown = name if len(name) <= LONGEST else f"{name[:LONGEST]}..."
        return (
            f"found {shown!r}; a name has 1 to {LONGEST} letters, digits, _ - . or "
            "spaces inside and begins with a letter or digit"
        )
    if is_device(name):
        return f"{name!r} is the name of a device on Windows; choose another"
    return None


def check_name(name: str, what: str) -> str:
    """Return `name`, or refuse it.

    Parameters
    ----------
    name
        See :func:`name_problem`.
    what
        What is named, e.g. ``animal``; it begins the message.

    Raises
    ------
    DataError
        Saying what a name may hold and what a fitting one would be.
    """
    problem = name_problem(name)
    if problem:
        raise DataError(f"{what}: {problem}. {fitting_name(name)!r} would do.")
    return name


def fitting_name(text: str) -> str:
    """Return the nearest allowed name; the original is to be kept as data.

    Examples
    --------
    >>> fitting_name("180921/G23xU1:Fly6")
    '180921_G23xU1_Fly6'
    """
    kept = re.sub(r"[^A-Za-z0-9_. \-]+", "_", text).strip("_. -")[:LONGEST].strip(". ")
    if not kept or is_device(kept):
        kept = f"x_{kept}".rstrip("_") if kept else "unnamed"
    return kept


def is_device(name: str) -> bool:
    """Whether Windows takes a file of this name for a device."""
    return name.partition(".")[0].strip().lower() in _DEVICES
