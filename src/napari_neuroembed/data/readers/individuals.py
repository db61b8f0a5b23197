"""Which of several animals in one file is meant."""

from __future__ import annotations

from collections.abc import Sequence

from napari_neuroembed.data.problems import Problem


def choose_individual(
    found: Sequence[str], wanted: str | None, name: str, more: str = ""
) -> tuple[str, list[Problem]]:
    """Return which of several animals to take.

    Parameters
    ----------
    found
        Names of the animals in the file; empty when its only one has none.
    wanted
        The one that the user named.
    name
        What messages call the file.
    more
        What else helps to choose.

    Returns
    -------
    tuple
        The name ("" when there are none), and the `pose.individuals` error when the
        choice is open.
    """
    if wanted in found or (wanted is None and len(found) < 2):
        return wanted or next(iter(found), ""), []
    if len(found) < 2:
        text = f"the file has one animal only, so individual {wanted!r} is not in it."
    else:
        text = (
            f"the file holds {len(found)} animals: {', '.join(found)}{more}. Say which "
            f"with --individual {found[0]}"
            + (f"; {wanted!r} is none of them." if wanted else ".")
        )
    first = next(iter(found), "")
    return first, [Problem("pose.individuals", "error", text, name)]
