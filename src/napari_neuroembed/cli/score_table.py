"""Scores as a person reads them: one line per question, always beside chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.control_lines import control_lines
from napari_neuroembed.cli.flags import number, table
from napari_neuroembed.store.main_scores import (
    QUESTIONS,
    UNTESTABLE,
    UNTESTED,
    is_hidden,
    main_scores,
    missing_scores,
    shown_rows,
    source_of,
    untestable,
)

if TYPE_CHECKING:
    import pandas as pd

HEADER = (
    "question",
    "what",
    "from",
    "probe",
    "value",
    "95 % interval",
    "chance",
    "p",
    "detectable",
    "n",
)
LEGEND = (
    "Balanced accuracy (R2 for decoding) on recordings that nothing was fitted on, "
    "beside chance; scores.csv has all rows. For covariates read p: what differs "
    "between animals alone lies above chance. detectable: the smallest leak that these "
    "recordings would have shown."
)


def score_lines(scores: pd.DataFrame) -> list[str]:
    """Return the main scores as lines of text, then what could not be computed.

    Balanced accuracy (R2 for decoding) by the linear probe, identity by all three;
    ``scores.csv`` holds every other probe, metric, animal and signal.

    Parameters
    ----------
    scores
        As ``Run.evaluate`` gives them.
    """
    main = main_scores(scores)
    lines = [_row(row) for row in shown_rows(main)]
    text = ["Nothing could be scored."]
    if lines:
        text = [table(lines, HEADER), "", LEGEND]
    text += [*_untestable(main), *control_lines(scores)]
    reasons = missing_scores(scores)
    if reasons:
        text += ["", "Could not be computed:"]
        text += [f"  {', '.join(tasks)}: {note}" for note, tasks in reasons.items()]
    return text


def _row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    hidden = is_hidden(row)
    return (
        QUESTIONS[row["task"]],
        str(row["target"]),
        source_of(row),
        str(row["probe"]),
        row["verdict"] if hidden else number(row["value"]),
        "-" if hidden else f"{number(row['low'])} to {number(row['high'])}",
        number(row["chance"]),
        number(row["p"], 3),
        number(row["detectable"]),
        str(row["n_test"]),
    )


def _untestable(main: pd.DataFrame) -> list[str]:
    """Return what the recordings cannot show, and what to record."""
    sources = untestable(main)
    if not sources:
        return []
    n_rows = sum(map(len, sources.values()))
    lines = ["", "Which animal, not testable, so no number is shown:"]
    for why, of in sources.items():
        where = "all of them" if len(of) == n_rows else ", ".join(of)
        lines.append(f"  {where}: {UNTESTABLE} {why}")
    if (main["verdict"] == UNTESTED).any():
        lines.append(f"  {UNTESTED}: no leak was planted there (--profile full does)")
    return lines
