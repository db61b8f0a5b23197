"""What a run found, in one sentence and one line of the table of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.reports.run_facts import RunRecord
from napari_neuroembed.store.main_scores import (
    UNTESTABLE,
    UNTESTED,
    WARNING,
    main_scores,
)

ACTION_TASKS = ("action_single", "action_multi")
PROBES = ("linear", "knn", "mlp")
RAW, UNTRAINED = "raw", "random_encoder"
LINE_COLUMNS = (
    "run",
    "method",
    "mode",
    "transform",
    "task",
    "target",
    "probe",
    "who",
    "value",
    "low",
    "high",
    "chance",
    "p",
    "raw",
    "untrained",
    "verdict",
    "n_test",
)


def lines_of(run: RunRecord) -> pd.DataFrame:
    """Return a line per question of a run, beside chance, raw signals and no training.

    Returns
    -------
    DataFrame
        Columns :data:`LINE_COLUMNS`; `who` is the held-out animal, or empty for a mean
        over animals. `raw` and `untrained` are the same question asked of the raw
        signals and of an untrained encoder.
    """
    if run.judged is None:
        return pd.DataFrame(columns=list(LINE_COLUMNS))
    main = main_scores(run.judged.scores)
    asked = main["task"].isin([*ACTION_TASKS, "identity"]) & (main["stream"] != "pose")
    asked &= main["target"].isin(["action", "animal"])  # not within single actions
    main = main[asked & main["probe"].isin(PROBES)]
    own = main[~main["is_baseline"]]
    rows = [
        {
            "run": run.name,
            "who": str(row["held_out_animal"]).replace("mean", ""),
            "raw": _beside(main, row, RAW),
            "untrained": _beside(main, row, UNTRAINED),
            **{name: row[name] for name in LINE_COLUMNS if name in row},
        }
        for row in _records(own)
        if row["probe"] == "linear" or row["task"] == "identity"
    ]
    return pd.DataFrame(rows, columns=list(LINE_COLUMNS)).assign(run=run.name)


def _beside(main: pd.DataFrame, row: Any, method: str) -> float:
    same = main["is_baseline"] & (main["method"] == method)
    for name in ("task", "target", "probe", "stream", "animal", "held_out_animal"):
        same &= main[name] == row[name]
    found = main.loc[same & (main["transform"] == "none"), "value"]
    return float(found.iloc[0]) if len(found) else float("nan")


def sentence_of(run: RunRecord) -> str:
    """Return what was found as one sentence, every number beside its chance level.

    The embedding itself, no transform; a linear probe for actions, for identity the
    probe that reads most.
    """
    lines = lines_of(run)
    plain = lines[lines["transform"].isin(["none", ""])]
    parts = [
        _action(plain, "action_single", "actions within an animal"),
        _action(plain, "action_multi", "actions of a held-out animal"),
        _identity(plain),
    ]
    text = "; ".join(part for part in parts if part)
    if not text:
        why = "was never evaluated" if run.judged is None else "has no main scores"
        return f"{run.name} ({run.config.method}) {why}."
    return f"{run.name} ({run.config.method}): {text}."


def n_warnings(run: RunRecord) -> int:
    """Return how many controls did not fail."""
    if run.judged is None:
        return 0
    return int((run.judged.scores["verdict"] == WARNING).sum())


def _action(lines: pd.DataFrame, task: str, words: str) -> str:
    rows = _records(lines[lines["task"] == task])
    texts = []
    for row in rows[:3]:
        who = f" ({row['who']})" if row["who"] else ""
        beside = [f"chance {digits(row['chance'])}"]
        beside += [f"raw signals {digits(row['raw'])}"] if known(row["raw"]) else []
        if known(row["untrained"]):
            beside.append(f"untrained encoder {digits(row['untrained'])}")
        texts.append(
            f"{words}{who} {digits(row['value'])} [{digits(row['low'])}, "
            f"{digits(row['high'])}], {', '.join(beside)}"
        )
    return "; ".join(texts)


def _identity(lines: pd.DataFrame) -> str:
    rows = _records(lines[lines["task"] == "identity"])
    if not rows:
        return ""
    read = [row for row in rows if row["verdict"] not in (UNTESTABLE, UNTESTED)]
    if not read:
        return "which animal: not testable with these recordings"
    most = max(read, key=lambda row: float(row["value"]))
    verdicts = [str(row["verdict"]) for row in read if row["verdict"]]
    verdict = "leak" if "leak" in verdicts else (verdicts or ["no test"])[0]
    return (
        f"which animal read at {digits(most['value'])} ({most['probe']}), chance "
        f"{digits(most['chance'])}: {verdict}"
    )


def known(value: Any) -> bool:
    """Whether there is a number."""
    return isinstance(value, int | float) and bool(np.isfinite(value))


def digits(value: Any, n: int = 2) -> str:
    """Return a number with `n` digits behind the point, a dash where there is none.

    Examples
    --------
    >>> digits(0.456), digits(float("nan"))
    ('0.46', '–')
    """
    return f"{value:.{n}f}" if known(value) else "–"


def _records(table: pd.DataFrame) -> Sequence[dict[str, Any]]:
    found: Any = table.to_dict("records")
    return list(found)
