"""The shapes that light up in a synthetic two-photon view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PSF = 0.27
"""Sharpness (sd) of the view, pixels of 32."""

_PATH_POINTS = 60
_EDGE, _NUCLEUS = 0.08, 0.7


@dataclass(frozen=True)
class Canvas:
    """The pixels that are rendered: the view and a margin for the brain to move in.

    Parameters
    ----------
    size
        Side of the view, pixels.
    margin
        Pixels rendered beyond each side.
    scale
        View pixels per pixel of the 32 x 32 plane.
    """

    size: int
    margin: int
    scale: float

    @property
    def side(self) -> int:
        """Side of the canvas, pixels."""
        return self.size + 2 * self.margin

    def axis(self) -> NDArray[np.float64]:
        """Return the centre of each canvas row (or column) in pixels of 32."""
        pixel = np.arange(self.side, dtype=np.float64)
        return (pixel - self.margin + 0.5) / self.scale

    def blobs(
        self,
        points: NDArray[np.float64],
        weights: NDArray[np.float64],
        sd: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Paint a sum of round Gaussian spots, shape (side, side).

        Parameters
        ----------
        points, weights, sd
            Centres (y, x), integrals and widths in pixels of 32, one per spot.
        """
        axis = self.axis()
        far = (axis[None, :, None] - points[:, None, :]) / sd[:, None, None]
        bells = np.exp(-0.5 * far**2)
        rows = bells[:, :, 0] * (weights / (2 * np.pi * sd**2))[:, None]
        return (rows.T @ bells[:, :, 1]).astype(np.float32)


def neurite(
    canvas: Canvas, centre: NDArray[np.float64], width: float, form: NeuriteForm
) -> NDArray[np.float32]:
    """Paint a short curved neurite with a side branch and varicosities.

    It has the integral and the spread (second moments, summed over y and x) of a
    round Gaussian spot of peak 1 and sd `width`, so that averaged over coarse pixels
    it says the same.

    Returns
    -------
    array, shape (side, side), float32
    """
    spread = max(2 * width**2 - 2 * _PSF**2, 0.1)
    path = form.path - np.average(form.path, axis=0, weights=form.weight)
    trace = np.average((path**2).sum(axis=1), weights=form.weight)
    points = centre + path * np.sqrt(spread / trace)
    weights = form.weight * (2 * np.pi * width**2)
    return canvas.blobs(points, weights, _PSF * form.thickness)


def soma(
    canvas: Canvas, centre: NDArray[np.float64], width: float, form: SomaForm
) -> NDArray[np.float32]:
    """Paint a cell body with a dark nucleus.

    Integral and spread are those of :func:`neurite`.
    """
    axis = canvas.axis()
    y, x = axis[:, None] - centre[0], axis[None, :] - centre[1]
    along = np.cos(form.angle_rad) * y + np.sin(form.angle_rad) * x
    across = np.cos(form.angle_rad) * x - np.sin(form.angle_rad) * y
    radius = np.hypot(along / form.stretch, across * form.stretch)
    share = np.linspace(0.0, 2.0, 400)
    profile = form.profile(share)
    spread = np.sum(share**3 * profile) / np.sum(share * profile)
    spread *= (form.stretch**2 + form.stretch**-2) / 2
    area = np.pi * 2 * np.sum(share * profile) * (share[1] - share[0])
    reach = width * np.sqrt(2 / spread)
    peak = 2 * np.pi * width**2 / (area * reach**2)
    painted: NDArray[np.float64] = peak * form.profile(radius / reach)
    return painted.astype(np.float32)


@dataclass(frozen=True)
class NeuriteForm:
    """The course of a neurite: where its points lie, how bright and thick they are."""

    path: NDArray[np.float64]
    weight: NDArray[np.float64]
    thickness: NDArray[np.float64]


@dataclass(frozen=True)
class SomaForm:
    """The form of a cell body: orientation, elongation and size of the nucleus."""

    angle_rad: float
    stretch: float
    nucleus: float

    def profile(self, radius: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the brightness at a distance from the centre, 1 is the membrane."""
        body = 1 / (1 + np.exp(np.clip((radius - 1) / _EDGE, -50, 50)))
        core = 1 / (1 + np.exp(np.clip((radius - self.nucleus) / _EDGE, -50, 50)))
        bright: NDArray[np.float64] = body - _NUCLEUS * core
        return bright


def draw_neurite(rng: np.random.Generator) -> NeuriteForm:
    """Draw the course of one neurite; its size does not matter."""
    heading = rng.normal(0.0, 0.6)
    main = _wander(heading, _PATH_POINTS, rng)
    root = main[rng.integers(_PATH_POINTS // 5, _PATH_POINTS // 2)]
    turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 0.9)
    side = root + _wander(heading + turn, 2 * _PATH_POINTS // 3, rng)
    path = np.concatenate([main, side])
    weight, thickness = np.ones(len(path)), np.ones(len(path))
    weight[_PATH_POINTS:] = 0.6
    beads = rng.choice(len(path), size=rng.integers(5, 10), replace=False)
    weight[beads] = rng.uniform(8.0, 16.0, beads.size)
    thickness[beads] = rng.uniform(1.3, 1.8, beads.size)
    return NeuriteForm(path, weight / weight.sum(), thickness)


def draw_soma(rng: np.random.Generator) -> SomaForm:
    """Draw the form of one cell body."""
    return SomaForm(
        angle_rad=float(rng.uniform(0.0, np.pi)),
        stretch=float(rng.uniform(1.0, 1.15)),
        nucleus=float(rng.uniform(0.45, 0.6)),
    )


def _wander(heading: float, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a smooth path (y, x) of `n` unit steps that starts at a heading."""
    bend = rng.normal(0.0, 0.03)
    angle = heading + np.cumsum(bend + 0.08 * rng.standard_normal(n))
    return np.cumsum(np.stack([np.cos(angle), np.sin(angle)], axis=1), axis=0)
