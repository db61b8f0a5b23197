"""The colours of a timeline in one theme, as the numbers that pixels hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.palette import THEMES, Theme, line_color, luminance
from napari_neuroembed.widgets.timeline.rows import Action

Pixels = NDArray[np.uint32]

GHOST = 0.28
"""How much of an action's colour a proposal is filled with; the rest is paper."""

_PALE = 0.18
"""Luminance from which a fill is hatched with dark lines."""


@dataclass(frozen=True, eq=False)
class Ink:
    """Colours as ``0xFFRRGGBB``.

    Attributes
    ----------
    theme
        Light or dark.
    paper, outline
        What is blank, and the neutral line around a band.
    fill, line, ghost, hatch
        Of every action: its colour, a line that shows on the paper, the fill of a
        proposal, and the lines across a repeated colour. Shape (n_actions,).
    repeat
        How often every action's colour was used before it, shape (n_actions,).
    """

    theme: Theme
    paper: int
    outline: int
    fill: Pixels
    line: Pixels
    ghost: Pixels
    hatch: Pixels
    repeat: NDArray[np.int64]


def ink_of(actions: Sequence[Action], theme: Theme) -> Ink:
    """Return the colours of the actions and of what is neutral in a theme."""
    paper = THEMES[theme]["paper"]
    colors = [action.color for action in actions]
    dark, light = THEMES["light"]["text"], THEMES["light"]["paper"]
    return Ink(
        theme,
        pixel(paper),
        pixel(THEMES[theme]["muted"]),
        _pixels(colors),
        _pixels([line_color(color, theme) for color in colors]),
        _pixels([mixed(paper, color, GHOST) for color in colors]),
        _pixels([dark if luminance(color) > _PALE else light for color in colors]),
        np.array([action.repeat for action in actions], dtype=np.int64),
    )


def pixel(color: str) -> int:
    """Return a hexadecimal colour as ``0xFFRRGGBB``."""
    return 0xFF000000 | int(color[1:7], 16)


def mixed(paper: str, color: str, share: float) -> str:
    """Return `share` of a colour laid over another."""
    below, above = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (paper, color))
    parts = [
        round(b * (1 - share) + a * share) for b, a in zip(below, above, strict=True)
    ]
    return "#{:02X}{:02X}{:02X}".format(*parts)


def _pixels(colors: Sequence[str]) -> Pixels:
    return np.array([pixel(color) for color in colors], dtype=np.uint32)
