"""What every figure must do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from napari_neuroembed.plotting.figures import FIGURES
from napari_neuroembed.plotting.theme import config
from napari_neuroembed.store.schema import DISTANCE_COLUMNS, SCORE_COLUMNS


def scores(task: str, n: int, value: float = 0.7) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS, "")
    row |= {
        "run": "first",
        "method": "guenel2022",
        "is_baseline": False,
        "control": "none",
        "stream": "neural",
        "transform": "none",
        "task": task,
        "target": "animal" if task == "identity" else "action",
        "probe": "linear",
        "mode": "transductive",
        "animal": "mean" if task == "action_single" else "",
        "fraction": 1.0,
        "metric": "accuracy" if task == "identity" else "balanced_accuracy",
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "chance": 0.25,
        "p": 0.01,
        "detectable": 0.3,
        "balanced": True,
        "n_test": 100,
        "n_classes": 4,
    }
    return pd.DataFrame([row] * n, columns=list(SCORE_COLUMNS))


def predictions(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": ["guenel2022"] * n,
            "is_baseline": False,
            "stream": "neural",
            "transform": "none",
            "task": "action_multi",
            "probe": "linear",
            "true": [f"a{i % 2}" for i in range(n)],
            "predicted": "a0",
            "weight": 1.0,
        }
    )


def history(n: int, value: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame(
        {"step": np.arange(n), "loss": [value] * n, "windows_per_s": [value] * n}
    )


def pairs(n: int, value: float = 0.7) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(DISTANCE_COLUMNS, value)
    row |= {"animal_a": "a", "method": "guenel2022", "is_baseline": False}
    row |= {"stream": "neural", "transform": "none", "note": ""}
    rows = [{**row, "animal_b": f"b{i}"} for i in range(n)]
    return pd.DataFrame(rows, columns=list(DISTANCE_COLUMNS))


def fractions(n: int, value: float = 0.7) -> pd.DataFrame:
    table = scores("action_multi", n, value).assign(held_out_animal="mean")
    return pd.concat([table.assign(fraction=f) for f in (0.5, 1.0)])


def compared(n: int, value: float = 0.5) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": ["guenel2022"] * n,
            "transform": "none",
            "is_baseline": False,
            "multi_balanced": value,
            "identity_mlp": value,
        }
    )


def points(n: int, value: float = 1.0) -> tuple[pd.DataFrame, np.ndarray]:
    table = pd.DataFrame(
        {
            "recording": ["r"] * n,
            "animal": ["fly"] * n,
            "center_s": np.arange(n) * 0.5,
            "action": ["walk"] * n,
        }
    )
    return table, np.full((n, 2), value, dtype=np.float32)


NAN = float("nan")
Made = Callable[[], tuple[Any, ...]]
INPUTS: dict[str, dict[str, Made]] = {
    "embedding": {
        "empty": lambda: points(0),
        "one row": lambda: points(1),
        "all NaN": lambda: points(4, NAN),
    },
    "leakage": {
        "empty": lambda: (scores("identity", 0),),
        "one row": lambda: (scores("identity", 1),),
        "all NaN": lambda: (scores("identity", 2, NAN),),
    },
    "actions": {
        "empty": lambda: (scores("action_single", 0),),
        "one row": lambda: (scores("action_single", 1),),
        "all NaN": lambda: (scores("action_single", 2, NAN),),
    },
    "confusion": {
        "empty": lambda: (predictions(0),),
        "one row": lambda: (predictions(1),),
        "all NaN": lambda: (predictions(3).assign(weight=NAN),),
    },
    "frontier": {
        "empty": lambda: (compared(0),),
        "one row": lambda: (compared(1),),
        "all NaN": lambda: (compared(2, NAN),),
    },
    "distances": {
        "empty": lambda: (pairs(0),),
        "one row": lambda: (pairs(1),),
        "all NaN": lambda: (pairs(2, NAN),),
    },
    "label_efficiency": {
        "empty": lambda: (fractions(0),),
        "one row": lambda: (fractions(1),),
        "all NaN": lambda: (fractions(2, NAN),),
    },
    "history": {
        "empty": lambda: (history(0),),
        "one row": lambda: (history(1),),
        "all NaN": lambda: (history(3, NAN),),
    },
}


def test_every_figure_is_tried_here() -> None:
    assert set(INPUTS) == set(FIGURES)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("case", ["empty", "one row", "all NaN"])
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_figure_is_made_of_anything_and_never_blank(
    name: str, case: str, theme: str
) -> None:
    given = INPUTS[name][case]()
    before = [part.copy() for part in given]
    shown = FIGURES[name](*given, theme=theme)
    assert isinstance(shown, go.Figure)
    assert json.loads(shown.to_json())
    assert shown.data or shown.layout.annotations[0].text
    for one, two in zip(before, given, strict=True):
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two)
        else:
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_an_empty_figure_says_what_makes_it(name: str) -> None:
    shown = FIGURES[name](*INPUTS[name]["empty"]())
    assert not shown.data
    assert "neuroembed" in shown.layout.annotations[0].text


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_both_themes_have_their_own_paper(name: str) -> None:
    papers = {
        FIGURES[name](
            *INPUTS[name]["one row"](), theme=theme
        ).layout.template.layout.paper_bgcolor
        for theme in ("light", "dark")
    }
    assert papers == {"#FFFFFF", "#14171A"}


def test_nothing_is_ever_shared_from_a_figure() -> None:
    options = config()
    assert options["showSendToCloud"] is False
    assert options["plotlyServerURL"] == ""
    assert options["displaylogo"] is False
