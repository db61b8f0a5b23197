"""Which colour and marker a category gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from plotly.colors import sample_colorscale

from napari_neuroembed.data.palette import (
    CONTINUOUS,
    TIME,
    UNLABELLED,
    Theme,
    action_mark,
    animal_mark,
)

MAX_CATEGORIES = 20
SYMBOLS = ("circle", "diamond", "square", "cross")
_TIMES = ("center_s", "time_s")


@dataclass(frozen=True)
class Category:
    """One value of a column, its rows and how it is drawn."""

    name: str
    rows: NDArray[np.int64]
    color: str
    symbol: str


def is_continuous(values: pd.Series[Any], column: str) -> bool:
    """Tell whether a column is drawn on a colour scale rather than by category."""
    if column in ("action", "animal", "recording"):
        return False
    numeric = pd.api.types.is_numeric_dtype(values)
    boolean = pd.api.types.is_bool_dtype(values)
    return bool(numeric and not boolean and values.nunique() > 8)


def scale_of(column: str) -> str:
    """Return the colour scale of a continuous column: cividis for time, else viridis.

    Examples
    --------
    >>> scale_of("center_s"), scale_of("speed")
    ('cividis', 'viridis')
    """
    return TIME if column in _TIMES else CONTINUOUS


def categories(
    values: pd.Series[Any],
    column: str,
    *,
    order: Sequence[str] | None = None,
    theme: Theme = "light",
) -> list[Category]:
    """Return the values of a column, each with its rows, colour and marker.

    Parameters
    ----------
    values
        The column; '' and missing count as unlabelled and are drawn first, in grey.
    column
        Its name: ``animal`` and ``action`` have palettes of their own, others are
        sampled from viridis in the order of their names.
    order
        Names in the order of their colours (all animals or actions of the project);
        sorted names when not given.
    """
    text = values.fillna("").astype(str).to_numpy(dtype=object)
    present = set(text) - {""}
    names = [*(order or ()), *sorted(present - set(order or ()))]
    found = []
    if (text == "").any():
        word = "unlabelled" if column == "action" else "unknown"
        found.append(Category(word, np.flatnonzero(text == ""), UNLABELLED, "circle"))
    for i, name in enumerate(names):
        rows = np.flatnonzero(text == name)
        if rows.size:
            color, repeat = _mark(column, i, len(names), theme)
            symbol = SYMBOLS[repeat % len(SYMBOLS)]
            found.append(Category(name, rows, color, symbol))
    return found


def _mark(column: str, index: int, total: int, theme: Theme) -> tuple[str, int]:
    if column == "animal":
        return animal_mark(index, theme)
    if column == "action":
        return action_mark(index)
    place = index / max(total - 1, 1)
    return str(sample_colorscale(CONTINUOUS, [place])[0]), 0
