"""Synthetic animals as the files a laboratory would have: TIFF, CSV, mp4, a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.synthetic import Twin, TwinRecording, simulate
from napari_neuroembed.data.synthetic.video import POINT_NAMES, draw_clip, write_clip
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import free_bytes, write_folder, write_json
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.progress import Report, silent

SOURCE = "source"
TABLE = "recordings.csv"
TRUTH = "truth.npz"
TRUTH_FACTS = "truth.json"
RATER = "simulation"
"""Whose bouts the labels are."""

_SPARE_BYTES = 64_000_000
_SHARED = ("position", "tuning", "phase_rad")
_PER_ANIMAL = (
    "position",
    "width",
    "gain",
    "brightness",
    "background",
    "tau_s",
    "pose_scale",
    "pose_offset",
)


def write_twin(
    folder: Path, options: SyntheticOptions, report: Report = silent
) -> Path:
    """Write synthetic animals as raw files, with an import table and the truth.

    Parameters
    ----------
    folder
        The files go to ``source`` in it, whole or not at all; files of an earlier
        call are replaced. The folder is made when missing.
    options
        What to simulate.
    report
        Told after each recording.

    Returns
    -------
    Path
        ``folder/source``, which holds ``recordings.csv`` (one row per recording, paths
        relative to it), ``truth.npz``, ``truth.json`` and, in
        ``<animal>/<number>/``, ``neural.tif`` (uint16 counts, offset 200), ``pose.csv``
        (pixels), ``speed.csv`` (cm/s), ``labels.csv`` (one row per camera frame)
        and, for the first recordings, ``camera.mp4``.

    Raises
    ------
    DataError
        When the disk has not enough room, before anything is written.
    Cancelled
        When `report` raises it; nothing is left behind.
    """
    folder = Path(folder)
    _check_room(folder, options)
    twin = simulate(options)
    names = [recording.id for recording in twin.recordings]
    with write_folder(folder / SOURCE) as build:
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
            jobs = [pool.submit(_write_recording, build, twin, n) for n in names]
            try:
                for done, job in enumerate(as_completed(jobs), start=1):
                    job.result()
                    report("simulate", done, len(jobs))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        _write_table(build / TABLE, twin)
        np.savez(build / TRUTH, allow_pickle=False, **truth_arrays(twin))
        write_json(build / TRUTH_FACTS, truth_facts(twin))
    return folder / SOURCE


def bytes_needed(options: SyntheticOptions) -> int:
    """Return the disk space that :func:`write_twin` will take, in bytes (an estimate).

    Examples
    --------
    >>> bytes_needed(SyntheticOptions()) // 10**6
    1051
    """
    n = options.n_animals * options.n_recordings
    frames = options.duration_s * options.neural_rate_hz
    rows = (options.duration_s + 3) * options.pose_rate_hz
    stack = frames * options.image_size**2 * 2
    tables = rows * 550
    truth = frames * options.n_axons * 6
    clips = min(options.video, options.n_recordings) * options.n_animals * rows * 400
    return int(n * (stack + tables + truth) + clips)


def truth_arrays(twin: Twin) -> dict[str, NDArray[Any]]:
    """Return the truth as named arrays, the content of ``truth.npz``.

    Names are ``axons/<what>``, ``<animal>/<what>`` and ``<recording>/<what>``; what
    they mean is said at :class:`Axons`, :class:`Anatomy` and :class:`TwinRecording`.
    With `drift`, a recording also has its own ``position``, ``gain`` and
    ``pose_offset``.
    """
    arrays = {f"axons/{name}": getattr(twin.axons, name) for name in _SHARED}
    for animal, anatomy in twin.anatomy.items():
        for name in _PER_ANIMAL:
            arrays[f"{animal}/{name}"] = np.asarray(getattr(anatomy, name))
    for r in twin.recordings:
        arrays |= {
            f"{r.id}/spikes": r.spikes.astype(np.uint16),
            f"{r.id}/calcium": r.calcium.astype(np.float32),
            f"{r.id}/motion_px": r.motion_px,
            f"{r.id}/action": r.action.astype(np.int16),
            f"{r.id}/phase_rad": r.phase_rad,
            f"{r.id}/bout_start_s": r.track.start_s,
            f"{r.id}/bout_stop_s": r.track.stop_s,
            f"{r.id}/bout_action": r.track.action.astype(np.int16),
        }
        if twin.options.drift > 0:
            for name in ("position", "gain", "pose_offset"):
                arrays[f"{r.id}/{name}"] = getattr(r.anatomy, name)
    return arrays


def truth_facts(twin: Twin) -> dict[str, Any]:
    """Return options, actions and recordings as plain values, for ``truth.json``."""
    recordings = {
        r.id: {
            "animal": r.animal,
            "neural_frames": r.neural_time.n_frames,
            "pose_frames": r.pose_time.n_frames,
            "pose_start_s": r.pose_time.start_s,
            "covariates": dict(r.covariates),
        }
        for r in twin.recordings
    }
    return {
        "schema_version": 1,
        "options": to_dict(twin.options),
        "actions": list(twin.repertoire.names),
        "points": list(POINT_NAMES),
        "recordings": recordings,
    }


def _write_recording(build: Path, twin: Twin, name: str) -> None:
    recording = twin.recording(name)
    folder = build / _place(recording)
    folder.mkdir(parents=True)
    _write_stack(folder / "neural.tif", twin, recording)
    time_s = recording.pose_time.centers() - recording.pose_time.start_s
    coordinates = recording.points.reshape(len(time_s), -1)
    header = [f"{point}_{axis}" for point in POINT_NAMES for axis in "xy"]
    _write_numbers(
        folder / "pose.csv", ["time_s", *header], time_s, coordinates, "%.3f"
    )
    speed = recording.speed_cm_s[:, None]
    _write_numbers(folder / "speed.csv", ["time_s", "speed"], time_s, speed, "%.4f")
    _write_labels(folder / "labels.csv", twin, recording)
    if _has_video(twin, recording):
        rate = twin.options.pose_rate_hz
        write_clip(folder / "camera.mp4", draw_clip(recording.points), rate)


def _write_stack(path: Path, twin: Twin, recording: TwinRecording) -> None:
    """Write one contiguous series; never page by page, which opens as one frame."""
    import tifffile

    size = twin.options.image_size
    shape = (recording.neural_time.n_frames, size, size)
    tifffile.imwrite(
        path,
        twin.frames(recording.id),
        shape=shape,
        dtype=np.uint16,
        photometric="minisblack",
        metadata={"axes": "TYX"},
    )


def _write_numbers(
    path: Path,
    header: Sequence[str],
    time_s: NDArray[np.float64],
    values: NDArray[np.float64],
    form: str,
) -> None:
    table = np.column_stack([time_s, values])
    forms = ["%.6f"] + [form] * values.shape[1]
    np.savetxt(path, table, forms, delimiter=",", header=",".join(header), comments="")


def _write_labels(path: Path, twin: Twin, recording: TwinRecording) -> None:
    """Write one row per camera frame: its number, then 1 or 0 for every action."""
    n = len(recording.action)
    shown = recording.action[:, None] == np.arange(twin.options.n_actions)
    table = np.column_stack([np.arange(n), shown.astype(np.int64)])
    header = ",".join(["", *twin.repertoire.names])
    np.savetxt(path, table, "%d", delimiter=",", header=header, comments="")


def _write_table(path: Path, twin: Twin) -> None:
    rows = [_row(twin, recording) for recording in twin.recordings]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _row(twin: Twin, recording: TwinRecording) -> Mapping[str, Any]:
    place = _place(recording)
    start, rate = recording.pose_time.start_s, twin.options.pose_rate_hz
    video = f"{place}/camera.mp4" if _has_video(twin, recording) else ""
    return {
        "recording": recording.id,
        "animal": recording.animal,
        "neural": f"{place}/neural.tif",
        "neural_rate_hz": twin.options.neural_rate_hz,
        "pose": f"{place}/pose.csv",
        "pose_rate_hz": rate,
        "pose_start_s": start,
        "pose_unit": "px",
        "scalar_speed": f"{place}/speed.csv",
        "scalar_speed_rate_hz": rate,
        "scalar_speed_start_s": start,
        "scalar_speed_unit": "cm/s",
        "video": video,
        "video_like": "pose" if video else "",
        "labels": f"{place}/labels.csv",
        "labels_like": "pose",
        "rater": RATER,
        **recording.covariates,
    }


def _place(recording: TwinRecording) -> str:
    return f"{recording.animal}/{recording.number:03d}"


def _has_video(twin: Twin, recording: TwinRecording) -> bool:
    return recording.number <= twin.options.video


def _check_room(folder: Path, options: SyntheticOptions) -> None:
    needed, free = bytes_needed(options) + _SPARE_BYTES, free_bytes(folder)
    if needed > free:
        raise DataError(
            f"The synthetic recordings need {needed / 1e6:,.0f} MB but {folder} has "
            f"{free / 1e6:,.0f} MB free. Ask for fewer or shorter recordings, smaller "
            "images, or another folder."
        )
