"""Free facts of recordings and animals: typed, tabulated, checked for confounding."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.names import fitting_name
from napari_neuroembed.data.project.spec import RecordingSpec
from napari_neuroembed.data.recording import Covariate
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_ \-]{0,63}")
RESERVED = frozenset(
    {"recording", "animal", "id", "action", "role", "center_s", "window_id"}
    | {
        f"{role}_{what}"
        for role in ("neural", "pose")
        for what in ("first", "step", "count")
    }
)


def parse_covariate(text: str) -> Covariate:
    """Return a value in the type it is written in.

    Whole numbers, decimal numbers, ``true`` and ``false`` get their type; everything
    else, numbers with leading zeros included, stays text.

    Examples
    --------
    >>> [parse_covariate(t) for t in ("3", "0.5", "true", "003", "2026-03-01")]
    [3, 0.5, True, '003', '2026-03-01']
    """
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def parse_column(texts: Sequence[str]) -> list[Covariate | None]:
    """Return the values of one column in one type; an empty cell is None.

    Examples
    --------
    >>> parse_column(["1", "2.5", ""])
    [1.0, 2.5, None]
    >>> parse_column(["1", "no"])
    ['1', 'no']
    """
    values = [parse_covariate(t) if t.strip() else None for t in texts]
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [text.strip() if text.strip() else None for text in texts]


def parse_assignments(texts: Iterable[str]) -> dict[str, Covariate]:
    """Read ``KEY=VALUE`` flags.

    Raises
    ------
    ConfigError
        For one without ``=``, a key that cannot be a column, or a key given twice.

    Examples
    --------
    >>> parse_assignments(["sex=f", "age_days=4"])
    {'sex': 'f', 'age_days': 4}
    """
    found: dict[str, Covariate] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = check_key(key.strip())
        if not equals or not value.strip():
            raise ConfigError(f"--covariate {text!r}: expected KEY=VALUE, e.g. sex=f.")
        if key in found:
            raise ConfigError(f"--covariate {key} is given twice.")
        found[key] = parse_covariate(value)
    return found


def check_key(key: str) -> str:
    """Return the name of a covariate, or refuse it.

    Raises
    ------
    ConfigError
        When it cannot be the name of a column.
    """
    if not _KEY.fullmatch(key) or key in RESERVED:
        raise ConfigError(
            f"{key!r} cannot be a covariate: it begins with a letter, holds letters, "
            f"digits, _, - or spaces and is none of {', '.join(sorted(RESERVED))}. "
            f"{fitting_name(key)!r} would do."
            if key not in RESERVED
            else f"{key!r} cannot be a covariate; choose another name."
        )
    return key


def covariate_table(recordings: Iterable[RecordingSpec]) -> pd.DataFrame:
    """Return a row per recording: its name, its animal, a column per covariate.

    A covariate that a recording does not have is missing (NaN or None).
    """
    import pandas as pd

    rows = [{"recording": r.id, "animal": r.animal, **r.covariates} for r in recordings]
    return pd.DataFrame(rows, columns=_columns(rows))


def confounded(recordings: Sequence[RecordingSpec]) -> list[Problem]:
    """Find covariates that cannot be told from the animal.

    Returns
    -------
    ``covariate.confounded`` warnings: the covariate is constant within every animal
    and differs between animals, or every value of it occurs in one animal only.
    Such a covariate explains identity leakage, and leakage explains it.

    Notes
    -----
    A covariate whose every value occurs once names the recording and is left out,
    unless there is one recording per animal.
    """
    problems = []
    animals = {r.animal for r in recordings}
    if len(animals) < 2:
        return []
    for name in sorted({key for r in recordings for key in r.covariates}):
        known = [
            (r.animal, r.covariates[name]) for r in recordings if name in r.covariates
        ]
        text = _confounding(name, known)
        if text:
            problems.append(Problem("covariate.confounded", "warning", text, name))
    return problems


def _confounding(name: str, known: Sequence[tuple[str, Covariate]]) -> str | None:
    values_of = _groups(known)
    animals_of = _groups([(str(value), animal) for animal, value in known])
    if len(values_of) < 2 or len(animals_of) < 2:
        return None
    if all(len(values) == 1 for values in values_of.values()):
        return (
            f"Covariate {name!r} is the same in all recordings of an animal "
            f"({len(animals_of)} values, {len(values_of)} animals): what differs "
            "between its values may be a difference between animals."
        )
    only_one = all(len(animals) == 1 for animals in animals_of.values())
    if only_one and len(animals_of) < len(known):
        return (
            f"Each of the {len(animals_of)} values of covariate {name!r} occurs in one "
            "animal only: whatever tells its values apart also tells the animals apart."
        )
    return None


def _groups(pairs: Sequence[tuple[str, Covariate]]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for key, value in pairs:
        groups.setdefault(key, set()).add(str(value))
    return groups


def _columns(rows: Sequence[Mapping[str, Covariate]]) -> list[str]:
    extra = dict.fromkeys(key for row in rows for key in row)
    return list(dict.fromkeys(["recording", "animal", *extra]))
