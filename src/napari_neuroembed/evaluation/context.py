"""What every part of one evaluation works with."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_neuroembed.evaluation.metrics import Codes
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.table import RunFacts, Table
from napari_neuroembed.options.evaluation import EvaluationOptions

Step = tuple[str, Callable[[], None]]
"""One question and what asks it."""


@dataclass(frozen=True)
class Context:
    """The windows, the options, where rows go, and the randomness.

    Each question draws from its own generator, so that adding an embedding or a
    probe changes no other row.

    Parameters
    ----------
    sample
        What is judged.
    options
        How, with every field filled in.
    facts
        What every row repeats.
    table
        Where scores and predictions go.
    base_seed
        Seed from which all generators follow.
    """

    sample: Sample
    options: EvaluationOptions
    facts: RunFacts
    table: Table
    base_seed: int

    def generator(self, *words: str) -> np.random.Generator:
        """Return the generator that belongs to these words."""
        key = zlib.crc32("/".join(words).encode())
        return np.random.default_rng([self.base_seed, key])

    @cached_property
    def recording(self) -> Codes:
        """Code of each window's recording, in order of the recordings' names."""
        names = self.sample.column("recording").astype(str)
        return np.unique(names, return_inverse=True)[1].astype(np.int64)
