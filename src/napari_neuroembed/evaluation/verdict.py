"""Did the controls fail as they must, and what follows where they did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from napari_neuroembed.evaluation.intervals import ALPHA
from napari_neuroembed.evaluation.table import sentence

SHARE = 0.5
"""Part of the embedding's excess over chance from which a confound counts."""

Row = dict[str, Any]

FAULTS = {
    "labels_shuffled": "actions of other recordings are read: fit and fresh windows "
    "are not independent (shared frames, blocks too near to each other), so the action "
    "scores of this evaluation say nothing. Check the split",
    "noise": "noise of the embedding's own spectrum is read: fit and fresh windows are "
    "not independent, or recordings are too short for the null, so no p of this task "
    "can be trusted. Check the split and the recordings",
    "clock_target": "the embedding knows the time within the recording: it drifts the "
    "same way in all of them (bleaching, warming up, a protocol). Read the action "
    "scores beside the row of the clock alone",
}
CONFOUNDS = {
    "clock": "the time within the recording",
    "borders": "the black border that registration left",
    "motion": "the motion of the image",
    "brightness": "the mean brightness of the raw image",
    "anatomical": "the anatomical channel, which shows no activity",
}
ADVICE = {
    "clock": "actions follow a protocol or drift along with it; compare windows of "
    "equal times",
    "borders": "recordings came in that the run's mask does not know; train anew, so "
    "that the common mask covers them",
    "motion": "see whether registration left motion in the images (correlation in "
    "quality.parquet); if acting moves the brain, say so beside the score",
    "brightness": "check light leaks, bleaching and dF/F; if activity is that global, "
    "say so beside the score",
    "anatomical": "tissue that moves or bleaches tells the action; see the rows of "
    "motion, and say so beside the score",
}
QUESTIONS = {
    "action_single": "the action within an animal",
    "action_multi": "the action across animals",
    "identity": "the animal",
    "clock": "the time",
}
EXPECTED = {
    ("identity", "motion"),
    ("identity", "brightness"),
    ("identity", "anatomical"),
}
"""Animals do differ in these; what of it reaches the embedding is its own score."""


def judge(rows: Sequence[Row]) -> None:
    """Add verdict and note to the rows of controls.

    Parameters
    ----------
    rows
        All rows of the evaluation; changed in place.

    Notes
    -----
    A control is above chance when its p stays below 0.05 after Holm's correction
    (1979) over all of them, so that with nothing wrong any of them is with a
    probability of at most 5 %. Faults (shuffled labels, noise, the clock in the
    embedding, a border that tells the animal) warn then. Confounds, which may be a
    fact of the data, warn when they also reach half of what the embedding lies above
    chance by.
    """
    tested = [row for row in rows if _is_tested(row)]
    above = holm([row["p"] for row in tested])
    for row, is_above in zip(tested, above, strict=True):
        rival = _rival(rows, row)
        is_wrong = bool(is_above) and _counts(row, rival)
        row["verdict"] = "warning" if is_wrong else "as it should"
        if is_wrong:
            row["note"] = sentence([_warning(row, rival), str(row.get("note", ""))])


def holm(p: Sequence[float]) -> list[bool]:
    """Return which of several p stay significant at 5 % for all of them together.

    Examples
    --------
    >>> holm([0.04, 0.01])
    [True, True]
    >>> holm([0.04, 0.03])
    [False, False]
    """
    order = np.argsort(p)
    out = [False] * len(p)
    for place, i in enumerate(order):
        if p[i] > ALPHA / (len(p) - place) + 1e-12:
            break
        out[int(i)] = True
    return out


def _is_tested(row: Mapping[str, Any]) -> bool:
    control, p = row.get("control", "none"), row.get("p", np.nan)
    if control not in FAULTS and control not in CONFOUNDS:
        return False
    return bool(np.isfinite(p)) and (row["task"], control) not in EXPECTED


def _rival(rows: Sequence[Row], row: Row) -> Row | None:
    """Return the embedding's own score of the same question, by the same probe."""
    stream = row.get("stream", "none")
    for other in rows:
        if (
            other.get("control", "none") == "none"
            and not other.get("is_baseline", False)
            and other.get("transform", "none") == "none"
            and (stream in ("none", other.get("stream")))
            and all(
                other.get(k, "") == row.get(k, "")
                for k in ("task", "target", "metric", "animal", "held_out_animal")
            )
            and other.get("probe") == row["probe"]
            and "value" in other
        ):
            return other
    return None


def _counts(row: Row, rival: Row | None) -> bool:
    if row["control"] in FAULTS or (row["control"], row["task"]) == _BORDER_LEAK:
        return True
    if rival is None:
        return True
    if row["task"] == "identity" and rival.get("verdict") != "leak":
        return False
    own, theirs = (one["value"] - one["chance"] for one in (row, rival))
    return bool(own >= SHARE * theirs)


_BORDER_LEAK = ("borders", "identity")


def _warning(row: Row, rival: Row | None) -> str:
    control, task = row["control"], QUESTIONS[row["task"]]
    numbers = f"{row['value']:.2f}, chance {row['chance']:.2f}, p {row['p']:.3f}"
    if control in FAULTS:
        return f"WARNING: {FAULTS[control]} ({task}: {numbers})"
    beside = "" if rival is None else f"; the embedding {rival['value']:.2f}"
    return (
        f"WARNING: {CONFOUNDS[control]} alone tells {task} ({numbers}{beside}). Read "
        f"the embedding against this value, not against chance: {ADVICE[control]}"
    )
