"""A constant embedding and a decided contest are told once they last for an epoch."""

from __future__ import annotations

import pytest

from napari_neuroembed.methods.base import StepReport
from napari_neuroembed.training.collapse import CollapseWatch

WON = {
    "discriminator_neural": 0.001,
    "discriminator_accuracy_neural": 1.0,
    "spread": 0.3,
}


def told(watch: CollapseWatch, terms: dict[str, float], *steps: int) -> list[str]:
    return [text for s in steps for text in watch.look(StepReport(s, 500, terms))]


def test_a_discriminator_that_has_won_for_an_epoch_is_told_once() -> None:
    watch = CollapseWatch(20)
    assert told(watch, WON, 10, 20) == []
    (text,) = told(watch, WON, 30, 40, 60)
    assert "from step 10 to 30 the discriminator names every animal" in text
    assert "from the neural embedding (loss 0.001)" in text


@pytest.mark.parametrize(
    "better",
    [{"discriminator_neural": 0.02}, {"discriminator_accuracy_neural": 0.99}],
)
def test_an_epoch_with_a_doubt_in_it_is_none(better: dict[str, float]) -> None:
    watch = CollapseWatch(20)
    assert told(watch, WON, 10, 20) == []
    assert told(watch, {**WON, **better}, 25) == []
    assert told(watch, WON, 30, 40) == []
    assert len(told(watch, WON, 50)) == 1


def test_embeddings_that_became_one_point_are_told() -> None:
    watch = CollapseWatch(5)
    assert told(watch, {"spread": 0.5}, 1, 10) == []
    (text,) = told(watch, {"spread": 1e-5}, 20, 25, 30)
    assert "embeddings are the same for all windows" in text
