"""Scores that must be at chance, or far below the embedding's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.actions import (
    TARGET,
    ActionTask,
    action_tasks,
    score_actions,
)
from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.clock import clock_features, read_clock
from napari_neuroembed.evaluation.context import Context, Step
from napari_neuroembed.evaluation.noise import noise_like
from napari_neuroembed.evaluation.nuisance import NUISANCES
from napari_neuroembed.evaluation.readout import score_audit
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.table import Table, who
from napari_neuroembed.options.evaluation import MEAN

DRAWS = 499
"""Draws of every null: enough for p below 0.05 divided by the number of controls."""


def control_steps(
    context: Context,
    tasks: Sequence[ActionTask],
    audit: Audit,
    judged: Sequence[Representation],
) -> list[Step]:
    """Return the steps that add the controls' rows.

    Parameters
    ----------
    context
        The evaluation.
    tasks, audit
        What is asked of the embeddings.
    judged
        The embeddings h that are judged.
    """
    steps: list[Step] = []
    for one in judged:
        shuffled = partial(_shuffled, context, one)
        noise = partial(_noise, context, tasks, audit, one)
        clock = partial(_clock_as_target, context, one)
        steps.append((f"control: labels shuffled, {one.key}", shuffled))
        steps.append((f"control: noise like {one.key}", noise))
        steps.append((f"control: the clock from {one.key}", clock))
    features = clock_features(context.recording, context.sample.times)
    found = {"clock": features, **context.sample.nuisances}
    for name in ("clock", *NUISANCES):
        alone = partial(_alone, context, tasks, audit, name, found.get(name))
        steps.append((f"control: {name} alone", alone))
    return steps


def _shuffled(context: Context, one: Representation) -> None:
    """Read the actions of another recording, moved along its time.

    Bouts keep their lengths and their order, but belong to other windows. An only
    recording keeps its own, moved: other actions than the present one are likelier
    then, so that the score may lie slightly off chance.
    """
    sample, generator = context.sample, context.generator("labels shuffled", one.key)
    action = sample.column("action")
    tracks = [
        members[np.argsort(sample.times[members], kind="stable")]
        for members in (
            np.flatnonzero(context.recording == r) for r in np.unique(context.recording)
        )
    ]
    order = generator.permutation(len(tracks))
    given = action.copy()
    for receiver, donor in zip(order, np.roll(order, 1), strict=True):
        rows = tracks[donor]
        quarter = rows.size // 4
        lag = int(generator.integers(quarter, rows.size - quarter, endpoint=True))
        track = np.roll(action[rows], lag)
        given[tracks[receiver]] = np.resize(track, tracks[receiver].size)
    windows = sample.windows.assign(action=given)
    scratch = _scratch(context, ("knn",))
    scratch = dataclasses.replace(
        scratch, sample=dataclasses.replace(sample, windows=windows)
    )
    score_actions(scratch, action_tasks(scratch), one)
    _keep(context, scratch, "labels_shuffled")


def _noise(
    context: Context, tasks: Sequence[ActionTask], audit: Audit, one: Representation
) -> None:
    generator = context.generator("noise", one.key)
    values = noise_like(one.values, context.recording, context.sample.times, generator)
    noise = dataclasses.replace(
        one, key=f"noise_{one.key}", values=values, method="noise", is_baseline=True
    )
    scratch = _scratch(context, ("knn",))
    score_actions(scratch, tasks, noise)
    _read_animal(scratch, audit, noise, "noise")
    _keep(context, scratch, "noise")


def _clock_as_target(context: Context, one: Representation) -> None:
    columns = {
        **who(one),
        "task": "clock",
        "target": "clock",
        "probe": "ridge",
        "control": "clock_target",
    }
    read = read_clock(context, one)
    if read is None:
        why = "needs fit windows and two fresh recordings"
        context.table.add_missing(columns, "correlation", why)
        return
    measure, n_fit, n_test = read
    context.table.add(columns, "correlation", measure, n_fit=n_fit, n_test=n_test)


def _alone(
    context: Context,
    tasks: Sequence[ActionTask],
    audit: Audit,
    name: str,
    values: NDArray[Any] | None,
) -> None:
    if values is None:
        why = context.sample.absent.get(name, "the registration's trace is not given")
        columns = {"method": name, "is_baseline": True, "control": name}
        for task in ("action_single", "action_multi", "identity"):
            context.table.add_missing(columns, "balanced_accuracy", why, task=task)
        return
    one = Representation(name, values, name, "none", "none", is_baseline=True)
    scratch = _scratch(context, ("linear",))
    score_actions(scratch, tasks, one)
    _read_animal(scratch, audit, one, name)
    _keep(context, scratch, name)


def _read_animal(
    scratch: Context, audit: Audit, one: Representation, name: str
) -> None:
    columns = {"task": "identity", "target": "animal", "control": name}
    is_tested = audit.kind != "random_leaky"
    score_audit(scratch, audit, one, "linear", columns, is_tested=is_tested)


def _scratch(context: Context, probes: tuple[Any, ...]) -> Context:
    """Return a context with a table of its own, one probe and fine nulls."""
    options = dataclasses.replace(
        context.options,
        probes=probes,
        fractions=(1.0,),
        draws=1,
        shifts=DRAWS,
        permutations_linear=DRAWS,
        bootstraps=0,
    )
    table = Table(context.facts)
    return dataclasses.replace(context, options=options, table=table)


def _keep(context: Context, scratch: Context, control: str) -> None:
    """Take over one row per question: over all animals, else of the only one."""
    known: set[tuple[str, str]] = set()
    for row in scratch.table.rows:
        if "value" not in row:
            key = (row["task"], row["probe"])
            if key not in known:
                context.table.rows.append({**row, "control": control})
            known.add(key)
        elif _is_whole(context, row):
            context.table.rows.append({**row, "control": control})


def _is_whole(context: Context, row: Mapping[str, Any]) -> bool:
    if row["metric"] != "balanced_accuracy":
        return False
    if row["target"] not in (TARGET, "animal"):
        return False
    if row["task"] == "identity" or context.facts.mode == "inductive":
        return True
    return MEAN in (row["animal"], row["held_out_animal"])
