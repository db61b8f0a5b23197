"""Small files of a made-up lab, for tests of projects and imports."""

from __future__ import annotations

from pathlib import Path

import numpy as np

N_NEURAL, NEURAL_HZ = 64, 16.0
N_POSE, POSE_HZ, POSE_START_S = 150, 32.0, -0.25
POSE_HEADER = "nose_x,nose_y,tail_x,tail_y"


def write_recording(folder: Path, seed: int) -> Path:
    """Write neural.npy, pose.csv, speed.csv and map.npy of one recording."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    stack = rng.poisson(200, (N_NEURAL, 6, 5)).astype(np.uint16)
    np.save(folder / "neural.npy", stack)
    pose = rng.normal(size=(N_POSE, 4))
    np.savetxt(
        folder / "pose.csv", pose, delimiter=",", header=POSE_HEADER, comments=""
    )
    times = (np.arange(N_NEURAL) + 0.5) / NEURAL_HZ
    speed = np.c_[times, rng.normal(size=N_NEURAL)]
    np.savetxt(
        folder / "speed.csv", speed, delimiter=",", header="time_s,speed", comments=""
    )
    centers = POSE_START_S + (np.arange(N_POSE) + 0.5) / POSE_HZ
    frame = np.floor(centers * NEURAL_HZ).astype(np.int64)
    frame[(frame < 0) | (frame >= N_NEURAL)] = np.iinfo(np.int64).min
    np.save(folder / "map.npy", frame)
    return folder


def write_lab(folder: Path, animals: int = 2, trials: int = 2) -> Path:
    """Write <folder>/fly1/2026-03-01_001 ... for several animals."""
    for animal in range(1, animals + 1):
        for trial in range(1, trials + 1):
            place = folder / f"fly{animal}" / f"2026-03-0{trial}_{trial:03d}"
            write_recording(place, seed=10 * animal + trial)
    return folder


TABLE_HEADER = (
    "recording,animal,neural,neural_rate_hz,pose,pose_rate_hz,pose_start_s,scalar,"
    "scalar_unit,sex,trial"
)


def write_table(lab: Path, animals: int = 2, trials: int = 2) -> Path:
    """Write <lab>/recordings.csv for the recordings of :func:`write_lab`."""
    lines = [TABLE_HEADER]
    for animal in range(1, animals + 1):
        for trial in range(1, trials + 1):
            place = f"fly{animal}/2026-03-0{trial}_{trial:03d}"
            lines.append(
                f"fly{animal}_{trial:03d},fly{animal},{place}/neural.npy,16,"
                f"{place}/pose.csv,32,-0.25,{place}/speed.csv,cm/s,"
                f"{'fm'[animal % 2]},{trial}"
            )
    table = lab / "recordings.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
