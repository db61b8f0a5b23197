"""The paper's configuration, and what is asked for when its tables are made again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_neuroembed.api.project import Project
from napari_neuroembed.data.importing.mc2p_checks import Mc2pRequest
from napari_neuroembed.data.importing.mc2p_labels import rest_words
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.data.windows import window_index
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.published import METHOD_ROWS, N_ANIMALS, N_RECORDINGS
from napari_neuroembed.training.budget import PAPER_EPOCHS

COMPARISON = "reproduce"
PAPER_FRESH = 2
"""Recordings of every animal that the paper holds back."""
IDENTITY_WINDOWS = 1000
"""Windows that the paper reads identity from."""
_LEGS = tuple(f"{side}{leg}" for side in "RL" for leg in "FMH")
_JOINTS = ("Femur", "Tibia", "Tarsus", "Claw")


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What is asked for.

    Parameters
    ----------
    data
        Which files of which recordings.
    labels
        Table of actions; None: those the project has already.
    names
        Names in it and the actions they stand for.
    rows
        Of the comparison.
    settings
        ``section.name=value`` for all rows, after the paper's.
    preprocessing
        Dotted path -> value, after the paper's.
    profile
        Of the evaluations.
    keep_rest
        Whether windows of rest count; the public loader drops them.
    accepted
        Findings that somebody takes, with a reason.
    """

    data: Mc2pRequest
    labels: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = METHOD_ROWS
    settings: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    profile: Literal["quick", "full"] = "quick"
    keep_rest: bool = False
    accepted: tuple[Acceptance, ...] = ()

    @property
    def accept(self) -> frozenset[str]:
        """Ids of the findings that are taken."""
        return frozenset(one.check for one in self.accepted)


def paper_preprocessing(images: str, pose: str) -> dict[str, Any]:
    """Return the options of pre-processing for files of some role: path -> value.

    Images of the data set are registered and dF/F already, or need what is missing.
    Of the poses every joint is measured from the coxa of its leg; antennae and stripes
    are left out: 30 points of two coordinates.
    """
    is_dff = images.startswith("dff")
    side = 64 if images == "dff_resized" else 128
    options: dict[str, Any] = {
        "registration.method": "rigid" if images == "raw_green" else "none",
        "dff.method": "none" if is_dff else "running_minimum",
        "resize.height": side,
        "resize.width": side,
    }
    if pose == "angles":
        return {**options, "pose.method": "angles"}
    heads = [f"{s}_{h}" for s in "RL" for h in ("Antenna", *_stripes())]
    return {
        **options,
        "pose.method": "relative",
        "pose.groups": {f"{g}_Coxa": [f"{g}_{j}" for j in _JOINTS] for g in _LEGS},
        "pose.drop": heads,
        "pose.zero_is_missing": True,
    }


def paper_settings(
    project: Project, asked: Reproduction, report: Report = silent
) -> list[str]:
    """Return the paper's configuration as settings, those of the user last.

    Two recordings of every animal are held back, rest is left out, identity is read
    from 1,000 windows, and the training takes 200 epochs over the windows.
    """
    settings = paper_split(project)
    settings.append(f"evaluation.identity_windows={IDENTITY_WINDOWS}")
    words = [] if asked.keep_rest else rest_words(_actions(project))
    if words:
        settings.append(f"windows.drop_actions={json.dumps(words)}")
    chosen = [*settings, *asked.settings]
    if not any(s.startswith("training.steps=") for s in asked.settings):
        settings.append(f"training.steps={_steps(project, chosen, report)}")
    return [*settings, *asked.settings]


def _stripes() -> tuple[str, ...]:
    return tuple(f"Stripe{i}" for i in (1, 2, 3))


def paper_split(project: Project) -> list[str]:
    """Return the paper's split, or nothing when an animal has a single recording."""
    by_animal: dict[str, list[str]] = {}
    for one in project.spec.recordings:
        by_animal.setdefault(one.animal, []).append(one.id)
    if min(len(names) for names in by_animal.values()) < 2:
        return []
    fit, fresh = [], []
    for names in by_animal.values():
        n = min(PAPER_FRESH, len(names) - 1)
        ordered = sorted(names)
        fit += ordered[:-n]
        fresh += ordered[-n:]
    return [f"split.fit={json.dumps(fit)}", f"split.fresh={json.dumps(fresh)}"]


def _actions(project: Project) -> list[str]:
    if not project.annotations_path.exists():
        return []
    with project.annotations(read_only=True) as store:
        return [str(name) for name in store.actions()["name"]]


def _steps(project: Project, settings: Sequence[str], report: Report) -> int:
    """Return the steps of 200 epochs over the windows of fit recordings."""
    config = project.config(method="guenel2022", settings=settings)
    names = config.split.fit or project.recording_ids()
    n_windows = 0
    for done, name in enumerate(names):
        report("windows", done, len(names), name)
        n_windows += len(window_index([project.prepared(name)], config.windows).table)
    per_epoch = int(np.ceil(n_windows / config.training.batch_size))
    return PAPER_EPOCHS * max(1, per_epoch)


def notes_of(project: Project, asked: Reproduction) -> list[str]:
    """Return what must be known about the measured side."""
    animals, recordings = project.animals(), project.recording_ids()
    rates = ", ".join(
        f"{hz:g}{f' ({name})' if name else ''}"
        for name, hz in asked.data.pose_rate_hz.items()
    )
    notes = [
        (
            f"{len(recordings)} recordings of {len(animals)} animals (the paper: "
            f"{N_RECORDINGS} of {N_ANIMALS})."
        ),
        (
            f"Images {asked.data.images} at {asked.data.rate_hz:g} per second, poses "
            f"({asked.data.pose}) at {rates}: as given, no file says it."
        ),
    ]
    actions = _actions(project)
    if actions:
        notes.append(
            f"Actions labelled: {', '.join(actions)}. Accuracies over other actions "
            "than the paper's have another chance level."
        )
    if not paper_split(project):
        notes.append(
            "An animal has a single recording: the paper's split (two recordings of "
            "each held back) was not possible."
        )
    if rest_words(actions):
        kept = "counted" if asked.keep_rest else "left out, as the public loader does"
        notes.append(f"Windows of rest are {kept}.")
    if asked.data.without:
        notes.append(f"Left out: {', '.join(asked.data.without)}.")
    if asked.settings:
        notes.append(f"Changed by --set: {', '.join(asked.settings)}.")
    notes += [f"Accepted: {a.check} ({a.why})." for a in asked.accepted]
    return notes
