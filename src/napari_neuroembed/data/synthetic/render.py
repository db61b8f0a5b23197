"""How the axons of a synthetic animal look through a two-photon microscope."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.synthetic.anatomy import PLANE, Anatomy, Axons
from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.data.synthetic.shapes import (
    Canvas,
    NeuriteForm,
    draw_neurite,
    draw_soma,
    neurite,
    soma,
)
from napari_neuroembed.options.synthetic import SyntheticOptions

REST = 8.0
"""Mean resting fluorescence of the tissue, in units of calcium; 0.5 at least."""

_AXON_REST = 0.6
_FIBRES = 26
_NEUROPIL = ((4.0, 0.18), (0.8, 0.12), (0.45, 0.07))
_TEXTURE = {"axons": 1.0, "somata": 0.5}
_VIGNETTE = 0.3
_CHUNK = 64
_MARGIN = 3.0
_DRIFT_TAU_S, _JERK_TAU_S, _JERKS_PER_S, _JERK_SIZE = 10.0, 0.4, 0.1, 2.5


@dataclass(frozen=True)
class Scene:
    """Everything of a view that does not change while a recording runs.

    Parameters
    ----------
    canvas
        What is rendered before the brain's motion is applied.
    rest
        Fluorescence at rest, above 0 everywhere, shape (side, side), in the units of
        the calcium signal.
    footprints
        Fluorescence per unit of calcium, shape (axon, side * side); zero for axons
        the animal lacks.
    light
        Photons per unit of fluorescence in each pixel of the view, shape (size,
        size): the illumination, which stays put when the brain moves.
    """

    canvas: Canvas
    rest: NDArray[np.float32]
    footprints: NDArray[np.float32]
    light: NDArray[np.float32]


def build_scene(options: SyntheticOptions, axons: Axons, anatomy: Anatomy) -> Scene:
    """Paint an animal's axons, background and illumination.

    Notes
    -----
    The photons per pixel follow from `noise`: a pixel of 32 holds
    (image_size / 32)^2 pixels of the view, and together they shall have the shot
    noise of that sd while the tissue is at rest.
    """
    scale = options.image_size / PLANE
    canvas = Canvas(options.image_size, int(np.ceil(_MARGIN * scale)) + 1, scale)
    footprints = _footprints(options, axons, anatomy, canvas)
    rest = _tissue(options, anatomy, canvas)
    rest += _AXON_REST * footprints.sum(axis=0).reshape(rest.shape)
    y = np.linspace(-1, 1, options.image_size)
    vignette = 1 - _VIGNETTE * (y[:, None] ** 2 + y[None, :] ** 2) / 2
    photons = REST / (options.noise * scale) ** 2
    light = (photons * vignette / vignette.mean()).astype(np.float32)
    return Scene(canvas, rest, footprints, light)


def draw_motion(
    options: SyntheticOptions, n_frames: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the rigid motion of the brain, shape (time, 2), in pixels of the view.

    A slow drift (correlation time 10 s) and one jerk in 10 s that decays within half
    a second. A structure at (y, x) of the unmoved view is seen at (y, x) + motion.
    Never more than 3 pixels of 32.
    """
    from scipy.signal import lfilter

    rate = options.neural_rate_hz
    slow, sudden, moments = rng.spawn(3)
    happens = moments.random((n_frames, 1)) < _JERKS_PER_S / rate
    pushes = _JERK_SIZE * happens * sudden.standard_normal((n_frames, 2))
    wander = slow.standard_normal((n_frames, 2))
    keep = np.exp(-1 / (rate * _DRIFT_TAU_S))
    drift = lfilter([np.sqrt(1 - keep**2)], [1.0, -keep], wander, axis=0)
    fade = np.exp(-1 / (rate * _JERK_TAU_S))
    jerk = lfilter([1.0], [1.0, -fade], pushes, axis=0)
    moved = options.motion * (drift + jerk)
    motion: NDArray[np.float64] = np.clip(moved, -_MARGIN, _MARGIN)
    return motion * (options.image_size / PLANE)


def render(
    scene: Scene,
    calcium: NDArray[np.float64],
    motion: NDArray[np.float64],
    options: SyntheticOptions,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.uint16]]:
    """Yield the frames of a recording as the microscope writes them.

    Parameters
    ----------
    calcium
        Shape (time, axon).
    motion
        Displacement (y, x) in pixels of the view, shape (time, 2).

    Yields
    ------
    array, shape (size, size), uint16
        offset + gain x photons. Subtracting `SyntheticOptions.offset` (200) undoes the
        camera's offset.

    Notes
    -----
    Shot noise of mean and variance lambda is drawn as (sqrt(lambda) + n / 2)^2 - 1/4
    with standard normal n: mean exact, variance lambda + 1/8, skewed like Poisson and
    continuous like a detector whose pulses vary in height. It takes an eighth of the
    time of Poisson draws.
    """
    for start in range(0, len(calcium), _CHUNK):
        part = slice(start, start + _CHUNK)
        tissue = _fluorescence(scene, calcium[part])
        photons = np.stack(
            [
                _moved(frame, scene.canvas, shift)
                for frame, shift in zip(tissue, motion[part], strict=False)
            ]
        )
        photons *= scene.light
        yield from _counts(photons, options, rng)


