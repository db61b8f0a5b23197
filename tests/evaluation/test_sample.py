from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.planted import Planted, noise, windows

from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.options.base import from_dict
from napari_neuroembed.options.evaluation import EvaluationOptions, resolved


def test_features_that_are_not_finite_are_refused_with_recording_and_time() -> None:
    table, _, _ = windows(Planted())
    x = noise(len(table), 3, 0)
    x[50, 1] = np.nan
    with pytest.raises(
        DataError, match=r"neural is not finite in 1 of .* fly0_01 at 2"
    ):
        Sample(table, {"neural": x})


def test_all_problems_are_told_at_once() -> None:
    table, _, _ = windows(Planted())
    table["role"] = "test"
    with pytest.raises(DataError, match="2 problems") as error:
        Sample(table, {"neural": noise(3, 3, 0)})
    assert "fit or fresh, found ['test']" in str(error.value)
    assert "expected (864, dim)" in str(error.value)


def test_a_table_without_its_columns_is_refused() -> None:
    table, _, _ = windows(Planted())
    with pytest.raises(DataError, match="lacks action, role"):
        Sample(table.drop(columns=["action", "role"]), {})


def test_covariates_are_what_is_constant_within_recordings() -> None:
    table, animal, action = windows(Planted())
    table["sex"] = np.where(animal == 0, "f", "m")
    table["speed"] = action * 1.0
    table["rig"] = "one"
    table["pose_count"] = animal
    given = Sample(table, {"neural": noise(len(table), 2, 0)})
    assert given.covariate_names() == ("sex",)


def test_target_columns_carry_the_name_of_their_stream() -> None:
    table, _, _ = windows(Planted())
    n = len(table)
    targets = {"speed": noise(n, 1, 0), "pose": noise(n, 2, 0)}
    given = Sample(table, {}, targets=targets, target_names={"pose": ("x", "y")})
    assert given.columns_of("speed") == ("speed",)
    assert given.columns_of("pose") == ("pose:x", "pose:y")


def test_a_misspelt_option_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean evaluation\.profile"):
        from_dict(EvaluationOptions, {"profil": "full"}, "evaluation")


def test_the_profile_fills_in_only_what_was_left_empty() -> None:
    options = resolved(EvaluationOptions(profile="full", permutations_linear=5))
    assert options.permutations_linear == 5
    assert options.fractions == (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
    assert resolved(EvaluationOptions()).fractions == (1.0,)
