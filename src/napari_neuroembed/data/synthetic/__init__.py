"""Synthetic animals whose truth is known: shared actions, different anatomy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.data.synthetic.anatomy import (
    Anatomy,
    Axons,
    calcium,
    draw_anatomy,
    draw_axons,
    draw_spikes,
    drifted,
)
from napari_neuroembed.data.synthetic.behaviour import (
    LEAD_S,
    ActionTrack,
    Repertoire,
    draw_actions,
    draw_poses,
    draw_repertoire,
    draw_speed,
)
from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.data.synthetic.render import build_scene, draw_motion, render
from napari_neuroembed.data.synthetic.video import to_pixels
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.synthetic import SyntheticOptions

_EARLY_S, _LATE_S, _TAIL_S = 1.5, 1.0, 1.0


@dataclass(frozen=True)
class TwinRecording:
    """The truth of one synthetic recording.

    Times are seconds of the recording's clock: imaging starts at 0.

    Parameters
    ----------
    id, animal
        Names, e.g. ``fly1_003`` and ``fly1``.
    number
        Place within the animal, 1 is the first.
    covariates
        Sex of the animal, date and rig of the recording.
    neural_time, pose_time
        Clocks of the microscope and of the camera, which starts earlier or later.
    track
        What the animal does and when.
    action, phase_rad
        At every pose frame: index of the action and phase of its movement.
    points
        Poses in pixels of the camera, (x, y), shape (pose frame, 30, 2).
    speed_cm_s
        Running speed, shape (pose frame,).
    spikes, calcium
        Shape (neural frame, axon); before gains and missing axons.
    motion_px
        Displacement (y, x) of the brain in pixels of the view, shape (neural frame,
        2): what is at p in the unmoved view is seen at p + motion.
    anatomy
        The animal's anatomy on that day (see `drift`).
    """

    id: str
    animal: str
    number: int
    covariates: Mapping[str, str]
    neural_time: TimeAxis
    pose_time: TimeAxis
    track: ActionTrack
    action: NDArray[np.int64]
    phase_rad: NDArray[np.float64]
    points: NDArray[np.float64]
    speed_cm_s: NDArray[np.float64]
    spikes: NDArray[np.int64]
    calcium: NDArray[np.float64]
    motion_px: NDArray[np.float64]
    anatomy: Anatomy


@dataclass(frozen=True)
class Twin:
    """A synthetic data set and its whole truth.

    Parameters
    ----------
    options
        What it was made from.
    repertoire, axons
        What all animals share.
    anatomy
        Each animal's departure from it, by name.
    recordings
        Ordered by animal, then number.
    """

    options: SyntheticOptions
    repertoire: Repertoire
    axons: Axons
    anatomy: Mapping[str, Anatomy]
    recordings: tuple[TwinRecording, ...]

    def recording(self, name: str) -> TwinRecording:
        """Return one recording by its id.

        Raises
        ------
        DataError
            When there is none of that name.
        """
        for recording in self.recordings:
            if recording.id == name:
                return recording
        known = ", ".join(recording.id for recording in self.recordings)
        raise DataError(f"There is no synthetic recording {name!r}. Known: {known}.")

    def frames(self, name: str) -> Iterator[NDArray[np.uint16]]:
        """Yield the two-photon frames of a recording, (y, x), camera counts.

        The detector adds `options.offset` (200 counts): setting
        ``preprocessing.dff.offset`` to it undoes that. What remains is above zero in
        every pixel even at rest (the neuropil glows everywhere), so that dF/F is
        defined.
        """
        recording = self.recording(name)
        scene = build_scene(self.options, self.axons, recording.anatomy)
        rng = child_generator(self.options.seed, name, "shot noise")
        return render(scene, recording.calcium, recording.motion_px, self.options, rng)


def simulate(options: SyntheticOptions) -> Twin:
    """Simulate animals that share their actions and differ by `gap` in the rest.

    Nothing is rendered yet: ask :meth:`Twin.frames`, or write files with
    :func:`napari_neuroembed.data.synthetic.files.write_twin`.

    Examples
    --------
    >>> twin = simulate(SyntheticOptions(n_animals=2, n_recordings=1, duration_s=4))
    >>> [recording.id for recording in twin.recordings]
    ['fly1_001', 'fly2_001']
    >>> next(twin.frames("fly2_001")).shape
    (128, 128)
    """
    repertoire, axons = draw_repertoire(options), draw_axons(options)
    animals = [f"fly{i + 1}" for i in range(options.n_animals)]
    anatomy = {name: draw_anatomy(options, axons, name) for name in animals}
    recordings = [
        _draw_recording(options, repertoire, axons, anatomy[animal], (i, number))
        for i, animal in enumerate(animals)
        for number in range(1, options.n_recordings + 1)
    ]
    return Twin(options, repertoire, axons, anatomy, tuple(recordings))


def _draw_recording(
    options: SyntheticOptions,
    repertoire: Repertoire,
    axons: Axons,
    anatomy: Anatomy,
    place: tuple[int, int],
) -> TwinRecording:
    animal, number = f"fly{place[0] + 1}", place[1]
    name = f"{animal}_{number:03d}"

    def own(purpose: str) -> np.random.Generator:
        return child_generator(options.seed, name, purpose)

    today = drifted(anatomy, options, animal, number - 1)
    neural, camera = _clocks(options, own("clocks"))
    stop = max(neural.stop_s, camera.stop_s) + 1.0
    track = draw_actions(repertoire, stop, own("actions"))
    seen = camera.centers()
    posture = draw_poses(repertoire, track, seen, options, own("ambiguity"))
    spikes, trace = _activity(options, axons, today, track, own("spikes"))
    return TwinRecording(
        id=name,
        animal=animal,
        number=number,
        covariates=_covariates(place, options),
        neural_time=neural,
        pose_time=camera,
        track=track,
        action=track.action_at(seen),
        phase_rad=track.phase_at(seen),
        points=to_pixels(today.pose(posture)),
        speed_cm_s=draw_speed(
            repertoire, track, seen, options.pose_rate_hz, own("speed")
        ),
        spikes=spikes,
        calcium=trace,
        motion_px=draw_motion(options, neural.n_frames, own("motion")),
        anatomy=today,
    )


def _clocks(
    options: SyntheticOptions, rng: np.random.Generator
) -> tuple[TimeAxis, TimeAxis]:
    """Return the clocks of microscope and camera.

    A third of the cameras start with the imaging, a third start up to 1.5 s earlier
    and stop up to 1 s later, a third start up to 1 s later.
    """
    kind, share, tail = rng.integers(3), rng.random(), rng.random()
    start = round((0.0, -_EARLY_S, _LATE_S)[kind] * share, 3)
    extra = _TAIL_S * tail if kind == 1 else 0.0
    n_neural = int(np.floor(options.duration_s * options.neural_rate_hz + 1e-6))
    seconds = options.duration_s + extra - start
    n_pose = int(np.floor(seconds * options.pose_rate_hz + 1e-6))
    return (
        TimeAxis(n_neural, 0.0, options.neural_rate_hz),
        TimeAxis(n_pose, start, options.pose_rate_hz),
    )


def _activity(
    options: SyntheticOptions,
    axons: Axons,
    anatomy: Anatomy,
    track: ActionTrack,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return spikes and calcium of the imaged frames, begun `LEAD_S` before them."""
    rate = options.neural_rate_hz
    n_lead = int(np.floor(LEAD_S * rate))
    n = int(np.floor(options.duration_s * rate + 1e-6))
    time_s = (np.arange(-n_lead, n, dtype=np.float64) + 0.5) / rate
    spikes = draw_spikes(axons, track, time_s, rate, rng)
    return spikes[n_lead:], calcium(spikes, anatomy.tau_s, rate)[n_lead:]


def _covariates(place: tuple[int, int], options: SyntheticOptions) -> dict[str, str]:
    """Return sex (of the animal), date and rig; the rig is confounded with nothing."""
    animal, number = place
    later = 2 * (number - 1) >= options.n_recordings
    return {
        "sex": "fm"[animal % 2],
        "date": f"2026-03-{1 + animal // 2 * 7 + (1 if later else 0):02d}",
        "rig": "AB"[(animal + number) % 2],
    }
