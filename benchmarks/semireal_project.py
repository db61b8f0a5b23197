"""Semi-real recordings as files of a project, imported as anyone's would be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from benchmarks.semireal_bodies import Body, Cast, Size, make_cast
from benchmarks.semireal_data import ACTIONS, CAMERA_HZ, SIZE
from benchmarks.semireal_frames import NEURAL_HZ, dark_counts, draw_frames
from benchmarks.semireal_poses import draw_poses, draw_track
from napari_neuroembed.api import Project
from napari_neuroembed.data.importing.plan import run_plans
from napari_neuroembed.data.importing.table import plan_table
from napari_neuroembed.data.synthetic.anatomy import PLANE
from napari_neuroembed.data.synthetic.behaviour import ActionTrack
from napari_neuroembed.data.synthetic.random import child_generator
from napari_neuroembed.errors import DataError, raise_all
from napari_neuroembed.files import write_folder


def make_project(
    folder: Path, data: Path, seed: int, size: Size | None = None
) -> Project:
    """Write the animals of one seed as files and import them, or open what is there."""
    size = size or Size()
    if (folder / "project.yaml").exists():
        project, n = Project.open(folder), size.n_animals * size.n_recordings
        if len(project.recording_ids()) != n:
            raise DataError(
                f"{folder} holds {len(project.recording_ids())} of {n} recordings: it "
                "was interrupted, or made otherwise. Delete it, or name another folder."
            )
        return project
    cast = make_cast(data, seed, size)
    project = Project.create(folder, preset="twin")
    dark = float(dark_counts(cast.movie))
    project.set_preprocessing(
        {"dff.offset": dark, "resize.height": PLANE, "resize.width": PLANE}
    )
    rows = []
    with write_folder(folder / "source") as build:
        for body in cast.bodies:
            for number in range(1, cast.size.n_recordings + 1):
                rows.append(_write_recording(build, cast, body, number))
        pd.DataFrame(rows).to_csv(build / "recordings.csv", index=False)
    results = run_plans(project, plan_table(project, folder / "source/recordings.csv"))
    failed = [f"{one.plan.name}: {one.error}" for one in results if one.error]
    raise_all(failed, DataError, str(folder))
    return project


def _write_recording(
    build: Path, cast: Cast, body: Body, number: int
) -> dict[str, object]:
    name = f"{body.name}_{number:03d}"
    folder = build / body.name / f"{number:03d}"
    folder.mkdir(parents=True)

    def own(purpose: str) -> np.random.Generator:
        return child_generator(cast.seed, name, purpose)

    track = draw_track(body, cast.size.duration_s, own("bouts"))
    n = round(cast.size.duration_s * NEURAL_HZ)
    tifffile.imwrite(
        folder / "neural.tif",
        draw_frames(cast, body, track, name),
        shape=(n, SIZE, SIZE),
        dtype=np.uint16,
        photometric="minisblack",
        metadata={"axes": "TYX"},
    )
    n_pose = round(cast.size.duration_s * CAMERA_HZ)
    pose = draw_poses(body, cast.poses, track, n_pose, own("poses"))
    np.savez(
        folder / "pose.npz",
        pose=pose.reshape(n_pose, -1, 3).astype(np.float32),
        names=np.array(cast.poses.names),
        rate_hz=np.float64(CAMERA_HZ),
    )
    _write_bouts(folder / "bouts.csv", track, cast.size.duration_s)
    place = f"{body.name}/{number:03d}"
    return {
        "recording": name,
        "animal": body.name,
        "neural": f"{place}/neural.tif",
        "neural_rate_hz": NEURAL_HZ,
        "pose": f"{place}/pose.npz",
        "pose_rate_hz": CAMERA_HZ,
        "pose_start_s": 0.0,
        "labels": f"{place}/bouts.csv",
        "labels_like": "pose",
        "rater": "real",
    }


def _write_bouts(path: Path, track: ActionTrack, duration_s: float) -> None:
    table = pd.DataFrame(
        {
            "start_s": np.maximum(track.start_s, 0.0).round(3),
            "stop_s": np.minimum(track.stop_s, duration_s).round(3),
            "action": [(*ACTIONS, "")[k] for k in track.action],
        }
    )
    seen = (table["stop_s"] > table["start_s"]) & (table["action"] != "")
    table[seen].to_csv(path, index=False)
