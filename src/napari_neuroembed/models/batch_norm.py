"""Batch normalisation over the whole batch, also when several processes share it."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm


class BatchNorm(_BatchNorm):
    """Normalise every channel of (batch, channel, ...) by mean and variance.

    With one process this is torch's batch normalisation, bit for bit. While processes
    train together, mean and variance are those of all their shares, so that N
    processes and one see the same statistics, and gradients flow through them.

    Notes
    -----
    ``torch.nn.SyncBatchNorm`` does the same but refuses tensors on a CPU. Two sums are
    exchanged per layer: of values, then of squared distances from the common mean,
    which keeps the variance exact. Ioffe and Szegedy 2015, arXiv 1502.03167.

    Examples
    --------
    >>> BatchNorm(3)(torch.randn(4, 3, 5)).shape
    torch.Size([4, 3, 5])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised values, same shape."""
        if not (self.training and _is_shared()):
            normalised: Tensor = super().forward(x)
            return normalised
        return self._shared(x)

    def _shared(self, x: Tensor) -> Tensor:
        axes = [axis for axis in range(x.ndim) if axis != 1]
        values = x if x.dtype == torch.float64 else x.float()
        shape = (1, -1) + (1,) * (x.ndim - 2)
        # Shares are equal, so this is a number and needs no exchange.
        n = x.numel() // x.shape[1] * torch.distributed.get_world_size()
        mean = sum_of_all(values.sum(axes)) / n
        centred = values - mean.reshape(shape)
        variance = sum_of_all(centred.square().sum(axes)) / n
        self._remember(mean, variance * (n / max(n - 1, 1)))
        scale = (variance + self.eps).rsqrt()
        if self.affine:
            scale = scale * self.weight
        out = centred * scale.reshape(shape)
        if self.affine:
            out = out + self.bias.reshape(shape)
        normalised: Tensor = out.to(x.dtype)
        return normalised

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of this batch."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = self.momentum
        if share is None:
            share = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        if input.ndim < 2:
            raise ValueError(f"expected (batch, channel, ...), found {input.ndim}-D")


def sum_of_all(values: Tensor) -> Tensor:
    """Add the values of all processes; going back, gradients are added likewise."""
    total: Tensor = _SumOfAll.apply(values)  # type: ignore[no-untyped-call]
    return total


class _SumOfAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        del ctx
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        del ctx
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


def _is_shared() -> bool:
    return (
        torch.distributed.is_available()
        and torch.distributed.is_initialized()
        and torch.distributed.get_world_size() > 1
    )
