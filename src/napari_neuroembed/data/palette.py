"""The colours of animals, actions and states, for every picture and window.

Animals and actions never share a palette, so that a picture cannot be misread.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Theme = Literal["light", "dark"]

ANIMALS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
)
"""Okabe and Ito, in fixed order; the eighth is white on dark paper."""

ACTIONS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
)
"""Paul Tol's "muted", in the order of the schema of actions."""

UNLABELLED = "#BBBBBB"
"""Time that nobody labelled."""

THEMES: dict[str, dict[str, str]] = {
    "light": {
        "paper": "#FFFFFF",
        "panel": "#F6F7F9",
        "line": "#D9DDE3",
        "text": "#1B1F24",
        "muted": "#5B6570",
        "accent": "#2F6FDE",
    },
    "dark": {
        "paper": "#14171A",
        "panel": "#1C2024",
        "line": "#30363D",
        "text": "#E6EAEE",
        "muted": "#9AA4AE",
        "accent": "#6EA8FE",
    },
}
"""Neutral colours of both themes."""

CONTINUOUS = "viridis"
"""Colour map of values without a centre."""

TIME = "cividis"
"""Colour map of time."""

DIVERGING = (
    "#003B80",
    "#3A69AB",
    "#6F97CD",
    "#A4C3E5",
    "#D3DFEE",
    "#F2F2F2",
    "#EFD9D0",
    "#E3B49E",
    "#CC8161",
    "#A94F2D",
    "#7A2200",
)
"""Signed values, centred on zero: blue below, red above, equally light steps."""

MIN_LINE_CONTRAST = 3.0
"""Contrast with the paper that lines and outlines need."""


class Mark(NamedTuple):
    """A colour and how often the palette was used up before it.

    Attributes
    ----------
    color
        Hexadecimal.
    repeat
        0 the first time round; from 1 on, draw a second marker shape (animals) or a
        hatch (actions).
    """

    color: str
    repeat: int


def animal_mark(index: int, theme: Theme = "light") -> Mark:
    """Return the colour and marker round of the animal at `index`.

    Examples
    --------
    >>> animal_mark(0)
    Mark(color='#0072B2', repeat=0)
    >>> animal_mark(8).repeat
    1
    """
    repeat, position = divmod(index, len(ANIMALS))
    color = ANIMALS[position]
    return Mark("#FFFFFF" if theme == "dark" and color == "#000000" else color, repeat)


def action_mark(index: int) -> Mark:
    """Return the colour and hatch round of the action at `index` of the schema.

    Examples
    --------
    >>> action_mark(9)
    Mark(color='#332288', repeat=1)
    """
    repeat, position = divmod(index, len(ACTIONS))
    return Mark(ACTIONS[position], repeat)


def luminance(color: str) -> float:
    """Return the relative luminance of a hexadecimal colour (WCAG 2), 0 to 1."""
    red, green, blue = (_linear(channel) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2), 1 to 21.

    Examples
    --------
    >>> round(contrast("#000000", "#FFFFFF"), 1)
    21.0
    """
    dim, bright = sorted((luminance(first), luminance(second)))
    return (bright + 0.05) / (dim + 0.05)


def line_color(color: str, theme: Theme = "light") -> str:
    """Return `color`, darkened or lightened until a line of it shows on the paper.

    Examples
    --------
    >>> line_color("#0072B2")
    '#0072B2'
    >>> contrast(line_color("#F0E442"), "#FFFFFF") >= 3.0
    True
    """
    paper = THEMES[theme]["paper"]
    target = 0.0 if theme == "light" else 255.0
    red, green, blue = _channels(color)
    for step in range(101):
        share = step / 100
        mixed = [round(c + (target - c) * share) for c in (red, green, blue)]
        shade = "#{:02X}{:02X}{:02X}".format(*mixed)
        if contrast(shade, paper) >= MIN_LINE_CONTRAST:
            break
    return shade


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _linear(channel: int) -> float:
    value = channel / 255
    return (
        value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
    )
