"""The rows of a comparison: a method, and the settings that make the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.methods import METHODS, find_method

STEP = ("transforms=[subspace]",)
"""The post-hoc step that every method gets, so that none is compared without it."""


@dataclass(frozen=True)
class Row:
    """One trained run of a comparison.

    Parameters
    ----------
    name
        Id of the row; a method's id, with ``_zscore`` where its input is z-scored.
    method
        Id of the method.
    settings
        ``section.name=value`` beside those of the comparison.
    """

    name: str
    method: str
    settings: tuple[str, ...] = STEP

    @property
    def paper_name(self) -> str:
        """What Guenel et al. call it, or nothing."""
        return find_method(self.method).paper_name


ZSCORED = ("simclr", "guenel2022")
"""Methods that are also shown with z-scored input: the simplest cure beside them."""

ROWS: dict[str, Row] = {
    **{name: Row(name, name) for name in METHODS},
    **{
        f"{name}_zscore": Row(
            f"{name}_zscore", name, ("normalise=zscore_animal", *STEP)
        )
        for name in ZSCORED
    },
}
"""Every row that can be asked for, by name."""

ALL = tuple(name for name in ROWS if name != "simclr_views")
"""What ``--methods all`` stands for; `simclr_views` is for recordings without poses."""


def chosen_rows(names: Sequence[str]) -> list[Row]:
    """Return rows by name; ``all`` stands for all of them.

    Raises
    ------
    ConfigError
        When a name is unknown or given twice.

    Examples
    --------
    >>> [row.name for row in chosen_rows(["simclr", "simclr_zscore"])]
    ['simclr', 'simclr_zscore']
    """
    wanted = [n for name in names for n in (ALL if name == "all" else (name,))]
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        raise ConfigError(
            f"Unknown method {', '.join(unknown)}. Known: all, {', '.join(ROWS)}."
        )
    twice = sorted({name for name in wanted if wanted.count(name) > 1})
    if twice or not wanted:
        what = f"{', '.join(twice)} twice" if twice else "no method"
        raise ConfigError(f"A comparison was asked for {what}. Name each row once.")
    return [ROWS[name] for name in wanted]
