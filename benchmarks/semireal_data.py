"""What the semi-real benchmark takes from real recordings; nothing is drawn here.

Bouts of annotated flies, poses of two tethered flies, and of three two-photon movies
the mean image, the motion and the noise. The files are read where they lie.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import shift, uniform_filter1d

from napari_neuroembed.errors import DataError
from napari_neuroembed.preprocessing.registration import RigidAligner

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("NEUROEMBED_TEST_DATA", ROOT.parent / "shared" / "data"))
"""Where the tests look for real data too."""

ACTIONS = ("resting", "walking", "front_grooming", "hind_grooming")
MERGED = {
    "resting": "resting",
    "walking": "walking",
    "eye_grooming": "front_grooming",
    "antennal_grooming": "front_grooming",
    "foreleg_grooming": "front_grooming",
    "abdominal_grooming": "hind_grooming",
    "hindleg_grooming": "hind_grooming",
}
"""Annotated behaviour -> action: as fine as poses are there to tell them apart."""

SIZE = 64
"""Side of the images in pixels."""

CAMERA_HZ = 100.0
LONGEST_BOUT_S, LONGEST_GAP_S = 20.0, 1.0
_BOUTS = "fly_annotations_aymanns2022/annotations_G23xU1_bouts.csv"
_POSES = ("210902_PR_Fly1", "180921_aDN_CsCh_Fly6_003_SG1")
_FRONT, _REST = (0, 3), (1, 2, 4, 5)  # legs: RF RM RH LF LM LH
_STILL_FRONT, _STILL_REST, _WALK, _GROOM = 1.2, 0.6, 2.5, 2.0  # units per second
_SHORTEST_RUN = 20
_MOVIES = {
    "fly nerve cord": ("fly2p_vnc_chen2018/GC6s.tif", 256),
    "mouse, running": ("mouse2p_thunder_running/images_500x64x64.tif", 64),
    "mouse, neurofinder": ("mouse2p_neurofinder600/crop160_600f.tif", 128),
}
MOVIES = tuple(_MOVIES)
_MOVING = "mouse, neurofinder"
_FEWEST_FOR_MOTION = 100


@dataclass(frozen=True)
class Trial:
    """Consecutive bouts of one real recording.

    Parameters
    ----------
    action
        Index into `ACTIONS` of every bout.
    duration_s
        Their lengths, at most 20 s.
    gap_s
        Unlabelled time after each, at most 1 s; the last one 0.
    """

    action: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    gap_s: NDArray[np.float64]


@dataclass(frozen=True)
class Poses:
    """Real poses by kind: departures from how the fly stands still.

    Parameters
    ----------
    runs
        Kind -> unbroken stretches of frames, each (frame, 90): 30 points x, y, z.
    standing
        Mean posture of the flies standing still, shape (90,).
    names
        Names of the 30 points.
    """

    runs: dict[str, list[NDArray[np.float64]]]
    standing: NDArray[np.float64]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Movie:
    """What a real movie looks like, how it moves and how noisy it is.

    Parameters
    ----------
    name, n_frames
        Which one, and how long it is.
    mean
        Mean of the aligned frames, shape (64, 64), counts.
    dark, gain
        The variance of a pixel is gain x (mean - dark), in counts.
    motion
        Displacement (y, x) of every frame from their mean, pixels of 64.
    motion_of
        The movie that the motion was measured in.
    """

    name: str
    n_frames: int
    mean: NDArray[np.float64]
    dark: float
    gain: float
    motion: NDArray[np.float64]
    motion_of: str


def check_data(data: Path) -> None:
    """Refuse a folder that lacks a file, naming all of them."""
    wanted = [_BOUTS, *(f"fly_pose_nely/{name}.npz" for name in _POSES)]
    wanted += [path for path, _ in _MOVIES.values()]
    missing = [name for name in wanted if not (data / name).is_file()]
    if missing:
        raise DataError(
            f"The semi-real benchmark needs {len(wanted)} files of real data in "
            f"{data}; missing: {', '.join(missing)}. Name the folder with --data or "
            "NEUROEMBED_TEST_DATA."
        )


def read_bouts(data: Path) -> dict[str, list[Trial]]:
    """Return the trials of every annotated fly, by its date and number."""
    table = pd.read_csv(data / _BOUTS)
    found: dict[str, list[Trial]] = {}
    for (date, fly, _), rows in table.groupby(["Date", "Fly", "Trial"], sort=True):
        rows = rows.sort_values("start_frame")
        start = rows["start_frame"].to_numpy() / CAMERA_HZ
        stop = rows["stop_frame"].to_numpy() / CAMERA_HZ
        gap = np.append(start[1:] - stop[:-1], 0.0)
        action = [ACTIONS.index(MERGED[name]) for name in rows["behaviour"]]
        trial = Trial(
            np.array(action, dtype=np.int64),
            np.minimum(stop - start, LONGEST_BOUT_S),
            np.clip(gap, 0.0, LONGEST_GAP_S),
        )
        found.setdefault(f"{date}_{fly}", []).append(trial)
    return found


def read_poses(data: Path) -> Poses:
    """Sort the frames of both flies by how fast their legs move.

    Still: no leg moves. Walking: middle and hind legs move. Front grooming: only the
    front legs move. Everything else, and runs shorter than 0.2 s, is left out.
    """
    runs: dict[str, list[NDArray[np.float64]]] = {name: [] for name in ACTIONS[:3]}
    standing, names = [], ()
    for name in _POSES:
        with np.load(data / "fly_pose_nely" / f"{name}.npz") as file:
            pose = file["pose"].astype(np.float64)
            names = tuple(str(joint) for joint in file["joints"])
        kind = _kinds(pose)
        flat = pose.reshape(len(pose), -1)
        still = flat[kind == 0].mean(axis=0)
        standing.append(still)
        edges = np.flatnonzero(np.diff(kind)) + 1
        for part in np.split(np.arange(len(kind)), edges):
            if kind[part[0]] >= 0 and len(part) >= _SHORTEST_RUN:
                runs[ACTIONS[kind[part[0]]]].append(flat[part] - still)
    return Poses(runs, np.mean(standing, axis=0), names)


def read_movie(data: Path, name: str) -> Movie:
    """Measure one movie; one too short to say how it moves takes another's motion."""
    frames = _frames(data, name)
    motion, mean = _aligned(frames)
    gain, dark = _noise(frames, motion)
    source = name
    if len(frames) < _FEWEST_FOR_MOTION:
        source = _MOVING
        motion, _ = _aligned(_frames(data, source))
    return Movie(name, len(frames), mean, dark, gain, motion, source)


