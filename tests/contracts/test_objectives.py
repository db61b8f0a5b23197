"""What every objective promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from napari_neuroembed.objectives import OBJECTIVES, Loss

ANIMAL = torch.arange(16) % 4
TWO = torch.cat([torch.zeros(16), torch.ones(16)]).long()
CALLS: dict[str, Callable[[torch.Tensor, torch.Tensor], Loss]] = {
    "info_nce": lambda a, b: OBJECTIVES["info_nce"](a, b, 0.1),
    "info_nce_same_animal": lambda a, b: OBJECTIVES["info_nce_same_animal"](
        a, b, ANIMAL, 0.1
    ),
    "mmd": lambda a, b: OBJECTIVES["mmd"](torch.cat([a, b]), TWO),
    "adversarial": lambda a, b: OBJECTIVES["adversarial"](a * b, ANIMAL, torch.tanh),
    "regression": lambda a, b: OBJECTIVES["regression"](a[:, None], b[:, None]),
    "posterior": lambda a, b: OBJECTIVES["posterior"](a, b.softmax(dim=1)),
}
ALIGNING = sorted(set(OBJECTIVES) - {"adversarial"})
"""Those that compare two things; the discriminator looks at one."""


def projections(noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(16, 8, generator=generator)
    return a, a + noise * torch.randn(16, 8, generator=generator)


def test_every_objective_is_tested_here() -> None:
    assert set(CALLS) == set(OBJECTIVES)


@pytest.mark.parametrize("name", ALIGNING)
def test_it_is_finite_and_falls_when_pairs_align(name: str) -> None:
    losses = [CALLS[name](*projections(noise)) for noise in (0.0, 0.5, 2.0, 10.0)]
    totals = [float(loss.total) for loss in losses]
    assert all(loss.total.ndim == 0 for loss in losses)
    assert totals == sorted(totals)
    assert totals[0] < totals[-1]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_reach_both_projections_and_none_the_terms(name: str) -> None:
    a, b = (z.requires_grad_() for z in projections(1.0))
    loss = CALLS[name](a, b)
    loss.total.backward()  # type: ignore[no-untyped-call]
    for z in (a, b):
        assert z.grad is not None
        assert torch.isfinite(z.grad).all()
        assert float(z.grad.abs().sum()) > 0
    assert not any(term.requires_grad for term in loss.terms.values())
    assert all(torch.isfinite(term) for term in loss.terms.values())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_gradient_step_lowers_it(name: str) -> None:
    """Or raises it, where the encoder is paid to mislead."""
    sign = -1 if name == "adversarial" else 1
    a, b = (z.requires_grad_() for z in projections(1.0))
    loss = CALLS[name](a, b).total
    gradients = torch.autograd.grad(loss, (a, b))
    stepped = [z.detach() - 0.1 * g for z, g in zip((a, b), gradients, strict=True)]
    change = float(CALLS[name](*stepped).total) - float(loss.detach())
    assert sign * change < 0


@pytest.mark.parametrize("name", OBJECTIVES)
def test_inputs_and_global_generators_are_left_alone(name: str) -> None:
    a, b = projections(1.0)
    kept, state = (a.clone(), b.clone()), torch.get_rng_state()
    CALLS[name](a, b)
    assert torch.equal(a, kept[0])
    assert torch.equal(b, kept[1])
    assert torch.equal(torch.get_rng_state(), state)
