"""What the synthetic animals do: shared actions, heavy-tailed bouts, poses, speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.options.synthetic import SyntheticOptions

LEAD_S = 4.0
"""Behaviour and calcium begin this long before imaging, so that nothing starts cold."""

N_COORDINATES = 60
"""Coordinates of a pose: 30 leg points in two dimensions."""

_NAMES = (
    "walking",
    "front_grooming",
    "turning",
    "hind_grooming",
    "backing",
    "wing_flicking",
)
_SPEEDS_CM_S = (2.0, 0.1, 1.2, 0.15, 0.7, 0.3)
_BOUT_MIN_S, _BOUT_MAX_S, _BOUT_TAIL = 0.5, 20.0, 1.5
_SPEED_LAG_S = 0.25
_SPEED_NOISE = 0.05
_AMBIGUOUS_NOISE = 0.15


@dataclass(frozen=True)
class Repertoire:
    """The actions all animals share.

    Parameters
    ----------
    names
        One name per action.
    probability
        How often a bout is of each action, shape (action,).
    frequency_hz
        Cycles per second of the movement, shape (action,).
    prototype, amplitude, lag_rad
        Mean posture, size and phase of each coordinate's movement, shape (action,
        coordinate), poses in units of about 0 to 1.
    speed_cm_s
        Mean running speed, shape (action,).
    """

    names: tuple[str, ...]
    probability: NDArray[np.float64]
    frequency_hz: NDArray[np.float64]
    prototype: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    lag_rad: NDArray[np.float64]
    speed_cm_s: NDArray[np.float64]


@dataclass(frozen=True)
class ActionTrack:
    """Which action an animal is at, and in which phase of its movement, at any time.

    Parameters
    ----------
    start_s, stop_s
        Half-open bouts without gaps, seconds of the recording's clock (imaging
        starts at 0), shape (bout,).
    action
        Index of each bout's action.
    phase_rad
        Phase at the start of each bout; it never jumps.
    frequency_hz
        Cycles per second within each bout.
    """

    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]
    action: NDArray[np.int64]
    phase_rad: NDArray[np.float64]
    frequency_hz: NDArray[np.float64]

    def _bout(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        found = np.searchsorted(self.start_s, time_s, side="right") - 1
        return np.clip(found, 0, self.start_s.size - 1)

    def action_at(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the index of the action at each time."""
        return self.action[self._bout(time_s)]

    def phase_at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the phase, theta(t) = 2 pi times the integral of the frequency."""
        bout = self._bout(time_s)
        cycles = self.frequency_hz[bout] * (time_s - self.start_s[bout])
        phase: NDArray[np.float64] = self.phase_rad[bout] + 2 * np.pi * cycles
        return phase


def draw_repertoire(options: SyntheticOptions) -> Repertoire:
    """Draw the actions that all animals share.

    Action k is drawn with a probability in proportion to k^-0.8; prototypes are
    U(0.25, 0.75), amplitudes Gamma(1.5, 0.05), frequencies U(1, 6) Hz. With
    `pose_ambiguity` the prototypes and amplitudes of actions 1 and 2, 3 and 4 ...
    approach each other.
    """
    n = options.n_actions
    rng = child_generator(options.seed, "actions")
    weight = np.arange(1, n + 1) ** -options.action_exponent
    frequency = rng.uniform(1.0, 6.0, n)
    prototype = rng.uniform(0.25, 0.75, (n, N_COORDINATES))
    amplitude = rng.gamma(1.5, 0.05, (n, N_COORDINATES))
    lag = rng.uniform(0.0, 2 * np.pi, (n, N_COORDINATES))
    if options.pose_ambiguity > 0:
        prototype = _approach(prototype, options.pose_ambiguity)
        amplitude = _approach(amplitude, options.pose_ambiguity)
    names = [_NAMES[k] if k < len(_NAMES) else f"action_{k + 1}" for k in range(n)]
    return Repertoire(
        names=tuple(names),
        probability=weight / weight.sum(),
        frequency_hz=frequency,
        prototype=prototype,
        amplitude=amplitude,
        lag_rad=lag,
        speed_cm_s=np.resize(np.array(_SPEEDS_CM_S), n),
    )


def draw_actions(
    repertoire: Repertoire, stop_s: float, rng: np.random.Generator
) -> ActionTrack:
    """Draw semi-Markov bouts from `LEAD_S` before imaging until `stop_s`.

    A bout lasts min(20, 0.5 (1 + Pareto(1.5))) seconds and its action does not depend
    on the one before. Neighbouring bouts of one action are joined. A shorter
    recording has the first bouts of a longer one.
    """
    starts, actions = [-LEAD_S], [_draw_action(repertoire, rng)]
    time_s = -LEAD_S + _draw_duration(rng)
    while time_s < stop_s:
        action = _draw_action(repertoire, rng)
        if action != actions[-1]:
            starts.append(time_s)
            actions.append(action)
        time_s += _draw_duration(rng)
    start, action_index = np.array(starts), np.array(actions, dtype=np.int64)
    stop = np.append(start[1:], stop_s)
    frequency = repertoire.frequency_hz[action_index]
    turned = 2 * np.pi * np.cumsum(frequency * (stop - start))
    phase = np.concatenate([[0.0], turned[:-1]])
    return ActionTrack(start, stop, action_index, phase, frequency)


def draw_poses(
    repertoire: Repertoire,
    track: ActionTrack,
    time_s: NDArray[np.float64],
    options: SyntheticOptions,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the postures at the given times, before any animal's own proportions.

    pose = prototype + amplitude sin(theta + lag), averaged over four camera frames
    around each time. `pose_ambiguity` adds noise; `rng` is touched by nothing else.

    Returns
    -------
    array, shape (time, 60)
        Coordinates of about 0 to 1.
    """
    pose = np.zeros((time_s.size, N_COORDINATES))
    for frames in (-1.5, -0.5, 0.5, 1.5):
        moment = time_s + frames / options.pose_rate_hz
        action, phase = track.action_at(moment), track.phase_at(moment)
        swing = np.sin(phase[:, None] + repertoire.lag_rad[action])
        pose += repertoire.prototype[action] + repertoire.amplitude[action] * swing
    pose /= 4
    if options.pose_ambiguity > 0:
        spread = _AMBIGUOUS_NOISE * options.pose_ambiguity
        pose += spread * rng.standard_normal(pose.shape)
    return pose


