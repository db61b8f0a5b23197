"""What is done with a hostile file, inside the sandbox: ours, and the peers beside it.

Every trial returns ``{"outcome": "refused", "why": ...}`` or what it opened; anything
it raises but an error written for the user is a crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_neuroembed.data.readers import find_reader, get_reader
from napari_neuroembed.data.readers.base import Source
from napari_neuroembed.errors import NeuroembedError

Told = dict[str, Any]


def nothing() -> Told:
    """Do nothing; for the cost of a trial itself."""
    return {"outcome": "opened"}


def spin() -> Told:
    """Never end; for the limit."""
    while True:
        pass


def fill(n_bytes: int) -> Told:
    """Ask for memory; for the limit, and for what is measured of it."""
    return {"outcome": "opened", "frames": [len(b"1" * n_bytes)]}


def read(
    paths: Sequence[str],
    reader: str = "",
    rate_hz: float | None = None,
    options: dict[str, Any] | None = None,
    salvage: bool = False,
    accept: Sequence[str] = (),
) -> Told:
    """Describe and open files by one of our readers, and take in every frame."""
    source = Source(tuple(Path(path) for path in paths))
    try:
        chosen = get_reader(reader) if reader else find_reader(source)
        about = chosen.describe(source, options or {})
        streams = chosen.read(
            source,
            options or {},
            rate_hz=rate_hz,
            accept=frozenset(accept),
            salvage=salvage,
        )
        (stream,) = streams.values()
        told = frames_of(stream.data, len(stream))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    ids = [problem.id for problem in about.problems]
    return {**told, "described": list(about.shape), "problems": ids}


def imread(paths: Sequence[str]) -> Told:
    """Open files as a script does: tifffile.imread."""
    try:
        stack = tifffile.imread(paths[0] if len(paths) == 1 else list(paths))
    except Exception as error:  # noqa: BLE001 - a peer may refuse by any error
        return {"outcome": "refused", "why": f"{type(error).__name__}: {error}"}
    return frames_of(np.atleast_3d(stack) if stack.ndim < 3 else stack)


def pages(paths: Sequence[str]) -> Told:
    """Decode what the tags of every page say, one by one: an independent reader."""
    found: list[str] = []
    try:
        for path in paths:
            with tifffile.TiffFile(path) as tiff:
                one = len(tiff.pages) == 1 and tiff.series[0].size > tiff.pages[0].size
                images = tiff.series[0].asarray() if one else None
                for page in images if images is not None else tiff.pages:
                    frame = page if images is not None else page.asarray()
                    found.append(_digest(frame))
    except Exception as error:  # noqa: BLE001
        return {"outcome": "refused", "why": f"{type(error).__name__}: {error}"}
    return {"outcome": "opened", "frames": found}


def frames_of(data: Any, n: int | None = None) -> Told:
    """Return number, shape, type and a digest of every frame."""
    n = data.shape[0] if n is None else n
    frames = [_digest(np.asarray(data[i])) for i in range(n)]
    shape, dtype = list(data.shape), np.dtype(data.dtype).name
    return {"outcome": "opened", "shape": shape, "dtype": dtype, "frames": frames}


def _digest(frame: Any) -> str:
    native = np.ascontiguousarray(frame)
    native = native.astype(native.dtype.newbyteorder("="), copy=False)
    return hashlib.sha256(native.tobytes()).hexdigest()[:16]


def numbers_of_hdf5(path: str) -> Told:
    """Take in all numbers, texts and attributes of an HDF5 file."""
    from napari_neuroembed.data.hdf5 import open_hdf5

    found = []
    try:
        with open_hdf5(Path(path)) as file:
            for name in file.datasets:
                text = file.dtype(name).kind in "OS"
                values = file.texts(name) if text else file.numbers(name)
                found.append(f"{name} {np.shape(values)}")
            for name in (*file.groups, *file.datasets):
                file.attribute(name, "about")
            lost = [f"{name} is {what}" for name, what in file.skipped.items()]
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    if lost:  # told to the reader, which then misses what it needs
        return {"outcome": "refused", "why": "; ".join(lost)}
    return {"outcome": "opened", "frames": found}


def unpickle(path: str) -> Told:
    """Read a pickle through the restricted unpickler."""
    from napari_neuroembed.data.unpickle import load_pickle

    try:
        found = load_pickle(Path(path))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    parts = found.items() if isinstance(found, dict) else [("", found)]
    return {"outcome": "opened", "frames": [f"{k}: {type(v)}" for k, v in parts]}


def parquet(path: str) -> Told:
    """Read a table of a run folder."""
    from napari_neuroembed.store.tables import read_table

    try:
        table = read_table(Path(path))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [str(i) for i in range(len(table))]}


def weights(path: str) -> Told:
    """Read the weights of a small layer."""
    import torch

    from napari_neuroembed.training.weights import read_weights

    expected = torch.nn.Linear(8, 16).state_dict()
    try:
        state = read_weights(Path(path), expected)
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": sorted(state)}


def labels(path: str, rate_hz: float | None = None) -> Told:
    """Read a file of labels."""
    from napari_neuroembed.data.readers.labels import read_labels

    try:
        found = read_labels(Path(path), rate_hz=rate_hz)
        n = sum(len(bouts) for bouts in found.by_rater.values())
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [str(i) for i in range(n)]}


def sync_numbers(path: str) -> Told:
    """Read the numbers of a sync."""
    from napari_neuroembed.data.clocks.sync_numbers import read_numbers

    try:
        values = read_numbers(Path(path))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [str(v) for v in values]}


def thor_sync(path: str) -> Told:
    """Read the lines of a ThorSync file, one by one."""
    from napari_neuroembed.data.readers.thor.sync_file import line_steps, read_sync_file

    try:
        sync = read_sync_file(Path(path))
        found = [str(sync.n_samples)]
        for group, names in sync.lines.items():
            for name in names:
                line_steps(sync.path, f"{group}/{name}")
                found.append(f"{group}/{name}")
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": sorted(found)}


def thor_sync_rate(path: str) -> Told:
    """Read the samples per second out of ThorSync's settings."""
    from napari_neuroembed.data.readers.thor.sync_file import read_sample_rate

    try:
        rate_hz, _ = read_sample_rate(Path(path))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [str(rate_hz)]}


