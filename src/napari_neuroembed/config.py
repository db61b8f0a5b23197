"""The configuration of one run: options composed, presets, YAML, ``--set``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed import files
from napari_neuroembed.data.project.yaml_text import load_yaml
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options import augmentation as augmentations
from napari_neuroembed.options import models as encoders
from napari_neuroembed.options.base import STRICT, from_dict, replace_path, to_dict
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.options.method import MethodOptions
from napari_neuroembed.options.split import SplitOptions
from napari_neuroembed.options.training import Normalise, TrainingOptions
from napari_neuroembed.options.transforms import TransformOptions
from napari_neuroembed.options.windows import WindowOptions


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RunConfig:
    """Everything that decides what one training does."""

    method: str = "guenel2022"
    """Id of the method, see the table of methods."""

    preset: str = "default"
    """Where the values below came from: twin, quick, paper, or a time budget."""

    seed: int = Field(default=0, ge=0)
    """Seed of weights, order and augmentations."""

    normalise: Normalise = "none"
    """What is taken off each animal's frames, fitted on fit recordings."""

    windows: WindowOptions = Field(default_factory=WindowOptions)
    """Which frames make a sample."""

    split: SplitOptions = Field(default_factory=SplitOptions)
    """Fit and fresh recordings."""

    models: encoders.ModelOptions = Field(default_factory=encoders.ModelOptions)
    """Encoders and projection heads."""

    method_options: MethodOptions = Field(default_factory=MethodOptions)
    """Temperature and negatives of the contrastive step."""

    augmentation: augmentations.AugmentationOptions = Field(
        default_factory=augmentations.AugmentationOptions
    )
    """What must not matter."""

    training: TrainingOptions = Field(default_factory=TrainingOptions)
    """Steps, batch, schedule, device."""

    transforms: tuple[str, ...] = ()
    """What is fitted on the embeddings of fit recordings afterwards, by name; kept and
    judged beside the embedding itself."""

    transform_options: TransformOptions = Field(default_factory=TransformOptions)
    """Options of these."""

    evaluation: EvaluationOptions = Field(default_factory=EvaluationOptions)
    """How embeddings are judged."""


def default() -> RunConfig:
    """Return the configuration of a time budget before its calibration.

    Every second neural frame is taken: a window of 16 frames then spans the two seconds
    (at 16 Hz) of the paper's 32 for half the work.
    """
    return RunConfig(
        windows=WindowOptions(neural_frames=16, neural_step=2),
        augmentation=augmentations.default(),
    )


def paper() -> RunConfig:
    """Return the schedule and augmentations of Guenel et al. (no CPU job)."""
    return RunConfig(
        preset="paper",
        augmentation=augmentations.paper(),
        evaluation=EvaluationOptions(profile="full"),
    )


def twin() -> RunConfig:
    """Return the small measured setting of the synthetic twin."""
    return RunConfig(
        preset="twin",
        windows=WindowOptions(
            neural_frames=8,
            neural_step=4,
            pose_frames=8,
            pose_step_s=1 / 32,
            stride_s=0.125,
            eval_stride_s=0.5,
        ),
        models=encoders.twin(),
        augmentation=augmentations.twin(),
        training=TrainingOptions(
            steps=500,
            batch_size=96,
            learning_rate=1e-3,
            weight_decay=1e-5,
            schedule="one_cycle",
            warmup=0.1,
        ),
        method_options=MethodOptions(regression_weight=20.0),
        evaluation=EvaluationOptions(profile="full"),
    )


def quick() -> RunConfig:
    """Return the twin's setting with fewer steps and the quick evaluation."""
    config = twin()
    return dataclasses.replace(
        config,
        preset="quick",
        training=dataclasses.replace(config.training, steps=250),
        evaluation=EvaluationOptions(profile="quick"),
    )


PRESETS: dict[str, Callable[[], RunConfig]] = {
    "default": default,
    "twin": twin,
    "quick": quick,
    "paper": paper,
}


def preset_config(name: str) -> RunConfig:
    """Return the configuration of a preset; any time budget starts from `default`.

    Raises
    ------
    ConfigError
        When `name` is neither a preset nor a time such as ``10 minutes``.
    """
    if name in PRESETS:
        return PRESETS[name]()
    budget_seconds(name)
    return dataclasses.replace(default(), preset=name)


_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip


def budget_seconds(text: str) -> float:
    """Read a time budget.

    Raises
    ------
    ConfigError
        When it is no positive time.

    Examples
    --------
    >>> budget_seconds("10 minutes"), budget_seconds("1 hour")
    (600.0, 3600.0)
    >>> budget_seconds("overnight")
    36000.0
    """
    words = text.strip().lower().split()
    if words == ["overnight"]:
        return 10 * 3600.0
    try:
        value = float(words[0])
        seconds = value * _UNITS[words[1] if len(words) > 1 else ""]
    except (IndexError, KeyError, ValueError):
        raise ConfigError(
            f"{text!r} is neither a preset ({', '.join(PRESETS)}) nor a time budget "
            "such as '10 minutes', '1 hour' or 'overnight'."
        ) from None
    if not 0 < seconds < 1e8:
        raise ConfigError(f"A time budget must be above 0, found {text!r}.")
    return seconds


def with_settings(config: RunConfig, settings: Iterable[str]) -> RunConfig:
    """Apply ``section.name=value`` settings, in order.

    Raises
    ------
    ConfigError
        When a setting has no ``=``, names no option or holds a wrong value.

    Examples
    --------
    >>> with_settings(twin(), ["training.steps=20"]).training.steps
    20
    """
    for setting in settings:
        path, sign, text = setting.partition("=")
        if not sign:
            raise ConfigError(
                f"--set {setting}: expected section.name=value, e.g. "
                "--set training.steps=500."
            )
        config = replace_path(config, path.strip(), parse_value(text))
    return config


def parse_value(text: str) -> Any:
    """Read a value as YAML does; text that is no YAML stays text."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def load_config(path: Path) -> RunConfig:
    """Read a run configuration; a ``preset`` in it fills what is not written.

    Raises
    ------
    ConfigError
        When the file is no YAML mapping, or names an unknown option.
    """
    if not Path(path).is_file():
        raise ConfigError(f"There is no configuration {path}.")
    values = load_yaml(Path(path))
    base = to_dict(preset_config(str(values.get("preset", "default"))))
    return from_dict(RunConfig, _merge(base, values))


def config_text(config: RunConfig) -> str:
    """Return a configuration as YAML, with every field spelled out."""
    return yaml.safe_dump(to_dict(config), sort_keys=False)


def save_config(config: RunConfig, path: Path) -> None:
    """Write a configuration with every field spelled out."""
    files.write_text(path, config_text(config))


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if both else value
    return merged
