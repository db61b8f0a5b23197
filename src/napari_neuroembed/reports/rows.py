"""The rows of a comparison: a method, and the settings that make the row."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.methods import METHODS, find_method

STEP = ("transforms=[subspace]",)
"""The post-hoc step that every method gets, so that none is compared without it."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    name
        Id of the row: a method's id, with ``_zscore`` where its input is z-scored and
        ``_inductive`` where the encoder never sees the held-out animal.
    method
        Id of the method.
    settings
        ``section.name=value`` beside those of the comparison.
    inductive
        Whether there is one run per held-out animal, instead of one that saw all.
    """

    name: str
    method: str
    settings: tuple[str, ...] = STEP
    inductive: bool = False

    @property
    def paper_name(self) -> str:
        """What Guenel et al. call it, or nothing."""
        return find_method(self.method).paper_name


ZSCORE = "normalise=zscore_animal"
ZSCORED = ("simclr", "guenel2022", "neuroembed2026", "simclr_views")
"""Methods that are also shown with z-scored input: the simplest cure beside them."""
INDUCTIVE = ("simclr", "guenel2022", "neuroembed2026", "neuroembed2026_zscore")
"""Rows that are also trained without the animal they are judged on."""


def _rows() -> dict[str, Row]:
    rows = {name: Row(name, name) for name in METHODS}
    for method in ZSCORED:
        name = f"{method}_zscore"
        rows[name] = Row(name, method, (ZSCORE, *STEP))
    for of in INDUCTIVE:
        name = f"{of}_inductive"
        rows[name] = Row(name, rows[of].method, rows[of].settings, inductive=True)
    return rows


ROWS: dict[str, Row] = _rows()
"""Every row that can be asked for, by name."""

WORDS: dict[str, tuple[str, ...]] = {
    "all": tuple(
        name
        for name, row in ROWS.items()
        if not row.inductive and row.method != "simclr_views"
    ),
    "inductive": tuple(name for name, row in ROWS.items() if row.inductive),
    "one_stream": tuple(
        name for name, row in ROWS.items() if row.method == "simclr_views"
    ),
}
"""What stands for many rows; ``one_stream`` is for recordings without poses."""


def chosen_rows(names: Sequence[str]) -> list[Row]:
    """Return rows by name, or by ``all`` and ``inductive``.

    Raises
    ------
    ConfigError
        When a name is unknown or given twice.

    Examples
    --------
    >>> [row.name for row in chosen_rows(["simclr", "simclr_zscore"])]
    ['simclr', 'simclr_zscore']
    """
    wanted = [n for name in names for n in WORDS.get(name, (name,))]
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        close = difflib.get_close_matches(unknown[0], ROWS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ConfigError(
            f"Unknown row {', '.join(unknown)}.{hint} Known: {', '.join(WORDS)}, "
            f"{', '.join(ROWS)}."
        )
    twice = sorted({name for name in wanted if wanted.count(name) > 1})
    if twice or not wanted:
        what = f"{', '.join(twice)} twice" if twice else "no row"
        raise ConfigError(f"A comparison was asked for {what}. Name each row once.")
    return [ROWS[name] for name in wanted]