def draw_speed(
    repertoire: Repertoire,
    track: ActionTrack,
    time_s: NDArray[np.float64],
    rate_hz: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the running speed in cm/s at the given times of the camera.

    The action's mean speed times 1 + 0.3 sin(theta / 4), which also modulates the
    axons, follows with a lag of 0.25 s (the ball's inertia); noise of 0.05 cm/s. All
    values are 0 or above.
    """
    from scipy.signal import lfilter

    n_lead = int(np.ceil(6 * _SPEED_LAG_S * rate_hz))
    lead = time_s[0] - np.arange(n_lead, 0, -1) / rate_hz
    moment = np.concatenate([lead, time_s])
    swing = 1 + 0.3 * np.sin(0.25 * track.phase_at(moment))
    drive = repertoire.speed_cm_s[track.action_at(moment)] * swing
    keep = np.exp(-1 / (rate_hz * _SPEED_LAG_S))
    speed = lfilter([1 - keep], [1, -keep], drive, zi=[keep * drive[0]])[0][n_lead:]
    noisy = speed + _SPEED_NOISE * rng.standard_normal(time_s.size)
    clipped: NDArray[np.float64] = np.maximum(noisy, 0.0)
    return clipped


def _draw_action(repertoire: Repertoire, rng: np.random.Generator) -> int:
    edges = np.cumsum(repertoire.probability)[:-1]
    return int(np.searchsorted(edges, rng.random(), side="right"))


def _draw_duration(rng: np.random.Generator) -> float:
    return min(_BOUT_MAX_S, _BOUT_MIN_S * (1 + rng.pareto(_BOUT_TAIL)))


def _approach(values: NDArray[np.float64], ambiguity: float) -> NDArray[np.float64]:
    """Move rows 0 and 1, 2 and 3 ... towards the middle of each pair."""
    n = values.shape[0] // 2 * 2
    pairs = values[:n].reshape(-1, 2, values.shape[1])
    middle = pairs.mean(axis=1, keepdims=True)
    moved = values.copy()
    moved[:n] = (pairs + ambiguity * (middle - pairs)).reshape(n, -1)
    return moved
