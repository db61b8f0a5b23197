"""Fit and fresh recordings: what is fitted never sees what it is judged on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.split import SplitOptions

MANY_RECORDINGS = 6
FRESH_EVERY = 3
WINDOWS_PER_BLOCK = 6


@dataclass(frozen=True)
class Split:
    """Roles of recordings, or of the blocks of an animal's only recording.

    Parameters
    ----------
    roles
        Recording -> ``fit``, ``fresh`` or ``blocks``.
    blocks
        Recording of role ``blocks`` -> its blocks as (start_s, stop_s, role).
    held_out
        Animals whose fit recordings no encoder may see.
    notes
        Warnings a person must read, e.g. that blocks were needed.
    """

    roles: Mapping[str, Literal["fit", "fresh", "blocks"]]
    blocks: Mapping[str, tuple[tuple[float, float, str], ...]]
    held_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["recordings", "blocks"]:
        """Whether whole recordings are apart, or only blocks of one."""
        return "blocks" if self.blocks else "recordings"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for ``splits.json``."""
        return {
            "schema_version": 1,
            "roles": dict(self.roles),
            "blocks": {
                name: [list(b) for b in rows] for name, rows in self.blocks.items()
            },
            "held_out": list(self.held_out),
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Split:
        """Read what :meth:`to_dict` gave."""
        blocks = {
            name: tuple((float(a), float(b), str(role)) for a, b, role in rows)
            for name, rows in values["blocks"].items()
        }
        return cls(
            dict(values["roles"]),
            blocks,
            tuple(values["held_out"]),
            tuple(values["notes"]),
        )


def make_split(
    recordings: Sequence[Recording],
    options: SplitOptions,
    *,
    held_out: Sequence[str] = (),
    window_s: float = 0.0,
) -> Split:
    """Decide which recordings are fit and which are fresh.

    Parameters
    ----------
    recordings
        All recordings; the order of an animal's recordings is that of their numbers.
    options
        Explicit lists, or the rule by the number of recordings per animal.
    held_out
        Animals that the encoder must not see.
    window_s
        Length of a window. A block of an only recording holds at least six of them,
        as far as three blocks allow: the gaps at its borders cost two.

    Raises
    ------
    ConfigError
        When a named recording or held-out animal does not exist, a recording is in
        both lists, or nothing would be left to fit.

    Examples
    --------
    >>> make_split([], SplitOptions()).roles
    {}
    """
    _check_names(recordings, options, held_out)
    roles: dict[str, Literal["fit", "fresh", "blocks"]] = {}
    blocks: dict[str, tuple[tuple[float, float, str], ...]] = {}
    notes: list[str] = []
    for animal in dict.fromkeys(r.animal for r in recordings):
        own = sorted((r for r in recordings if r.animal == animal), key=_natural)
        if options.fit or options.fresh:
            _by_lists(own, options, roles)
        elif len(own) == 1:
            roles[own[0].id] = "blocks"
            cut = _cut(own[0], options.n_blocks, window_s)
            blocks[own[0].id] = cut
            notes.append(
                f"{animal} has one recording: it is cut into {len(cut)} "
                "blocks, so recording and animal cannot be told apart."
            )
        else:
            n_first = n_fit(len(own), options.fit_fraction)
            for i, recording in enumerate(own):
                roles[recording.id] = "fit" if i < n_first else "fresh"
    if recordings and "fit" not in roles.values() and not blocks:
        raise ConfigError("split: no recording is left to fit on.")
    return Split(roles, blocks, tuple(held_out), tuple(notes))


def window_roles(
    windows: pd.DataFrame, split: Split, window_s: float
) -> NDArray[np.object_]:
    """Return ``fit``, ``fresh`` or ``""`` (in a gap between blocks) per window.

    Windows nearer than one window length to a border between a fit and a fresh block
    are left out, so that at least one window lies between the two sides.
    """
    recording = windows["recording"].to_numpy(dtype=object)
    center = windows["center_s"].to_numpy()
    roles = np.full(len(windows), "", dtype=object)
    for name, role in split.roles.items():
        here = recording == name
        if role != "blocks":
            roles[here] = role
            continue
        rows = split.blocks[name]
        for i, (start, stop, block_role) in enumerate(rows):
            low = start + (window_s if i and rows[i - 1][2] != block_role else 0)
            ends = i + 1 < len(rows) and rows[i + 1][2] != block_role
            high = stop - (window_s if ends else 0)
            roles[here & (center >= low) & (center < high)] = block_role
    return roles


def _natural(recording: Recording) -> list[tuple[int, str]]:
    parts = re.findall(r"\d+|\D+", recording.id)
    return [(int(p), "") if p.isdigit() else (0, p) for p in parts]


def n_fit(n: int, fraction: float) -> int:
    """Return how many of an animal's `n` recordings, at least 2, are fit."""
    if n >= MANY_RECORDINGS:
        return min(n - 1, max(1, round(n * fraction)))
    return n - 1


def _by_lists(
    own: Sequence[Recording],
    options: SplitOptions,
    roles: dict[str, Literal["fit", "fresh", "blocks"]],
) -> None:
    for recording in own:
        if options.fit:
            is_fit = recording.id in options.fit
            if is_fit or not options.fresh or recording.id in options.fresh:
                roles[recording.id] = "fit" if is_fit else "fresh"
        else:
            roles[recording.id] = "fresh" if recording.id in options.fresh else "fit"


def _cut(
    recording: Recording, most: int, window_s: float
) -> tuple[tuple[float, float, str], ...]:
    start, stop = recording.overlap()
    n_blocks = most
    if window_s > 0:
        fitting = int((stop - start) / (WINDOWS_PER_BLOCK * window_s))
        n_blocks = min(most, max(FRESH_EVERY, fitting))
    edges = np.linspace(start, stop, n_blocks + 1)
    return tuple(
        (
            float(edges[i]),
            float(edges[i + 1]),
            "fresh" if i % FRESH_EVERY == FRESH_EVERY - 1 else "fit",
        )
        for i in range(n_blocks)
    )


def _check_names(
    recordings: Sequence[Recording], options: SplitOptions, held_out: Sequence[str]
) -> None:
    ids = {r.id for r in recordings}
    animals = {r.animal for r in recordings}
    problems = [
        f"split.{side}: recording {name!r} does not exist. Known: "
        f"{', '.join(sorted(ids))}."
        for side, names in (("fit", options.fit), ("fresh", options.fresh))
        for name in names
        if name not in ids
    ]
    both = sorted(set(options.fit) & set(options.fresh))
    if both:
        problems.append(f"split: {', '.join(both)} cannot be both fit and fresh.")
    problems += [
        f"training.held_out: animal {name!r} does not exist. Known: "
        f"{', '.join(sorted(animals))}."
        for name in held_out
        if name not in animals
    ]
    if problems:
        raise ConfigError("\n".join(problems))
