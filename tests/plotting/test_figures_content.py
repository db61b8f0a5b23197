from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.contracts.test_figures import history as made_history
from tests.contracts.test_figures import points, predictions, scores

from napari_neuroembed.data.palette import (
    UNLABELLED,
    action_mark,
    animal_mark,
    contrast,
)
from napari_neuroembed.errors import DataError
from napari_neuroembed.plotting.actions import actions
from napari_neuroembed.plotting.confusion import confusion
from napari_neuroembed.plotting.embedding import embedding
from napari_neuroembed.plotting.history import history
from napari_neuroembed.plotting.leakage import leakage
from napari_neuroembed.plotting.projection import pca
from napari_neuroembed.plotting.theme import empty, template


def some_windows(n: int = 60) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recording": [f"r{i % 3}" for i in range(n)],
            "animal": [f"fly{i % 3}" for i in range(n)],
            "center_s": np.arange(n) * 0.5,
            "action": [("walk", "rest", "")[i % 3] for i in range(n)],
        }
    )


def test_animals_and_actions_keep_their_own_colours_and_unlabelled_is_grey() -> None:
    table, coords = some_windows(), np.random.default_rng(0).normal(size=(60, 2))
    by_action = {t.name: t.marker.color for t in embedding(table, coords).data}
    assert by_action == {
        "unlabelled": UNLABELLED,
        "rest": action_mark(0).color,
        "walk": action_mark(1).color,
    }
    shown = embedding(table, coords, "animal")
    assert [t.marker.color for t in shown.data] == [
        animal_mark(i).color for i in range(3)
    ]
    assert sum(len(t.x) for t in shown.data) == 60


def test_the_order_given_fixes_colours_whatever_is_present() -> None:
    table = some_windows().query("action == 'walk'")
    coords = np.zeros((len(table), 2))
    shown = embedding(table, coords, order=("groom", "rest", "walk"))
    assert shown.data[0].marker.color == action_mark(2).color


def test_continuous_columns_get_a_scale_and_three_coordinates_a_scene() -> None:
    table, coords = some_windows(), np.random.default_rng(0).normal(size=(60, 3))
    shown = embedding(table, coords, "center_s", axis_labels=("a", "b", "c"))
    assert shown.data[0].type == "scatter3d"
    np.testing.assert_allclose(shown.data[0].marker.color, table["center_s"])
    assert shown.layout.scene.zaxis.title.text == "c"


def test_axes_without_labels_carry_no_numbers() -> None:
    shown = embedding(some_windows(), np.zeros((60, 2)))
    assert shown.layout.xaxis.showticklabels is False


def test_coordinates_that_do_not_fit_and_unknown_columns_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"60 windows, found an array of shape \(5, 2\)"
    ):
        embedding(some_windows(), np.zeros((5, 2)))
    with pytest.raises(DataError, match="no column 'sex'"):
        embedding(some_windows(), np.zeros((60, 2)), "sex")


def test_principal_axes_equal_the_singular_vectors() -> None:
    h = np.random.default_rng(0).normal(size=(50, 5)) * np.arange(1, 6)
    coords, labels = pca(h, 2)
    left, size, _ = np.linalg.svd(h - h.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(coords), np.abs(left * size)[:, :2], rtol=1e-4)
    share = size**2 / (size**2).sum()
    assert labels[0] == f"PC 1 ({100 * share[0]:.0f} %)"
    with pytest.raises(DataError, match="1 of 2 windows"):
        pca(np.array([[1.0, np.nan], [0.0, 0.0]]))


def test_leakage_shows_one_panel_per_probe_non_linear_first_with_chance() -> None:
    table = pd.concat(
        [
            scores("identity", 1).assign(probe=probe)
            for probe in ("linear", "knn", "mlp")
        ]
    )
    raw = table.assign(method="raw", is_baseline=True, value=0.9)
    control = scores("identity", 1, 0.25).assign(
        control="action_onehot", method="action"
    )
    shown = leakage(pd.concat([table, raw, control]))
    texts = [a.text for a in shown.layout.annotations]
    assert texts[:3] == ["Network probe", "Neighbour probe", "Linear probe"]
    assert texts.count("chance 0.25") == 3
    dots = [t for t in shown.data if t.marker.symbol == "diamond-open"]
    assert sorted(float(t.x[0]) for t in dots) == [0.7] * 3 + [0.9] * 3
    np.testing.assert_allclose(dots[0].error_x.array, 0.1)
    assert set(dots[0].y) | set(dots[1].y) == {"guenel2022, neural", "raw, neural"}


