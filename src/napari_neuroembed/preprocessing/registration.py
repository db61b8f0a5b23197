"""Rigid motion: how far each frame is from a template, and moving it back.

Phase correlation finds the shift (Kuglin & Hines 1975), Newton steps on the
band-limited correlation take it below a pixel, and a least-squares step against the
template's gradients (Lucas & Kanade 1981) takes out what the taper and the noise left.
A shift (dy, dx) means ``frame[y + dy, x + dx]`` shows what ``template[y, x]`` shows,
i.e. it is the w of equation 4 for a field that is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_neuroembed.errors import DataError

_LARGEST_BATCH = 32
_BATCH_PIXELS = 1 << 21
_TAPER_SHARE = 0.05
_SMOOTH_PX = 1.15
_NEWTON_STEPS = 3
_GRADIENT_BLUR_PX = 0.7
_REFINE_STEPS = 2
_MAX_REFINEMENT_PX = 1.0
_SMALLEST_SIDE = 16

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """Shifts of some frames.

    Parameters
    ----------
    shifts
        (frame, 2): dy and dx in pixels.
    correlation
        (frame,): correlation of each frame, moved back, with the template, -1 to 1.
    at_limit
        (frame,): the best match lay at the border of the search range, so that the
        shift is not to be trusted.
    """

    shifts: NDArray[np.float64]
    correlation: NDArray[np.float64]
    at_limit: NDArray[np.bool_]


class RigidAligner:
    """Measures how far frames are shifted against one template.

    Parameters
    ----------
    template
        (y, x), finite, at least 16 pixels in both directions.
    max_shift
        Largest shift, as a share of height and width.
    upsample
        Shifts are rounded to 1/upsample pixel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> image = gaussian_filter(rng.standard_normal((64, 64)), 2).astype(np.float32)
    >>> moved = np.roll(image, (3, -2), axis=(0, 1))
    >>> RigidAligner(image).measure(moved[None]).shifts.round(1) + 0.0
    array([[ 3., -2.]])
    """

    def __init__(
        self, template: Float, *, max_shift: float = 0.15, upsample: int = 100
    ) -> None:
        if template.ndim != 2 or min(template.shape) < _SMALLEST_SIDE:
            raise DataError(
                f"Registration needs images of at least {_SMALLEST_SIDE} x "
                f"{_SMALLEST_SIDE} pixels, found {template.shape}. Switch it off with "
                "preprocessing.registration.method=none."
            )
        self.shape = template.shape
        self.upsample = upsample
        self.reach = tuple(max(1, int(max_shift * n)) for n in template.shape)
        height, width = template.shape
        self._taper = np.outer(_taper(height), _taper(width)).astype(np.float32)
        self._frequency_y = 2 * np.pi * scipy.fft.fftfreq(height)
        self._frequency_x = 2 * np.pi * scipy.fft.rfftfreq(width)
        self._twice = np.where(self._frequency_x > 0, 2.0, 1.0)
        if width % 2 == 0:
            self._twice[-1] = 1.0
        self._filter = self._phase_filter(template)
        self._border = tuple(reach + 2 for reach in self.reach)
        self._solve, self._inner = self._least_squares(template)

    def measure(self, frames: NDArray[np.generic]) -> Motion:
        """Measure the shift of each frame, shape (frame, y, x); NaN is refused."""
        n = int(np.clip(_BATCH_PIXELS // np.prod(self.shape), 1, _LARGEST_BATCH))
        parts = [
            self._measure_batch(frames[first : first + n])
            for first in range(0, len(frames), n)
        ]
        return Motion(
            np.concatenate([p.shifts for p in parts]),
            np.concatenate([p.correlation for p in parts]),
            np.concatenate([p.at_limit for p in parts]),
        )

    def _phase_filter(self, template: Float) -> NDArray[np.complex64]:
        flat = (template - template.mean()) * self._taper
        spectrum: NDArray[np.complex64] = scipy.fft.rfft2(flat)
        square = np.add.outer(self._frequency_y**2, self._frequency_x**2)
        low_pass = np.exp(-0.5 * _SMOOTH_PX**2 * square)
        size = np.abs(spectrum)
        phases: NDArray[Any] = (
            np.conj(spectrum) / (size + 1e-6 * size.max() + 1e-30) * low_pass
        )
        phases[0, 0] = 0
        return np.asarray(phases, dtype=np.complex64)

    def _least_squares(self, template: Float) -> tuple[Float, Float]:
        """Return the pseudo-inverse of [g, dg/dy, dg/dx, 1] and g, inside the border.

        A moved frame is nearly a g + a r . grad g + b for a rest shift r.
        """
        smooth = gaussian_filter(template.astype(np.float64), _GRADIENT_BLUR_PX)
        gradient_y = np.asarray(np.gradient(smooth, axis=0))
        gradient_x = np.asarray(np.gradient(smooth, axis=1))
        (top, bottom), (left, right) = (
            (border, n - border)
            for border, n in zip(self._border, self.shape, strict=True)
        )
        inside = np.s_[top:bottom, left:right]
        inner: NDArray[np.float64] = smooth[inside]
        parts = [inner, gradient_y[inside], gradient_x[inside], np.ones_like(inner)]
        design = np.stack([part.ravel() for part in parts], axis=1)
        inverse = np.linalg.pinv(design.T @ design) @ design.T
        return inverse.astype(np.float32), inner.astype(np.float32)

    def _measure_batch(self, frames: NDArray[np.generic]) -> Motion:
        images = frames.astype(np.float32)
        flat = images - images.mean(axis=(1, 2), keepdims=True)
        flat *= self._taper
        cross = scipy.fft.rfft2(flat)
        cross /= np.abs(cross) + np.float32(1e-20)
        cross *= self._filter
        shifts, at_limit = self._whole_pixels(cross)
        shifts = self._newton(cross, shifts)
        correlation = np.empty(len(images))
        for i, image in enumerate(images):
            shifts[i], correlation[i] = self._refine(image, shifts[i])
        shifts = np.round(shifts * self.upsample) / self.upsample
        return Motion(shifts, correlation, at_limit)

    def _whole_pixels(
        self, cross: NDArray[np.complex64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        surface = scipy.fft.irfft2(cross, s=self.shape)
        reach_y, reach_x = self.reach
        surface = np.concatenate(
            [surface[:, -reach_y:], surface[:, : reach_y + 1]], axis=1
        )
        surface = np.concatenate(
            [surface[:, :, -reach_x:], surface[:, :, : reach_x + 1]], axis=2
        )
        best = surface.reshape(len(cross), -1).argmax(axis=1)
        row, column = np.divmod(best, 2 * reach_x + 1)
        shifts = np.stack([row - reach_y, column - reach_x], axis=1)
        at_limit = (np.abs(shifts) >= np.array(self.reach)).any(axis=1)
        return shifts.astype(np.float64), at_limit

    def _newton(
        self, cross: NDArray[np.complex64], shifts: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Climb the correlation as a trigonometric polynomial, exact between pixels."""
        start = shifts
        for _ in range(_NEWTON_STEPS):
            along_x = self._waves(self._frequency_x, shifts[:, 1]) * self._twice
            along_y = self._waves(self._frequency_y, shifts[:, 0])
            halfway = np.matmul(cross, along_x.transpose(0, 2, 1).astype(np.complex64))
            # value and derivatives: [i, j] = i-th along y, j-th along x
            d = np.matmul(along_y.astype(np.complex64), halfway).real
            slope = np.stack([d[:, 1, 0], d[:, 0, 1]], axis=1)
            determinant = d[:, 2, 0] * d[:, 0, 2] - d[:, 1, 1] ** 2
            at_peak = (determinant > 0) & (d[:, 2, 0] < 0)
            safe = np.where(at_peak, determinant, 1.0)
            step_y = -(d[:, 0, 2] * slope[:, 0] - d[:, 1, 1] * slope[:, 1]) / safe
            step_x = -(d[:, 2, 0] * slope[:, 1] - d[:, 1, 1] * slope[:, 0]) / safe
            step = np.stack([step_y, step_x], axis=1) * at_peak[:, None]
            shifts = shifts + np.clip(step, -0.5, 0.5)
        return np.clip(shifts, start - 1, start + 1)

    @staticmethod
    def _waves(
        frequency: NDArray[np.float64], shift: NDArray[np.float64]
    ) -> NDArray[np.complex128]:
        """Return exp(i w s) and its first two derivatives by s, (frame, 3, w)."""
        wave = np.exp(1j * shift[:, None] * frequency)
        return np.stack([wave, 1j * frequency * wave, -(frequency**2) * wave], axis=1)

    def _refine(
        self, image: Float, shift: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        start = shift
        for _ in range(_REFINE_STEPS):
            part = self._look_up(image, shift)
            gain, rest_y, rest_x, _ = self._solve @ part.ravel()
            if gain <= 0:
                break
            step = np.array([rest_y, rest_x]) / gain
            moved = shift - np.clip(step, -0.5, 0.5)
            if np.abs(moved - start).max() > _MAX_REFINEMENT_PX:
                shift = start
                break
            shift = moved
        return shift, correlate(self._look_up(image, shift), self._inner)

    def _look_up(self, image: Float, shift: NDArray[np.float64]) -> Float:
        """Return the inner part of an image, moved back by bilinear sampling."""
        reach = np.array(self.reach) + 1.0
        origin = np.clip(shift, -reach, reach) + np.array(self._border)
        return _sample(image, origin, self._inner.shape)


def shift_frames(
    frames: NDArray[np.generic], shifts: NDArray[np.float64]
) -> NDArray[np.generic]:
    """Move frames back by their shifts.

    Parameters
    ----------
    frames
        (frame, y, x).
    shifts
        (frame, 2) as measured; a shift that is not finite counts as 0.

    Returns
    -------
    array, shape (frame, y, x)
        Bilinear samples in float32, 0 where a frame does not reach. When all shifts
        are whole pixels the values and their type are exactly those given.

    Examples
    --------
    >>> frame = np.arange(9, dtype=np.uint16).reshape(1, 3, 3)
    >>> shift_frames(frame, np.array([[1.0, 0.0]]))[0]
    array([[3, 4, 5],
           [6, 7, 8],
           [0, 0, 0]], dtype=uint16)
    """
    shifts = np.where(np.isfinite(shifts), shifts, 0.0)
    whole = bool((shifts == np.round(shifts)).all())
    if whole and not shifts.any():
        return frames
    out = np.zeros(frames.shape, dtype=frames.dtype if whole else np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # in frames that are not used
        for i, shift in enumerate(shifts):
            _shift_into(out[i], frames[i], shift)
    return out


def correlate(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Return the correlation of two images, 0 when one of them is constant."""
    x = a.astype(np.float32).ravel()
    y = b.astype(np.float32).ravel()
    x = x - x.mean()
    y = y - y.mean()
    size = float(np.sqrt(np.dot(x, x)) * np.sqrt(np.dot(y, y)))
    return float(np.dot(x, y)) / size if size > 0 else 0.0


def _shift_into(
    out: NDArray[np.generic], frame: NDArray[np.generic], shift: NDArray[np.float64]
) -> None:
    spans = []
    for n, s in zip(frame.shape, shift, strict=True):
        low = int(np.floor(s))
        reach = low + (1 if s > low else 0)
        spans.append((max(0, -low), min(n, n - reach)))
    (top, bottom), (left, right) = spans
    if bottom <= top or right <= left:
        return
    origin = shift + np.array([top, left])
    out[top:bottom, left:right] = _sample(frame, origin, (bottom - top, right - left))


def _sample(
    frame: NDArray[Any], origin: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return `shape` bilinear samples one pixel apart from `origin` (y, x) on."""
    top, left = (int(np.floor(o)) for o in origin)
    part_y, part_x = (np.float32(o - np.floor(o)) for o in origin)
    height, width = shape
    rows = frame[top : top + height + 1, left : left + width + 1]
    if part_y > 0:
        rows = rows[:-1] * (1 - part_y) + rows[1:] * part_y
    if part_x > 0:
        rows = rows[:, :-1] * (1 - part_x) + rows[:, 1:] * part_x
    return rows[:height, :width]


def _taper(n: int) -> Float:
    """Return weights that fall off at both ends, so that borders do not correlate."""
    edge = max(2.0, _TAPER_SHARE * n)
    distance = np.minimum(np.arange(n), np.arange(n)[::-1])
    weights = 1 / (1 + np.exp(-(distance - edge) / (edge / 4)))
    return weights.astype(np.float32)
