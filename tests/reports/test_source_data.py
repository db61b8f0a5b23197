"""The table behind a panel has every number that is drawn, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from napari_neuroembed.plotting.history import history
from napari_neuroembed.plotting.theme import empty
from napari_neuroembed.reports.run_figures import drawn_apart
from napari_neuroembed.reports.source_data import panel_tables


def test_panels_are_lettered_in_drawing_order_and_keep_their_own_series():
    drawn = make_subplots(rows=1, cols=2)
    for column, name in ((1, "one"), (1, "two"), (2, "three")):
        drawn.add_scatter(
            x=[column, column + 1], y=[5, 6], name=name, row=1, col=column
        )
    drawn.update_xaxes(title_text="Time (s)", col=2)
    found = panel_tables(drawn)
    assert list(found) == ["a", "b"]
    assert found["a"]["series"].tolist() == ["one", "one", "two", "two"]
    assert found["b"]["Time (s)"].tolist() == [2, 3]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_intervals_become_their_ends(axis):
    error = {"symmetric": False, "array": [0.1, 0.2], "arrayminus": [0.3, 0.4]}
    drawn = go.Figure(
        go.Scatter(x=[1.0, 2.0], y=[5.0, 6.0], **{f"error_{axis}": error})
    )
    table = panel_tables(drawn)["a"]
    values = table[axis].to_numpy()
    np.testing.assert_allclose(table["low"], values - np.array([0.3, 0.4]))
    np.testing.assert_allclose(table["high"], values + np.array([0.1, 0.2]))


def test_a_matrix_is_written_cell_by_cell():
    z = [[1.0, 2.0], [3.0, np.nan]]
    table = panel_tables(go.Figure(go.Heatmap(z=z, x=["p", "q"], y=["r", "s"])))["a"]
    cells = {(r.y, r.x): r.value for r in table.itertuples()}
    assert cells["r", "q"] == 2.0
    assert cells["s", "p"] == 3.0
    assert np.isnan(cells["s", "q"])


def test_a_figure_without_data_has_no_table():
    assert panel_tables(empty("Nothing yet.")) == {}
    assert panel_tables(go.Figure()) == {}


def test_both_panels_of_a_history():
    table = pd.DataFrame({"step": [1, 2], "loss": [3.0, 2.0], "windows_per_s": [9, 8]})
    found = panel_tables(history(table))
    assert found["a"]["Loss"].tolist() == [3.0, 2.0]
    assert found["b"]["Windows per second"].tolist() == [9, 8]


def test_webgl_is_left_out_and_the_figure_stays_as_it_was():
    drawn = go.Figure(go.Scattergl(x=np.arange(3.0), y=np.arange(3.0), mode="markers"))
    flat = drawn_apart(drawn)
    assert flat.data[0].type == "scatter"
    before, after = (f.to_plotly_json()["data"][0] for f in (drawn, flat))
    assert before.pop("type") == "scattergl"
    assert after.pop("type") == "scatter"
    assert after == before
    assert drawn.data[0].type == "scattergl"
