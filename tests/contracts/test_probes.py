"""What every probe must do."""

from __future__ import annotations

import numpy as np
import pytest

from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.probes import PROBES, Labelled, labelled, predict
from napari_neuroembed.options.evaluation import EvaluationOptions

OPTIONS = EvaluationOptions()
every_probe = pytest.mark.parametrize("name", sorted(PROBES))


def blobs(n: int = 240, gap: float = 6.0, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = gap * np.eye(3, 8)[y] + rng.normal(size=(n, 8))
    return labelled(x, y, 3, groups=np.arange(n) // 20)


def fitted(name: str, data: Labelled, x: np.ndarray, seed: int = 0) -> np.ndarray:
    probe = PROBES[name](OPTIONS)
    probe.fit(data, np.random.default_rng(seed))
    return probe.probabilities(x)


@every_probe
def test_a_probe_names_separable_classes(name: str) -> None:
    data = blobs()
    probe = PROBES[name](OPTIONS)
    probe.fit(data, np.random.default_rng(0))
    called, confidence = predict(probe, blobs(seed=1).x)
    assert (called == data.y).mean() > 0.97
    assert ((confidence > 1 / 3) & (confidence <= 1 + 1e-9)).all()


@every_probe
def test_the_same_seed_gives_the_same_probabilities(name: str) -> None:
    data = blobs(gap=1.0)
    one, two = (fitted(name, data, data.x, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@every_probe
def test_a_probe_leaves_its_input_and_the_global_generators_alone(name: str) -> None:
    import torch

    data = blobs(gap=1.0)
    before, state = data.x.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    fitted(name, data, data.x)
    np.testing.assert_array_equal(data.x, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


@every_probe
def test_probabilities_add_up_to_one(name: str) -> None:
    data = blobs(gap=0.5)
    total = fitted(name, data, data.x).sum(axis=1)
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


@every_probe
def test_windows_of_weight_zero_change_nothing(name: str) -> None:
    data = blobs(gap=2.0)
    n = data.y.size
    junk = labelled(
        np.concatenate([data.x, 1e6 * np.ones((30, 8))]),
        np.concatenate([data.y, np.zeros(30)]),
        3,
        weights=np.concatenate([np.ones(n), np.zeros(30)]),
        groups=np.concatenate([data.groups, np.zeros(30)]),
    )
    np.testing.assert_array_equal(
        fitted(name, data, data.x), fitted(name, junk, data.x)
    )


@every_probe
def test_weights_move_the_decision(name: str) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    x = rng.normal(size=(300, 4))
    heavy = np.where(y == 1, 50.0, 1.0)
    data = labelled(x, y, 2, weights=heavy, groups=np.arange(300) // 30)
    assert (fitted(name, data, x).argmax(axis=1) == 1).mean() > 0.9


@every_probe
def test_constant_features_and_a_single_class_are_answered(name: str) -> None:
    flat = labelled(np.ones((40, 5)), np.arange(40) % 2, 2, groups=np.arange(40) // 10)
    assert np.isfinite(fitted(name, flat, flat.x)).all()
    one = labelled(np.eye(6), np.full(6, 1), 3, groups=np.arange(6))
    assert (fitted(name, one, one.x).argmax(axis=1) == 1).all()


@every_probe
def test_the_scale_of_a_feature_does_not_matter(name: str) -> None:
    data = blobs(gap=2.0)
    scale = np.logspace(-3, 3, 8)
    other = labelled(data.x * scale, data.y, 3, groups=data.groups)
    one = fitted(name, data, data.x)
    two = fitted(name, other, other.x)
    assert (one.argmax(axis=1) == two.argmax(axis=1)).mean() > 0.98


def test_features_that_are_not_finite_are_refused_with_their_number() -> None:
    x = np.ones((5, 2))
    x[1, 0] = np.nan
    x[3, 1] = np.inf
    with pytest.raises(DataError, match="2 of 5 windows hold NaN"):
        labelled(x, np.zeros(5), 1)


def test_a_fit_without_weight_or_windows_is_refused() -> None:
    with pytest.raises(DataError, match="weight 0"):
        labelled(np.ones((3, 2)), np.zeros(3), 1, weights=np.zeros(3))
    with pytest.raises(DataError, match="0 windows"):
        labelled(np.ones((0, 2)), np.zeros(0), 1)
    with pytest.raises(DataError, match="finite and at least 0"):
        labelled(np.ones((2, 2)), np.zeros(2), 1, weights=np.array([1.0, -1.0]))
