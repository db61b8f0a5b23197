"""What a semi-real animal does: real bouts in turn, and real frames of poses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.semireal_bodies import Body
from benchmarks.semireal_data import ACTIONS, CAMERA_HZ, Poses
from napari_neuroembed.data.synthetic.behaviour import LEAD_S, ActionTrack

FREQUENCY_HZ = (0.5, 4.0, 5.0, 5.0)
"""Cycles per second by which the activity of each action comes and goes."""

_JOIN = 3


def draw_track(body: Body, stop_s: float, rng: np.random.Generator) -> ActionTrack:
    """Play the bouts of one of the animal's own trials from a random one on.

    They follow each other as they did, and after the last comes the first, so that
    every bout is as likely as any other at every place. Action ``len(ACTIONS)`` is
    unlabelled time. A bout of the same action as the one before goes on with it.
    """
    lengths = np.array([t.duration_s.size for t in body.trials], dtype=np.float64)
    trial = body.trials[int(rng.choice(len(lengths), p=lengths / lengths.sum()))]
    bout = int(rng.integers(trial.action.size))
    starts: list[float] = []
    actions: list[int] = []
    time_s = -LEAD_S
    while time_s < stop_s:
        for action, length in (
            (int(trial.action[bout]), float(trial.duration_s[bout])),
            (len(ACTIONS), float(trial.gap_s[bout])),
        ):
            if length > 0 and actions[-1:] != [action]:
                starts.append(time_s)
                actions.append(action)
            time_s += length
        bout = (bout + 1) % trial.action.size
    start, index = np.array(starts), np.array(actions, dtype=np.int64)
    kept = start < stop_s
    start, index = start[kept], index[kept]
    stop = np.append(start[1:], stop_s)
    frequency = np.array([*FREQUENCY_HZ, 0.0])[index]
    turned = 2 * np.pi * np.cumsum(frequency * (stop - start))
    return ActionTrack(start, stop, index, np.append(0.0, turned[:-1]), frequency)


def draw_poses(
    body: Body, poses: Poses, track: ActionTrack, n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return camera frames, shape (frame, 90): stretches of the animal's real frames.

    Where two stretches meet, six frames are a straight line from one to the other, and
    so is unlabelled time.
    """
    edges = np.arange(n + 1) / CAMERA_HZ
    action = track.action_at(edges[:-1])
    first = np.flatnonzero(np.diff(action, prepend=-1))
    pose = np.full((n, poses.standing.size), np.nan)
    for start, stop in zip(first, np.append(first[1:], n), strict=True):
        if action[start] < len(ACTIONS):
            runs = body.runs[ACTIONS[action[start]]]
            _fill(pose[start:stop], runs, rng)
    known = np.isfinite(pose[:, 0])
    if not known.any():
        pose[0], known[0] = 0.0, True
    place = np.arange(n)
    for column in range(pose.shape[1]):
        pose[:, column] = np.interp(place, place[known], pose[known, column])
    return poses.standing + body.scale * pose + body.offset


def _fill(
    pose: NDArray[np.float64],
    runs: list[NDArray[np.float64]],
    rng: np.random.Generator,
) -> None:
    """Fill frames with stretches of runs that begin anywhere; joins stay NaN."""
    lengths = np.array([len(run) for run in runs], dtype=np.float64)
    at = 0
    while at < len(pose):
        run = runs[int(rng.choice(len(runs), p=lengths / lengths.sum()))]
        part = run[int(rng.integers(max(1, len(run) // 2))) :][: len(pose) - at]
        pose[at : at + len(part)] = part
        if len(pose) > 4 * _JOIN:
            pose[at : at + _JOIN] = np.nan
            pose[at + len(part) - _JOIN : at + len(part)] = np.nan
        at += len(part)
