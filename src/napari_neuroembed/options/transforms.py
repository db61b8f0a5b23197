"""What is fitted on embeddings afterwards can be told this."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TransformOptions:
    """What is fitted on embeddings afterwards can be told this."""

    directions: Annotated[int, Field(ge=1, le=1024)] = 8
    """`subspace`: most directions to keep. Not the number of actions."""

    ridge: Annotated[float, Field(ge=0, le=1e9)] = 10.0
    """`subspace`: ridge penalty, for standardised embeddings and summed squares."""

    neighbours: Annotated[int, Field(ge=1, le=4096)] = 16
    """Similar pose windows found in each other animal."""

    samples: Annotated[int, Field(ge=1, le=1024)] = 8
    """How many of them are averaged."""

    shrinkage: Annotated[float, Field(ge=0, le=1)] = 1e-3
    """`coral`: share of the mean variance added to every direction."""

    calibration_ridge: Annotated[float, Field(ge=0, le=1e9)] = 100.0
    """Ridge penalty of the correction that `calibrate` fits for one animal."""
