"""MMD and the discriminator equal loops written from their equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.objectives import (
    adversarial,
    mmd,
    posterior,
    regression,
    reverse_gradient,
)

Array = NDArray[np.float64]


def slow_mmd(h: Array, animal: list[int], unbiased: bool, on_sphere: bool) -> float:
    """Kernel by kernel, pair by pair."""
    if on_sphere:
        h = np.stack([row / math.sqrt(sum(x * x for x in row)) for row in h])
    n = len(h)
    far = [[sum((h[i] - h[j]) ** 2) for j in range(n)] for i in range(n)]
    pairs = sorted(far[i][j] for i in range(n) for j in range(i + 1, n))
    median = pairs[(len(pairs) - 1) // 2]

    def kernel(i: int, j: int) -> float:
        return sum(
            math.exp(-far[i][j] / (b * median)) for b in (0.25, 0.5, 1.0, 2.0, 4.0)
        )

    def within(group: list[int]) -> float:
        values = [kernel(i, j) for i in group for j in group if not unbiased or i != j]
        return sum(values) / len(values)

    groups = [
        [i for i in range(n) if animal[i] == a]
        for a in sorted(set(animal))
        if animal.count(a) > 1
    ]
    found = []
    for x in range(len(groups)):
        for y in range(x + 1, len(groups)):
            across = [kernel(i, j) for i in groups[x] for j in groups[y]]
            found.append(
                within(groups[x]) + within(groups[y]) - 2 * sum(across) / len(across)
            )
    return sum(found) / len(found)


def embeddings(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 4, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("on_sphere", [False, True])
@pytest.mark.parametrize("unbiased", [False, True])
def test_mmd_equals_the_loop(unbiased: bool, on_sphere: bool) -> None:
    h, animal = embeddings(11), [0, 0, 2, 2, 2, 5, 5, 0, 5, 7, 2]
    loss = mmd(h, torch.tensor(animal), unbiased=unbiased, on_sphere=on_sphere)
    expected = slow_mmd(h.numpy(), animal, unbiased, on_sphere)
    assert float(loss.total) == pytest.approx(expected, rel=1e-9)
    assert float(loss.terms["mmd"]) == float(loss.total)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), n=st.integers(2, 6), unbiased=st.booleans())
def test_names_of_animals_and_order_of_windows_do_not_matter(seed, n, unbiased) -> None:
    h, animal = embeddings(2 * n, seed), torch.arange(2 * n) % 2
    order = torch.randperm(2 * n, generator=torch.Generator().manual_seed(seed))
    a = mmd(h, animal, unbiased=unbiased).total
    b = mmd(h[order], 3 - animal[order], unbiased=unbiased).total
    assert float(a) == pytest.approx(float(b), rel=1e-9, abs=1e-12)
    assert unbiased or float(a) >= -1e-12


def test_the_unbiased_one_is_zero_on_average_where_animals_are_alike() -> None:
    animal = torch.arange(24) % 2
    found = [
        float(mmd(embeddings(24, s), animal, unbiased=True).total) for s in range(200)
    ]
    biased = [float(mmd(embeddings(24, s), animal).total) for s in range(200)]
    error = np.std(found) / math.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert np.mean(biased) > 10 * error


def test_mmd_without_a_pair_of_animals_is_nothing_with_a_gradient_of_nothing() -> None:
    h = embeddings(4).requires_grad_()
    loss = mmd(h, torch.tensor([0, 0, 0, 1]))
    (gradient,) = torch.autograd.grad(loss.total, h)
    assert float(loss.total.detach()) == 0
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_equal_embeddings_give_no_nan() -> None:
    h = torch.ones(6, 3, requires_grad=True)
    loss = mmd(h, torch.arange(6) % 2)
    (gradient,) = torch.autograd.grad(loss.total, h)
    assert float(loss.total.detach()) == 0
    assert torch.isfinite(gradient).all()


def test_the_discriminator_learns_while_the_embedding_is_pushed_the_other_way() -> None:
    h, animal = embeddings(12).requires_grad_(), torch.arange(12) % 3
    layer = nn.Linear(4, 3, dtype=torch.float64)
    loss = adversarial(h, animal, layer)
    logits = (h.detach() @ layer.weight.T + layer.bias).tolist()
    expected = -np.mean(
        [
            row[a] - math.log(sum(math.exp(x) for x in row))
            for row, a in zip(logits, animal.tolist(), strict=True)
        ]
    )
    assert float(loss.total.detach()) == pytest.approx(float(expected), rel=1e-6)
    mine, its = torch.autograd.grad(loss.total, (h, layer.weight))
    straight = nn.functional.cross_entropy(layer(h).float(), animal)
    plain, same = torch.autograd.grad(straight, (h, layer.weight))
    assert torch.allclose(mine, -plain)
    assert torch.allclose(its, same)
    right = np.mean(np.argmax(logits, axis=1) == animal.numpy())
    assert float(loss.terms["discriminator_accuracy"]) == pytest.approx(float(right))


def test_reversing_twice_is_nothing() -> None:
    x = embeddings(3).requires_grad_()
    twice = reverse_gradient(reverse_gradient(x)).sum()
    assert torch.equal(torch.autograd.grad(twice, x)[0], torch.ones_like(x))


def test_states_equal_the_sum_over_them() -> None:
    logits = embeddings(5)
    target = embeddings(5, seed=1).softmax(dim=1)
    logs = [
        [x - math.log(sum(map(math.exp, row))) for x in row] for row in logits.tolist()
    ]
    expected = -np.mean(
        [
            sum(p * x for p, x in zip(t, row, strict=True))
            for t, row in zip(target.tolist(), logs, strict=True)
        ]
    )
    assert float(posterior(logits, target).total) == pytest.approx(
        float(expected), rel=1e-6
    )


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: mmd(torch.zeros(3, 2), torch.zeros(2)), r"found \(3, 2\) and \(2,\)"),
        (
            lambda: adversarial(torch.zeros(2, 3), torch.tensor([0, 4]), nn.Identity()),
            "animals 0 to 2, found 0 to 4",
        ),
        (lambda: regression(torch.zeros(2, 3, 1), torch.zeros(2, 3, 2)), "same shape"),
        (lambda: posterior(torch.zeros(2, 3), torch.zeros(2, 2)), "same shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, match) -> None:
    with pytest.raises(TrainingError, match=match):
        call()
