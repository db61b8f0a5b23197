"""The semi-real animals of one seed: what each is made of, and how they differ.

Everything drawn has a generator of its own, so that animals of one seed do not change
when something else is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmarks.semireal_data import (
    ACTIONS,
    MOVIES,
    SIZE,
    Movie,
    Poses,
    Trial,
    read_bouts,
    read_movie,
    read_poses,
)
from napari_neuroembed.data.synthetic.anatomy import PLANE, Axons
from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.errors import DataError

N_ANIMALS, N_RECORDINGS, DURATION_S = 4, 12, 60.0
N_REGIONS, N_TUNED = 32, 6
"""Regions, and how many of them are tuned to each action but rest."""

WARP_PX, WARP_REACH_PX = 1.5, 6.0
"""Spread of the displacement of tissue between animals and the length over which it
changes, in pixels of 32."""

DROP, GAIN_SHAPE, BRIGHTNESS_SD = 0.2, 4.0, 0.4
WIDTH_PX, TAU_S = (0.8, 1.8), (0.6, 1.5)
BODY_SCALE_SD, BODY_OFFSET_SD = 0.15, 0.3
SCALE = SIZE / PLANE
_FRONT_LEGS, _HIND_LEGS = (0, 3), (2, 5)


@dataclass(frozen=True)
class Size:
    """How much is made; smaller in tests."""

    n_animals: int = N_ANIMALS
    n_recordings: int = N_RECORDINGS
    duration_s: float = DURATION_S


@dataclass(frozen=True)
class Body:
    """One animal: what it was made from and how it departs from the others.

    Parameters
    ----------
    name, source
        The animal, and the real fly whose bouts it has.
    trials, runs
        Its bouts, and its frames of poses by kind; no other animal has any of them.
    scale, offset
        Proportions of the body, shape (90,).
    image
        Mean light of its tissue without the dark counts, shape (64, 64).
    regions
        Relative brightening by each region at calcium 1, shape (region, 64, 64).
    tau_s
        Decay of its calcium.
    """

    name: str
    source: str
    trials: list[Trial]
    runs: dict[str, list[NDArray[np.float64]]]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    image: NDArray[np.float64]
    regions: NDArray[np.float64]
    tau_s: float


@dataclass(frozen=True)
class Cast:
    """All of one seed; `axons` are the regions before any animal's departures."""

    seed: int
    size: Size
    movie: Movie
    poses: Poses
    axons: Axons
    bodies: tuple[Body, ...] = ()


def make_cast(data: Path, seed: int, size: Size | None = None) -> Cast:
    """Draw the animals of one seed; the movie goes in turn, by the seed."""
    size = size or Size()
    flies, poses = read_bouts(data), read_poses(data)
    movie = read_movie(data, MOVIES[seed % len(MOVIES)])
    if size.n_animals > len(flies):
        raise DataError(f"There are bouts of {len(flies)} real flies only.")
    order = child_generator(seed, "flies").permutation(len(flies))
    chosen = [sorted(flies)[k] for k in order[: size.n_animals]]
    cast = Cast(seed, size, movie, poses, _axons(seed, movie))
    bodies = [_body(cast, i, fly, flies[fly]) for i, fly in enumerate(chosen)]
    return replace(cast, bodies=tuple(bodies))


def _axons(seed: int, movie: Movie) -> Axons:
    """Draw regions at bright places of the tissue; six are tuned to each action.

    None is tuned to rest, nor to unlabelled time, which is the last row.
    """
    light = gaussian_filter(np.maximum(movie.mean - movie.dark, 0.0), 1.0)
    edge = round(4 * SCALE)
    weight = np.zeros_like(light)
    weight[edge:-edge, edge:-edge] = light[edge:-edge, edge:-edge]
    rng = child_generator(seed, "regions")
    place = rng.choice(
        weight.size, N_REGIONS, replace=False, p=weight.ravel() / weight.sum()
    )
    position = np.stack(np.unravel_index(place, weight.shape), axis=1) / SCALE
    tuning = np.zeros((len(ACTIONS) + 1, N_REGIONS))
    for action in range(1, len(ACTIONS)):
        tuned = rng.choice(N_REGIONS, N_TUNED, replace=False)
        tuning[action, tuned] = rng.gamma(2.0, 0.7, N_TUNED)
    return Axons(position, tuning, rng.uniform(0.0, 2 * np.pi, N_REGIONS))


