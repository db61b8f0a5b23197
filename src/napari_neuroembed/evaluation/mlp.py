"""The network probe: one hidden layer, dropout, early stopping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.scaling import Array
from napari_neuroembed.options.evaluation import MlpOptions

BETTER = 0.995
"""A loss must fall below this share of the best one to count as better."""


@dataclass(frozen=True)
class Network:
    """Weights of ``softmax(W2 relu(W1 x + b1) + b2)``."""

    weights: tuple[Tensor, Tensor, Tensor, Tensor]

    def probabilities(self, x: Array) -> Floats:
        """Return the probability of every class, shape (n, n_classes)."""
        with torch.no_grad():
            scores = _forward(torch.from_numpy(x), self.weights)
            return scores.double().softmax(dim=1).numpy()


def fit_network(
    x: Array,
    y: Codes,
    weights: NDArray[np.float32],
    aside: NDArray[np.bool_],
    *,
    n_classes: int,
    options: MlpOptions,
    seed: int,
) -> Network:
    """Train the network with Adam on the cross-entropy.

    Parameters
    ----------
    x, y, weights
        Standardised features (n, dim), class codes and weights of mean 1.
    aside
        Windows that only decide when to stop: the weights with the smallest loss on
        them are returned. With none of them the last weights are.
    n_classes
        Outputs of the network.
    options
        Sizes and schedule.
    seed
        Everything random follows from it alone.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs, classes = torch.from_numpy(x), torch.from_numpy(y)
    shares = torch.from_numpy(weights)
    fit = torch.from_numpy(np.flatnonzero(~aside))
    rest = torch.from_numpy(np.flatnonzero(aside))
    network = _start(x.shape[1], options.hidden, n_classes, generator)
    adam = torch.optim.AdamW(
        network,
        lr=options.learning_rate,
        weight_decay=options.weight_decay,
        fused=True,
    )
    best, best_loss, waited = _copy(network), float("inf"), 0
    for _ in range(options.epochs):
        order = fit[torch.randperm(fit.numel(), generator=generator)]
        for rows in torch.split(order, options.batch):
            adam.zero_grad(set_to_none=True)
            scores = _forward(inputs[rows], network, options.dropout, generator)
            _loss(scores, classes[rows], shares[rows]).backward()  # type: ignore[no-untyped-call]
            adam.step()
        if not rest.numel():
            best = _copy(network)
            continue
        with torch.no_grad():
            loss = _loss(_forward(inputs[rest], network), classes[rest], shares[rest])
        waited += 1
        if float(loss) < BETTER * best_loss:
            best, best_loss, waited = _copy(network), float(loss), 0
        if waited >= options.patience:
            break
    return Network(best)


def _start(
    n_in: int, hidden: int, n_out: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    def layer(rows: int, columns: int) -> tuple[Tensor, Tensor]:
        bound = 1.0 / np.sqrt(columns)
        weight = torch.empty(rows, columns).uniform_(-bound, bound, generator=generator)
        return weight.requires_grad_(), torch.zeros(rows).requires_grad_()

    return (*layer(hidden, n_in), *layer(n_out, hidden))


def _copy(
    network: tuple[Tensor, Tensor, Tensor, Tensor],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    one, two, three, four = (part.detach().clone() for part in network)
    return one, two, three, four


def _forward(
    x: Tensor,
    network: tuple[Tensor, Tensor, Tensor, Tensor],
    dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    w1, b1, w2, b2 = network
    hidden = torch.addmm(b1, x, w1.t()).relu()
    if dropout > 0:
        kept = torch.rand(hidden.shape, generator=generator) >= dropout
        hidden = hidden * kept / (1.0 - dropout)
    return torch.addmm(b2, hidden, w2.t())


def _loss(scores: Tensor, classes: Tensor, weights: Tensor) -> Tensor:
    loss = functional.cross_entropy(scores, classes, reduction="none")
    return (loss * weights).sum() / weights.sum().clamp_min(1e-12)
