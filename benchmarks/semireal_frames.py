"""What a microscope would see of a semi-real animal: real tissue, motion and noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from benchmarks.semireal_bodies import Body, Cast
from benchmarks.semireal_data import Movie
from napari_neuroembed.data.synthetic.anatomy import calcium, draw_spikes
from napari_neuroembed.data.synthetic.behaviour import LEAD_S, ActionTrack
from napari_neuroembed.data.synthetic.random import child_generator

NEURAL_HZ = 16.0
DFF_PER_CALCIUM = 0.1
"""Relative brightening at a region's centre per unit of calcium."""


def draw_frames(
    cast: Cast, body: Body, track: ActionTrack, name: str
) -> Iterator[NDArray[np.uint16]]:
    """Yield the two-photon frames of a recording as counts."""

    def own(purpose: str) -> np.random.Generator:
        return child_generator(cast.seed, name, purpose)

    n = round(cast.size.duration_s * NEURAL_HZ)
    lead = round(LEAD_S * NEURAL_HZ)
    time_s = (np.arange(-lead, n) + 0.5) / NEURAL_HZ
    spikes = draw_spikes(cast.axons, track, time_s, NEURAL_HZ, own("spikes"))
    trace = calcium(spikes, body.tau_s, NEURAL_HZ)[lead:]
    motion = draw_motion(cast.movie.motion, n, own("motion"))
    rng, gain = own("noise"), cast.movie.gain
    for frame in range(n):
        bright = 1 + DFF_PER_CALCIUM * np.tensordot(trace[frame], body.regions, axes=1)
        photons = shift(body.image * bright, motion[frame], order=1, mode="nearest")
        counts = gain * rng.poisson(np.maximum(photons, 0.0) / gain)
        yield np.clip(np.round(dark_counts(cast.movie) + counts), 0, 65535).astype(
            np.uint16
        )


def draw_motion(
    motion: NDArray[np.float64], n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Play measured motion from a random frame on, forth and back, mirrored."""
    there = np.concatenate([motion, motion[-2:0:-1]])
    start = int(rng.integers(len(there)))
    played = there[(start + np.arange(n)) % len(there)]
    return played * rng.choice([-1.0, 1.0], size=2)


def dark_counts(movie: Movie) -> int:
    """Return the counts that are written for no light."""
    return max(100, round(movie.dark))
