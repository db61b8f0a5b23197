"""One column of a journal is too narrow for panels side by side."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from napari_neuroembed.plotting.history import history
from napari_neuroembed.plotting.one_column import LONGEST_LABEL, broken, one_column


def three() -> go.Figure:
    titles = ["one", "two", "three"]
    wide = make_subplots(rows=1, cols=3, shared_yaxes=True, subplot_titles=titles)
    for column in (1, 2, 3):
        rows = ["raw, neural", "neuroembed2026, neural + subspace"]
        wide.add_scatter(x=[0.1, 0.2], y=rows, row=1, col=column)
        wide.add_vline(x=0.5, row=1, col=column)
    wide.update_yaxes(type="category")
    wide.update_xaxes(title_text="Accuracy")
    return wide.update_layout(height=260, margin={"t": 96, "b": 64}, title="Leakage")


def test_panels_stand_above_each_other_in_their_order_and_do_not_meet():
    narrow = one_column(three())
    domains = [axis.domain for axis in narrow.select_yaxes()]
    assert domains == sorted(domains, reverse=True)
    assert all(below[1] < above[0] for above, below in pairwise(domains))
    assert domains[0][1] == 1.0
    assert domains[-1][0] == 0.0
    assert [axis.domain for axis in narrow.select_xaxes()] == [(0.0, 1.0)] * 3
    heights = [high - low for low, high in domains]
    assert heights == pytest.approx([heights[0]] * 3)
    inside = narrow.layout.height - 160
    assert inside * heights[0] >= 100  # as high as it was, or higher
    titles = [a for a in narrow.layout.annotations if a.text in ("one", "two", "three")]
    assert [t.y for t in titles] == [high for _, high in domains]
    assert [axis.title.text for axis in narrow.select_xaxes()] == ["", "", "Accuracy"]


def test_what_is_drawn_and_the_given_figure_stay():
    wide = three()
    before = wide.to_plotly_json()
    narrow = one_column(wide)
    assert wide.to_plotly_json() == before
    assert narrow.data == wide.data
    assert narrow.layout.shapes == wide.layout.shapes
    axis = narrow.layout.yaxis
    assert axis.tickvals == ("raw, neural", "neuroembed2026, neural + subspace")
    assert axis.ticktext == ("raw, neural", "neuroembed2026,<br>neural + subspace")


def test_panels_that_stand_above_each_other_already_are_left_alone():
    table = pd.DataFrame({"step": [1, 2], "loss": [3.0, 2.0], "windows_per_s": [9, 8]})
    wide = history(table)
    narrow = one_column(wide)
    for one, two in zip(wide.select_yaxes(), narrow.select_yaxes(), strict=True):
        assert one.domain == two.domain
    assert narrow.layout.height == wide.layout.height
    assert one_column(go.Figure()).data == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("raw", "raw"),
        ("a" * 40, "a" * 40),
        ("random encoder, neural + subspace", "random encoder,<br>neural + subspace"),
        ("neuroembed2026 + subspace", "neuroembed2026<br>+ subspace"),
        ("one two three four five", "one two three<br>four five"),
    ],
)
def test_labels_are_broken_where_words_end(text, wanted):
    assert broken(text) == wanted
    assert max(map(len, broken(text).split("<br>"))) <= max(len(text), LONGEST_LABEL)
