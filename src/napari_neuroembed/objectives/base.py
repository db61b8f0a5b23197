"""What every objective returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


def exact(values: Tensor) -> Tensor:
    """Return float64 as it is and everything else in float32, whatever autocast says.

    Examples
    --------
    >>> exact(torch.zeros(1, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return values if values.dtype == torch.float64 else values.float()


@dataclass(frozen=True)
class Loss:
    """What training minimises, and what is logged beside it.

    Parameters
    ----------
    total
        The number to minimise, without dimensions.
    terms
        Named numbers for the log, detached from the gradient.
    """

    total: Tensor
    terms: Mapping[str, Tensor] = field(default_factory=dict)
