"""From a raw recording to ``derived/<recording>/``, resumable, in bounded memory."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.derived import (
    PROVENANCE_FILE,
    SCHEMA_VERSION,
    plain,
    read_provenance,
    write_derived_stream,
)
from napari_neuroembed.data.recording import Recording, Stream
from napari_neuroembed.data.stacks import stack_bytes
from napari_neuroembed.disk import refuse_too_small
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import (
    check_folder,
    recover_folder,
    utc_now,
    write_folder,
    write_json,
)
from napari_neuroembed.locks import working_alone
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.neural import NeuralJob, prepare_neural
from napari_neuroembed.preprocessing.pose import Prepared, prepare_pose
from napari_neuroembed.preprocessing.registration import Float
from napari_neuroembed.preprocessing.resize import output_shape
from napari_neuroembed.preprocessing.stages import ALGORITHM_VERSION, Stages, hash_of
from napari_neuroembed.preprocessing.traces import prepare_signals, prepare_traces
from napari_neuroembed.progress import Report, silent

WORK_FOLDER = ".work"
_PACKAGES = ("napari-neuroembed", "numpy", "scipy", "pandas", "tifffile")
_SMALL_FILES_BYTES = 1 << 20


def preprocess_recording(
    recording: Recording,
    options: PreprocessingOptions,
    folder: Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    reference: Float | None = None,
    accept: Collection[str] = (),
    report: Report = silent,
) -> dict[str, Any]:
    """Prepare one recording and write it to its derived folder.

    Parameters
    ----------
    recording
        Raw streams; at most one neural stream. Video is not copied.
    options
        What to do.
    folder
        ``derived/<recording>``; replaced in whole once everything is written.
        Finished stages lie beside it, under ``.work``.
    provenance
        Facts to keep; ``provenance["sources"]`` are the fingerprints of the source
        files by stream, which :func:`is_current` compares.
    reference
        Template of the animal's first recording (its ``template.npy``), for
        ``registration.reference = animal``.
    accept
        Ids of problems that do not refuse: ``neural.nonfinite``,
        ``neural.unaligned``, ``neural.constant``, ``neural.zero_f0``,
        ``neural.overflow``, ``trace.nonfinite``, ``trace.baseline``.
    report
        Called about once per chunk; may raise Cancelled, which leaves finished stages
        and an earlier folder as they are.

    Returns
    -------
    dict
        ``streams``: counts by stream; ``resumed``: stages that were there already;
        ``bytes``: size of the folder.

    Raises
    ------
    DataError
        When the recording cannot be used as it is, the disk is too small, or another
        process prepares it at this moment.
    """
    given = dict(provenance or {})
    job = NeuralJob(
        recording=recording,
        options=options,
        sources=given.pop("sources", {}),
        reference=reference,
        accept=accept,
        stages=Stages(folder.parent / WORK_FOLDER / folder.name),
        report=report,
    )
    neural = neural_of(recording)
    _check_disk(recording, options, folder)
    prepared = {
        name: _prepare_small(job, name, stream)
        for name, stream in recording.streams.items()
        if stream.kind in ("pose", "trace", "scalar")
    }
    if not prepared and neural is None:
        raise DataError(
            f"{job.head} has nothing to prepare: it has no neural, trace, pose or "
            "scalar stream."
        )
    steps: dict[str, Any] = {}
    what = f"{job.head} is being processed"
    with working_alone(folder, what), _fresh_folder(folder) as build:
        if neural is not None:
            steps[neural] = prepare_neural(job, neural, build)
        for name, result in prepared.items():
            write_derived_stream(build, name, result.stream)
            steps[name] = dict(result.counts)
        write_json(build / PROVENANCE_FILE, _provenance(job, given, steps))
        n_bytes = sum(f.stat().st_size for f in build.rglob("*") if f.is_file())
    return {
        "recording": recording.id,
        "streams": steps,
        "resumed": job.stages.resumed,
        "bytes": n_bytes,
    }


def estimate_disk(recording: Recording, options: PreprocessingOptions) -> int:
    """Return the bytes a prepared recording needs on disk, stages included."""
    total = _SMALL_FILES_BYTES
    for stream in recording.streams.values():
        shape = tuple(int(n) for n in stream.data.shape)
        if stream.kind == "neural":
            height, width = shape[-2], shape[-1]
            small = output_shape((height, width), options.resize)
            total += stack_bytes((shape[0], *small))
            total += 8 * 4 * height * width + 200 * shape[0]
            if options.keep_native:
                whole = (shape[0], height, width)
                total += stack_bytes(whole, NativeStack(stream, recording.id).dtype)
        elif stream.kind != "video":
            total += int(np.prod(shape)) * 4 + 8 * shape[0]
    return total


def is_current(
    folder: Path, options: PreprocessingOptions, fingerprints: Mapping[str, Any]
) -> bool:
    """Return whether a derived folder is whole and made so from these sources.

    Parameters
    ----------
    folder
        ``derived/<recording>``.
    options
        Options wanted now; memory does not matter.
    fingerprints
        Fingerprints of the source files as given to :func:`preprocess_recording`.

    Raises
    ------
    DataError
        When a newer version made it.
    """
    try:
        check_folder(folder)
    except DataError:
        return False
    found = read_provenance(folder)
    return bool(
        found.get("algorithm_version") == ALGORITHM_VERSION
        and found.get("options") == _options_of(options)
        and found.get("sources") == plain(fingerprints)
    )


@contextlib.contextmanager
def _fresh_folder(folder: Path) -> Iterator[Path]:
    """Clear away what killed processes left, then build the folder."""
    recover_folder(folder)
    with write_folder(folder) as build:
        yield build


def neural_of(recording: Recording) -> str | None:
    """Return the name of the neural stream, None where there is none.

    Raises
    ------
    DataError
        When there are several.
    """
    names = list(recording.of_kind("neural"))
    if len(names) > 1:
        raise DataError(
            f"Recording {recording.id!r} has {len(names)} neural streams "
            f"({', '.join(names)}); one is needed. Two channels of one microscope "
            "belong into one stream (channels: functional and anatomical)."
        )
    return names[0] if names else None


def _check_disk(
    recording: Recording, options: PreprocessingOptions, folder: Path
) -> None:
    refuse_too_small(
        folder.parent,
        estimate_disk(recording, options),
        f"Recording {recording.id!r}: free some space, choose a smaller "
        "preprocessing.resize, or set keep_native to false.",
    )


def _prepare_small(job: NeuralJob, name: str, stream: Stream) -> Prepared:
    where = f"{job.head}, stream {name!r}"
    if stream.kind == "pose":
        result = prepare_pose(stream, job.options.pose, where)
    elif stream.kind == "trace":
        result = prepare_traces(stream, job.options.trace, where, job.accept)
    else:
        result = prepare_signals(stream, where)
    job.report(name, 1, 1)
    return result


def _provenance(
    job: NeuralJob, given: Mapping[str, Any], steps: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "algorithm_version": ALGORITHM_VERSION,
        "recording": job.recording.id,
        "animal": job.recording.animal,
        "written_utc": utc_now(),
        "options": _options_of(job.options),
        "sources": plain(job.sources),
        "reference": None if job.reference is None else hash_of(job.reference),
        "accepted": sorted(job.accept),
        "given": plain(given),
        "steps": plain(steps),
        "versions": {
            "python": platform.python_version(),
            **{name: _version_of(name) for name in _PACKAGES},
        },
    }


def _options_of(options: PreprocessingOptions) -> dict[str, Any]:
    values = to_dict(options)
    del values["max_memory_mb"]  # the result does not depend on it
    return values


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
