"""Fit a run's transforms on its fit recordings, once, and use them on any windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.data.windows import window_seconds
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.embed import embed
from napari_neuroembed.evaluation.raw import pose_windows
from napari_neuroembed.methods.randomness import numpy_generator
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
    TransformData,
    behaviour_target,
    calibrate,
    find_transform,
)

Floats = NDArray[np.float64]


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
        data = fit_windows(run, model, recordings, report).told(model.config)
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


@dataclass(frozen=True)
class FitWindows:
    """Windows that a transform may be fitted on.

    Parameters
    ----------
    h
        Embedding, shape (n, dim).
    animal
        Animal of every window, shape (n,).
    poses, pose_h
        Scaled pose windows, and their embedding (or they themselves, where a method
        has none), shape (n, k); None without a second stream.
    """

    h: Floats
    animal: NDArray[np.object_]
    poses: NDArray[np.float32] | None = None
    pose_h: NDArray[np.float32] | None = None

    def told(self, config: RunConfig) -> TransformData:
        """Return them with the behaviour that other animals tell of them, if any."""
        behaviour = None
        if self.poses is not None and len(set(self.animal)) > 1:
            behaviour = self.tell(config)
        return TransformData(self.h, self.animal, behaviour)

    def tell(self, config: RunConfig, query: FitWindows | None = None) -> Floats:
        """Return what these windows tell of themselves, or of others' poses.

        Raises
        ------
        DataError
            When poses are lacking, or there is no other animal.
        """
        asked = self if query is None else query
        if self.poses is None or self.pose_h is None or asked.poses is None:
            raise DataError("Behaviour is told by poses or scalars; there are none.")
        return behaviour_target(
            self.poses,
            self.pose_h,
            self.animal,
            config.transform_options,
            numpy_generator(config.seed, 0, "behaviour"),
            query=asked.poses,
            query_animal=asked.animal,
        )


def fit_windows(
    run: RunFolder,
    model: Model,
    recordings: Sequence[Recording],
    report: Report = silent,
    *,
    animal: str | None = None,
) -> FitWindows:
    """Embed the windows of fit recordings, without animals that were held out.

    With `animal` the unlabelled windows of this one instead: of its fit recordings, or
    of all of them when the run's split does not know it.

    Raises
    ------
    DataError
        When there is no such recording.
    """
    split = Split.from_dict(run.splits())
    roles = ("fit", "blocks")
    if animal is None:
        used = [
            r
            for r in recordings
            if split.roles.get(r.id) in roles and r.animal not in split.held_out
        ]
    else:
        own = [r for r in recordings if r.animal == animal]
        used = [r for r in own if split.roles.get(r.id) in roles] or [
            r for r in own if r.id not in split.roles
        ]
    if not used:
        raise DataError(
            f"There is no fit recording of {animal or 'any animal'} in this project."
        )
    made = embed(model, used, report=report)
    stream = model.streams["neural"]
    length = window_seconds(model.config.windows, used[0], stream)
    is_used = np.ones(len(made.windows), dtype=bool)
    if used[0].id in split.roles:
        is_used = window_roles(made.windows, split, length) == "fit"
    poses = fit_poses(model, used, made.windows)
    pose_h = made.arrays.get("pose", poses)
    return FitWindows(
        np.asarray(made.arrays["neural"][is_used], dtype=np.float64),
        made.windows["animal"].to_numpy(dtype=object)[is_used],
        None if poses is None else poses[is_used],
        None if pose_h is None else pose_h[is_used],
    )


def calibrated(
    run: RunFolder,
    model: Model,
    recordings: Sequence[Recording],
    animal: str,
    report: Report = silent,
) -> tuple[Affine, int]:
    """Correct a run's subspace for one animal by its own unlabelled windows.

    Returns
    -------
    transform, n
        For this animal alone, and the number of windows it was fitted on.

    Raises
    ------
    DataError
        When the run has no subspace, or the animal no usable recording.
    """
    fits, absent = fitted_transforms(run, model, recordings, ("subspace",), report)
    if absent:
        raise DataError(f"{absent['subspace']}.")
    known = fit_windows(run, model, recordings, report)
    own = fit_windows(run, model, recordings, report, animal=animal)
    behaviour = known.tell(model.config, own)
    options = model.config.transform_options
    return calibrate(fits["subspace"], own.h, behaviour, options), len(own.h)


def fit_poses(
    model: Model, recordings: Sequence[Recording], windows: pd.DataFrame
) -> NDArray[np.float32] | None:
    """Return the scaled second stream of windows, recording by recording."""
    parts = [
        pose_windows(model, r, windows[windows["recording"] == r.id])
        for r in recordings
    ]
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


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
