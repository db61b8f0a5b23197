"""One good file of every kind that a stranger may send, and how it is opened."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from tests.data.fixtures.stack_files import movie
from tests.data.fixtures.table_files import write_dlc, write_suite2p
from tests.data.fixtures.video_files import write_clip, write_images
from tests.faults.hostile import lab_files

from napari_neuroembed.data.readers import _PLACES

TRIALS = "tests.faults.hostile.trials"
_OURS = "napari_neuroembed"
PRELOAD = (
    TRIALS,
    *("pandas", "pyarrow.parquet", "pandas.io.parsers", "av", "tifffile"),
    *(f"{_OURS}.data.readers.{place.partition(':')[0]}" for place in _PLACES.values()),
    f"{_OURS}.data.readers.labels",
    f"{_OURS}.data.hdf5",
    f"{_OURS}.data.clocks.sync_numbers",
    f"{_OURS}.data.readers.thor.sync_file",
    f"{_OURS}.data.readers.thor.capture",
    f"{_OURS}.data.embedding_file",
    f"{_OURS}.store.history",
    f"{_OURS}.data.project.checks",
    f"{_OURS}.data.annotations.store",
    f"{_OURS}.store.tables",
    f"{_OURS}.cli.check_verb",
)
"""What trials import, loaded before the first fork."""
TORCH = ("torch", f"{_OURS}.training.weights")
N = 40


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Parameters
    ----------
    make
        Writes a good one into a folder and returns the file to damage.
    trial, arguments
        How it is opened in the sandbox; ``path`` or ``paths`` is added.
    counted
        Whether the file says how much it holds, so that less must be noticed.
    n
        What it holds when nothing is damaged.
    """

    make: Callable[[Path], Path]
    trial: str = "read"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    counted: bool = True
    whole: bool = False

    def call(self, path: Path) -> tuple[str, dict[str, Any]]:
        """Return the trial of a file and its arguments."""
        place: dict[str, Any] = {"path": str(path)}
        if self.trial == "read":
            place = {"paths": [str(path.parent if self.whole else path)]}
        return f"{TRIALS}:{self.trial}", {**place, **self.arguments}


def values_of(*shape: int) -> Any:
    """Return normal values, the same for the same shape."""
    return np.random.default_rng(1).normal(size=shape)


def _npy(folder: Path) -> Path:
    np.save(folder / "a.npy", values_of(N, 4))
    return folder / "a.npy"


def _frames_npy(folder: Path) -> Path:
    np.save(folder / "a.npy", movie(N))
    return folder / "a.npy"


def _npz(folder: Path) -> Path:
    np.savez(
        folder / "a.npz", pose=values_of(N, 4, 2), rate_hz=10.0, names=list("abcd")
    )
    return folder / "a.npz"


def _packed(folder: Path) -> Path:
    np.savez_compressed(folder / "a.npz", pose=values_of(N, 4, 2))
    return folder / "a.npz"


def _csv(folder: Path) -> Path:
    rows = [",".join(f"{v:.9g}" for v in row) for row in values_of(N, 4)]
    (folder / "a.csv").write_text("\n".join(["a,b,c,d", *rows]) + "\n")
    return folder / "a.csv"


def _json(folder: Path) -> Path:
    signals = [
        {"name": name, "value": values_of(N).tolist(), "unit": "cm/s"} for name in "ab"
    ]
    (folder / "a.json").write_text(json.dumps(signals))
    return folder / "a.json"


def _dlc(folder: Path) -> Path:
    write_dlc(folder / "a.csv", values_of(N, 6), ["nose", "tail"])
    return folder / "a.csv"


