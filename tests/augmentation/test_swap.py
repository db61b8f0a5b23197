from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.augmentation.reference_augmentation import swap_law

from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.pose_swap import PoseSwap
from napari_neuroembed.augmentation.swap import (
    build_swap_table,
    draw_swaps,
    neighbour_table,
    perplexity,
)
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import PoseSwapOptions


def poses(*sizes: int, seed: int = 0, dims: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random((size, dims)) for size in sizes]


def names(features: list[np.ndarray]) -> list[str]:
    return [f"fly{number}" for number in range(len(features))]


def test_neighbours_are_the_nearest_and_come_nearest_first() -> None:
    query, candidates = poses(40, 70, dims=20)
    index, distance = neighbour_table(query, candidates, 9)
    every = np.linalg.norm(query[:, None] - candidates[None], axis=2)
    np.testing.assert_array_equal(index, every.argsort(axis=1)[:, :9])
    np.testing.assert_allclose(distance, np.sort(every, axis=1)[:, :9], rtol=1e-5)


def test_the_number_of_neighbours_is_capped_at_the_animals_size() -> None:
    features = poses(3, 10, 6)
    table = build_swap_table(features, names(features), n=128)
    assert [part.shape for part in table.index] == [(3, 2, 10), (10, 2, 10), (6, 2, 10)]
    known = (table.index[1][:, 0] >= 0).sum(axis=1)
    assert known.tolist() == [3] * 10
    assert np.isinf(table.distance[1][:, 0, 3:]).all()


def test_donors_follow_the_law_of_equation_2() -> None:
    features = poses(2, 5, 7)
    table = build_swap_table(features, names(features), n=4)
    n = 60_000
    animal, row = draw_swaps(
        table,
        torch.ones(n, dtype=torch.long),
        torch.zeros(n, dtype=torch.long),
        torch.Generator().manual_seed(0),
        temperature=0.2,
    )
    found = Counter(zip(animal.tolist(), row.tolist(), strict=True))
    expected = swap_law(features, 0, 1, 4, 0.2)
    assert set(found) == set(expected)
    for place, share in expected.items():
        assert found[place] / n == pytest.approx(share, abs=4 * (share / n) ** 0.5)


def test_the_animal_is_drawn_first_however_many_poses_it_has() -> None:
    features = poses(10, 3, 400)
    table = build_swap_table(features, names(features), n=128)
    own = torch.zeros(4000, dtype=torch.long)
    animal, _ = draw_swaps(
        table, own, own, torch.Generator().manual_seed(0), temperature=1.0
    )
    assert float((animal == 1).float().mean()) == pytest.approx(0.5, abs=0.03)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(2, 12), min_size=2, max_size=5),
    st.integers(1, 20),
    st.sampled_from([1e-3, 0.1, 1.0, 100.0]),
    st.integers(0, 2**31),
)
def test_a_swap_never_returns_the_same_animal(
    sizes: list[int], n: int, temperature: float, seed: int
) -> None:
    features = poses(*sizes, seed=seed)
    table = build_swap_table(features, names(features), n=n)
    generator = torch.Generator().manual_seed(seed)
    own = torch.randint(len(sizes), (30,), generator=generator)
    limit = torch.tensor(sizes)[own, None]
    rows = (torch.rand(30, 4, generator=generator) * limit).long()
    animal, row = draw_swaps(table, rows, own, generator, temperature=temperature)
    assert bool((animal != own[:, None]).all())
    assert bool((row >= 0).all())
    assert bool((row < torch.tensor(sizes)[animal]).all())


def test_the_recipe_swaps_in_all_but_one_of_the_animals() -> None:
    features = poses(6, 6, 6, 6)
    table = build_swap_table(features, names(features), n=3)
    own = torch.arange(4).repeat(2000)
    rows = torch.arange(8000) % 6
    animal, row = draw_swaps(
        table,
        rows,
        own,
        torch.Generator().manual_seed(0),
        temperature=1.0,
        include_own=True,
    )
    same = animal == own
    assert float(same.float().mean()) == pytest.approx(0.25, abs=0.02)
    assert torch.equal(row[same], rows[same])


def test_the_same_seed_draws_the_same_donors() -> None:
    features = poses(20, 20)
    table = build_swap_table(features, names(features), n=8)
    rows, own = torch.arange(20).reshape(10, 2), torch.zeros(10, dtype=torch.long)
    first, again, other = (
        draw_swaps(
            table, rows, own, torch.Generator().manual_seed(seed), temperature=1.0
        )
        for seed in (5, 5, 6)
    )
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


def test_donors_come_from_the_given_poses_alone() -> None:
    features = poses(30, 30)
    fit = [part[:20] for part in features]
    features[1][20:] = features[0][:10]  # a fresh recording holds exact copies
    table = build_swap_table(fit, names(fit), n=128)
    own = torch.zeros(500, dtype=torch.long)
    animal, row = draw_swaps(
        table, torch.arange(500) % 20, own, torch.Generator(), temperature=1e-3
    )
    assert int(row.max()) < 20
    assert bool((animal == 1).all())


def test_columns_that_are_constant_in_every_animal_do_not_count() -> None:
    features = poses(8, 8)
    tagged = [
        np.hstack([part, np.full((8, 2), 1000.0 * number)])
        for number, part in enumerate(features)
    ]
    plain = build_swap_table(features, names(features), n=4)
    table = build_swap_table(tagged, names(features), n=4)
    assert table.used.tolist() == [True] * 3 + [False] * 2
    np.testing.assert_array_equal(table.index[0], plain.index[0])
    np.testing.assert_array_equal(table.distance[0], plain.distance[0])


