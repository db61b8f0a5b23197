"""How long, how fast and on what a training runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT

Normalise = Literal["none", "centre_animal", "zscore_animal", "zscore_recording"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrainingOptions:
    """How long, how fast and on what a training runs."""

    steps: Annotated[int, Field(ge=0, le=100_000_000)] = 2000
    """Optimiser steps; a time budget replaces this number."""

    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 128
    """Windows per step. More windows are more negatives: another experiment."""

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-3
    """Largest learning rate of Adam."""

    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Weight decay of Adam."""

    schedule: Literal["cosine", "one_cycle", "constant"] = "cosine"
    """Course of the learning rate after the warm-up."""

    warmup: Annotated[float, Field(ge=0, le=0.9)] = 0.015
    """Share of the steps in which the learning rate rises (the paper: 3 of 200)."""

    held_out: tuple[str, ...] = ()
    """Animals the encoder never sees: gives inductive scores for them."""

    balanced: bool = False
    """Draw equal shares of every animal into each batch."""

    image_size: Annotated[int, Field(ge=0, le=4096)] = 0
    """Average the training cache to this height and width; 0: as it is."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; `auto`: a GPU when there is one."""

    devices: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that share every batch, one per GPU, or on the cores of a CPU. Each
    holds all frames; the batch size must be a multiple of it."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """Number format of the network; `bf16` saves memory on newer hardware."""

    layout: Literal["fixed", "auto"] = "fixed"
    """How images lie in memory and what computes with them; `auto` tries precision,
    oneDNN and, on a GPU, the order of channels for two seconds, takes the fastest and
    keeps it for the run. Two runs may then differ in rounding, and in precision."""

    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """CPU threads; 0: as many as torch finds. Fixed numbers resume bit for bit."""

    checkpoint_s: Annotated[float, Field(gt=0, le=86_400)] = 120.0
    """Seconds between two checkpoints."""

    keep_checkpoints: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of last checkpoints to keep, beside the best."""

    log_every: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Steps between two rows of history.csv."""

    resident_gb: Annotated[float, Field(ge=0, le=4096)] = 4.0
    """Keep the normalised frames in memory up to this size; above, map the files. On a
    GPU it is what fits beside the network instead."""

    frames: Literal["float32", "float16"] = "float32"
    """Number format of frames kept in memory; `float16` halves what they need and
    keeps 11 significant bits."""
