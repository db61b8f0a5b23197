"""Lists of codes or names, one per frame, and the names that codes stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.labels.text import TextTable, read_text
from napari_neuroembed.errors import DataError

SHOWN = 5
"""Rows spelled out in one message; the rest are counted."""


def decoded(
    values: Sequence[str], table: TextTable, options: Mapping[str, Any]
) -> tuple[tuple[str, ...], NDArray[np.int8], list[Problem], dict[str, Any]]:
    """Return the actions and states that a list of codes or names says.

    Parameters
    ----------
    values
        One cell per frame; empty or -1: unlabelled.
    table
        Where they come from.
    options
        ``names`` as in :data:`~.labels_frames.OPTIONS`.

    Raises
    ------
    DataError
        When codes have no names.
    """
    numbers = [code_of(value) for value in values]
    facts: dict[str, Any] = {"separator": table.separator}
    problems: list[Problem] = []
    if all(
        number is not None or value == ""
        for number, value in zip(numbers, values, strict=True)
    ):
        names, origin = _names(table.path, options)
        facts["names_from"] = origin
        if names is None:
            used = sorted({n for n in numbers if n is not None and n >= 0})
            names = {n: f"code {n}" for n in used}
        labels = []
        for k, number in enumerate(numbers):
            known = number is None or number == -1 or number in names
            if not known:
                problems.append(_bad_code(k, number, names))
            labels.append(names.get(number, "") if number is not None else "")
        problems = shortened(problems)
    else:
        labels = list(values)
    actions = tuple(dict.fromkeys(label for label in sorted(set(labels)) if label))
    states = np.full((len(labels), len(actions)), -1, dtype=np.int8)
    number_of = {name: k for k, name in enumerate(actions)}
    for row, label in enumerate(labels):
        if label:
            states[row, number_of[label]] = 1
    return actions, states, problems, facts


def _names(path: Path, options: Mapping[str, Any]) -> tuple[dict[int, str] | None, str]:
    """Return the names of codes and where they come from; None: keep the codes."""
    given = options.get("names")
    if given == "codes":
        return None, "codes"
    if given is None:
        beside = path.with_name(f"{path.stem.removesuffix('_y')}_states.csv")
        if not beside.is_file() or beside == path:
            raise DataError(
                f"{path.name} holds codes but no names, and there is no {beside.name} "
                "beside it. Give a file that lists them with --names FILE, or keep the "
                "codes with --names codes."
            )
        given = beside
    if isinstance(given, Mapping):
        return {int(code): str(name) for code, name in given.items()}, "options"
    if isinstance(given, str | Path):
        text, _ = read_text(Path(given))
        cells = text.replace("\n", ",").replace(";", ",").replace("\t", ",").split(",")
        listed = [cell.strip() for cell in cells]
        while listed and not listed[-1]:
            listed.pop()
        return dict(enumerate(listed)), str(given)
    return {k: str(name) for k, name in enumerate(given)}, "options"


def _bad_code(row: int, code: int | None, names: Mapping[int, str]) -> Problem:
    allowed = ", ".join(map(str, names))
    text = f"frame {row}: code {code} has no name; there are names for {allowed}"
    return Problem("label.value", "error", text)


def shortened(problems: list[Problem]) -> list[Problem]:
    """Return the first few errors of one sort and how many more there are."""
    if len(problems) <= SHOWN:
        return problems
    rest = Problem(problems[0].id, "error", f"and {len(problems) - SHOWN} more like it")
    return [*problems[:SHOWN], rest]


def code_of(cell: str) -> int | None:
    """Return a cell as a whole number, or None."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None
