"""Which channels of a stack to take, and what each one shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.options.readers import Role


def choose_channels(
    n: int, wanted: Mapping[Role, int] | None, name: str, labels: Sequence[str] = ()
) -> tuple[tuple[int, ...], tuple[str, ...], list[Problem]]:
    """Return which channels to take, their roles and what is wrong with that.

    Parameters
    ----------
    n
        Channels of the file.
    wanted
        Channel number of each role; None where the user said nothing.
    name
        What messages call the file.
    labels
        What the microscope calls the channels, if it does.
    """
    listed = ", ".join(f"{i}: {label}" for i, label in enumerate(labels))
    which = f" ({listed})" if listed else ""
    if wanted is None:
        if n == 1:
            return (0,), (), []
        text = (
            f"it has {n} channels{which} and it is not known which one is the "
            "indicator. Say channels: {functional: 0, anatomical: 1}, or {functional: "
            "0} for one."
        )
        return tuple(range(n)), (), [Problem("tiff.channels", "error", text, name)]
    order, roles = tuple(wanted.values()), tuple(wanted)
    if any(c >= n for c in order) or len(set(order)) < len(order) or not order:
        advice = (
            " For channels that take turns in a flat row of pages say axes: TCYX and "
            "n_channels: 2."
        )
        text = (
            f"channels {dict(wanted)} do not fit a file with {n} channels{which} "
            f"(numbers 0 to {n - 1}, each once).{'' if labels else advice}"
        )
        return (0,), (), [Problem("tiff.channels", "error", text, name)]
    return order, roles, []
