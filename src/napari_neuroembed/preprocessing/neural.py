"""The neural images of one recording: motion, F0, dF/F, size, and their checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.derived import (
    ANATOMICAL_FILE,
    MASK_FILE,
    MEAN_FILE,
    NEURAL_FILE,
    QUALITY_COLUMNS,
    QUALITY_FILE,
    TEMPLATE_FILE,
    plain,
    to_ranges,
    write_array,
    write_derived_stream,
)
from napari_neuroembed.data.problems import Problem, refuse
from napari_neuroembed.data.recording import Recording, Stream
from napari_neuroembed.data.stacks import read_stack
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import write_file
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.preprocessing.anatomical import small_anatomical
from napari_neuroembed.preprocessing.baseline import DffScale
from napari_neuroembed.preprocessing.frames import (
    FrameTable,
    measure_frames,
    wanted_reference,
)
from napari_neuroembed.preprocessing.images import (
    MovedStack,
    Resting,
    find_resting,
    write_images,
)
from napari_neuroembed.preprocessing.native import NativeStack
from napari_neuroembed.preprocessing.registration import Float
from napari_neuroembed.preprocessing.stages import Stages, fingerprint, hash_of
from napari_neuroembed.progress import Report

_MOST_DEAD = 0.20
_MOST_CLIPPED = 1e-4


@dataclass(frozen=True)
class NeuralJob:
    """One recording on its way, and what every step needs to know.

    Parameters
    ----------
    recording
        With the raw neural stream.
    options
        What to do.
    sources
        Fingerprints of the source files.
    reference
        Template of the animal's first recording, if any.
    accept
        Ids of problems that do not refuse.
    stages
        Where finished stages are kept.
    report
        Called about once per chunk.
    """

    recording: Recording
    options: PreprocessingOptions
    sources: Mapping[str, Any]
    reference: Float | None
    accept: Collection[str]
    stages: Stages
    report: Report

    @property
    def head(self) -> str:
        """How error messages begin."""
        return f"Recording {self.recording.id!r}"


def prepare_neural(job: NeuralJob, name: str, build: Path) -> dict[str, Any]:
    """Prepare the neural stream `name` and write all its files into `build`.

    Returns
    -------
    dict
        Counts and facts of every step, for the provenance.

    Raises
    ------
    DataError
        When the images cannot be used as they are.
    """
    stream = job.recording.streams[name]
    stack = NativeStack(stream, job.recording.id)
    _check_length(job, stack)
    found, key = _motion(job, stack)
    valid = found.usable(stream.valid, job.recording.id, job.accept)
    moved = MovedStack(stack, found.shifts, valid, found.holes)
    resting = _resting(job, moved, key)
    scale, problems = scale_of(resting, job.options)
    refuse(problems, job.head, job.accept)
    mask, n_clipped = write_images(
        build, moved, resting, scale, options=job.options, report=job.report
    )
    n_values = int(valid.sum()) * int(resting.covered.sum())
    refuse(too_clipped(job.options, n_clipped, n_values), job.head, job.accept)
    write_array(build / MASK_FILE, mask)
    write_array(build / MEAN_FILE, resting.mean)
    anatomical = small_anatomical(moved, job.options, job.report)
    if anatomical is not None:
        write_array(build / ANATOMICAL_FILE, anatomical)
    if found.template is not None:
        write_array(build / TEMPLATE_FILE, found.template)
    _write_quality(build, stream, found, valid)
    _write_neural_stream(build, name, stream, valid, job.options)
    return {
        "native_shape": list(stack.shape),
        "native_dtype": stack.dtype.name,
        "registration": found.facts,
        "dff": dff_facts(job.options, scale, n_clipped),
        "resize": {"shape": list(mask.shape), "valid_pixels": int(mask.sum())},
        "covered_pixels": int(resting.covered.sum()),
        "valid_frames": int(valid.sum()),
        "invalid": to_ranges(~valid),
    }


def _check_length(job: NeuralJob, stack: NativeStack) -> None:
    n = stack.n_frames
    window = job.options.dff.window_frames
    needed = max(2, window if job.options.dff.method != "none" else 2)
    if n < needed:
        raise DataError(
            f"{job.head} has {n} neural frames, but at least {needed} are needed: the "
            f"resting fluorescence is a mean over {window} frames. Take "
            "fewer with --set dff.window_frames=N, or leave the recording out."
        )


def _motion(job: NeuralJob, stack: NativeStack) -> tuple[FrameTable, dict[str, Any]]:
    options = job.options.registration
    reference = wanted_reference(options, job.reference)
    key = {
        "registration": to_dict(options),
        "sources": job.sources,
        "stack": fingerprint(stack),
        "reference": None if reference is None else hash_of(reference),
    }

    def make(build: Path) -> None:
        measure_frames(
            stack,
            options,
            reference=reference,
            max_memory_mb=job.options.max_memory_mb,
            report=job.report,
        ).save(build)

    return FrameTable.load(job.stages.get("registration", key, make)), key


def _resting(job: NeuralJob, moved: MovedStack, key: Mapping[str, Any]) -> Resting:
    dff = job.options.dff
    here = {
        **key,
        "method": dff.method,
        "window_frames": dff.window_frames,
        "valid": to_ranges(moved.valid),
    }

    def make(build: Path) -> None:
        find_resting(moved, job.options, job.report).save(build)

    try:
        return Resting.load(job.stages.get("baseline", here, make))
    except DataError as error:
        raise type(error)(f"{job.head}: {error}") from error


def scale_of(
    resting: Resting, options: PreprocessingOptions
) -> tuple[DffScale | None, list[Problem]]:
    """Return what makes dF/F of counts (None without), and what is wrong with it."""
    problems = []
    if resting.is_frozen:
        text = "all valid frames are the same image, so nothing happens in it."
        problems.append(Problem("neural.constant", "error", text))
    if not resting.covered.any():
        text = "no pixel is shown by all valid frames; they moved too far."
        problems.append(Problem("neural.mask", "error", text))
    if resting.f0 is None:
        return None, problems
    scale = DffScale(resting.f0, resting.covered, options.dff)
    if scale.dead_share > _MOST_DEAD:
        text = (
            f"{scale.dead_share:.1%} of pixels have a resting fluorescence under "
            f"{scale.floor:.3g} counts, so that their dF/F would be noise; at most "
            f"{_MOST_DEAD:.0%} are set to 0. Check preprocessing.dff.offset (now "
            f"{options.dff.offset:g})."
        )
        problems.append(Problem("neural.zero_f0", "error", text))
    return scale, problems


def too_clipped(
    options: PreprocessingOptions, n_clipped: int, n_values: int
) -> list[Problem]:
    """Return a problem when too many of the dF/F values had to be clipped."""
    share = n_clipped / max(1, n_values)
    if share <= _MOST_CLIPPED:
        return []
    text = (
        f"{n_clipped:,} dF/F values ({share:.3%}) are beyond "
        f"{options.dff.clip_percent:g} %, more than {_MOST_CLIPPED:.2%}: F0 is too "
        "close to 0. Check preprocessing.dff.offset, or raise "
        "preprocessing.dff.epsilon."
    )
    return [Problem("neural.overflow", "error", text)]


def dff_facts(
    options: PreprocessingOptions, scale: DffScale | None, n_clipped: int
) -> dict[str, Any]:
    """Return what dF/F came to, for the provenance."""
    if scale is None:
        return {"method": "none"}
    return {
        "method": options.dff.method,
        "zero_f0_pixels": int(scale.dead.sum()),
        "zero_f0_share": scale.dead_share,
        "smallest_f0": scale.floor,
        "clipped_values": n_clipped,
    }


def _write_quality(
    build: Path, stream: Stream, found: FrameTable, valid: NDArray[np.bool_]
) -> None:
    table = found.table.assign(
        frame=np.arange(len(stream)), time_s=stream.time.centers(), valid=valid
    )
    columns = table[list(QUALITY_COLUMNS)]
    write_file(build / QUALITY_FILE, lambda p: _to_parquet(columns, p))


def _to_parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


def _write_neural_stream(
    build: Path,
    name: str,
    stream: Stream,
    valid: NDArray[np.bool_],
    options: PreprocessingOptions,
) -> None:
    is_dff = options.dff.method != "none"
    written = Stream(
        kind="neural",
        data=read_stack(build / NEURAL_FILE),
        time=stream.time,
        valid=valid,
        units="dff_percent" if is_dff else "counts",
        facts=plain(stream.facts),
    )
    write_derived_stream(build, name, written)
