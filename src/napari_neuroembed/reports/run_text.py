"""The methods text about one run: split, windows, training, embedding, evaluation."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.problems import counted
from napari_neuroembed.data.splits import Split
from napari_neuroembed.methods import METHODS
from napari_neuroembed.methods.behavenet import BehaveNet
from napari_neuroembed.methods.contrastive import Contrastive
from napari_neuroembed.methods.regression import RegressionConv
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.reports.citations import (
    cited,
    method_keys,
    transform_keys,
    transforms_of,
)
from napari_neuroembed.reports.evaluation_text import evaluation_text
from napari_neuroembed.reports.run_facts import RunRecord
from napari_neuroembed.transforms import TRANSFORMS


def run_text(run: RunRecord) -> str:
    """Return how a run was made and judged, as one paragraph."""
    if run.folder.is_imported:
        sentences = _imported(run)
    else:
        sentences = [
            *_method(run),
            *_augmentation(run.config),
            *_training(run),
        ]
    if run.split is not None:
        sentences += split_text(run.split)
    sentences += [*_transforms(run), *_embedded(run), *evaluation_text(run.judged)]
    return ". ".join(s.strip().rstrip(".") for s in sentences if s) + "."


def split_text(split: Split) -> list[str]:
    """Return which recordings things were fitted on, and judged on."""
    by_role: dict[str, list[str]] = {}
    for name, role in split.roles.items():
        by_role.setdefault(role, []).append(name)
    parts = [
        f"{counted(len(names), 'recording')} {words} ({', '.join(names)})"
        for role, words in _ROLES.items()
        if (names := by_role.get(role))
    ]
    text = [f"Split: {'; '.join(parts)}"] if parts else []
    for name, blocks in split.blocks.items():
        cuts = ", ".join(f"{a:.1f}-{b:.1f} s {role}" for a, b, role in blocks)
        text.append(f"Blocks of {name}: {cuts}")
    return text + list(split.notes)


_ROLES = {
    "fit": "to fit on",
    "fresh": "fresh, to judge on",
    "blocks": "cut into blocks",
}


def _method(run: RunRecord) -> list[str]:
    config, method = run.config, METHODS.get(run.config.method)
    about, paper = "a method that is not known here", ""
    if method is not None:
        about = _first(method)
        name = method.paper_name
        paper = f", there called “{name}”" if name else ""
    return [
        (
            f"Run {run.name} used {config.method}{cited(method_keys(config))}{paper}: "
            f"{about[:1].lower()}{about[1:]}"
        ),
        *_windows(run),
        *_networks(config),
        f"Method options: {_listed(_deciding(config))}",
    ]


def _deciding(config: RunConfig) -> dict[str, Any]:
    """Return the method options that this method looks at."""
    method, options = METHODS.get(config.method), config.method_options
    names: list[str] = []
    if method is None or issubclass(method, Contrastive):
        names += ["temperature", "negatives"]
        names += ["sides"] if options.negatives == "same_animal" else []
    if method is not None and method.needs.views:
        names += ["view_shift_s"]
    if method is not None and issubclass(method, RegressionConv):
        names += ["regression_weight"]
    if method is not None and issubclass(method, BehaveNet):
        names += ["states", "em_iterations"]
    if options.domain != "none":
        names += ["domain", "domain_weight", "domain_from"]
    if options.domain == "mmd":
        names += ["mmd_unbiased", "mmd_on_sphere"]
    return {name: value for name, value in to_dict(options).items() if name in names}


def _windows(run: RunRecord) -> list[str]:
    options, streams = run.config.windows, run.info.get("streams", {})
    text = (
        f"A window was {counted(options.neural_frames, 'frame')} of "
        f"{streams.get('neural', options.neural_stream)}"
    )
    step = options.neural_step
    text += f" (1 of every {step})" if step > 1 else ""
    if "pose" in streams:
        text += (
            f" and {counted(options.pose_frames, 'frame')} of {streams['pose']}, "
            f"{options.pose_step_s:g} s apart"
        )
    text += (
        f", centred on the clock of {options.centre}; training windows every "
        f"{options.stride_s:g} s, evaluation windows every {options.eval_stride_s:g} s"
    )
    dropped = options.drop_actions
    left_out = f"Windows of {', '.join(dropped)} were left out" if dropped else ""
    label = f"Actions of windows: {options.label}; edges: {options.edge}"
    return [text, label, left_out, f"Normalisation of input: {run.config.normalise}"]


def _networks(config: RunConfig) -> list[str]:
    models = config.models
    return [
        f"Neural encoder: {_listed(to_dict(models.neural))}",
        f"Second encoder: {_listed(to_dict(models.pose))}",
        f"Projection: {counted(models.projection_dim, 'dimension')}",
    ]


def _augmentation(config: RunConfig) -> list[str]:
    active = [
        f"{name.replace('_', ' ')} ({_listed(options)})"
        for name, options in to_dict(config.augmentation).items()
        if options["p"] > 0
    ]
    return [f"Augmentations: {'; '.join(active) or 'none'}"]


def _training(run: RunRecord) -> list[str]:
    options, info = run.config.training, run.info
    text = (
        f"{info.get('step', 0):,} of {options.steps:,} steps of Adam on "
        f"{counted(int(info.get('n_windows', 0)), 'window')}, "
        f"{options.batch_size} in a batch"
        f"{', equal shares of every animal' if options.balanced else ''}, learning "
        "rate "
        f"{options.learning_rate:g} ({options.schedule}, warm-up "
        f"{100 * options.warmup:g} %), weight decay {options.weight_decay:g}, seed "
        f"{run.config.seed}"
    )
    held_out = ", ".join(options.held_out)
    whose = (
        f"Inductive: the encoder never saw {held_out}"
        if held_out
        else "Transductive: the encoder saw the fit recordings of all animals, without "
        "labels"
    )
    versions = ", ".join(f"{k} {v}" for k, v in info.get("versions", {}).items())
    made = (
        f"Computed on {info.get('device', 'an unknown device')} ({options.precision}, "
        f"{options.devices} process{'' if options.devices == 1 else 'es'}) in "
        f"{info.get('seconds', 0):,.0f} s with {versions}, torch {info.get('torch')}"
    )
    return [text, whose, made]


def _transforms(run: RunRecord) -> list[str]:
    names = transforms_of(run)
    if not names:
        return []
    known = [f"{n} ({_first(TRANSFORMS[n])})" for n in names if n in TRANSFORMS]
    other = [n for n in names if n not in TRANSFORMS]
    options = _listed(to_dict(run.config.transform_options))
    return [
        (
            "Fitted on embeddings of fit recordings "
            f"afterwards{cited(transform_keys(run))}: "
            f"{'; '.join([*known, *other])}, with {options}"
        )
    ]


def _embedded(run: RunRecord) -> list[str]:
    text = []
    for name, about in run.sets.items():
        counts: Counter[str] = Counter()
        for reasons in about.get("dropped", {}).values():
            counts.update(reasons)
        lost = ", ".join(f"{n:,} for {reason}" for reason, n in counts.items())
        text.append(
            f"Set {name}: a window every {about.get('stride_s', 0):g} s"
            f"{f'; left out: {lost}' if lost else ''}"
        )
    return text


def _imported(run: RunRecord) -> list[str]:
    origin = [
        f"{one.get('file')} of {one.get('recording')} (sha256 {one.get('sha256')})"
        for one in run.info.get("sources", [])
    ]
    told = run.split.notes if run.split is not None else ()
    notes = [str(n) for n in run.info.get("notes", []) if n not in told]
    space = (
        "one fit made all of them"
        if run.info.get("one_space")
        else "each recording had a fit of its own"
    )
    return [
        (
            f"Run {run.name} is an embedding that was made elsewhere, named "
            f"{run.config.method}: {'; '.join(origin)}; {space}"
        ),
        *(f"{note[:1].upper()}{note[1:]}" for note in notes),
    ]


def _first(part: Any) -> str:
    return (inspect.getdoc(part) or "").splitlines()[0].rstrip(".")


def _listed(options: Mapping[str, Any]) -> str:
    """Return options as ``name value``, those without a value left out."""
    return ", ".join(
        f"{name} {_value(value)}"
        for name, value in options.items()
        if value is not None and value != []
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "-".join(map(_value, value))
    return str(value)
