"""What the synthetic animals share, and how each one departs from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.synthetic.behaviour import N_COORDINATES, ActionTrack
from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.options.synthetic import SyntheticOptions

PLANE = 32
"""Side of the plane on which all anatomy is defined, in its own pixels."""

_MARGIN = 4.0
_BLOCKS = 8
_REFERENCE_HZ = 16.0
_SPIKES_PER_FRAME = 0.5
_DRIFT_POSITION, _DRIFT_GAIN, _DRIFT_POSE = 0.4, 0.1, 0.02


@dataclass(frozen=True)
class Axons:
    """The axons (or cells) of the plan that all animals are built from.

    Parameters
    ----------
    position
        Centre (y, x) of each axon, pixels of 32, shape (axon, 2).
    tuning
        Rate of each axon in each action, shape (action, axon).
    phase_rad
        Phase of the movement that an axon prefers, shape (axon,).
    """

    position: NDArray[np.float64]
    tuning: NDArray[np.float64]
    phase_rad: NDArray[np.float64]


@dataclass(frozen=True)
class Anatomy:
    """One animal's own version of the plan.

    Parameters
    ----------
    position
        Centre (y, x) of each axon, pixels of 32, shape (axon, 2).
    width
        Width (sd) of this animal's axons, pixels of 32.
    gain
        Amplitude of each axon, shape (axon,); 0 where the animal lacks it.
    brightness
        Indicator expression: multiplies rest and activity of all axons.
    background
        Static background in blocks of 4 x 4 pixels of 32, shape (8, 8).
    tau_s
        Calcium decay.
    pose_scale, pose_offset
        Proportions of the body, shape (coordinate,).
    """

    position: NDArray[np.float64]
    width: float
    gain: NDArray[np.float64]
    brightness: float
    background: NDArray[np.float64]
    tau_s: float
    pose_scale: NDArray[np.float64]
    pose_offset: NDArray[np.float64]

    def pose(self, posture: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a posture, shape (time, coordinate), in this body's proportions."""
        return posture * self.pose_scale + self.pose_offset


def draw_axons(options: SyntheticOptions) -> Axons:
    """Draw the shared axons.

    Positions are U(4, 28), tuning Bernoulli(0.2) times Gamma(2, 0.7), preferred
    phases U(0, 2 pi).
    """
    rng = child_generator(options.seed, "axons")
    n, shape = options.n_axons, (options.n_actions, options.n_axons)
    position = rng.uniform(_MARGIN, PLANE - _MARGIN, (n, 2))
    tuned = rng.random(shape) < options.tuning
    return Axons(
        position=position,
        tuning=tuned * rng.gamma(2.0, 0.7, shape),
        phase_rad=rng.uniform(0.0, 2 * np.pi, n),
    )


def draw_anatomy(options: SyntheticOptions, axons: Axons, animal: str) -> Anatomy:
    """Draw one animal's departure from the plan.

    Every departure is drawn whatever `gap` is and then multiplied by it, so that
    data sets of different gaps are the same animals, more or less alike. At 0 the
    width and the decay are the middle of their ranges and every gain is 1.
    """
    o, n = options, options.n_axons

    def own(purpose: str) -> np.random.Generator:
        return child_generator(o.seed, animal, purpose)

    width = own("width").uniform(o.spot_low, o.spot_high)
    tau = own("tau").uniform(o.tau_low_s, o.tau_high_s)
    gain = own("gain").gamma(o.gain_shape, 1 / o.gain_shape, n)
    present = own("drop").random(n) >= o.gap * o.drop
    brightness = o.brightness * own("brightness").standard_normal()
    blocks = own("background").standard_normal((_BLOCKS, _BLOCKS))
    pose = own("pose")
    scale = o.scale_sd * pose.standard_normal(N_COORDINATES)
    offset = o.off_sd * pose.standard_normal(N_COORDINATES)
    jitter = o.pos_jitter * own("position").standard_normal((n, 2))
    return Anatomy(
        position=axons.position + o.gap * jitter,
        width=_between((o.spot_low + o.spot_high) / 2, width, o.gap),
        gain=(1 + o.gap * (gain - 1)) * present,
        brightness=float(np.exp(o.gap * brightness)),
        background=o.gap * o.background * blocks,
        tau_s=_between((o.tau_low_s + o.tau_high_s) / 2, tau, o.gap),
        pose_scale=np.exp(o.gap * scale),
        pose_offset=o.gap * offset,
    )


def drifted(
    anatomy: Anatomy, options: SyntheticOptions, animal: str, recording: int
) -> Anatomy:
    """Return the anatomy as it has become by the given recording (0 is the first).

    At `drift` 1 every recording moves an axon by 0.4 pixels of 32 (sd), its gain by
    10 per cent and each pose coordinate by 0.02, added up over recordings.
    """
    if options.drift == 0:
        return anatomy
    steps: dict[str, NDArray[np.float64]] = {}
    for purpose, width in (
        ("position", 2 * options.n_axons),
        ("gain", options.n_axons),
        ("pose", N_COORDINATES),
    ):
        rng = child_generator(options.seed, animal, "drift", purpose)
        walk = rng.standard_normal((recording + 1, width)).sum(axis=0)
        steps[purpose] = options.drift * walk
    return replace(
        anatomy,
        position=anatomy.position + _DRIFT_POSITION * steps["position"].reshape(-1, 2),
        gain=anatomy.gain * np.exp(_DRIFT_GAIN * steps["gain"]),
        pose_offset=anatomy.pose_offset + _DRIFT_POSE * steps["pose"],
    )


def draw_spikes(
    axons: Axons,
    track: ActionTrack,
    time_s: NDArray[np.float64],
    rate_hz: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw the spikes of every axon in every frame, shape (time, axon).

    rate = W (1 + 0.8 sin(0.25 theta + phi)) + 0.05; spikes ~ Poisson(0.5 rate) per
    frame at 16 frames per second, in proportion at other rates.
    """
    phase = 0.25 * track.phase_at(time_s)[:, None] + axons.phase_rad
    rate = axons.tuning[track.action_at(time_s)] * (1 + 0.8 * np.sin(phase)) + 0.05
    expected = _SPIKES_PER_FRAME * rate * (_REFERENCE_HZ / rate_hz)
    return rng.poisson(expected)


def calcium(
    spikes: NDArray[np.int64], tau_s: float, rate_hz: float
) -> NDArray[np.float64]:
    """Return c_t = gamma c_(t-1) + 0.5 s_t with gamma = exp(-1 / (rate tau)).

    Examples
    --------
    >>> trace = calcium(np.array([[1], [0]]), tau_s=1.0, rate_hz=16.0)
    >>> trace.round(3).tolist()
    [[0.5], [0.47]]
    """
    from scipy.signal import lfilter

    gamma = np.exp(-1 / (rate_hz * tau_s))
    trace: NDArray[np.float64] = lfilter([0.5], [1.0, -gamma], spikes, axis=0)
    return trace


def _between(middle: float, drawn: float, gap: float) -> float:
    return float(middle + gap * (drawn - middle))
