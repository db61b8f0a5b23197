"""From scores to the tables of the paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.reports.compared import comparison, line, row_scores

from napari_neuroembed.reports.summary import differences, over_seeds, table_of
from napari_neuroembed.reports.tables import LAYOUTS, lines_of, reasons


def test_a_line_has_the_mean_over_animals_and_no_single_animal():
    table = table_of(comparison()).set_index("row")
    assert table.loc["simclr", "multi_100"] == pytest.approx(0.7)
    assert table.loc["simclr", "single_100"] == pytest.approx(0.7)
    assert table.loc["guenel2022", "identity_mlp"] == pytest.approx(0.4)
    assert np.isnan(table.loc["guenel2022", "multi_50"])  # nobody took half


def test_controls_and_other_targets_stay_out():
    scores = comparison()
    wrong = [
        line(row="simclr", run="t-simclr", task="action_multi", target="action")
        | {"held_out_animal": "mean", "value": 0.0, "control": "shuffled"},
        line(row="simclr", run="t-simclr", task="action_multi", target="walk")
        | {"held_out_animal": "mean", "value": 0.0},
    ]
    more = pd.concat([scores, pd.DataFrame(wrong)], ignore_index=True)
    assert table_of(more)["multi_100"].min() == pytest.approx(0.7)


def test_seeds_are_averaged_with_their_sd():
    joint = over_seeds(table_of(comparison(3))).set_index("row")
    assert joint.loc["guenel2022", "multi_100"] == pytest.approx(0.89)
    assert joint.loc["guenel2022", "multi_100_sd"] == pytest.approx(0.01)
    assert set(joint["n_seeds"]) == {3}


def test_units_of_one_project_are_animals():
    found = differences(comparison())
    multi = found[found["column"] == "multi_100"].iloc[0]
    assert (multi["row"], multi["reference"]) == ("simclr", "guenel2022")
    assert (multi["unit"], multi["n"]) == ("animal", 3)
    assert multi["mean"] == pytest.approx(-0.2)
    assert multi["each"] == "-0.100 -0.200 -0.300"
    assert np.isnan(multi["p"])
    assert not (found["column"] == "identity_mlp").any()  # a fact of all animals


def test_units_of_several_projects_are_seeds():
    found = differences(comparison(6)).set_index("column")
    assert set(found["unit"]) == {"seed"}
    assert found.loc["multi_100", "mean"] == pytest.approx(-0.2)
    assert found.loc["multi_100", "p"] == pytest.approx(2 / 64)
    assert found.loc["identity_mlp", "mean"] == pytest.approx(0.4)


def test_a_transform_is_compared_with_the_same_step_too():
    ours = {"a": 0.8, "b": 0.8}
    step = {"transform": "subspace"}
    scores = pd.DataFrame(
        row_scores("guenel2022", ours, 0.9)
        + row_scores("guenel2022", {"a": 0.85, "b": 0.85}, 0.5, **step)
        + row_scores("eq3", {"a": 0.9, "b": 0.9}, 0.4, **step)
    )
    found = differences(scores)
    multi = found[(found["row"] == "eq3") & (found["column"] == "multi_100")]
    gained = dict(zip(multi["reference"], multi["mean"], strict=True))
    assert gained["guenel2022"] == pytest.approx(0.1)
    assert gained["guenel2022, subspace"] == pytest.approx(0.05)


def test_inductive_runs_are_one_line_and_never_beside_the_others():
    lines = row_scores("guenel2022", {"a": 0.8, "b": 0.8}, 0.5)
    for animal, value in {"a": 0.5, "b": 0.7}.items():
        lines.append(
            line(
                row="guenel2022_inductive",
                run=f"t-{animal}",
                mode="inductive",
                task="action_multi",
                target="action",
                held_out_animal=animal,
                value=value,
            )
        )
    joint = over_seeds(table_of(pd.DataFrame(lines)))
    by_mode = {
        layout.mode: set(lines_of(joint, layout)["row"])
        for layout in LAYOUTS
        if layout.columns[0].startswith(("single", "multi"))
    }
    assert by_mode["transductive"] == {"guenel2022"}
    assert by_mode["inductive"] == {"guenel2022_inductive"}
    one = joint.set_index("row").loc["guenel2022_inductive"]
    assert one["multi_100"] == pytest.approx(0.6)


def test_rows_without_scores_say_why():
    nothing = line(row="eq3", task="action_multi", value=np.nan, note="no labels")
    scores = pd.concat([comparison(), pd.DataFrame([nothing])], ignore_index=True)
    assert reasons(scores) == {"eq3, actions": "no labels"}
    is_action = scores["task"].str.startswith("action")
    scores.loc[is_action, ["value", "note"]] = [np.nan, "no labels"]
    assert reasons(scores) == {"every row, actions": "no labels"}
