"""A trained model: the method with what was fitted before it, built and loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from napari_neuroembed.config import RunConfig
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.methods import find_method
from napari_neuroembed.methods.base import Method, Shapes
from napari_neuroembed.options.base import from_dict, to_dict
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.checkpoint import Checkpoint, latest, load_weights
from napari_neuroembed.training.normalise import Normaliser, PoseScaler


class ModelParts(nn.Module):
    """Everything a checkpoint holds: method, normaliser, pose range."""

    def __init__(
        self, method: Method, normaliser: Normaliser, scaler: PoseScaler | None
    ) -> None:
        super().__init__()
        self.method = method
        self.normaliser = normaliser
        self.scaler = scaler


@dataclass(frozen=True)
class Model:
    """A trained model and how its inputs are made.

    Parameters
    ----------
    parts
        Method, normaliser, pose range, in evaluation mode.
    config
        The run's configuration.
    streams
        Role -> name of the stream that filled it.
    step
        Steps trained.
    """

    parts: ModelParts
    config: RunConfig
    streams: Mapping[str, str]
    step: int


def describe(
    config: RunConfig,
    shapes: Shapes,
    normaliser: Normaliser,
    streams: Mapping[str, str],
) -> dict[str, Any]:
    """Return what ``model.json`` must hold to build the same model again."""
    return {
        "method": config.method,
        "config": to_dict(config),
        "shapes": dataclasses.asdict(shapes),
        "groups": list(normaliser.groups),
        "streams": dict(streams),
    }


def load_model(run: RunFolder, *, random: bool = False) -> Model:
    """Build a run's model and load its last checkpoint.

    Parameters
    ----------
    run
        The run folder.
    random
        Keep the initial weights of the encoders (the `random encoder` baseline);
        normaliser and pose range are loaded all the same.

    Raises
    ------
    RunFolderError
        When there is no whole checkpoint, it does not fit its description, the last one
        of a finished training is damaged, or the run is an imported embedding.
    """
    run.refuse_imported("embedding other windows with it")
    checkpoint = latest(run.checkpoints)
    _refuse_earlier(run, checkpoint)
    model = build_model(checkpoint)
    start = {n: t.clone() for n, t in model.parts.method.state_dict().items()}
    load_weights(checkpoint, model.parts)
    if random:
        model.parts.method.load_state_dict(start)
    model.parts.eval()
    return model


def _refuse_earlier(run: RunFolder, checkpoint: Checkpoint) -> None:
    """Refuse to take an earlier step for the end of a training."""
    info = run.info()
    if info.get("status") != "finished" or info.get("step") == checkpoint.step:
        return
    raise RunFolderError(
        f"Run {run.name!r} was trained for {info.get('step')} steps, but that "
        f"checkpoint is damaged ({checkpoint.skipped or 'missing'}); the last whole "
        f"one in {run.checkpoints} is of step {checkpoint.step}. Restore the folder "
        "from a backup, or train the run again under another name: the same "
        "configuration and seed give the same weights."
    )


def build_model(checkpoint: Checkpoint) -> Model:
    """Build the modules that a checkpoint describes, weights not yet loaded."""
    facts = checkpoint.description
    try:
        config = from_dict(RunConfig, facts["config"])
        shapes = _shapes(facts["shapes"])
        groups = tuple(str(g) for g in facts["groups"])
        tensors = facts["tensors"]
        mean = torch.zeros(tensors["normaliser.mean"]["shape"])
        mask = torch.zeros(tensors["normaliser.mask"]["shape"])
        scaler = None
        if "scaler.low" in tensors:
            low = torch.zeros(tensors["scaler.low"]["shape"])
            scaler = PoseScaler(low, low.clone(), low.clone())
        streams = dict(facts["streams"])
    except (KeyError, TypeError) as error:
        raise RunFolderError(
            f"{checkpoint.path / 'model.json'} lacks {error}; it is not a model of "
            "this version."
        ) from error
    method = find_method(config.method)(config, shapes)
    normaliser = Normaliser(groups, mean, mean.clone(), mask)
    parts = ModelParts(method, normaliser, scaler)
    return Model(parts, config, streams, checkpoint.step)


def _shapes(values: Mapping[str, Any]) -> Shapes:
    pose = values["pose"]
    return Shapes(
        tuple(values["neural"]),
        None if pose is None else (int(pose[0]), int(pose[1])),
        float(values["neural_period_s"]),
        float(values["pose_period_s"]),
        values["pose_dims"],
        tuple(values["animals"]),
        tuple(values["neurons"]),
    )
