"""What every objective returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


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