def _suite2p(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        f = values_of(5, N).astype(np.float32)
        ops = {"fs": 12.5, "nframes": N, "refImg": f}
        write_suite2p(folder, f, f / 2, np.ones(5), ops)
        return folder / "suite2p" / "plane0" / name

    return make


def _video(name: str, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_clip(folder / name, N, **options)
        return folder / name

    return make


def _image(folder: Path) -> Path:
    write_images(folder, range(3))
    return folder / "img_1.png"


def _hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as new:
        new["tracks"] = values_of(2, 3, N)
        new.create_dataset(
            "packed", data=values_of(N, 6), compression="gzip", chunks=True
        )
        new["deep/er/names"] = ["nose", "tail", "ähre"]
        new["deep"].attrs["about"] = "poses"
        new["tracks"].attrs["about"] = np.arange(3)
    return folder / "a.h5"


def _pickle(folder: Path) -> Path:
    plain = {"fs": 30.0, "f": values_of(N, 3), "names": ["a", ("b", None)], "s": {1, 2}}
    (folder / "a.pkl").write_bytes(pickle.dumps(plain))
    return folder / "a.pkl"


def _parquet(folder: Path) -> Path:
    table = {"window_id": np.arange(N), "recording": ["a", "b"] * (N // 2)}
    pd.DataFrame({**table, "center_s": values_of(N)}).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def _weights(folder: Path) -> Path:
    import torch
    from safetensors.torch import save_file

    save_file(torch.nn.Linear(8, 16).state_dict(), folder / "a.safetensors")
    return folder / "a.safetensors"


def _frame_labels(folder: Path) -> Path:
    rows = [f"{i},{i % 2},{1 - i % 2}" for i in range(N)]
    (folder / "a.csv").write_text("\n".join([",walk,rest", *rows]) + "\n")
    return folder / "a.csv"


def _intervals(folder: Path) -> Path:
    rows = [f"rater1,{i}.0,{i}.5,walk" for i in range(N)]
    (folder / "a.csv").write_text("\n".join(["rater,from,to,type", *rows]) + "\n")
    return folder / "a.csv"


def _times(folder: Path) -> Path:
    (folder / "a.csv").write_text("\n".join(f"{i * 0.1:.3f}" for i in range(N)) + "\n")
    return folder / "a.csv"


def _project(folder: Path) -> Path:
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.project.spec import RecordingSpec, StreamSpec

    project = Project.create(folder / "flies")
    for animal in ("fly1", "fly2"):
        np.save(project.path / f"{animal}.npy", values_of(N, 4))
        stream = StreamSpec(source=f"PROJECT:{animal}.npy", rate_hz=10.0, kind="trace")
        about = {"date": "2026-03-01", "age": 3}
        project.add(
            RecordingSpec(
                id=f"{animal}_001",
                animal=animal,
                streams={"trace": stream},
                covariates=about,
            )
        )
    return project.path / "project.yaml"


def _sources(folder: Path) -> Path:
    return _project(folder).parent / ".neuroembed" / "sources.json"


def _annotations(folder: Path) -> Path:
    from napari_neuroembed.data.annotations.store import AnnotationStore

    path = folder / "annotations.sqlite"
    with AnnotationStore.open(path) as store:
        store.add_rater("rater1")
        store.add_action("walk")
        for i in range(5):
            store.add("fly1_001", "walk", float(i), i + 0.5, rater="rater1")
    return path


_TIMED = {"reader": "video"}
_GIVEN = {"rate_hz": 10.0}
_RATE = {"rate_hz": 12.5}
_DLC = {**_GIVEN, "reader": "deeplabcut_h5"}
_THOR = {
    "reader": "thor_raw",
    "options": {"channels": {"functional": 0, "anatomical": 1}},
}
KINDS: dict[str, Kind] = {
    "npy": Kind(_npy, arguments={**_GIVEN, "reader": "npy"}),
    "npy of images": Kind(
        _frames_npy,
        arguments={**_GIVEN, "reader": "npy", "options": {"kind": "neural"}},
    ),
    "npz": Kind(_npz, arguments={"reader": "npz"}),
    "npz, packed": Kind(_packed, arguments={**_GIVEN, "reader": "npz"}),
    "csv": Kind(_csv, arguments={**_GIVEN, "reader": "csv"}, counted=False),
    "json": Kind(_json, arguments={**_GIVEN, "reader": "json"}),
    "deeplabcut csv": Kind(
        _dlc, arguments={**_GIVEN, "reader": "deeplabcut"}, counted=False
    ),
    "suite2p F.npy": Kind(_suite2p("F.npy"), arguments=_RATE, whole=True),
    "suite2p ops.npy": Kind(_suite2p("ops.npy"), arguments=_RATE, whole=True),
    "avi": Kind(_video("a.avi"), arguments=_TIMED),
    "mp4": Kind(_video("a.mp4"), arguments=_TIMED),
    "mkv": Kind(_video("a.mkv"), arguments=_TIMED, counted=False),
    "mjpeg avi": Kind(_video("a.avi", codec="mjpeg"), arguments=_TIMED),
    "image folder": Kind(_image, arguments={**_GIVEN, "reader": "video"}, whole=True),
    "hdf5": Kind(_hdf5, "numbers_of_hdf5"),
    "pickle": Kind(_pickle, "unpickle"),
    "parquet": Kind(_parquet, "parquet"),
    "safetensors": Kind(_weights, "weights"),
    "frame labels": Kind(_frame_labels, "labels", _GIVEN, counted=False),
    "interval labels": Kind(_intervals, "labels", counted=False),
    "times": Kind(_times, "sync_numbers", counted=False),
    "project.yaml": Kind(_project, "project", counted=False),
    "sources.json": Kind(_sources, "project", counted=False),
    "annotations.sqlite": Kind(_annotations, "annotations"),
    "sleap h5": Kind(lab_files.sleap, arguments={**_GIVEN, "reader": "sleap"}),
    "deeplabcut h5, table": Kind(lab_files.deeplabcut_table, arguments=_DLC),
    "deeplabcut h5, fixed": Kind(lab_files.deeplabcut_fixed, arguments=_DLC),
    "caiman": Kind(
        lab_files.caiman, arguments={"reader": "caiman", "accept": ["caiman.fr"]}
    ),
    "deepfly3d": Kind(lab_files.deepfly3d, arguments={**_GIVEN, "reader": "df3d"}),
    "thor Experiment.xml": Kind(
        lab_files.thor_xml, arguments=_THOR, counted=False, whole=True
    ),
    "thor raw": Kind(lab_files.thor_raw, arguments=_THOR, whole=True),
    "thor sync": Kind(lab_files.thor_sync, "thor_sync"),
    "thor sync settings": Kind(
        lab_files.thor_sync_settings, "thor_sync_rate", counted=False
    ),
    "camera log": Kind(lab_files.camera_log, "camera_log", counted=False),
    "ball log": Kind(
        lab_files.ball_log, arguments={**_GIVEN, "reader": "thor_flow"}, counted=False
    ),
    "prairie xml": Kind(
        lab_files.prairie_xml,
        arguments={"reader": "prairie"},
        counted=False,
        whole=True,
    ),
    "scanimage": Kind(lab_files.scanimage, arguments={"reader": "scanimage"}),
    "boris project": Kind(lab_files.boris_project, "labels", counted=False),
    "boris table": Kind(lab_files.boris_table, "labels", counted=False),
    "embedding npy": Kind(lab_files.embedding_npy, "embedding"),
    "embedding npz": Kind(lab_files.embedding_npz, "embedding"),
    "embedding text": Kind(lab_files.embedding_text, "embedding", counted=False),
    "history.csv": Kind(lab_files.history, "history", counted=False),
}
"""By name."""
