"""Slow, obvious versions of the twin's equations."""

from __future__ import annotations

import hashlib
from itertools import islice

import numpy as np

ARRAYS = ("points", "speed_cm_s", "spikes", "calcium", "motion_px", "action")


def calcium_by_hand(spikes, tau_s, rate_hz):
    """c_t = gamma c_(t-1) + 0.5 s_t, one value after the other."""
    gamma = np.exp(-1 / (rate_hz * tau_s))
    trace = np.zeros(spikes.shape)
    for t in range(len(spikes)):
        before = trace[t - 1] if t else 0.0
        trace[t] = gamma * before + 0.5 * spikes[t]
    return trace


def phase_by_sum(track, time_s, step_s=1e-4):
    """2 pi times the integral of the frequency from the first bout on."""
    cycles = 0.0
    for moment in np.arange(track.start_s[0], time_s, step_s) + step_s / 2:
        bout = 0
        while bout + 1 < len(track.start_s) and track.start_s[bout + 1] <= moment:
            bout += 1
        cycles += track.frequency_hz[bout] * step_s
    return 2 * np.pi * cycles


def pose_by_hand(repertoire, track, time_s, rate_hz):
    """Mean over four camera frames of mu + a sin(theta + psi)."""
    total = np.zeros(60)
    for frames in (-1.5, -0.5, 0.5, 1.5):
        moment = np.array([time_s + frames / rate_hz])
        k, theta = int(track.action_at(moment)[0]), float(track.phase_at(moment)[0])
        for d in range(60):
            swing = np.sin(theta + repertoire.lag_rad[k, d])
            total[d] += repertoire.prototype[k, d] + repertoire.amplitude[k, d] * swing
    return total / 4


def gaussian_spot(centre, width, size, scale):
    """A round spot of peak 1 on the pixels of a view, pixels of 32."""
    image = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            y, x = (i + 0.5) / scale - centre[0], (j + 0.5) / scale - centre[1]
            image[i, j] = np.exp(-(y * y + x * x) / (2 * width**2))
    return image


def fingerprint(twin):
    """Give one number for all arrays and the first frames of every recording."""
    digest = hashlib.sha256()
    for recording in twin.recordings:
        for name in ARRAYS:
            digest.update(np.ascontiguousarray(getattr(recording, name)).tobytes())
        for frame in islice(twin.frames(recording.id), 3):
            digest.update(frame.tobytes())
    return digest.hexdigest()
