"""Colours of animals and actions, the same in napari, dashboard and figures."""

from __future__ import annotations

ANIMAL_COLORS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#000000",
)
"""Okabe and Ito; the last is white on dark paper, the ninth starts over."""

ACTION_COLORS = (
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
"""Paul Tol, muted, in the order of the schema."""

UNLABELLED_COLOR = "#BBBBBB"
"""Windows without an action."""
