"""The few scores of a run that answer its questions, ready to be drawn; no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from napari_neuroembed.store.main_scores import (
    is_hidden,
    main_scores,
    shown_rows,
)

if TYPE_CHECKING:
    import pandas as pd

TASKS = {
    "action_multi": "Action, across animals",
    "action_single": "Action, within an animal",
    "identity": "Which animal (leakage)",
}
_MARKS: dict[str, Literal["accuracy", "leak"]] = {
    "action_multi": "accuracy",
    "action_single": "accuracy",
    "identity": "leak",
}
_TARGETS = ("action", "animal")
BASELINES = {"raw": "raw signals", "random_encoder": "untrained encoder"}


@dataclass(frozen=True)
class ScoreRow:
    """One line of a dot plot.

    Parameters
    ----------
    question, source
        What was asked, and what was read.
    value, low, high, chance
        Balanced accuracy with its interval; None where no number may be shown.
    mark
        `accuracy` a filled circle, `leak` a hollow diamond, `baseline` a grey tick.
    verdict
        What is said instead of, or beside, the number.
    """

    question: str
    source: str
    value: float | None
    low: float
    high: float
    chance: float
    mark: Literal["accuracy", "leak", "baseline"]
    verdict: str

    @property
    def text(self) -> str:
        """The number with its interval, or why there is none."""
        if self.value is None:
            return self.verdict
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def score_rows(scores: pd.DataFrame, stream: str = "neural") -> list[ScoreRow]:
    """Return what a run's neural embedding reaches, question by question.

    Parameters
    ----------
    scores
        As ``scores.csv`` holds them.
    stream
        Whose embedding.
    """
    found = []
    rows = shown_rows(main_scores(scores))
    for task, question in TASKS.items():
        for row in rows:
            if row["task"] != task or row["stream"] != stream:
                continue
            if row["target"] not in _TARGETS:
                continue
            if row["is_baseline"] and row["probe"] not in ("linear", "ridge"):
                continue
            found.append(_row(question, row))
    return found


def finding(rows: list[ScoreRow]) -> str:
    """Return the two numbers that matter in one sentence, "" without any."""
    parts = []
    for question, words, name in (
        (
            TASKS["action_multi"],
            "The action is read on a held-out animal at",
            "The action on a held-out animal",
        ),
        (TASKS["identity"], "the animal is readable at", "which animal it is"),
    ):
        mine = (r for r in rows if r.question == question and r.mark != "baseline")
        row = next(mine, None)
        if row is not None and row.value is None:
            parts.append(f"{name}: {row.verdict}")
        elif row is not None:
            parts.append(f"{words} {row.text}, chance {row.chance:.2f}")
    return "; ".join(parts) + "." if parts else ""


def _row(question: str, row: dict[str, Any]) -> ScoreRow:
    is_baseline = bool(row["is_baseline"])
    source = BASELINES.get(row["method"], row["method"])
    if row["transform"] not in ("none", ""):
        source += f" + {row['transform']}"
    if not is_baseline and row["task"] == "identity":
        source = f"{row['probe']}: {source}"
    return ScoreRow(
        question=question,
        source=source,
        value=None if is_hidden(row) else float(row["value"]),
        low=float(row["low"]),
        high=float(row["high"]),
        chance=float(row["chance"]),
        mark="baseline" if is_baseline else _MARKS[row["task"]],
        verdict=str(row["verdict"]),
    )
