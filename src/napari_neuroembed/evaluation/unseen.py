"""Animals of a set of embeddings that the training never saw.

What is measured, and when an animal is trusted, is in ``new_animal.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.data.windows import window_seconds
from napari_neuroembed.evaluation.new_animal import NewAnimal, Windows, judge
from napari_neuroembed.evaluation.raw import pose_windows
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.model import Model


@dataclass(frozen=True)
class Unseen:
    """The new animals of a set of embeddings.

    Parameters
    ----------
    animals
        One verdict each.
    distances
        Window by window, with the columns of ``distances.parquet``.
    """

    animals: tuple[NewAnimal, ...]
    distances: pd.DataFrame


def seen_animals(run: RunFolder, model: Model) -> tuple[str, ...]:
    """Return the animals whose recordings the encoder was trained on."""
    held_out = Split.from_dict(run.splits()).held_out
    return tuple(a for a in model.parts.method.shapes.animals if a not in held_out)


def judge_unseen(
    run: RunFolder,
    model: Model,
    recordings: Mapping[str, Recording],
    windows: pd.DataFrame,
    neural: NDArray[np.float32],
) -> Unseen | None:
    """Judge every animal of a set that the training never saw; None when it saw all.

    Parameters
    ----------
    run, model
        The run; its set ``eval`` is compared with where `windows` lack an animal of the
        training.
    recordings
        Prepared recordings of the project by id; without those of the training there
        are no poses to compare.
    windows, neural
        The set's window table and embedding.
    """
    seen = seen_animals(run, model)
    new = [a for a in dict.fromkeys(windows["animal"]) if a not in seen]
    if not new:
        return None
    known = (windows, neural)
    if not set(seen) <= set(windows["animal"]):
        if "eval" not in run.embedding_sets():
            known = (windows.iloc[:0], neural[:0])
        else:
            known = run.read_embedding("neural")
    training = _training_windows(run, model, recordings, seen, known)
    verdicts, parts = [], []
    for animal in new:
        rows = np.flatnonzero((windows["animal"] == animal).to_numpy())
        own = _windows_of(model, recordings, windows.iloc[rows], neural[rows])
        kept = own.prepared(len(own))
        verdict, each = judge(animal, kept, training)
        verdicts.append(verdict)
        distance = np.full(len(rows), np.nan)
        distance[kept.rows] = each
        columns = ["window_id", "recording", "animal", "center_s"]
        parts.append(windows.iloc[rows][columns].assign(distance=distance))
    return Unseen(tuple(verdicts), pd.concat(parts, ignore_index=True))


def _training_windows(
    run: RunFolder,
    model: Model,
    recordings: Mapping[str, Recording],
    seen: Sequence[str],
    known: tuple[pd.DataFrame, NDArray[np.float32]],
) -> dict[str, Windows]:
    """Return the fresh windows of each animal of the training, prepared."""
    windows, neural = known
    there = [r for r in recordings.values() if r.animal in seen]
    if not there:
        return {}
    length = window_seconds(model.config.windows, there[0], model.streams["neural"])
    roles = window_roles(windows, Split.from_dict(run.splits()), length)
    found = {}
    for animal in seen:
        rows = np.flatnonzero((windows["animal"] == animal).to_numpy())
        rows = rows[roles[rows] == "fresh"]
        if len(rows):
            own = _windows_of(model, recordings, windows.iloc[rows], neural[rows])
            found[animal] = own.prepared()
    return found


def _windows_of(
    model: Model,
    recordings: Mapping[str, Recording],
    windows: pd.DataFrame,
    neural: NDArray[np.float32],
) -> Windows:
    """Put the second stream beside the embeddings, where every recording has one."""
    h, poses = np.asarray(neural, dtype=np.float64), []
    for name in dict.fromkeys(windows["recording"]):
        table = windows[windows["recording"] == name]
        pose = None
        if name in recordings:
            pose = pose_windows(model, recordings[name], table)
        if pose is None:
            return Windows(h)
        poses.append(pose)
    return Windows(h, np.concatenate(poses).astype(np.float64))