def _body(cast: Cast, number: int, source: str, trials: list[Trial]) -> Body:
    name = f"animal{number + 1}"

    def own(purpose: str) -> np.random.Generator:
        return child_generator(cast.seed, name, purpose)

    kinds, n = cast.poses.runs, cast.size.n_animals
    runs = {kind: _share(of, number, n) for kind, of in kinds.items()}
    runs["hind_grooming"] = [_on_hind_legs(run) for run in runs["front_grooming"]]
    spread = np.concatenate([run for of in kinds.values() for run in of]).std(axis=0)
    body, region, field = own("body"), own("regions"), _warp(own("warp"))
    scale = np.exp(BODY_SCALE_SD * body.standard_normal(spread.size))
    offset = BODY_OFFSET_SD * spread * body.standard_normal(spread.size)
    brightness = np.exp(BRIGHTNESS_SD * own("light").standard_normal())
    gain = region.gamma(GAIN_SHAPE, 1 / GAIN_SHAPE, N_REGIONS)
    gain *= region.random(N_REGIONS) >= DROP
    width = region.uniform(*WIDTH_PX) * SCALE
    spots = [_warped(_spot(at * SCALE, width), field) for at in cast.axons.position]
    return Body(
        name,
        source,
        trials,
        runs,
        scale,
        offset,
        brightness * _warped(_tissue(cast.movie), field),
        gain[:, None, None] * np.stack(spots),
        float(own("tau").uniform(*TAU_S)),
    )


def _tissue(movie: Movie) -> NDArray[np.float64]:
    """Return the light of the movie; the darkest places keep a fiftieth of it."""
    light = movie.mean - movie.dark
    return np.maximum(light, 0.02 * light.max())


def _share(
    runs: list[NDArray[np.float64]], number: int, n: int
) -> list[NDArray[np.float64]]:
    """Return the frames of one animal: no two animals share any."""
    whole = np.cumsum([0, *map(len, runs)])
    low, high = (round(whole[-1] * k / n) for k in (number, number + 1))
    parts = [
        run[max(0, low - at) : max(0, high - at)]
        for run, at in zip(runs, whole, strict=False)
    ]
    return [part for part in parts if len(part)]


def _on_hind_legs(run: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let the hind legs do what the front legs do, back to front."""
    legs = run.reshape(len(run), 6, 5, 3)
    moved = np.zeros_like(legs)
    moved[:, _HIND_LEGS] = legs[:, _FRONT_LEGS] * np.array([-1.0, 1.0, 1.0])
    return moved.reshape(run.shape)


def _warp(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a smooth displacement (y, x) of every pixel, shape (2, 64, 64)."""
    rough = rng.standard_normal((2, SIZE, SIZE))
    field = np.stack(
        [gaussian_filter(f, WARP_REACH_PX * SCALE, mode="wrap") for f in rough]
    )
    field *= WARP_PX * SCALE / field.std(axis=(1, 2), keepdims=True)
    return np.asarray(field)


def _warped(
    image: NDArray[np.float64], field: NDArray[np.float64]
) -> NDArray[np.float64]:
    place = np.indices(image.shape) + field
    return np.asarray(map_coordinates(image, place, order=1, mode="nearest"))


def _spot(centre: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    y, x = np.indices((SIZE, SIZE))
    far = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
    return np.asarray(np.exp(-0.5 * far / width**2))