def test_leakage_says_where_recordings_are_too_few_to_show_any() -> None:
    table = scores("identity", 3, 0.3)
    assert "too few" not in leakage(table).to_json()
    blind = leakage(table.assign(verdict="not testable")).to_json()
    assert "too few recordings to show a leak" in blind


def test_leakage_of_one_animal_says_why_there_is_none() -> None:
    why = "needs at least 2 values of animal among fresh windows; found fly0"
    shown = leakage(scores("identity", 1, float("nan")).assign(note=why))
    assert shown.layout.annotations[0].text == why


def test_actions_shows_within_and_across_animals() -> None:
    single = scores("action_single", 1, 0.8)
    own = scores("action_single", 1, 0.75).assign(animal="fly0")
    multi = scores("action_multi", 1, 0.6).assign(held_out_animal="mean", animal="")
    shown = actions(pd.concat([single, own, multi]))
    texts = [a.text for a in shown.layout.annotations]
    assert texts[:2] == ["Within an animal", "On a held-out animal"]
    dots = [t for t in shown.data if t.marker.size == 9 and t.marker.symbol == "circle"]
    assert [float(t.x[0]) for t in dots] == [0.8, 0.6]
    small = [t for t in shown.data if t.marker.size == 4]
    assert [list(t.x) for t in small] == [[0.75], []]


def test_an_inductive_animal_without_a_mean_is_shown_itself() -> None:
    multi = scores("action_multi", 1, 0.6).assign(held_out_animal="fly1", animal="")
    shown = actions(multi)
    dots = [t for t in shown.data if t.marker.size == 9]
    assert [float(t.x[0]) for t in dots] == [0.6]


def test_transductive_and_inductive_scores_never_share_a_row() -> None:
    one = scores("action_multi", 1, 0.8).assign(held_out_animal="mean")
    two = scores("action_multi", 1, 0.6).assign(
        held_out_animal="fly1", mode="inductive"
    )
    shown = actions(pd.concat([one, two]))
    labels = {label for trace in shown.data for label in trace.y}
    assert labels == {
        "guenel2022, neural, transductive",
        "guenel2022, neural, inductive",
    }


def test_confusion_has_a_number_in_every_cell_and_rows_of_one() -> None:
    shown = confusion(predictions(6))
    heat = shown.data[0]
    np.testing.assert_allclose(np.asarray(heat.z).sum(axis=1), 1.0)
    assert [a.text for a in shown.layout.annotations] == [
        "1.00",
        "0.00",
        "1.00",
        "0.00",
    ]
    assert np.asarray(heat.customdata).tolist() == [[3, 0], [3, 0]]


def test_confusion_weighs_windows_and_says_when_nothing_matches() -> None:
    heavy = predictions(4).assign(predicted=["a0", "a0", "a1", "a1"])
    heavy = heavy.assign(weight=[3.0, 1.0, 1.0, 1.0])
    assert np.asarray(confusion(heavy).data[0].z).tolist() == [[0.75, 0.25], [0.5, 0.5]]
    nothing = confusion(predictions(4), probe="mlp")
    assert "by the mlp probe" in nothing.layout.annotations[0].text


def test_history_draws_loss_above_throughput() -> None:
    shown = history(made_history(5).assign(nce=2.0))
    assert [t.name for t in shown.data] == ["loss", "nce", "windows_per_s"]
    assert shown.layout.xaxis2.title.text == "Step"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_shows_on_its_paper(theme: str) -> None:
    layout = template(theme).layout
    assert contrast(layout.font.color, layout.paper_bgcolor) >= 4.5
    note = empty("why", theme=theme).layout.annotations[0]
    assert contrast(note.font.color, layout.paper_bgcolor) >= 4.5


def test_the_words_of_the_chance_line_have_room_beneath_the_last_row() -> None:
    shown = leakage(scores("identity", 1))
    bottom, top = shown.layout.yaxis.range
    assert bottom > 1
    assert top < 0


@pytest.mark.parametrize(("n", "has_outline"), [(1000, True), (20_000, False)])
def test_small_dots_have_no_outline_that_would_hide_them(
    n: int, has_outline: bool
) -> None:
    table, coords = points(n)
    (trace,) = embedding(table, coords).data
    assert (trace.marker.line.width > 0) == has_outline
    assert trace.marker.size > 2 * trace.marker.line.width
