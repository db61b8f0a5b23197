"""Antialiased resizing: averages over areas, as two products with small matrices.

Where an axis goes from n to m pixels and both are multiples of g, its weights repeat
every n / g pixels: 480 to 128 pixels are 32 times the same 15 to 4. One small dense
product per repeat is several times faster than a banded or sparse one over all.
"""

from __future__ import annotations

from math import gcd

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from napari_neuroembed.options.preprocessing import ResizeOptions

_WHOLE = 1.0 - 1e-6
_FEW_REPEATS = 8
Float = NDArray[np.float32]


def resize_weights(n_in: int, n_out: int) -> NDArray[np.float64]:
    """Return how much of every input pixel goes into every output pixel.

    Parameters
    ----------
    n_in, n_out
        Pixels along one axis before and after.

    Returns
    -------
    array, shape (n_out, n_in)
        Rows sum to 1. Smaller sizes average over the area an output pixel covers,
        larger ones interpolate linearly between centres.

    Examples
    --------
    >>> resize_weights(4, 2)
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    if n_out > n_in:
        centre = np.clip((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0, n_in - 1)
        distance = np.abs(centre[:, None] - np.arange(n_in)[None])
        return np.asarray(np.maximum(0.0, 1 - distance))
    edges = np.linspace(0, n_in, n_out + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(n_in)[None]
    overlap = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    weights = np.maximum(0.0, overlap)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _repeats(n_in: int, n_out: int) -> int:
    """Return how often the weights repeat along an axis; 1 where few repeats."""
    repeats = gcd(n_in, n_out) if n_out <= n_in else 1
    return repeats if repeats >= _FEW_REPEATS else 1


class Resizer:
    """Brings frames of one size to the size of the training cache.

    Parameters
    ----------
    shape
        Rows and columns of the frames given.
    options
        Size wanted and what to do with the aspect.

    Examples
    --------
    >>> resizer = Resizer((8, 16), ResizeOptions(height=4, width=4, aspect="pad"))
    >>> resizer.frames(np.ones((1, 8, 16), dtype=np.float32))[0]
    array([[0., 0., 0., 0.],
           [1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(self, shape: tuple[int, int], options: ResizeOptions) -> None:
        self.shape_in = shape
        self.shape = output_shape(shape, options)
        inner = self.shape
        if options.method == "area" and options.aspect == "pad":
            scale = min(self.shape[0] / shape[0], self.shape[1] / shape[1])
            inner = (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
        self._top = (self.shape[0] - inner[0]) // 2
        self._left = (self.shape[1] - inner[1]) // 2
        self._inner = inner
        self._is_same = inner == shape
        repeats = tuple(map(_repeats, shape, inner))
        along_y, along_x = (
            resize_weights(n_in // r, n_out // r).astype(np.float32)
            for n_in, n_out, r in zip(shape, inner, repeats, strict=True)
        )
        self._repeats = repeats
        self._along_y = csr_array(along_y) if repeats[0] == 1 else along_y
        self._along_x = along_x.T.copy()

    def frames(self, frames: NDArray[np.generic]) -> Float:
        """Resize frames of shape (frame, y, x); borders of `pad` are 0."""
        out = np.zeros((len(frames), *self.shape), dtype=np.float32)
        height, width = self._inner
        rows = slice(self._top, self._top + height)
        columns = slice(self._left, self._left + width)
        if self._is_same:
            out[:, rows, columns] = frames
            return out
        repeats_y, repeats_x = self._repeats
        for target, frame in zip(out, frames, strict=True):
            parts = np.asarray(frame, dtype=np.float32)
            if repeats_y > 1:
                parts = parts.reshape(repeats_y, -1, parts.shape[1])
            parts = (self._along_y @ parts).reshape(height * repeats_x, -1)
            target[rows, columns] = (parts @ self._along_x).reshape(height, width)
        return out

    def mask(
        self, covered: NDArray[np.bool_], dead: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Return the valid pixels after resizing.

        Parameters
        ----------
        covered
            (y, x): pixels shown in every frame. An output pixel needs all of its.
        dead
            (y, x): pixels without resting fluorescence. An output pixel may have less
            than half of its area dead.
        """
        whole = self.frames(covered[None].astype(np.float32))[0] > _WHOLE
        alive = self.frames(1 - dead[None].astype(np.float32))[0] > 0.5
        return np.asarray(whole & alive)


def output_shape(shape: tuple[int, int], options: ResizeOptions) -> tuple[int, int]:
    """Return rows and columns of the training cache for frames of `shape`."""
    if options.method == "none":
        return shape
    return options.height, options.width
