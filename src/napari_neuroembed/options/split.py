"""Which recordings things are fitted on, and which they are judged on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SplitOptions:
    """Which recordings things are fitted on, and which they are judged on.

    Left alone, the number of recordings of an animal decides: from six on, the first
    third is fit; with two to five, the last one is fresh; a single recording is cut
    into contiguous blocks with a gap of one window between them.
    """

    fit: tuple[str, ...] = ()
    """Recordings to fit on; empty: by the rule above."""

    fresh: tuple[str, ...] = ()
    """Recordings to judge on; empty: all that are not fitted on."""

    fit_fraction: Annotated[float, Field(gt=0, lt=1)] = 1 / 3
    """Share of an animal's recordings to fit on, from six recordings on."""

    n_blocks: Annotated[int, Field(ge=3, le=60)] = 6
    """Most blocks of an animal's only recording (fewer when it is short); every third
    one is fresh."""