def camera_log(path: str) -> Told:
    """Read which frames a camera program saved."""
    from napari_neuroembed.data.readers.thor.capture import read_capture

    try:
        capture = read_capture(Path(path))
        n = capture.n_taken
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [str(n)]}


def embedding(path: str) -> Told:
    """Read somebody else's embedding."""
    from napari_neuroembed.data.embedding_file import read_embedding_file

    try:
        return frames_of(read_embedding_file(Path(path)))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}


def history(path: str) -> Told:
    """Read the history of a training."""
    from napari_neuroembed.store.history import read_history

    try:
        table = read_history(Path(path))
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [str(i) for i in range(len(table))]}


def project(path: str) -> Told:
    """Open the project around a file and all its recordings."""
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.project.checks import as_json, check_project

    try:
        folder = Path(path).parent
        opened = Project.open(folder.parent if folder.name == ".neuroembed" else folder)
        report = check_project(opened)
        as_json(report)
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    return {"outcome": "opened", "frames": [line.recording for line in report.lines]}


def annotations(path: str) -> Told:
    """Open a store of bouts, read and verify it."""
    from napari_neuroembed.data.annotations.store import AnnotationStore

    try:
        with AnnotationStore.open(Path(path), read_only=True) as store:
            n = len(store.bouts())
            wrong = store.verify()
    except NeuroembedError as error:
        return {"outcome": "refused", "why": str(error)}
    if wrong:
        return {"outcome": "refused", "why": "; ".join(wrong)}
    return {"outcome": "opened", "frames": [str(i) for i in range(n)]}


def command(words: Sequence[str]) -> Told:
    """Run `neuroembed` in this process; a code above 2 is a crash."""
    import contextlib
    import io

    from napari_neuroembed.cli import main

    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = main(list(words))
    if code not in (0, 1, 2) or "Traceback" in told.getvalue():
        raise RuntimeError(f"exit code {code}: {told.getvalue()[-3000:]}")
    outcome = "opened" if code == 0 else "refused"
    return {"outcome": outcome, "why": told.getvalue()[-2000:], "frames": []}
