from __future__ import annotations

import math

import pytest
import torch
from tests.objectives import reference_objectives as reference

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives import (
    alignment,
    effective_rank,
    monitors,
    spread,
    uniformity,
)


def embeddings(n: int = 30, dim: int = 6, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, dim, dtype=torch.float64, generator=generator)


def test_monitors_equal_the_loops() -> None:
    h, z_a, z_b = (embeddings(seed=seed) for seed in range(3))
    found = monitors(h, z_a, z_b)
    assert float(found["spread"]) == pytest.approx(float(h.std(dim=0).mean()), rel=1e-5)
    assert float(found["effective_rank"]) == pytest.approx(
        reference.effective_rank(h.numpy()), rel=1e-5
    )
    assert float(found["alignment"]) == pytest.approx(
        reference.alignment(z_a.numpy(), z_b.numpy()), rel=1e-5
    )
    assert float(found["uniformity"]) == pytest.approx(
        reference.uniformity(z_a.numpy()), rel=1e-5
    )


def test_a_collapse_is_seen() -> None:
    line = torch.linspace(-1, 1, 20).unsqueeze(1) * torch.ones(1, 8)
    assert float(effective_rank(line)) == pytest.approx(1, abs=1e-3)
    point = torch.ones(20, 8)
    assert float(spread(point)) == 0
    assert float(effective_rank(point)) == 0
    assert float(uniformity(point)) == 0
    assert float(effective_rank(embeddings(4000))) > 5.9


def test_opposite_pairs_are_as_far_apart_as_can_be() -> None:
    z = embeddings()
    assert float(alignment(z, 3 * z)) == pytest.approx(0, abs=1e-6)
    assert float(alignment(z, -z)) == pytest.approx(4)


def test_embeddings_that_are_not_finite_give_nan_and_no_crash() -> None:
    h = embeddings()
    h[0, 0] = float("nan")
    assert all(math.isnan(float(value)) for value in monitors(h, h, h).values())


def test_monitors_have_no_gradient_and_change_nothing() -> None:
    h = embeddings().requires_grad_()
    before = h.detach().clone()
    assert not any(value.requires_grad for value in monitors(h, h, h).values())
    assert torch.equal(h.detach(), before)


def test_a_single_embedding_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"at least 2 embeddings.*found \(1, 6\)"):
        spread(embeddings(1))
    with pytest.raises(TrainingError, match=r"found \(3, 6\) and \(2, 6\)"):
        alignment(embeddings(3), embeddings(2))
