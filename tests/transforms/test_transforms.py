"""Transforms do what their equations say, on fit rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.transforms import (
    TRANSFORMS,
    TransformData,
    behaviour_target,
    find_transform,
)
from napari_neuroembed.transforms.subspace import ridge

OPTIONS = TransformOptions()


def made(n: int = 300, dim: int = 6, seed: int = 0, rank: int = 2) -> TransformData:
    """Embeddings that hold a behaviour and, apart from it, the animal."""
    rng = np.random.default_rng(seed)
    animal = np.array([f"fly{i % 3}" for i in range(n)], dtype=object)
    behaviour = rng.normal(size=(n, rank))
    whose = np.array([int(a[-1]) for a in animal], dtype=float)
    h = behaviour @ rng.normal(size=(rank, dim)) + 0.3 * rng.normal(size=(n, dim))
    h += 3 * np.outer(whose, rng.normal(size=dim))
    return TransformData(h, animal, behaviour)


def means(x: np.ndarray, animal: np.ndarray) -> np.ndarray:
    return np.stack([x[animal == a].mean(axis=0) for a in sorted(set(animal))])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_rows_are_transformed_one_by_one_and_the_fit_is_left_alone(name: str) -> None:
    data = made()
    kept = data.h.copy()
    found = TRANSFORMS[name](data, OPTIONS)
    whole = found.apply(data.h, data.animal)
    part = found.apply(data.h[5:9], data.animal[5:9])
    assert np.allclose(part, whole[5:9])
    assert np.array_equal(data.h, kept)
    assert np.isfinite(whole).all()
    again = TRANSFORMS[name](data, OPTIONS).apply(data.h, data.animal)
    assert np.array_equal(again, whole)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_one_animal_is_refused_by_name(name: str) -> None:
    data = made()
    alone = TransformData(data.h, np.full(len(data.h), "fly0", object), data.behaviour)
    with pytest.raises(DataError, match=rf"{name} compares animals.*found 1 \(fly0\)"):
        TRANSFORMS[name](alone, OPTIONS)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_constant_dimensions_do_no_harm(name: str) -> None:
    data = made()
    h = np.hstack([data.h, np.ones((len(data.h), 2))])
    found = TRANSFORMS[name](TransformData(h, data.animal, data.behaviour), OPTIONS)
    assert np.isfinite(found.apply(h, data.animal)).all()


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=r"'subspac'\. Known: subspace, leace, coral"):
        find_transform("subspac")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20), dim=st.integers(2, 8))
def test_leace_leaves_no_covariance_with_the_animal(seed: int, dim: int) -> None:
    data = made(60, dim, seed)
    x = TRANSFORMS["leace"](data, OPTIONS).apply(data.h, data.animal)
    assert np.ptp(means(x, data.animal), axis=0).max() < 1e-8 * np.abs(data.h).max()


def test_leace_changes_least_among_maps_that_erase() -> None:
    """Projecting the animals' means away erases as well, and changes more."""
    data = made()
    x = TRANSFORMS["leace"](data, OPTIONS).apply(data.h, data.animal)
    centre = data.h.mean(axis=0)
    between = np.linalg.svd(means(data.h, data.animal) - centre)[2][:2].T
    projected = centre + (data.h - centre) @ (np.eye(6) - between @ between.T)
    assert np.ptp(means(projected, data.animal), axis=0).max() < 1e-6
    assert np.square(x - data.h).sum() <= np.square(projected - data.h).sum() + 1e-6


def test_coral_gives_every_animal_the_common_mean_and_covariance() -> None:
    data = made(900)
    exact = TransformOptions(shrinkage=0.0)
    x = TRANSFORMS["coral"](data, exact).apply(data.h, data.animal)
    expected = np.cov(data.h.T, bias=True)
    for name in set(data.animal):
        own = x[data.animal == name]
        assert np.allclose(own.mean(axis=0), data.h.mean(axis=0))
        assert np.allclose(np.cov(own.T, bias=True), expected, atol=1e-8)
    with pytest.raises(DataError, match="knows fly0, fly1, fly2; found fly9"):
        TRANSFORMS["coral"](data, exact).apply(
            data.h[:1], np.array(["fly9"], dtype=object)
        )


def test_the_subspace_predicts_the_behaviour_and_forgets_the_animal() -> None:
    data, fresh = made(seed=0), made(seed=0)
    found = TRANSFORMS["subspace"](data, OPTIONS)
    s = found.apply(fresh.h, fresh.animal)
    assert s.shape == (300, 2)
    assert found.facts["directions"] == 2
    b = fresh.behaviour
    read = s @ ridge(s, b, 1e-6)
    assert 1 - np.square(b - read).sum() / np.square(b - b.mean(axis=0)).sum() > 0.9
    # What is left of the animals is what they did differently.
    left = np.ptp(means(read - b, data.animal), axis=0)
    before = np.ptp(means(data.h, data.animal), axis=0) / data.h.std(axis=0)
    assert left.max() < 0.1 * b.std()
    assert before.max() > 1.5


def test_animals_that_behave_differently_are_not_made_alike() -> None:
    """What the behaviour explains of an animal's mean stays; plain LEACE takes it."""
    rng = np.random.default_rng(0)
    animal = np.array([f"fly{i % 2}" for i in range(400)], dtype=object)
    behaviour = rng.normal(size=(400, 1)) + 2.0 * (animal == "fly1")[:, None]
    h = behaviour @ rng.normal(size=(1, 6)) + 0.05 * rng.normal(size=(400, 6))
    data = TransformData(h, animal, behaviour)
    kept = TRANSFORMS["subspace"](data, OPTIONS).apply(h, animal)
    plain = TRANSFORMS["leace"](data, OPTIONS).apply(h, animal)
    correlation = abs(np.corrcoef(kept[:, 0], behaviour[:, 0])[0, 1])
    gaps = [float(np.ptp(means(x, animal), axis=0).max()) for x in (kept, plain)]
    assert correlation > 0.99
    assert gaps[0] > kept.std()
    assert gaps[1] < 1e-8


def test_behaviour_is_the_mean_of_neighbours_in_other_animals() -> None:
    rng = np.random.default_rng(1)
    poses = rng.normal(size=(30, 2))
    animal = np.array([f"fly{i % 3}" for i in range(30)], dtype=object)
    options = TransformOptions(neighbours=1, samples=400)
    told = np.arange(30.0)[:, None]
    found = behaviour_target(poses, told, animal, options, np.random.default_rng(0))
    for row in range(30):
        nearest = []
        for other in sorted({*animal} - {animal[row]}):
            own = np.flatnonzero(animal == other)
            far = np.linalg.norm(poses[own] - poses[row], axis=1)
            nearest.append(float(own[np.argmin(far)]))
        width = abs(nearest[0] - nearest[1]) / 2
        assert found[row, 0] == pytest.approx(np.mean(nearest), abs=0.2 * width + 1e-9)


def test_behaviour_needs_another_animal() -> None:
    alone = np.full(4, "fly0", dtype=object)
    with pytest.raises(DataError, match="only one with fit recordings is fly0"):
        behaviour_target(
            np.zeros((4, 1)), np.zeros((4, 1)), alone, OPTIONS, np.random.default_rng(0)
        )
