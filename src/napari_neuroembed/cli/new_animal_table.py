"""What is printed of animals that a training never saw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.flags import table

if TYPE_CHECKING:
    import pandas as pd

HEAD = (
    "Animals that the training never saw, in units of its own animals "
    "(1: like one of them)"
)
ADVICE = (
    "Look at its images beside those of the training (orientation, registration,",
    "focus, noise) and at the clocks of its streams (neuroembed check --picture). Or",
    "train a run that includes it, which needs no labels of it.",
)
VERDICTS = {True: "yes", False: "NO", None: "cannot be told"}


def new_animal_lines(new: pd.DataFrame) -> list[str]:
    """Return a table of new animals, and a loud warning for those not to be trusted.

    Parameters
    ----------
    new
        As from ``Run.new_animals``.
    """
    rows = [
        (
            one["animal"],
            one["n_windows"],
            _share(one["distance"], one["distance_reference"]),
            _share(one["readout"], one["readout_reference"]),
            VERDICTS[_truth(one["trusted"])],
        )
        for one in new.to_dict("records")
    ]
    header = ("new animal", "windows", "distance", "read-out", "trust it?")
    lines = ["", HEAD, table(rows, header)]
    for one in new.to_dict("records"):
        truth = _truth(one["trusted"])
        if truth is None:
            lines.append(f"{one['animal']}: {one['reason']}.")
        elif not truth:
            lines += _warning(str(one["animal"]), str(one["reason"]))
    return lines


def _warning(animal: str, reason: str) -> list[str]:
    head = f"WARNING: do not trust the embedding of {animal}: {reason}."
    return ["", head, *(f"  {line}" for line in ADVICE)]


def _share(value: Any, reference: Any) -> str:
    values = (value, reference)
    if any(v is None or not math.isfinite(v) for v in values) or reference <= 0:
        return "-"
    return f"{value / reference:.2f}"


def _truth(value: Any) -> bool | None:
    """Return the verdict: pandas may have made None a NaN, and True a numpy bool."""
    if value is None or value != value:
        return None
    return bool(value)
