"""The rows of scores.csv that answer the questions, for terminals and reports alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

QUESTIONS = {
    "action_single": "action, within animal",
    "action_multi": "action, across animals",
    "decode_single": "decoding, within animal",
    "decode_multi": "decoding, across animals",
    "identity": "which animal (leakage)",
    "recording": "which recording",
    "covariate": "covariate",
}
"""Task -> the question, in the order in which they are told."""

METRICS = ("balanced_accuracy", "r2")
MEANS = ("", "mean")
SHOWN_PROBES = {"identity": ("linear", "knn", "mlp"), "covariate": ("linear",)}
USUAL_PROBES = ("linear", "ridge")
MOST_SIGNALS = 6
UNTESTABLE = "not testable"
UNTESTED = "not tested"
WARNING = "warning"

CONTROLS = {
    "labels_shuffled": "actions shuffled",
    "noise": "noise like the embedding",
    "clock": "clock alone",
    "borders": "borders alone",
    "motion": "motion alone",
    "brightness": "brightness alone",
    "anatomical": "anatomical channel alone",
}
"""Controls whose value is shown, with what they read."""

CONTROL_TASKS = {
    "action_single": "action, within animal",
    "action_multi": "action, across animals",
    "identity": "which animal",
}
"""The questions that controls are asked."""


def main_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per question and source, all questions in one table.

    Balanced accuracy (R2 for decoding) with all labels, means over animals, of the
    embedding and its baselines; no controls.

    Parameters
    ----------
    scores
        As ``Run.evaluate`` gives them.

    Returns
    -------
    DataFrame
        The same columns. The verdict is `UNTESTED` for identity scores without a test
        of their own that must not look like one.
    """
    is_inductive = scores["mode"] == "inductive"
    main = scores[
        scores["metric"].isin(METRICS)
        & (scores["animal"].isin(MEANS) | is_inductive)
        & (scores["held_out_animal"].isin(MEANS) | is_inductive)
        & (scores["control"] == "none")
        & (scores["fraction"].isna() | (scores["fraction"] == 1.0))
        & scores["value"].notna()
    ]
    return _with_untested(main)


def shown_rows(main: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows to be shown, question by question.

    One probe per question (all three for identity), and streams of many signals as a
    whole.
    """
    whole = _shown_as_whole(main)
    found: list[dict[str, Any]] = []
    for task in QUESTIONS:
        probes = SHOWN_PROBES.get(task, USUAL_PROBES)
        rows: Any = main[(main["task"] == task) & main["probe"].isin(probes)]
        found += [
            row
            for row in rows.to_dict("records")
            if row["target"].partition(":")[0] not in whole - {row["target"]}
        ]
    return found


def source_of(row: Any) -> str:
    """Return what a row was read from, e.g. ``raw neural (subspace)``."""
    transform = row["transform"]
    behind = f" ({transform})" if transform not in ("none", "") else ""
    return f"{row['method']} {row['stream']}{behind}"


def is_hidden(row: Any) -> bool:
    """Whether no number may be shown, since the recordings allow no test of it."""
    return row["verdict"] in (UNTESTABLE, UNTESTED)


def untestable(main: pd.DataFrame) -> dict[str, list[str]]:
    """Return why something is not testable, and which sources that holds for."""
    found: dict[str, list[str]] = {}
    rows: Any = main[main["verdict"] == UNTESTABLE]
    for row in rows.to_dict("records"):
        _, _, why = str(row["note"]).rpartition(f"{UNTESTABLE} ")
        source = f"{row['method']} {row['stream']} ({row['probe']})"
        found.setdefault(why, []).append(source)
    return found


def missing_scores(scores: pd.DataFrame) -> dict[str, list[str]]:
    """Return why scores could not be computed, and the tasks that this holds for."""
    missing = scores[scores["value"].isna() & (scores["note"].fillna("") != "")]
    reasons: Any = missing.groupby("note", sort=False)["task"].unique()
    return {str(note): list(map(str, tasks)) for note, tasks in reasons.items()}


def warnings_of(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the controls that did not fail, for programs.

    Parameters
    ----------
    scores
        As ``Run.evaluate`` gives them.
    """
    rows = scores[scores["verdict"] == WARNING]
    columns = ["control", "task", "stream", "value", "chance", "p", "note"]
    found: Any = rows[columns].to_dict("records")
    return list(found)


def warning_text(row: Any) -> str:
    """Return one warning of a control as a sentence."""
    name = str(row["control"]).replace("_", " ")
    where = "" if row["stream"] == "none" else f" ({row['stream']})"
    return f"{name}{where}: {str(row['note']).removeprefix('WARNING: ')}"


def _shown_as_whole(main: pd.DataFrame) -> set[str]:
    """Return the streams with too many signals to show one by one."""
    streams = [t.partition(":")[0] for t in set(main["target"]) if ":" in t]
    return {s for s in streams if streams.count(s) > MOST_SIGNALS}


def _with_untested(main: pd.DataFrame) -> pd.DataFrame:
    """Mark identity scores without a test of their own that must not look like one.

    Where the tested probes of a stream could not have shown a leak, a probe or a
    baseline into which none was planted, and which found none, has no number either.
    """
    hidden = main["stream"].isin(main.loc[main["verdict"] == UNTESTABLE, "stream"])
    source = [main[column] for column in ("method", "stream", "transform")]
    is_leak = (main["verdict"] == "leak").groupby(source).transform("any")
    is_bare = (main["task"] == "identity") & (main["verdict"] == "")
    chosen = hidden & is_bare & ~is_leak
    return main.assign(verdict=main["verdict"].mask(chosen, UNTESTED))
