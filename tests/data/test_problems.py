"""What may be accepted, and how findings are told."""

import pytest

from napari_neuroembed.data.problems import FIRM, Problem, refuse
from napari_neuroembed.data.project.acceptance import refuse_with_option
from napari_neuroembed.errors import DataError

HEAD = "Recording 'r'"


@pytest.mark.parametrize("check", sorted(FIRM))
@pytest.mark.parametrize("refusing", [refuse, refuse_with_option])
def test_a_check_that_needs_an_answer_cannot_be_accepted(refusing, check):
    problem = Problem(check, "error", "expected 2, found 1.")
    with pytest.raises(DataError, match=f"expected 2, found 1. .{check}."):
        refusing([problem], HEAD, {check})


def test_what_is_salvaged_needs_no_consent():
    problem = Problem("thor.product", "error", "expected 2, found 1.")
    refuse([problem], HEAD, (), {"thor.product"})


@pytest.mark.parametrize("refusing", [refuse, refuse_with_option])
def test_what_is_looked_at_is_named_once(refusing):
    one = Problem("a.b", "error", f"{HEAD}: pose has 4 frames.")
    other = Problem("c.d", "error", "neural has 5.")
    with pytest.raises(DataError) as told:
        refusing([one], HEAD)
    assert str(told.value).startswith(f"{HEAD}: pose has 4 frames. [a.b]")
    assert str(told.value).count(HEAD) == 1
    with pytest.raises(DataError) as told:
        refusing([one, other], HEAD)
    assert str(told.value).startswith(f"{HEAD}: 2 problems\n  - pose has 4 frames.")
    assert str(told.value).count(HEAD) == 1