def _kinds(pose: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return 0 still, 1 walking, 2 front grooming, -1 other, for every frame."""
    speed = np.abs(np.diff(pose, axis=0, prepend=pose[:1])).mean(axis=2) * CAMERA_HZ
    legs = uniform_filter1d(speed.reshape(len(pose), 6, 5).mean(axis=2), 25, axis=0)
    front, rest = legs[:, _FRONT].mean(axis=1), legs[:, _REST].mean(axis=1)
    kind = np.full(len(pose), -1, dtype=np.int64)
    kind[(front < _STILL_FRONT) & (rest < _STILL_REST)] = 0
    kind[rest > _WALK] = 1
    kind[(front > _GROOM) & (rest < _STILL_REST)] = 2
    return kind


def _frames(data: Path, name: str) -> NDArray[np.float32]:
    """Read the middle of a movie and average it down to 64 x 64."""
    path, side = _MOVIES[name]
    frames = tifffile.imread(data / path)
    top, left = ((n - side) // 2 for n in frames.shape[1:])
    frames = frames[:, top : top + side, left : left + side].astype(np.float32)
    k = side // SIZE
    return frames.reshape(len(frames), SIZE, k, SIZE, k).mean(axis=(2, 4))


def _aligned(
    frames: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each frame's displacement from the mean one, and the aligned mean."""
    template = frames.mean(axis=0)
    for _ in range(2):
        shifts = RigidAligner(template).measure(frames).shifts
        back = [
            shift(frame, -by, order=1, mode="nearest")
            for frame, by in zip(frames, shifts, strict=True)
        ]
        template = np.mean(back, axis=0, dtype=np.float32)
    return shifts - shifts.mean(axis=0), template.astype(np.float64)


def _noise(
    frames: NDArray[np.float32], motion: NDArray[np.float64]
) -> tuple[float, float]:
    """Fit variance = gain x (mean - dark) over pixels.

    Half the mean square of the difference of successive frames counts no slow change;
    only pairs that moved by less than 0.1 pixels are used, or the stillest half.
    """
    moved = np.linalg.norm(np.diff(motion, axis=0), axis=1)
    still = moved <= max(0.1, float(np.median(moved)))
    pairs = np.flatnonzero(still)
    variance = (((frames[pairs + 1] - frames[pairs]) ** 2).mean(axis=0) / 2).ravel()
    mean = frames.mean(axis=0).ravel()
    groups = np.array_split(np.argsort(mean), 24)
    middle = [(np.median(mean[g]), np.median(variance[g])) for g in groups]
    x, y = np.array(middle).T
    slope, start = np.polyfit(x, y, 1, w=1 / y)
    if slope <= 0:
        raise DataError("The noise of the movie does not grow with its brightness.")
    return float(slope), float(-start / slope)
