"""Free facts of recordings."""

from __future__ import annotations

import pytest

from napari_neuroembed.data.project.covariates import (
    confounded,
    covariate_table,
    parse_assignments,
    parse_column,
)
from napari_neuroembed.data.project.spec import RecordingSpec
from napari_neuroembed.errors import ConfigError


def recordings(*rows: tuple[str, object]) -> list[RecordingSpec]:
    return [
        RecordingSpec(
            id=f"r{n}", animal=animal, covariates={} if x is None else {"x": x}
        )
        for n, (animal, x) in enumerate(rows)
    ]


def test_a_covariate_that_is_constant_within_animals_is_confounded():
    rows = recordings(("a", "f"), ("a", "f"), ("b", "m"), ("b", "m"), ("c", "f"))
    (problem,) = confounded(rows)
    assert (problem.id, problem.severity) == ("covariate.confounded", "warning")
    assert "same in all recordings of an animal (2 values, 3 animals)" in problem.text


def test_a_covariate_whose_values_never_meet_in_two_animals_is_confounded():
    rows = recordings(("a", "mon"), ("a", "tue"), ("a", "mon"), ("b", "wed"))
    (problem,) = confounded(rows)
    assert "occurs in one animal only" in problem.text


@pytest.mark.parametrize(
    "rows",
    [
        [("a", 1), ("a", 2), ("b", 1), ("b", 2)],  # crossed
        [("a", 1), ("a", 1), ("b", 1)],  # the same everywhere
        [("a", 1), ("a", 2), ("b", 3), ("b", 4)],  # names the recording
        [("a", 1), ("a", 2)],  # one animal
        [("a", 1), ("b", None)],  # known of one animal only
    ],
)
def test_other_covariates_are_not_confounded(rows):
    assert confounded(recordings(*rows)) == []


def test_the_table_has_a_column_per_covariate_and_gaps_where_unknown():
    table = covariate_table(recordings(("a", 1.5), ("b", None)))
    assert list(table.columns) == ["recording", "animal", "x"]
    assert table["x"].isna().tolist() == [False, True]
    assert list(covariate_table([]).columns) == ["recording", "animal"]


def test_a_column_has_one_type():
    assert parse_column(["true", "False", ""]) == [True, False, None]
    assert parse_column(["1", "true"]) == ["1", "true"]
    assert parse_column(["001", "002"]) == ["001", "002"]
    assert parse_column(["1", "2e3"]) == [1.0, 2000.0]


@pytest.mark.parametrize("text", ["sex", "sex=", "=f", "animal=x", "1a=2", "a/b=1"])
def test_a_covariate_flag_must_be_a_key_and_a_value(text):
    with pytest.raises(ConfigError, match=r"KEY=VALUE|cannot be a covariate"):
        parse_assignments([text])


def test_a_covariate_given_twice_is_refused():
    with pytest.raises(ConfigError, match="given twice"):
        parse_assignments(["a=1", "a=2"])
