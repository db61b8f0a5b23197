"""Ask every question of every embedding, and of what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from napari_neuroembed.evaluation.actions import (
    ActionTask,
    action_tasks,
    score_actions,
    score_guesses,
)
from napari_neuroembed.evaluation.audit_steps import audit_steps
from napari_neuroembed.evaluation.context import Context, Step
from napari_neuroembed.evaluation.controls import control_steps
from napari_neuroembed.evaluation.decoding import (
    decoding_tasks,
    score_constant,
    score_decoding,
)
from napari_neuroembed.evaluation.distances import animal_distances, as_table
from napari_neuroembed.evaluation.identity import identity_audit
from napari_neuroembed.evaluation.sample import (
    Representation,
    Sample,
    representations,
)
from napari_neuroembed.evaluation.table import RunFacts, Table
from napari_neuroembed.evaluation.verdict import judge
from napari_neuroembed.options.evaluation import EvaluationOptions, resolved
from napari_neuroembed.progress import Report, silent


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Parameters
    ----------
    scores
        One row per score, with the columns of ``scores.csv``.
    predictions
        One row per tested window, task and probe, for confusion matrices.
    distances
        One row per pair of animals, with the columns of ``distances.parquet``.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    distances: pd.DataFrame


def evaluate(
    sample: Sample,
    options: EvaluationOptions,
    *,
    identity: RunFacts,
    generator: np.random.Generator,
    report: Report = silent,
) -> Evaluation:
    """Judge embeddings: actions, decoding, identity leakage, with all their controls.

    Every row stands beside its chance level, and every embedding beside the same
    probes on raw signals and on an untrained encoder. What cannot be computed is a
    row without value and with the reason in `note`.

    Parameters
    ----------
    sample
        Windows, embeddings, baselines and targets.
    options
        How to judge; empty fields take the values of the profile.
    identity
        Names of the run that every row repeats.
    generator
        All randomness follows from it.
    report
        Called after every question.

    Raises
    ------
    Cancelled
        From `report`, when the job was asked to stop.
    """
    base_seed = int(generator.integers(2**62))
    table = Table(identity)
    context = Context(sample, resolved(options), identity, table, base_seed)
    pairs: list[dict[str, Any]] = []
    steps = _plan(context, pairs)
    # Thousands of small products: several threads would only wait for each other.
    with threadpool_limits(limits=1):
        for done, (name, step) in enumerate(steps):
            report("evaluate", done, len(steps), name)
            step()
    report("evaluate", len(steps), len(steps))
    judge(table.rows)
    scores = _named_normaliser(table.scores(), identity)
    return Evaluation(scores, table.predicted(), as_table(pairs))


def _named_normaliser(scores: pd.DataFrame, identity: RunFacts) -> pd.DataFrame:
    """Say in inductive rows whose frames the held-out animal was normalised by."""
    if identity.mode != "inductive" or identity.normalise == "none":
        return scores
    own = (
        f"normaliser of {identity.held_out_animal} fitted on its own unlabelled fit "
        "recordings"
    )
    notes = scores["note"].where(scores["note"] == "", scores["note"] + "; ") + own
    return scores.assign(note=notes)


def _plan(context: Context, pairs: list[dict[str, Any]]) -> list[Step]:
    """Return the questions in the order of the table; `pairs` gets the distances."""
    read = representations(context.sample, context.facts.method)
    if not context.options.baselines:
        read = [one for one in read if not one.is_baseline]
    tasks, audit = action_tasks(context), identity_audit(context)
    steps = [*_action_steps(context, tasks, read), *audit_steps(context, audit, read)]
    if context.sample.untransformed:
        steps.append(("transforms", partial(_add_untransformed, context)))
    if context.options.decode:
        steps += _decoding_steps(context, read)
    if context.options.distances:
        steps += [
            (f"distances in {one.key}", partial(_add_distances, context, one, pairs))
            for one in read
        ]
    if context.options.controls:
        h = [one for one in read if not one.is_baseline and one.transform == "none"]
        steps += control_steps(context, tasks, audit, h)
    return steps


def _add_distances(
    context: Context, one: Representation, pairs: list[dict[str, Any]]
) -> None:
    pairs += animal_distances(context, one)


def _add_untransformed(context: Context) -> None:
    """Say of transforms that could not be fitted why there are no rows of them."""
    for name, why in context.sample.untransformed.items():
        columns = {
            "method": context.facts.method,
            "stream": "neural",
            "transform": name,
        }
        for task in ("action_multi", "identity"):
            context.table.add_missing({**columns, "task": task}, "accuracy", why)


def _action_steps(
    context: Context, tasks: list[ActionTask], read: list[Representation]
) -> list[Step]:
    steps: list[Step] = [
        (f"actions from {one.key}", partial(score_actions, context, tasks, one))
        for one in read
    ]
    if not context.options.baselines:
        return steps
    return [*steps, ("actions by guessing", partial(score_guesses, context, tasks))]


def _decoding_steps(context: Context, read: list[Representation]) -> list[Step]:
    tasks = decoding_tasks(context)
    if not tasks:
        why = "no scalar or pose stream to decode"
        columns = {"task": "decode_single", "method": context.facts.method}
        return [
            ("decoding", lambda: context.table.add_missing(columns, "r2", why)),
        ]
    steps: list[Step] = [
        (
            f"decoding from {one.key}",
            partial(score_decoding, context, tasks, one),
        )
        for one in read
    ]
    return [*steps, ("decoding by the mean", partial(score_constant, context, tasks))]
