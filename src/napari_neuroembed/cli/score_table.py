"""Scores as a person reads them: one line per question, always beside chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli.control_lines import control_lines
from napari_neuroembed.cli.flags import number, table

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
METRICS = ("balanced_accuracy", "r2")
MEANS = ("", "mean")
SHOWN_PROBES = {"identity": ("linear", "knn", "mlp"), "covariate": ("linear",)}
MOST_SIGNALS = 6
UNTESTABLE = "not testable"
UNTESTED = "not tested"
USUAL_PROBES = ("linear", "ridge")


def score_lines(scores: pd.DataFrame) -> list[str]:
    """Return the main scores as lines of text, then what could not be computed.

    Balanced accuracy (R2 for decoding) by the linear probe, identity by all three;
    ``scores.csv`` holds every other probe, metric, animal and signal.

    Parameters
    ----------
    scores
        As ``Run.evaluate`` gives them.
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
    main = _with_untested(main)
    whole = _shown_as_whole(main)
    lines = []
    for task, question in QUESTIONS.items():
        probes = SHOWN_PROBES.get(task, USUAL_PROBES)
        rows = main[(main["task"] == task) & main["probe"].isin(probes)]
        lines += [
            _row(question, row)
            for row in rows.to_dict("records")
            if row["target"].partition(":")[0] not in whole - {row["target"]}
        ]
    text = ["Nothing could be scored."]
    if lines:
        text = [table(lines, HEADER), "", LEGEND]
    text += [*_untestable(main), *control_lines(scores)]
    missing = scores[scores["value"].isna() & (scores["note"].fillna("") != "")]
    reasons = missing.groupby("note", sort=False)["task"].unique()
    if len(reasons):
        text += ["", "Could not be computed:"]
        text += [f"  {', '.join(tasks)}: {note}" for note, tasks in reasons.items()]
    return text


def _shown_as_whole(main: pd.DataFrame) -> set[str]:
    """Return the streams with too many signals to show one by one."""
    streams = [t.partition(":")[0] for t in set(main["target"]) if ":" in t]
    return {s for s in streams if streams.count(s) > MOST_SIGNALS}


def _row(question: str, row: Mapping[Any, Any]) -> tuple[str, ...]:
    source = f"{row['method']} {row['stream']}"
    if row["transform"] not in ("none", ""):
        source += f" ({row['transform']})"
    is_hidden = row["verdict"] in (UNTESTABLE, UNTESTED)
    return (
        question,
        str(row["target"]),
        source,
        str(row["probe"]),
        row["verdict"] if is_hidden else number(row["value"]),
        "-" if is_hidden else f"{number(row['low'])} to {number(row['high'])}",
        number(row["chance"]),
        number(row["p"], 3),
        number(row["detectable"]),
        str(row["n_test"]),
    )


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


def _untestable(main: pd.DataFrame) -> list[str]:
    """Return what the recordings cannot show, and what to record."""
    rows = main[main["verdict"] == UNTESTABLE]
    if rows.empty:
        return []
    sources: dict[str, list[str]] = {}
    for row in rows.to_dict("records"):
        _, _, why = str(row["note"]).rpartition(f"{UNTESTABLE} ")
        source = f"{row['method']} {row['stream']} ({row['probe']})"
        sources.setdefault(why, []).append(source)
    lines = ["", "Which animal, not testable, so no number is shown:"]
    for why, of in sources.items():
        where = "all of them" if len(of) == len(rows) else ", ".join(of)
        lines.append(f"  {where}: {UNTESTABLE} {why}")
    if (main["verdict"] == UNTESTED).any():
        lines.append(f"  {UNTESTED}: no leak was planted there (--profile full does)")
    return lines
