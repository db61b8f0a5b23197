"""What the probes see of a run: embeddings, raw signals and targets per window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from napari_neuroembed.config import load_config
from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import Recording, Stream
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.data.windows import window_seconds
from napari_neuroembed.evaluation.embed import embed
from napari_neuroembed.evaluation.nuisance import window_nuisances
from napari_neuroembed.evaluation.raw import mean_frames, raw_signals
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.transformed import transformed_baselines
from napari_neuroembed.options.windows import WindowOptions
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.store.run_folder import CONFIG, RunFolder
from napari_neuroembed.training.data import neural_arrays, window_frames
from napari_neuroembed.training.frames import FrameBank
from napari_neuroembed.training.model import load_model


def build_sample(
    run: RunFolder,
    recordings: Sequence[Recording],
    covariates: pd.DataFrame,
    *,
    set_name: str = "eval",
    baselines: bool = True,
    report: Report = silent,
) -> Sample:
    """Collect what the probes see of one set of a run's embeddings.

    Parameters
    ----------
    run
        A finished run with the set `set_name`.
    recordings
        Prepared recordings, with the bouts that count.
    covariates
        One row per recording: recording, animal, then one column per covariate.
    set_name
        Which embeddings to judge.
    baselines
        Embed with the untrained encoder as well.

    Notes
    -----
    Baselines: ``raw_neural`` is the mean frame of the window after the run's own
    normalisation, averaged to at most 16 x 16 pixels; ``raw_pose`` the scaled pose
    window; ``random_encoder`` the neural encoder with its initial weights. An imported
    embedding has the first of them only, without normalisation.
    """
    windows, neural = run.read_embedding("neural", set_name)
    known = {r.id: r for r in recordings}
    used = [known[name] for name in dict.fromkeys(windows["recording"])]
    if run.is_imported:
        seen = _of_import(run, used, windows)
    else:
        stride = _stride(run, set_name) if baselines else None
        seen = _of_model(run, used, windows, random_stride_s=stride, report=report)
    options, stream, known_signals, pixels = seen
    features = {"neural": np.asarray(neural, dtype=np.float32)}
    for stream_name in run.embedding_streams(set_name):
        if stream_name != "neural":
            x = run.read_embedding(stream_name, set_name)[1]
            features[stream_name] = np.asarray(x, dtype=np.float32)
    split = Split.from_dict(run.splits())
    length = window_seconds(options, used[0], stream)
    table = windows.copy()
    table["action"] = window_actions(windows, known, options, length)
    table["role"] = window_roles(table, split, length)
    table = table.merge(
        covariates.drop(columns=["animal"]), on="recording", how="left", sort=False
    )
    targets, names = window_targets(windows, known)
    nuisances, absent = window_nuisances(used, windows, stream, pixels)
    is_fit = np.asarray(table["role"] == "fit") & ~table["animal"].isin(
        split.held_out
    ).to_numpy(dtype=bool)
    config = load_config(run.path / CONFIG)
    if baselines:
        known_signals |= transformed_baselines(
            config, features, known_signals, table, is_fit
        )
    facts = run.embedding_facts(set_name)
    # Windows in the gap between a fit and a fresh block belong to neither.
    rows = np.flatnonzero(table["role"] != "")
    pose = known_signals.get("raw_pose")
    return Sample(
        windows=table.iloc[rows].reset_index(drop=True),
        features={name: x[rows] for name, x in features.items()},
        baselines={name: x[rows] for name, x in known_signals.items()},
        targets={name: x[rows] for name, x in targets.items()},
        target_names=names,
        pose_features=None if pose is None else pose[rows],
        nuisances={name: x[rows] for name, x in nuisances.items()},
        absent=absent,
        untransformed=facts.get("transforms_absent", {}),
        window_s=length,
        split_kind=split.kind,
    )


Seen = tuple[WindowOptions, str, dict[str, NDArray[np.float32]], NDArray[np.bool_]]
"""Options of the windows, name of the neural stream, baselines, pixels in use."""


def _of_model(
    run: RunFolder,
    used: Sequence[Recording],
    windows: pd.DataFrame,
    *,
    random_stride_s: float | None,
    report: Report,
) -> Seen:
    model = load_model(run)
    baselines = raw_signals(model, used, windows)
    if random_stride_s is not None:
        random = load_model(run, random=True)
        made = embed(random, used, stride_s=random_stride_s, report=report)
        baselines["random_encoder"] = made.arrays["neural"]
    pixels = model.parts.normaliser.mask.cpu().numpy() > 0
    return model.config.windows, model.streams["neural"], baselines, pixels


def _of_import(
    run: RunFolder, used: Sequence[Recording], windows: pd.DataFrame
) -> Seen:
    config = load_config(run.path / CONFIG)
    stream = config.windows.neural_stream
    width = max(int(r.streams[stream].data.shape[1]) for r in used)
    raw = []
    for recording in used:
        (data,) = neural_arrays([recording], stream, config, width)
        bank = FrameBank(
            [data], [0], _AsTheyAre(), device=torch.device("cpu"), resident_bytes=0
        )
        table = windows[windows["recording"] == recording.id]
        raw += mean_frames(bank, window_frames(table, [recording.id], [""]))
    pixels = np.ones(bank.frame_shape, dtype=bool)  # what it saw is not known
    return config.windows, stream, {"raw_neural": np.concatenate(raw)}, pixels


class _AsTheyAre(torch.nn.Module):
    """What stands for the normaliser of a run that has none."""

    def forward(self, frames: torch.Tensor, group: torch.Tensor) -> torch.Tensor:
        del group
        return frames


def window_actions(
    windows: pd.DataFrame,
    recordings: Mapping[str, Recording],
    options: WindowOptions,
    length_s: float,
) -> NDArray[np.object_]:
    """Return the action of every window from the bouts of its recording."""
    actions = np.full(len(windows), "", dtype=object)
    centers = windows["center_s"].to_numpy()
    names = windows["recording"].to_numpy()
    for name in dict.fromkeys(names):
        here = names == name
        bouts = recordings[name].bouts or Bouts.empty()
        actions[here] = bouts.over(
            centers[here] - length_s / 2, centers[here] + length_s / 2, options.label
        )
    return actions


def window_targets(
    windows: pd.DataFrame, recordings: Mapping[str, Recording]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, tuple[str, ...]]]:
    """Return every scalar and pose stream at the centres of the windows.

    Returns
    -------
    targets
        Stream -> values, shape (n_windows, n_signals), NaN where unknown.
    names
        Stream -> names of its signals.
    """
    streams: dict[str, Stream] = {}
    for recording in recordings.values():
        streams = recording.of_kind("scalar", "pose") | streams
    targets: dict[str, NDArray[np.float32]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for stream_name, example in streams.items():
        n = int(example.data.shape[1])
        targets[stream_name] = np.full((len(windows), n), np.nan, dtype=np.float32)
        names[stream_name] = example.names or tuple(
            f"{stream_name}_{i}" for i in range(n)
        )
    recording_of = windows["recording"].to_numpy()
    centers = windows["center_s"].to_numpy()
    for name in dict.fromkeys(recording_of):
        here = np.flatnonzero(recording_of == name)
        for stream_name, values in targets.items():
            stream = recordings[name].streams.get(stream_name)
            if stream is None or stream.data.shape[1] != values.shape[1]:
                continue
            frame = stream.time.nearest(centers[here])
            inside = (centers[here] >= stream.time.start_s) & (
                centers[here] < stream.time.stop_s
            )
            data = np.asarray(stream.data, dtype=np.float32)[frame]
            data[~(stream.valid[frame] & inside)] = np.nan
            values[here] = data
    return targets, names


def _stride(run: RunFolder, set_name: str) -> float:
    return float(run.embedding_facts(set_name)["stride_s"])
