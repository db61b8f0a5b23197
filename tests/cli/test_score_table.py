"""The table of scores as a person reads it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from napari_neuroembed.cli.score_table import score_lines
from napari_neuroembed.store.schema import SCORE_COLUMNS


def scores(task: str, *metrics: str, **fields: Any) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS, "")
    row |= {"run": "first", "method": "guenel2022", "stream": "neural"}
    row |= {"control": "none", "transform": "none", "task": task, "probe": "linear"}
    row |= {"fraction": 1.0, "value": 0.5, "low": 0.4, "high": 0.6, "chance": 0.25}
    row |= {"p": 0.01, "n_test": 100, **fields}
    return pd.DataFrame([{**row, "metric": metric} for metric in metrics])


@pytest.mark.parametrize(
    "task", ["action_single", "action_multi", "identity", "recording", "covariate"]
)
def test_a_question_has_one_line_per_probe_though_several_metrics(task: str) -> None:
    text = "\n".join(score_lines(scores(task, "accuracy", "balanced_accuracy")))
    assert text.count("guenel2022 neural") == 1


def test_every_line_stands_beside_its_chance_level() -> None:
    text = score_lines(scores("identity", "balanced_accuracy"))[0]
    header, line = text.splitlines()
    assert "chance" in header
    assert line.split("0.40 to 0.60")[1].split() == ["0.25", "0.010", "100"]


def test_what_could_not_be_computed_is_told_with_its_reason() -> None:
    why = "needs at least 2 animals; there is 1 (fly1)"
    lines = score_lines(
        scores("identity", "balanced_accuracy", value=float("nan"), note=why)
    )
    assert lines[0] == "Nothing could be scored."
    assert lines[-1] == f"  identity: {why}"
