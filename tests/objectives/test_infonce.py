from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.objectives import reference_objectives as reference

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives import info_nce, info_nce_same_animal

SIDES = ("both", "b2n", "n2b")


def projections(n: int, dim: int = 5, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(n, dim, dtype=torch.float64, generator=generator) for _ in range(2)
    )


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("n", [2, 7])
def test_equation_1_equals_the_loop(n: int, temperature: float) -> None:
    z_a, z_b = projections(n)
    loss = info_nce(z_a, z_b, temperature)
    expected = reference.info_nce(z_a.numpy(), z_b.numpy(), temperature)
    assert float(loss.total) == pytest.approx(expected, rel=1e-12)
    assert float(loss.terms["nce"]) == pytest.approx(expected / 2, rel=1e-12)


@pytest.mark.parametrize("sides", SIDES)
def test_equation_3_equals_the_loop(sides: str) -> None:
    z_n, z_b = projections(9)
    animals = [0, 0, 1, 1, 1, 2, 2, 0, 2]
    loss = info_nce_same_animal(z_n, z_b, torch.tensor(animals), 0.1, sides)  # type: ignore[arg-type]
    expected = reference.same_animal(z_n.numpy(), z_b.numpy(), animals, 0.1, sides)
    assert float(loss.total) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sides", SIDES)
def test_with_one_animal_equation_3_is_equation_1(sides: str) -> None:
    z_n, z_b = projections(6)
    one = torch.zeros(6, dtype=torch.long)
    loss = info_nce_same_animal(z_n, z_b, one, 0.1, sides)  # type: ignore[arg-type]
    assert float(loss.total) == pytest.approx(float(info_nce(z_n, z_b).total))
    assert float(loss.terms["chance"]) == pytest.approx(math.log(6))


def test_the_sides_differ() -> None:
    z_n, z_b = projections(6)
    animal = torch.tensor([0, 0, 0, 1, 1, 1])
    totals = {
        float(info_nce_same_animal(z_n, z_b, animal, sides=sides).total)  # type: ignore[arg-type]
        for sides in SIDES
    }
    assert len(totals) == 3


def test_guessing_gives_the_logarithm_of_the_windows_compared() -> None:
    z = torch.ones(8, 4)
    animal = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1])
    plain = info_nce(z, z).terms
    own = info_nce_same_animal(z, z, animal).terms
    one_side = info_nce_same_animal(z, z, animal, sides="b2n").terms
    within = (2 * math.log(2) + 6 * math.log(6)) / 8
    assert float(plain["nce"]) == pytest.approx(math.log(8))
    assert float(own["nce"]) == pytest.approx(within)
    assert float(one_side["nce"]) == pytest.approx((within + math.log(8)) / 2)
    for terms in (plain, own, one_side):
        assert float(terms["chance"]) == pytest.approx(float(terms["nce"]))


def test_an_animal_with_a_single_window_is_refused() -> None:
    z_n, z_b = projections(5)
    with pytest.raises(
        TrainingError, match=r"single one of animal number 4, 7 among 5"
    ):
        info_nce_same_animal(z_n, z_b, torch.tensor([1, 1, 4, 1, 7]))
    with pytest.raises(TrainingError, match=r"5 animal numbers, found shape \(4,\)"):
        info_nce_same_animal(z_n, z_b, torch.zeros(4))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 2**31))
def test_the_order_of_a_batch_does_not_matter(n: int, seed: int) -> None:
    z_a, z_b = projections(n, seed=seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert float(info_nce(z_a, z_b).total) == pytest.approx(
        float(info_nce(z_a[order], z_b[order]).total)
    )
    assert float(info_nce(z_a, z_b).total) == pytest.approx(
        float(info_nce(z_b, z_a).total)
    )


def test_the_length_of_a_projection_does_not_matter() -> None:
    z_a, z_b = projections(6)
    lengths = torch.linspace(0.1, 50, 6).unsqueeze(1)
    torch.testing.assert_close(
        info_nce(lengths * z_a, z_b).total, info_nce(z_a, z_b).total
    )


def test_other_animals_do_not_change_equation_3() -> None:
    z_n, z_b = projections(6)
    animal = torch.tensor([0, 0, 0, 1, 1, 1])
    z_n.requires_grad_()
    loss = info_nce_same_animal(z_n, z_b, animal).total
    moved = z_b.clone()
    moved[3:] += 5
    other = info_nce_same_animal(z_n, moved, animal).total
    first, second = (
        torch.autograd.grad(value, z_n, retain_graph=True)[0][:3]
        for value in (loss, other)
    )
    torch.testing.assert_close(first, second)


def test_half_precision_projections_are_compared_in_single_precision() -> None:
    z_a, z_b = (z.float() for z in projections(8))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = info_nce(z_a, z_b)
    assert inside.total.dtype == torch.float32
    torch.testing.assert_close(inside.total, info_nce(z_a, z_b).total)
    assert info_nce(z_a.bfloat16(), z_b.bfloat16()).total.dtype == torch.float32


def test_what_cannot_be_compared_is_refused() -> None:
    z_a, z_b = projections(4)
    with pytest.raises(TrainingError, match=r"\(4, 5\) and \(3, 5\)"):
        info_nce(z_a, z_b[:3])
    with pytest.raises(TrainingError, match="at least 2 in a batch, found 1"):
        info_nce(z_a[:1], z_b[:1])
    with pytest.raises(TrainingError, match="above 0, found -1"):
        info_nce(z_a, z_b, -1)
