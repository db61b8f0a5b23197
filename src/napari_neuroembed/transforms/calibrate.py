"""Correct the behaviour-predictive subspace for one animal, by its own poses."""

from __future__ import annotations

import numpy as np

from napari_neuroembed.errors import DataError
from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.transforms.base import Affine, Floats
from napari_neuroembed.transforms.subspace import ridge

FEWEST = 30
"""A correction from fewer windows would be noise."""


def calibrate(
    base: Affine, h: Floats, behaviour: Floats, options: TransformOptions
) -> Affine:
    """Return the subspace of one animal, corrected by what its own poses tell.

    Parameters
    ----------
    base
        The subspace, as fitted on the animals of the training.
    h
        Embedding of the animal's unlabelled windows, shape (n, dim).
    behaviour
        What windows of the training's animals tell of each of them, shape (n, k).
    options
        ``calibration_ridge`` (100).

    Raises
    ------
    DataError
        When there are fewer than 30 windows, or `base` is no subspace.

    Notes
    -----
    s' = s + r + ((h - mean_a) / sd_a) C with C the ridge regression from the animal's
    standardised embedding to what the subspace misses of its behaviour, and r the mean
    of that. Labels take no part.
    """
    if not {"target_mean", "target_axes"} <= set(base.target):
        raise DataError("Only the transform subspace can be calibrated.")
    if len(h) < FEWEST:
        raise DataError(
            f"A calibration needs at least {FEWEST} windows with poses, found {len(h)}."
        )
    told = (behaviour - base.target["target_mean"]) @ base.target["target_axes"]
    missed: Floats = told - ((h - base.mean) @ base.matrix + base.offset)
    mean, sd = h.mean(axis=0), np.maximum(h.std(axis=0), 1e-9)
    constant = missed.mean(axis=0)
    correction = ridge((h - mean) / sd, missed - constant, options.calibration_ridge)
    per_unit = correction / sd[:, None]
    offset = base.offset + constant + (base.mean - mean) @ per_unit
    return Affine(base.mean, base.matrix + per_unit, offset)
