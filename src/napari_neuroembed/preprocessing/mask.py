"""Which pixels every valid frame shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError


def coverage(shifts: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels that all frames reach once moved back.

    Parameters
    ----------
    shifts
        (frame, 2): dy and dx of the valid frames, finite.
    shape
        Rows and columns.

    Returns
    -------
    array, shape (y, x), bool

    Examples
    --------
    >>> coverage(np.array([[0.0, 0.5], [-1.0, 0.0]]), (3, 3)).astype(int)
    array([[0, 0, 0],
           [1, 1, 0],
           [1, 1, 0]])
    """
    inside = []
    for axis, n in enumerate(shape):
        lowest = min(0.0, float(shifts[:, axis].min(initial=0.0)))
        highest = max(0.0, float(shifts[:, axis].max(initial=0.0)))
        pixel = np.arange(n)
        inside.append((pixel + lowest >= 0) & (pixel + highest <= n - 1))
    return inside[0][:, None] & inside[1][None, :]


def common_mask(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return the pixels valid in every recording, e.g. of all animals of a project.

    A border that is black in one animal only would tell the animal.

    Parameters
    ----------
    masks
        (y, x) each, all of one size.

    Raises
    ------
    DataError
        When there are none, their sizes differ, or no pixel is left.

    Examples
    --------
    >>> common_mask([np.array([[True, True]]), np.array([[True, False]])])
    array([[ True, False]])
    """
    sizes = {mask.shape for mask in masks}
    if len(sizes) != 1:
        raise DataError(
            "A common mask needs recordings prepared to one size, found "
            f"{sorted(sizes)}. Run neuroembed preprocess for all of them."
        )
    common = np.logical_and.reduce(list(masks))
    if not common.any():
        raise DataError(
            f"No pixel is valid in all {len(masks)} recordings: they were moved too "
            "far. Look at the shifts in quality.parquet."
        )
    return np.asarray(common, dtype=bool)
