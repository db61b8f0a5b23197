"""What a method is made of: fixed, brought, and of the paper's schedule."""

from __future__ import annotations

import dataclasses

import pytest

from napari_neuroembed.config import paper, twin
from napari_neuroembed.methods import METHODS, as_brought, as_defined


@pytest.mark.parametrize("method", METHODS)
def test_what_is_brought_may_be_changed_and_what_is_fixed_stays(method: str) -> None:
    config = as_brought(twin(), method)
    assert as_defined(config, method) == config
    assert not set(METHODS[method].fixed) & set(METHODS[method].brings)
    changed = dataclasses.replace(config, normalise="zscore_animal", transforms=())
    assert as_defined(changed, method) == changed


def test_our_own_method_brings_centred_input_and_its_subspace() -> None:
    config = as_brought(twin(), "neuroembed2026")
    assert (config.normalise, config.transforms) == ("centre_animal", ("subspace",))
    assert config.augmentation.pose_swap.include_own
    assert as_brought(twin(), "guenel2022").transforms == ()


def test_the_paper_gives_regression_a_slower_schedule() -> None:
    rates = {m: as_brought(paper(), m).training.learning_rate for m in METHODS}
    slow = {m for m, rate in rates.items() if rate == 1e-4}
    assert slow == {m for m in METHODS if m.startswith(("regression", "behavenet"))}
    assert as_brought(twin(), "behavenet").training.learning_rate == 1e-3


def test_what_a_file_has_written_is_not_brought_over() -> None:
    written = {"method": "neuroembed2026", "normalise": "zscore_animal"}
    start = dataclasses.replace(twin(), normalise="zscore_animal")
    config = as_brought(start, "neuroembed2026", written)
    assert (config.normalise, config.transforms) == ("zscore_animal", ("subspace",))
