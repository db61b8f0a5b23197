"""Fit a run's transforms on its fit recordings, once, and use them on any windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.embed import Embedded, embed
from napari_neuroembed.evaluation.fit_windows import (
    FitWindows,
    fit_recordings,
    fit_windows,
    own_recordings,
)
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.store.transform_folder import (
    has_transform,
    read_transform,
    write_transform,
)
from napari_neuroembed.training.model import Model
from napari_neuroembed.transforms import (
    TRANSFORMS,
    Affine,
    calibrate,
    find_transform,
)

CALIBRATED = "neural_subspace_calibrate"
"""Name of the array that a calibration corrects."""


def fitted_transforms(
    run: RunFolder,
    model: Model,
    recordings: Sequence[Recording],
    names: Sequence[str],
    report: Report = silent,
) -> tuple[dict[str, Affine], dict[str, str]]:
    """Return a run's transforms, fitted now where they were not yet.

    Parameters
    ----------
    run, model
        The run and its trained model.
    recordings
        All prepared recordings of the project; the fit ones are used.
    names
        Of ``TRANSFORMS``.
    report
        Told about every recording that is embedded for it.

    Returns
    -------
    transforms, absent
        By name; and why a transform could not be fitted.

    Raises
    ------
    ConfigError
        When a name is unknown.
    """
    fits = {name: find_transform(name) for name in names}
    missing = [name for name in names if not has_transform(run.path, name)]
    absent: dict[str, str] = {}
    if missing:
        split = Split.from_dict(run.splits())
        used = fit_recordings(split, recordings)
        made = embed(model, used, report=report)
        data = fit_windows(model, split, used, made).told(model.config)
        for name in missing:
            try:
                found = fits[name](data, model.config.transform_options)
            except DataError as error:
                absent[name] = str(error).rstrip(".")
                continue
            _write(run, name, found, len(data.h))
    kept = {name: read(run, name) for name in names if name not in absent}
    return kept, absent


def read(run: RunFolder, name: str) -> Affine:
    """Return a transform that the run has."""
    arrays, facts = read_transform(run.path, name)
    mean, matrix, offset = (arrays.pop(key) for key in ("mean", "matrix", "offset"))
    animals = tuple(facts["animals"])
    return Affine(mean, matrix, offset, animals, dict(facts["facts"]), arrays)


def _write(run: RunFolder, name: str, found: Affine, n: int) -> None:
    arrays = {
        "mean": found.mean,
        "matrix": found.matrix,
        "offset": found.offset,
        **found.target,
    }
    facts = {
        "animals": list(found.animals),
        "facts": dict(found.facts),
        "n_windows": n,
    }
    write_transform(run.path, name, arrays, facts)


def calibrated(
    run: RunFolder,
    model: Model,
    recordings: Sequence[Recording],
    made: Embedded,
    animal: str,
    report: Report = silent,
) -> tuple[Affine, Affine, int]:
    """Correct a run's subspace for one animal by its own unlabelled windows.

    Parameters
    ----------
    run, model
        The run and its trained model.
    recordings, made
        All prepared recordings of the project, and their embeddings.
    animal
        Whom to correct it for.

    Returns
    -------
    subspace, corrected, n
        The run's own, that of this animal alone, and the number of windows it was
        fitted on.

    Raises
    ------
    DataError
        When the run has no subspace, or the animal no usable recording.
    """
    split = Split.from_dict(run.splits())
    own = own_recordings(split, recordings, animal)
    fits, absent = fitted_transforms(run, model, recordings, ("subspace",), report)
    if absent:
        raise DataError(f"{absent['subspace']}.")
    known = fit_windows(model, split, fit_recordings(split, recordings), made)
    query = fit_windows(model, split, own, made)
    behaviour = known.tell(model.config, query)
    options = model.config.transform_options
    corrected = calibrate(fits["subspace"], query.h, behaviour, options)
    return fits["subspace"], corrected, len(query.h)


def noted_calibration(scores: pd.DataFrame, facts: Mapping[str, Any]) -> pd.DataFrame:
    """Say in rows of a calibrated embedding what of the animal was used.

    Parameters
    ----------
    scores
        Of an evaluation.
    facts
        Of the set of embeddings it judged.
    """
    about = facts.get("calibrated")
    if about is None:
        return scores
    rows = scores["transform"] == CALIBRATED.partition("_")[2]
    text = (
        f"readout of {about['animal']} corrected on {about['n_windows']:,} "
        "unlabelled windows of its own"
    )
    gap = scores["note"].where(scores["note"] == "", scores["note"] + "; ")
    return scores.assign(note=scores["note"].where(~rows, gap + text))


def transformed(
    transforms: Mapping[str, Affine],
    h: NDArray[np.floating],
    animal: NDArray[np.object_],
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Apply transforms to an embedding.

    Returns
    -------
    arrays, absent
        Name -> rows, float32; and why one does not fit these animals.
    """
    arrays, absent = {}, {}
    for name, found in transforms.items():
        try:
            arrays[name] = found.apply(h, animal).astype(np.float32)
        except DataError as error:
            absent[name] = str(error).rstrip(".")
    return arrays, absent


def transformed_baselines(
    config: RunConfig,
    features: Mapping[str, NDArray[np.float32]],
    baselines: Mapping[str, NDArray[np.float32]],
    windows: pd.DataFrame,
    is_fit: NDArray[np.bool_],
) -> dict[str, NDArray[np.float32]]:
    """Give neural baselines the same post-hoc step, fitted on their own fit rows.

    Parameters
    ----------
    config
        Of the run.
    features
        Embeddings of the set; those called ``neural_<transform>`` say which steps.
    baselines
        ``raw_neural``, ``random_encoder``, ``raw_pose``.
    windows
        With a column `animal`.
    is_fit
        Rows that a transform may be fitted on.
    """
    names = [n for n in TRANSFORMS if f"neural_{n}" in features]
    poses = baselines.get("raw_pose")
    told = features.get("pose", poses)
    animal = windows["animal"].to_numpy(dtype=object)
    found: dict[str, NDArray[np.float32]] = {}
    for key, stem in (("raw_neural", "raw"), ("random_encoder", "random_encoder")):
        if key not in baselines or not names:
            continue
        x = np.asarray(baselines[key], dtype=np.float64)
        data = FitWindows(
            x[is_fit],
            animal[is_fit],
            None if poses is None else poses[is_fit],
            None if told is None else told[is_fit],
        ).told(config)
        fits = {n: TRANSFORMS[n](data, config.transform_options) for n in names}
        arrays, _ = transformed(fits, x, animal)
        found |= {f"{stem}_neural_{name}": rows for name, rows in arrays.items()}
    return found
