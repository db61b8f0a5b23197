"""What a person reads about the controls that must fail."""

from __future__ import annotations

import pandas as pd

from napari_neuroembed.cli.control_lines import BAR, control_lines
from napari_neuroembed.store.main_scores import warnings_of

ROW = {
    "control": "brightness",
    "task": "action_multi",
    "stream": "none",
    "value": 0.26,
    "chance": 0.17,
    "p": 0.4,
    "verdict": "as it should",
    "note": "",
}
WRONG = {
    "p": 0.002,
    "value": 0.66,
    "verdict": "warning",
    "note": "WARNING: the mean brightness alone tells the action",
}


def lines(*rows):
    return "\n".join(control_lines(pd.DataFrame([ROW | row for row in rows])))


def test_controls_that_failed_are_counted_and_their_values_shown_without_alarm():
    text = lines({}, {"task": "action_single"})
    assert "Controls: 2 of 2 failed as they must." in text
    assert "0.26 (0.17)" in text
    assert BAR not in text
    assert "WARNING" not in text


def test_a_control_that_did_not_fail_is_told_between_bars_that_nobody_overlooks():
    text = lines({}, {"control": "motion", **WRONG})
    assert "Controls: 1 of 2 failed as they must." in text
    assert text.count(BAR) == 2
    loud = text.split(BAR)[1]
    assert "WARNING: 1 of 2 did not fail." in loud
    assert "- motion: the mean brightness alone tells the action" in loud


def test_programs_are_given_the_warnings_as_records():
    found = warnings_of(pd.DataFrame([ROW, ROW | WRONG]))
    assert [row["value"] for row in found] == [0.66]


def test_a_control_that_the_recordings_cannot_test_has_no_number():
    untested = {"task": "identity", "value": 0.95, "p": float("nan"), "verdict": ""}
    text = lines({}, untested)
    assert "0.95" not in text
    assert "not testable" in text


def test_without_controls_nothing_is_said():
    assert lines({"control": "none", "verdict": ""}) == ""
