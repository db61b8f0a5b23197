"""Good files of microscopes, trackers and labellers, each written into a folder."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from tests.data.fixtures import prairie_files, scanimage_files, thor_files
from tests.data.fixtures.hdf5_files import write_caiman, write_dlc_h5, write_sleap

N = 20


def _values(*shape: int) -> Any:
    return np.random.default_rng(1).normal(size=shape)


def sleap(folder: Path) -> Path:
    tracks, scores = _values(N, 1, 3, 2), abs(_values(N, 1, 3))
    return write_sleap(folder / "a.h5", tracks, list("abc"), ["t"], scores=scores)


def deeplabcut_table(folder: Path) -> Path:
    return _deeplabcut(folder, "table")


def deeplabcut_fixed(folder: Path) -> Path:
    return _deeplabcut(folder, "fixed")


def _deeplabcut(folder: Path, layout: str) -> Path:
    labels = [("s", part, c) for part in "abc" for c in ("x", "y", "likelihood")]
    return write_dlc_h5(folder / "a.h5", abs(_values(N, 9)), labels, layout=layout)


def caiman(folder: Path) -> Path:
    images = abs(_values(5, 6, 8))
    return write_caiman(folder / "a.hdf5", _values(5, N), images, fr=10.0)


def deepfly3d(folder: Path) -> Path:
    result = {
        **{camera: {"R": np.eye(3)} for camera in range(7)},
        "points3d": _values(N, 38, 3),
        "camera_ordering": np.arange(7),
    }
    (folder / "a.pkl").write_bytes(pickle.dumps(result))
    return folder / "a.pkl"


def thor_xml(folder: Path) -> Path:
    stack = thor_files.thor_stack(N)
    return thor_files.write_raw(folder / "scan", stack) / thor_files.XML


def thor_raw(folder: Path) -> Path:
    return thor_xml(folder).parent / "Image_0001_0001.raw"


def thor_sync(folder: Path) -> Path:
    frames = np.repeat(np.arange(200) % 2, 10)
    lines = {"DI/Frame Out": frames, "AI/Cameras": frames * 5.0}
    return thor_files.write_sync(folder / "sync", lines)


def thor_sync_settings(folder: Path) -> Path:
    return thor_sync(folder).parent / thor_files.SETTINGS


def camera_log(folder: Path) -> Path:
    return thor_files.write_capture(folder, N, lost={"0": (3,), "1": (3,)})


def ball_log(folder: Path) -> Path:
    path = folder / "OptFlow.txt"
    thor_files.write_flow(path, N)
    return path


def prairie_xml(folder: Path) -> Path:
    series = prairie_files.Series(frames=prairie_files.movie(6))
    scan = prairie_files.write_prairie(folder / "scan", series)
    return scan / "scan.xml"


def scanimage(folder: Path) -> Path:
    scan = scanimage_files.Scan(frames=scanimage_files.movie(N))
    return scanimage_files.write_scanimage(folder / "a.tif", scan)


def boris_project(folder: Path) -> Path:
    walk = {"code": "walk", "type": "State event"}
    events = [[i * 0.5, "", "walk", "", ""] for i in range(N)]
    observation = {"type": "MEDIA", "time offset": 0.0, "events": events}
    content = {"behaviors_conf": {"0": walk}, "observations": {"day": observation}}
    (folder / "a.boris").write_text(json.dumps(content))
    return folder / "a.boris"


def boris_table(folder: Path) -> Path:
    head = "Observation id,Time offset (s),Subject,Behavior,Behavior type,Time\n"
    rows = "".join(
        f"day,0,,walk,{'STOP' if i % 2 else 'START'},{i * 0.5}\n" for i in range(N)
    )
    (folder / "a.csv").write_text(head + rows)
    return folder / "a.csv"


def embedding_npy(folder: Path) -> Path:
    np.save(folder / "a.npy", _values(N, 3).astype(np.float32))
    return folder / "a.npy"


def embedding_npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", embedding=_values(N, 3))
    return folder / "a.npz"


def embedding_text(folder: Path) -> Path:
    np.savetxt(folder / "a.txt", _values(N, 3))
    return folder / "a.txt"


def history(folder: Path) -> Path:
    rows = "".join(f"{i},{i * 0.1},{1 / (i + 1)}\n" for i in range(N))
    (folder / "history.csv").write_text(f"step,seconds,loss\n{rows}")
    return folder / "history.csv"