def test_the_paper_temperature_is_uniform_for_poses_between_0_and_1() -> None:
    features = poses(600, 600, dims=60)
    table = build_swap_table(features, names(features), n=128)
    assert perplexity(table, 1.0) > 126
    in_pixels = build_swap_table([480 * part for part in features], ["a", "b"], n=128)
    assert perplexity(in_pixels, 1.0) < 10
    automatic = perplexity(table, table.temperature("auto"))
    scaled = perplexity(in_pixels, in_pixels.temperature("auto"))
    assert automatic == pytest.approx(scaled, rel=1e-3)


def test_the_automatic_temperature_is_the_median_distance() -> None:
    features = [np.array([[0.0], [1.0]]), np.array([[3.0], [5.0]])]
    table = build_swap_table(features, ["a", "b"], n=2)
    assert table.temperature("auto") == pytest.approx(3.5)
    assert table.temperature(0.3) == 0.3
    copies = [np.array([[0.0], [1.0]])] * 2
    with pytest.raises(TrainingError, match=r"median distance.*is 0"):
        build_swap_table(copies, ["a", "b"], n=1).temperature("auto")


def test_half_precision_is_used_only_where_it_does_not_change_the_draw() -> None:
    features = poses(50, 50)
    small = build_swap_table(features, names(features), n=5)
    large = build_swap_table([480 * part for part in features], ["a", "b"], n=50)
    assert small.distance[0].dtype == np.float16
    assert large.distance[0].dtype == np.float32


def test_progress_is_reported_per_pair_of_animals() -> None:
    seen: list[tuple[int, int]] = []
    features = poses(3, 3, 3)

    def report(stage: str, done: int, total: int, message: str = "") -> None:
        seen.append((done, total))

    build_swap_table(features, names(features), n=2, report=report)
    assert seen == [(done, 6) for done in range(1, 7)]


def test_fewer_than_two_animals_are_refused_with_the_reason() -> None:
    with pytest.raises(TrainingError, match=r"at least 2 animals.*found 1 \(fly7\)"):
        build_swap_table(poses(5), ["fly7"], n=4)
    with pytest.raises(TrainingError, match=r"found 0 \(none\)"):
        build_swap_table([], [], n=4)


def test_bad_poses_are_refused() -> None:
    features = poses(4, 4)
    features[1][2, 0] = np.nan
    with pytest.raises(TrainingError, match=r"1 of 4 rows of animal 'fly1'"):
        build_swap_table(features, names(features), n=2)
    with pytest.raises(TrainingError, match=r"animal 'b' has \(0, 3\)"):
        build_swap_table([poses(2)[0], np.zeros((0, 3))], ["a", "b"], n=2)
    with pytest.raises(TrainingError, match=r"animal 'b' has \(2, 4\)"):
        build_swap_table([poses(2)[0], np.zeros((2, 4))], ["a", "b"], n=2)
    with pytest.raises(TrainingError, match="no feature that varies among 3"):
        build_swap_table([np.zeros((2, 3)), np.ones((2, 3))], ["a", "b"], n=2)
    with pytest.raises(TrainingError, match="2 animals but 1 names"):
        build_swap_table(poses(2, 2), ["a"], n=2)


def test_draws_outside_the_table_are_refused() -> None:
    table = build_swap_table(poses(4, 6), ["a", "b"], n=2)
    zero, generator = torch.zeros(1, dtype=torch.long), torch.Generator()
    with pytest.raises(TrainingError, match=r"rows 0 to 3 of animal 'a', found 4"):
        draw_swaps(table, zero + 4, zero, generator, temperature=1.0)
    with pytest.raises(TrainingError, match="animals 0 to 1, found 2"):
        draw_swaps(table, zero, zero + 2, generator, temperature=1.0)
    with pytest.raises(TrainingError, match="above 0, found 0"):
        draw_swaps(table, zero, zero, generator, temperature=0.0)
    with pytest.raises(TrainingError, match=r"found \(1,\) and \(2,\)"):
        draw_swaps(table, zero, zero.repeat(2), generator, temperature=1.0)


def context(**changes: object) -> AugmentationContext:
    values = {
        "n": 400,
        "shape": (8, 3),
        "rate_hz": 32.0,
        "swapped": torch.ones(400, 8, 3),
        "swap_mask": torch.ones(400, 8, dtype=torch.bool),
    }
    return AugmentationContext(**(values | changes))  # type: ignore[arg-type]


def test_swapped_frames_take_the_donors_pose_and_others_keep_their_own() -> None:
    mask = torch.zeros(400, 8, dtype=torch.bool)
    mask[:, ::2] = True
    augmentation = PoseSwap()
    params = augmentation.draw(context(swap_mask=mask), torch.Generator())
    found = augmentation.apply(torch.zeros(400, 8, 3), params)
    assert torch.equal(found, mask.unsqueeze(-1).expand(400, 8, 3).float())


def test_frames_or_whole_windows_swap() -> None:
    frames = PoseSwap(PoseSwapOptions(p_frame=0.5))
    drawn = frames.draw(context(), torch.Generator().manual_seed(0))["mask"]
    assert float(drawn.float().mean()) == pytest.approx(0.5, abs=0.05)
    windows = PoseSwap(PoseSwapOptions(p=0.5, unit="window"))
    drawn = windows.draw(context(), torch.Generator().manual_seed(0))["mask"]
    assert torch.equal(drawn.any(dim=1), drawn.all(dim=1))
    assert 100 < int(drawn.all(dim=1).sum()) < 300


def test_missing_swapped_poses_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"\(400, 8, 3\) and `swap_mask`"):
        PoseSwap().draw(context(swapped=None), torch.Generator())
    with pytest.raises(TrainingError, match=r"found \(2, 8, 3\)"):
        PoseSwap().draw(context(swapped=torch.ones(2, 8, 3)), torch.Generator())
