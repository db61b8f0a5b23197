"""The published numbers, and what is laid beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_neuroembed.methods import METHODS
from napari_neuroembed.reports.published import (
    CAVEATS,
    HOURS,
    METHOD_ROWS,
    N_ANIMALS,
    N_IMAGES,
    N_POSES,
    ROWS,
)
from napari_neuroembed.reports.reproduction import beside_published, text_of
from napari_neuroembed.reports.rows import ROWS as COMPARED

BY_NAME = {row.name: row for row in ROWS}


def test_numbers_agree_with_what_the_paper_says_of_them():
    """Sums, orders and levels, so that a slip of one digit does not pass."""
    assert N_IMAGES / 16 == N_POSES / 100 == pytest.approx(HOURS * 3600, rel=0.01)
    assert BY_NAME["Random Guess"].identity == (100 / N_ANIMALS,) * 2
    held_out = {r.name: r.actions[3] for r in ROWS if r.ours in METHODS}
    order = sorted(held_out, key=lambda name: -held_out[name])
    assert order[:3] == ["Ours", "BehaveNet", "Regression (Convolution)"]
    assert order[-1] == "SimCLR"
    rounded = [
        round(
            sum(v or 0 for v in r.actions) + sum(r.identity[:1] or (0,))
            if r.identity[0]
            else sum(v or 0 for v in r.actions),
            1,
        )
        for r in ROWS
    ]
    assert rounded == [
        *(78.9, 88.6, 198.6, 36.8, 279.3, 303.4, 307.3, 302.3, 250.4, 233.0),
        *(228.7, 223.2, 223.2),
    ]  # fmt: skip


def test_every_trained_row_is_a_method_that_the_paper_names_so():
    assert set(METHOD_ROWS) == {r.ours for r in ROWS if r.ours in METHODS}
    assert all(COMPARED[name].method == name for name in METHOD_ROWS)
    for row in ROWS:
        if row.ours in METHODS:
            assert METHODS[row.ours].paper_name == row.name


def test_what_is_doubtful_is_said():
    text = " ".join(CAVEATS)
    for word in ("16.6 %", "18.4 %", "12.5 %", "Behavioral MLP", "transductive"):
        assert word in text


def line(row: str, stream: str = "neural", transform: str = "none", **scores):
    own = {"row": row, "stream": stream, "transform": transform, "is_baseline": False}
    names = ("single_50", "single_100", "multi_50", "multi_100", "multi_mlp")
    names = (*names, "identity_linear")
    own |= {name: np.nan for n in names for name in (n, f"{n}_sd")}
    return own | scores


def measured(table: pd.DataFrame, name: str, column: str) -> float:
    own = table[(table["name"] == name) & (table["column"] == column)]
    return float(own["measured"].iloc[0])


def test_measured_rows_stand_beside_theirs_in_per_cent():
    joint = pd.DataFrame(
        [
            line("guenel2022", multi_100=0.5, multi_100_sd=0.02, identity_linear=0.9),
            line("guenel2022", transform="subspace", multi_100=0.99),
            line("guenel2022", stream="pose", multi_100=0.98),
            line("raw", multi_100=0.3, multi_mlp=0.4, identity_linear=1.0),
            line("raw", stream="pose", identity_linear=0.8),
            line("uniform", stream="none", multi_100=1 / 6),
        ]
    )
    table = beside_published(joint)
    assert measured(table, "Ours", "multi_100") == 50.0
    assert measured(table, "Ours", "identity_100") == 90.0
    assert measured(table, "Neural (Linear)", "multi_100") == 30.0
    assert measured(table, "Neural (MLP)", "multi_100") == 40.0
    assert measured(table, "Behavior (Linear)", "identity_100") == 80.0
    assert measured(table, "Random Guess", "multi_100") == pytest.approx(100 / 6)
    assert np.isnan(measured(table, "SimCLR", "multi_100"))
    assert np.isnan(measured(table, "Ours", "identity_50"))
    own = table[(table["name"] == "Ours") & (table["column"] == "multi_100")].iloc[0]
    assert own["difference"] == pytest.approx(50.0 - 61.9)
    text = text_of(table, ["six recordings"], {"simclr": "no labels"})
    assert "| Ours | `guenel2022` |" in text
    assert "61.9 → 50.0 ± 2.0 |" in text
    assert "18.4 → 40.0 |" in text
    assert "- six recordings" in text
    assert "- simclr: no labels" in text


def test_inductive_rows_are_not_laid_beside_transductive_ones():
    joint = pd.DataFrame(
        [
            line("guenel2022", multi_100=0.9) | {"mode": "inductive"},
            line("guenel2022", multi_100=0.5) | {"mode": "transductive"},
        ]
    )
    assert measured(beside_published(joint), "Ours", "multi_100") == 50.0
