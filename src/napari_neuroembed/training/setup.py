"""What a training stands on before its first step: data, network, batches, device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.derived import read_mask
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.data.splits import Split, make_split
from napari_neuroembed.data.windows import choose_streams, window_seconds
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods import find_method
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.preprocessing.mask import common_mask as mask_of_all
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.training.batches import Batches
from napari_neuroembed.training.data import TrainingData, build_training_data
from napari_neuroembed.training.loop import make_fabric
from napari_neuroembed.training.model import ModelParts
from napari_neuroembed.training.poses import fit_poses
from napari_neuroembed.training.ranks import Place


@dataclass(frozen=True)
class Setup:
    """Everything a training holds in memory before its first step."""

    data: TrainingData
    split: Split
    parts: ModelParts
    batches: Batches


def prepare(
    recordings: Sequence[Recording],
    config: RunConfig,
    mask: NDArray[np.bool_] | None,
    report: Report = silent,
    *,
    device: torch.device | None = None,
    place: Place | None = None,
    is_begun: bool = False,
) -> Setup:
    """Check what the method needs, fit, index and build, without a step of training.

    `place` says which of several processes this is, whose share of every batch is
    drawn. Of a training that is begun the checkpoint has what the method would fit.
    """
    if not recordings:
        raise TrainingError("The project has no recording. Import one first.")
    report("prepare", 0, 2, "windows and normalisation")
    method_class = find_method(config.method)
    neural = choose_streams(recordings, config.windows)["neural"]
    split = make_split(
        recordings,
        config.split,
        held_out=config.training.held_out,
        window_s=window_seconds(config.windows, recordings[0], neural),
    )
    check_needs(recordings, config, split)
    data = build_training_data(
        recordings, split, config, mask=mask, device=device or torch.device("cpu")
    )
    if method_class.needs.pose and data.pose is None:
        raise TrainingError(
            f"{config.method} needs poses or scalars beside the neural data, and this "
            "project has neither. Import them, or use --method simclr_views."
        )
    method = method_class(config, data.shapes)
    parts = ModelParts(method, data.fitted.normaliser, data.fitted.scaler)
    if method.has_targets and not is_begun:
        rng = np.random.default_rng(seed_for(config.seed, 0, "prepare"))
        method.prepare(fit_poses(data, split), rng, report)
    report("prepare", 1, 2, "neighbours and donors")
    ranks = Ranks(place.rank, place.size) if place is not None else None
    batches = Batches(data, method, config, split, ranks)
    report("prepare", 2, 2, data.neural.sentence())
    return Setup(data, split, parts, batches)


def check_needs(
    recordings: Sequence[Recording], config: RunConfig, split: Split
) -> None:
    """Refuse a method whose needs the project cannot meet, before any work.

    Raises
    ------
    TrainingError
        Naming the animals there are and the method that would do.
    """
    needs = find_method(config.method).needs
    _check_held_out(recordings, config, split)
    if config.training.layout == "auto" and config.training.devices > 1:
        raise TrainingError(
            "training.layout=auto tries one process, and training.devices="
            f"{config.training.devices}. Use --set training.layout=fixed; "
            "training.precision=bf16 is faster on most GPUs."
        )
    animals = {
        r.animal
        for r in recordings
        if r.animal not in split.held_out and split.roles.get(r.id) in ("fit", "blocks")
    }
    if len(animals) < needs.min_animals:
        raise TrainingError(
            f"{config.method} brings animals together and needs at least "
            f"{needs.min_animals} with fit recordings; found {len(animals)} "
            f"({', '.join(sorted(animals)) or 'none'}). Use --method simclr (pairs "
            "without swapping) or simclr_views (no poses needed)."
        )


def _check_held_out(
    recordings: Sequence[Recording], config: RunConfig, split: Split
) -> None:
    """Refuse held-out animals that could not be judged afterwards."""
    if len(split.held_out) > 1:
        raise TrainingError(
            f"training.held_out names {len(split.held_out)} animals "
            f"({', '.join(split.held_out)}); a run leaves out one. Train one run for "
            "each with --leave-one-animal-out."
        )
    neural = choose_streams(recordings, config.windows)["neural"]
    if split.held_out and recordings[0].streams[neural].kind == "trace":
        raise TrainingError(
            f"{split.held_out[0]!r} cannot be held out: a trace encoder has input "
            "weights of its own for the neurons of every animal, so an animal it never "
            "saw cannot be embedded. Train with all animals (transductive)."
        )


def fabric_of(
    recordings: Sequence[Recording], config: RunConfig, place: Place
) -> Fabric:
    """Return the Fabric of one process of a training on these recordings."""
    kinds = {s.kind for r in recordings for s in r.streams.values()}
    by_animal = "neural" not in kinds  # a trace encoder has input layers per animal
    return make_fabric(config.training, place, by_animal=by_animal)


def set_threads(config: RunConfig) -> None:
    """Give torch the threads of the options; several processes share the cores."""
    training = config.training
    if training.threads:
        torch.set_num_threads(training.threads)
    elif training.devices > 1:
        cores = os.cpu_count() or 1
        torch.set_num_threads(max(1, cores // training.devices))


def common_mask(project: Project) -> NDArray[np.bool_] | None:
    """Return the pixels that are valid in every recording; None without images.

    Raises
    ------
    DataError
        When the recordings were prepared to different sizes, or share no pixel.
    """
    masks = [read_mask(project.derived_folder(i)) for i in project.recording_ids()]
    known = [mask for mask in masks if mask is not None]
    return mask_of_all(known) if known else None


def device_of(config: RunConfig) -> torch.device:
    """Return the device a configuration trains on."""
    return torch.device(make_fabric(config.training).device)
