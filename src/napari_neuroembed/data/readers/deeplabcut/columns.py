"""The points of one animal out of columns labelled as DeepLabCut does."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.data.readers.individuals import choose_individual
from napari_neuroembed.errors import DataError

_SPATIAL = ("x", "y", "z")
_SHARED = "single"
"""DeepLabCut's name for the owner of body parts that belong to no animal."""


def refuse_labels(source: Source) -> None:
    """Refuse a file of training labels by its name.

    Raises
    ------
    DataError
        `pose.header`.
    """
    if source.path.name.startswith("CollectedData"):
        raise training_labels(source)


def training_labels(source: Source) -> DataError:
    """Return the refusal of images that a person labelled for training."""
    return DataError(
        f"{source.path} holds training labels (image names as rows), not the tracking "
        f"of a video. Give the {source.path.suffix.lstrip('.') or 'file'} that "
        "analyze_videos made. [pose.header]"
    )


def filtered_twin(source: Source) -> list[Problem]:
    """Return a warning when the file exists filtered and unfiltered."""
    stem, suffix = source.path.stem, source.path.suffix
    plain = re.sub(r"_filtered$", "", stem)
    other = plain if stem != plain else f"{stem}_filtered"
    if not source.path.with_name(f"{other}{suffix}").exists():
        return []
    text = (
        f"{other}{suffix} exists too; check that {source.path.name} is the one you "
        "want."
    )
    return [Problem("pose.filtered", "warning", text, source.name)]


def one_animal(
    table: pd.DataFrame, wanted: str | None, name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep the columns of one animal; the levels of the labels have names."""
    if "individuals" not in table.columns.names:
        return table, choose_individual((), wanted, name)[1]
    found = table.columns.get_level_values("individuals").astype(str)
    names = [n for n in dict.fromkeys(found) if n != _SHARED] or [_SHARED]
    keep, problems = choose_individual(names, wanted, name)
    if _SHARED in set(found) and keep != _SHARED:
        parts = table.loc[:, found == _SHARED].columns.get_level_values("bodyparts")
        text = (
            f"{', '.join(dict.fromkeys(parts))} belong to no animal and are left out."
        )
        problems.append(Problem("pose.shared_points", "note", text, name))
    return table.loc[:, found == keep], problems


def points(
    table: pd.DataFrame, name: str
) -> tuple[NDArray[np.float64], tuple[str, ...], NDArray[np.float64] | None]:
    """Return (time, point, dimension), names and confidence, by column labels.

    Raises
    ------
    DataError
        When a body part lacks a coordinate or has it twice (`pose.header`).
    """
    parts = table.columns.get_level_values("bodyparts").astype(str)
    coords = table.columns.get_level_values("coords").astype(str)
    table = table.set_axis(pd.MultiIndex.from_arrays([parts, coords]), axis=1)
    names = tuple(dict.fromkeys(parts))
    axes = [a for a in _SPATIAL if a in set(coords)]
    odd = [p for p in names if any((p, a) not in table.columns for a in axes)]
    if odd or len(axes) < 2 or table.columns.has_duplicates:
        text = (
            f"expected columns x and y for every body part; {', '.join(odd) or 'all'} "
            "do not have them once each."
        )
        raise DataError(f"{name}: {text} [pose.header]")
    numbers = table.apply(pd.to_numeric, errors="coerce")
    data = np.stack(
        [numbers[[(p, a) for a in axes]].to_numpy(np.float64) for p in names], axis=1
    )
    confidence = None
    if all((p, "likelihood") in table.columns for p in names):
        columns = [(p, "likelihood") for p in names]
        confidence = numbers[columns].to_numpy(np.float64)
    return data, names, confidence


def frame_times(
    rows: NDArray[np.float64], name: str, rate_hz: float | None
) -> tuple[NDArray[np.float64] | None, list[Problem]]:
    """Return the times of the frames when their numbers jump, else None.

    Parameters
    ----------
    rows
        Number of each frame.
    name
        What messages call the file.
    rate_hz
        Frames per second; without them there are no times.

    Returns
    -------
    tuple
        Centres in seconds, the first frame opening at 0; and findings.
    """
    wrong = np.flatnonzero(~np.isfinite(rows) | (rows != np.round(rows)))
    late = np.flatnonzero(~(np.diff(rows) > 0))
    if wrong.size or late.size:
        i = int(wrong[0]) if wrong.size else int(late[0]) + 1
        before = f" after {rows[i - 1]:g}" if i else ""
        text = (
            f"row {i} is frame {rows[i]:g}{before}; expected whole frame numbers that "
            "increase. Export it again."
        )
        return None, [Problem("time.not_increasing", "error", text, name)]
    lost = int((np.diff(rows) - 1).sum())
    problems = []
    if rows.size and rows[0] != 0:
        problems.append(
            Problem(
                "pose.first_frame",
                "warning",
                f"the first row is frame {rows[0]:g}, not 0; the stream starts with "
                "it, so count its start from there.",
                name,
            )
        )
    if not lost:
        return None, problems
    problems.append(
        Problem(
            "pose.frames",
            "warning",
            f"{lost:,} frame numbers are missing; they become gaps in time.",
            name,
        )
    )
    times = (rows - rows[0] + 0.5) / rate_hz if rate_hz else None
    return times, problems