def _fluorescence(scene: Scene, calcium: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return unmoved frames; always a whole chunk, so that rounding never differs."""
    whole = np.zeros((_CHUNK, calcium.shape[1]), dtype=np.float32)
    whole[: len(calcium)] = calcium
    frames = (whole @ scene.footprints).reshape(_CHUNK, *scene.rest.shape)
    frames = frames[: len(calcium)]
    frames += scene.rest
    return frames


def _moved(
    frame: NDArray[np.float32], canvas: Canvas, shift: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Cut the view out of a canvas that moved by `shift`, bilinearly."""
    corner = canvas.margin - shift
    whole = np.floor(corner).astype(int)
    down, right = (corner - whole).astype(np.float32)
    y, x, n = whole[0], whole[1], canvas.size
    window = frame[y : y + n + 1, x : x + n + 1]
    rows = window[:-1] + down * (window[1:] - window[:-1])
    view: NDArray[np.float32] = rows[:, :-1] + right * (rows[:, 1:] - rows[:, :-1])
    return view


def _counts(
    photons: NDArray[np.float32], options: SyntheticOptions, rng: np.random.Generator
) -> NDArray[np.uint16]:
    counts = rng.standard_normal(photons.shape, dtype=np.float32)
    counts *= 0.5
    counts += np.sqrt(photons)
    counts *= counts
    counts -= 0.25
    counts *= options.counts_per_photon
    counts += options.offset + 0.5
    np.clip(counts, 0, 65535, out=counts)
    return counts.astype(np.uint16)


def _footprints(
    options: SyntheticOptions, axons: Axons, anatomy: Anatomy, canvas: Canvas
) -> NDArray[np.float32]:
    rng = child_generator(options.seed, "shapes", options.signal)
    painted = np.zeros((len(axons.position), canvas.side**2), dtype=np.float32)
    for i, (centre, gain) in enumerate(
        zip(anatomy.position, anatomy.gain, strict=True)
    ):
        if options.signal == "axons":
            image = neurite(canvas, centre, anatomy.width, draw_neurite(rng))
        else:
            image = soma(canvas, centre, anatomy.width, draw_soma(rng))
        painted[i] = (gain * anatomy.brightness) * image.ravel()
    return painted


def _tissue(
    options: SyntheticOptions, anatomy: Anatomy, canvas: Canvas
) -> NDArray[np.float32]:
    """Paint neuropil, silent fibres and the animal's background: at least 0.5."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    rng = child_generator(options.seed, "tissue")
    neuropil = np.zeros((canvas.side, canvas.side))
    for size, depth in _NEUROPIL:
        # Drawn on a grid of the 32 x 32 plane, so that every image size shows it.
        grid = rng.standard_normal((PLANE + 16, PLANE + 16))
        smooth = gaussian_filter(grid, size, mode="wrap")
        neuropil += (
            depth
            * _TEXTURE[options.signal]
            * _sample(smooth / smooth.std(), canvas.axis() + 7.5)
        )
    tissue = 0.82 * REST * np.exp(neuropil)
    for _ in range(_FIBRES):
        tissue += 0.1 * REST * _fibre(canvas, draw_neurite(rng), rng)
    blocks = map_coordinates(
        anatomy.background,
        np.stack(np.meshgrid(*(2 * [canvas.axis() / 4 - 0.5]), indexing="ij")),
        order=1,
        mode="nearest",
    )
    return np.maximum(tissue + blocks, 0.5).astype(np.float32)


def _fibre(
    canvas: Canvas, form: NeuriteForm, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Paint one silent fibre that runs along the view; peak about 1."""
    x, y = rng.uniform(0, PLANE), rng.uniform(-0.2, 1.0) * PLANE
    course = form.path[: len(form.path) * 2 // 3]
    course = np.array([y, x]) + course * (0.5 * PLANE / np.ptp(course[:, 0]))
    steps = np.linspace(0, 1, 160)
    known = np.linspace(0, 1, len(course))
    points = np.stack([np.interp(steps, known, course[:, k]) for k in (0, 1)], axis=1)
    sd = np.full(len(points), rng.uniform(0.25, 0.6))
    image = canvas.blobs(points, np.ones(len(points)), sd).astype(np.float64)
    peak: NDArray[np.float64] = image * (rng.uniform(0.4, 1.3) / image.max())
    return peak


def _sample(
    field: NDArray[np.float64], axis: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read a field at the rows and columns `axis` (cubic), shape (axis, axis)."""
    from scipy.ndimage import map_coordinates

    where = np.stack(np.meshgrid(axis, axis, indexing="ij"))
    sampled: NDArray[np.float64] = map_coordinates(field, where, order=3)
    return sampled
