"""Which pixels every region of interest has, and how much each of them counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.errors import DataError


@dataclass(frozen=True, eq=False)
class Footprints:
    """The regions behind the channels of a trace stream, sparse, in their order.

    Pixels of region i are ``y[starts[i]:starts[i + 1]]`` and likewise `x`, `weights`
    and `overlap`.

    Parameters
    ----------
    shape
        Height and width of the image, in pixels.
    starts
        Where the pixels of each region begin, and their number: (region + 1,), int64.
    y, x
        Row and column of every pixel, int32.
    weights
        How much each pixel counts, float32, in the unit of the program that found it.
    overlap
        Pixels that more than one region has; None where that is not known.

    Raises
    ------
    DataError
        When lengths differ, a pixel lies outside of the image, or a weight is not
        finite (`footprints.invalid`).

    Examples
    --------
    >>> two = Footprints.of_regions((2, 3), [[0, 0], [1]], [[0, 1], [2]], [[1, 2], [3]])
    >>> two.to_dense(0)
    array([[1., 2., 0.],
           [0., 0., 0.]], dtype=float32)
    """

    shape: tuple[int, int]
    starts: NDArray[np.int64]
    y: NDArray[np.int32]
    x: NDArray[np.int32]
    weights: NDArray[np.float32]
    overlap: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        problem = (
            _length_problem(self)
            or _place_problem("row", self.y, self.shape[0])
            or _place_problem("column", self.x, self.shape[1])
        )
        n_bad = int(np.count_nonzero(~np.isfinite(self.weights)))
        if not problem and n_bad:
            problem = f"{n_bad:,} of {self.weights.size:,} weights are not finite"
        if problem:
            raise DataError(
                f"The footprints cannot be used: {problem}. Export them again. "
                "[footprints.invalid]"
            )

    @classmethod
    def of_regions(
        cls, shape: tuple[int, int], y: Any, x: Any, weights: Any, overlap: Any = None
    ) -> Footprints:
        """Join one array per region.

        Parameters
        ----------
        shape
            Height and width of the image.
        y, x, weights, overlap
            One array of equal length per region; `overlap` may be None.

        Raises
        ------
        DataError
            As the class, or when the arrays of a region have different lengths.
        """
        rows = [np.asarray(part).ravel() for part in y]
        for name, parts in (("x", x), ("weights", weights), ("overlap", overlap)):
            if parts is None:
                continue
            lengths = [np.size(part) for part in parts]
            bad = [i for i, n in enumerate(lengths) if n != rows[i].size]
            if bad:
                i = bad[0]
                raise DataError(
                    f"The footprints cannot be used: region {i} has {rows[i].size:,} "
                    f"rows and {lengths[i]:,} {name}. [footprints.invalid]"
                )
        sizes = [row.size for row in rows]
        return cls(
            shape=(int(shape[0]), int(shape[1])),
            starts=np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))),
            y=_whole(rows),
            x=_whole(x),
            weights=_join(weights, np.float32),
            overlap=None if overlap is None else _join(overlap, np.bool_),
        )

    def __len__(self) -> int:
        """Return the number of regions."""
        return self.starts.size - 1

    def take(self, regions: NDArray[np.int64]) -> Footprints:
        """Return the footprints of some regions, in that order."""
        parts = [slice(self.starts[i], self.starts[i + 1]) for i in regions]
        picked = np.concatenate(
            [np.arange(p.start, p.stop) for p in parts] or [np.empty(0, np.int64)]
        ).astype(np.int64)
        sizes = [p.stop - p.start for p in parts]
        return Footprints(
            shape=self.shape,
            starts=np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))),
            y=self.y[picked],
            x=self.x[picked],
            weights=self.weights[picked],
            overlap=None if self.overlap is None else self.overlap[picked],
        )

    def to_dense(self, region: int) -> NDArray[np.float32]:
        """Return the weights of one region as an image (y, x), 0 outside of it."""
        part = slice(self.starts[region], self.starts[region + 1])
        image = np.zeros(self.shape, dtype=np.float32)
        np.add.at(image, (self.y[part], self.x[part]), self.weights[part])
        return image

    def outline(self, region: int) -> NDArray[np.bool_]:
        """Return the pixels of one region that touch a pixel outside of it.

        Returns
        -------
        array, shape (y, x), bool
            Neighbours are the four beside a pixel; the edge of the image is outside.
        """
        inside = np.pad(self.to_dense(region) != 0, 1)
        within = inside[:-2, 1:-1] & inside[2:, 1:-1]
        within &= inside[1:-1, :-2] & inside[1:-1, 2:]
        edge: NDArray[np.bool_] = inside[1:-1, 1:-1] & ~within
        return edge

    def centers(self) -> NDArray[np.float64]:
        """Return the median row and column of every region, (region, 2).

        NaN for a region without pixels.
        """
        centers = np.full((len(self), 2), np.nan)
        for i in range(len(self)):
            part = slice(self.starts[i], self.starts[i + 1])
            if part.stop > part.start:
                centers[i] = np.median(self.y[part]), np.median(self.x[part])
        return centers


def _length_problem(found: Footprints) -> str:
    n, starts = found.y.size, found.starts
    sizes = {"columns": found.x.size, "weights": found.weights.size}
    if found.overlap is not None:
        sizes["overlap flags"] = found.overlap.size
    for name, size in sizes.items():
        if size != n:
            return f"{n:,} rows but {size:,} {name}"
    if (
        not starts.size
        or starts[0] != 0
        or starts[-1] != n
        or np.any(starts[1:] < starts[:-1])
    ):
        return f"the starts of the regions do not run from 0 to {n:,}"
    return ""


def _place_problem(what: str, places: NDArray[np.int32], n: int) -> str:
    bad = np.flatnonzero((places < 0) | (places >= n))
    if not bad.size:
        return ""
    return (
        f"{bad.size:,} of {places.size:,} pixels lie outside of the image, the first "
        f"in {what} {places[bad[0]]} of {n}"
    )


def _join(parts: Any, dtype: Any) -> NDArray[Any]:
    arrays = [np.asarray(part).ravel().astype(dtype) for part in parts]
    return np.concatenate([np.empty(0, dtype), *arrays])


def _whole(parts: Any) -> NDArray[np.int32]:
    """Join places; a number beyond int32 becomes -1, which is refused."""
    arrays = [np.asarray(part).ravel() for part in parts]
    odd = [
        array.dtype for array in arrays if array.size and array.dtype.kind not in "iu"
    ]
    if odd:
        raise DataError(
            f"The footprints cannot be used: places of pixels are {odd[0]}, expected "
            "whole numbers. [footprints.invalid]"
        )
    joined = _join(arrays, np.int64)
    fits = (joined >= 0) & (joined < 2**31)
    return np.where(fits, joined, -1).astype(np.int32)
