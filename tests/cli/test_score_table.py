"""The table that people read after `evaluate`."""

from __future__ import annotations

import pandas as pd
import pytest

from napari_neuroembed.cli.score_table import score_lines
from napari_neuroembed.store.schema import SCORE_COLUMNS

ROW = dict.fromkeys(SCORE_COLUMNS, "") | {
    "method": "simclr",
    "control": "none",
    "stream": "neural",
    "transform": "none",
    "task": "action_multi",
    "target": "action",
    "probe": "linear",
    "mode": "transductive",
    "held_out_animal": "mean",
    "fraction": 1.0,
    "metric": "balanced_accuracy",
    "value": 0.75,
    "low": 0.7,
    "high": 0.8,
    "chance": 0.25,
    "p": 0.01,
    "n_test": 100,
}


def lines(*rows):
    return "\n".join(score_lines(pd.DataFrame([ROW | row for row in rows])))


def test_a_score_stands_beside_interval_and_chance():
    header, row, *_ = lines({}).splitlines()
    for name in ("value", "95 % interval", "chance", "p", "detectable", "n"):
        assert name in header.split("probe")[1]
    words = row.split()
    expected = ["0.75", "0.70", "to", "0.80", "0.25", "0.010"]
    assert words[words.index("linear") + 1 :][:6] == expected
    assert words[-1] == "100"


def test_an_inductive_run_shows_the_animal_it_left_out():
    assert "0.75" in lines({"mode": "inductive", "held_out_animal": "fly1"})


@pytest.mark.parametrize(("n", "shown"), [(2, True), (7, False)])
def test_few_signals_are_shown_one_by_one_and_many_as_a_whole(n, shown):
    decoded = {"task": "decode_single", "metric": "r2", "probe": "ridge"}
    rows = [decoded | {"target": f"pose:x{i}", "value": 0.5} for i in range(n)]
    text = lines(decoded | {"target": "pose"}, *rows)
    assert ("pose:x0" in text) is shown


def test_what_could_not_be_computed_is_told_once_with_its_reason():
    missing = {"value": float("nan"), "note": "needs 2 animals"}
    text = lines(missing, missing | {"task": "identity"})
    assert text.count("needs 2 animals") == 1
    assert "Nothing could be scored" in text


def test_what_is_not_testable_has_no_number_and_is_told_once_with_what_to_record():
    why = "not testable with 2 fresh recordings per animal: why; record about 3 more"
    row = {"task": "identity", "verdict": "not testable", "note": why, "p": 0.2}
    text = lines({}, row, row | {"probe": "knn", "value": 0.61})
    assert "0.61" not in text
    assert text.count("not testable  -  ") == 2
    assert text.count("record about 3 more") == 1
    assert "all of them: not testable with 2 fresh" in text
    text = lines(row, row | {"probe": "knn", "note": why.replace("3", "4")})
    assert "simclr neural (linear): not testable" in text
    assert "record about 4 more" in text


def test_beside_what_is_not_testable_an_untested_probe_or_baseline_has_no_number():
    why = "not testable with 2 fresh recordings per animal: why; record about 3 more"
    row = {"task": "identity", "verdict": "not testable", "note": why, "p": 0.2}
    bare = {"task": "identity", "p": float("nan")}
    network, raw = bare | {"probe": "mlp", "value": 0.31}, bare | {"method": "raw"}
    text = lines(row, network, raw | {"value": 0.32})
    assert "0.31" not in text
    assert "0.32" not in text
    assert text.count("not tested ") == 2
    assert text.count("no leak was planted there") == 1


def test_a_source_in_which_a_leak_was_found_keeps_its_numbers():
    why = "not testable with 2 fresh recordings per animal: why; record about 3 more"
    row = {"task": "identity", "verdict": "not testable", "note": why, "p": 0.2}
    found = {"task": "identity", "method": "raw", "verdict": "leak", "value": 0.91}
    bare = {"task": "identity", "method": "raw", "probe": "mlp", "value": 0.92}
    text = lines(row, found, bare)
    assert "0.91" in text
    assert "0.92" in text
    assert "not tested" not in text


def test_where_leaks_could_be_shown_an_untested_probe_keeps_its_number():
    found = {"task": "identity", "verdict": "none found", "value": 0.27}
    text = lines(found, {"task": "identity", "probe": "mlp", "value": 0.28})
    assert "0.28" in text
