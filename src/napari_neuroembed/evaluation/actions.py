"""Action recognition: within an animal and on an animal the probe never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.folds import draw_bouts, runs_of_one_action
from napari_neuroembed.evaluation.intervals import (
    Measure,
    bootstrap_counts,
    mean_measure,
)
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.nulls import (
    shifted_confusions,
    shifted_rows,
)
from napari_neuroembed.evaluation.probes import PROBES, labelled, predict
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.splits import Split, resampling_units, splits
from napari_neuroembed.evaluation.table import sentence, who
from napari_neuroembed.options.evaluation import MEAN

Scores = dict[tuple[str, str], Measure]
"""Measures by (metric, target)."""

TARGET = "action"


@dataclass(frozen=True)
class ActionTask:
    """One fit and one test set of windows with the actions both know.

    Parameters
    ----------
    split
        Whose windows, and which ones.
    actions
        Actions with enough windows on both sides, in order of their names.
    y
        Action code of every window of the sample, -1 where it does not count.
    fit
        Labelled windows to fit on.
    test
        Windows to predict, unlabelled ones included (the null shifts over them).
    note
        What was left out and why.
    problem
        Why there is no score, or ''.
    """

    split: Split
    actions: tuple[str, ...]
    y: Codes
    fit: NDArray[np.int64]
    test: NDArray[np.int64]
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Draws:
    """What all probes of a task share: fit subsets, bootstraps, shifts."""

    subsets: tuple[tuple[float, int, NDArray[np.int64]], ...]
    units: Codes
    boots: Floats
    rows: NDArray[np.int64]


def action_tasks(context: Context) -> list[ActionTask]:
    """Return one task per animal within, and one per held-out animal.

    An action counts in a task when both its fit and its test windows hold at least
    `min_windows` of it; others are left out of both and named.
    """
    action = context.sample.column("action")
    least = context.options.min_windows
    return [_task(split, action, least) for split in splits(context, "action")]


def score_actions(
    context: Context, tasks: Sequence[ActionTask], representation: Representation
) -> None:
    """Add the action rows of one embedding or baseline, each probe and share."""
    for kind in dict.fromkeys(task.split.task for task in tasks):
        chosen = [task for task in tasks if task.split.task == kind]
        draws = {t.split.animal: _draws(context, t) for t in chosen if not t.problem}
        for name in context.options.probes:
            reader = _Reader(context, representation, name)
            done = _score_each(reader, chosen, draws)
            if chosen[0].split.has_mean:
                for (fraction, draw), found in done.items():
                    _add_mean(reader, found, fraction, draw)


def score_guesses(context: Context, tasks: Sequence[ActionTask]) -> None:
    """Add the rows of guessing without looking: uniform, majority, stratified."""
    for task in tasks:
        if task.problem:
            continue
        n = len(task.actions)
        fitted = _counts(task.y[task.fit], n)
        tested = _counts(task.y[task.test], n)
        chance = metrics.chance_levels(fitted, tested)
        for way, called in metrics.guesses(fitted).items():
            found = metrics.scores(metrics.guess(tested, called))
            for metric in metrics.METRICS:
                context.table.add(
                    {"method": way, "is_baseline": True, **task.split.columns()},
                    metric,
                    Measure(float(found[metric]), float(chance[metric])),
                    target=TARGET,
                    n_fit=task.fit.size,
                    n_test=int(tested.sum()),
                    n_classes=n,
                )


@dataclass(frozen=True)
class _Reader:
    """One probe on one representation."""

    context: Context
    representation: Representation
    probe: str

    def columns(self) -> dict[str, Any]:
        return {**who(self.representation), "probe": self.probe}


def _task(split: Split, action: NDArray[Any], least: int) -> ActionTask:
    y = np.full(action.size, -1, dtype=np.int64)
    if split.problem:
        return ActionTask(split, (), y, split.fit, split.test, problem=split.problem)
    names = sorted((set(action[split.fit]) | set(action[split.test])) - {""})
    counts = {
        name: (
            int(np.count_nonzero(action[split.fit] == name)),
            int(np.count_nonzero(action[split.test] == name)),
        )
        for name in names
    }
    kept = tuple(name for name, n in counts.items() if min(n) >= least)
    left_out = [
        f"'{name}' left out ({n[0]} fit and {n[1]} fresh windows)"
        for name, n in counts.items()
        if name not in kept
    ]
    for code, name in enumerate(kept):
        y[action == name] = code
    problem = ""
    if not counts:
        problem = "no labelled windows: annotate actions, or import labels"
    elif len(kept) < 2:
        why = (
            f"needs 2 actions with at least {least} labelled fit and fresh windows "
            f"each, found {len(kept)}"
        )
        problem = sentence([why, *left_out])
    fit = split.fit[y[split.fit] >= 0]
    note = sentence([split.note, *left_out])
    return ActionTask(split, kept, y, fit, split.test, note, problem)


def _draws(context: Context, task: ActionTask) -> _Draws:
    options = context.options
    generator = context.generator("actions", *task.split.words)
    times = context.sample.times
    y, recording = task.y[task.fit], context.recording[task.fit]
    bout = runs_of_one_action(recording, times[task.fit], y)
    subsets = []
    for fraction in options.fractions or (1.0,):
        for draw in range(1 if fraction >= 1.0 else options.draws or 1):
            kept = draw_bouts(bout, recording, y, fraction, generator)
            subsets.append((fraction, draw, task.fit[kept]))
    units = resampling_units(context, task.test)
    strata = np.zeros(int(units.max()) + 1, dtype=np.int64)
    return _Draws(
        tuple(subsets),
        units,
        bootstrap_counts(strata, options.bootstraps, generator),
        shifted_rows(
            context.recording[task.test],
            times[task.test],
            options.shifts or 0,
            generator,
        ),
    )


_Done = dict[tuple[float, int], list[tuple[ActionTask, Scores, int]]]


def _score_each(
    reader: _Reader, tasks: Sequence[ActionTask], draws: dict[str, _Draws]
) -> _Done:
    done: _Done = {}
    for task in tasks:
        if task.problem:
            columns = {**reader.columns(), **task.split.columns()}
            reader.context.table.add_missing(
                columns, "accuracy", task.problem, target=TARGET
            )
            continue
        shared = draws[task.split.animal]
        for fraction, draw, fit in shared.subsets:
            found = _fit_and_score(reader, task, shared, fit, is_all=fraction >= 1.0)
            done.setdefault((fraction, draw), []).append((task, found, fit.size))
            _add_rows(reader, task, found, fraction=fraction, draw=draw, fit=fit)
    return done


def _fit_and_score(
    reader: _Reader,
    task: ActionTask,
    shared: _Draws,
    fit: NDArray[np.int64],
    *,
    is_all: bool,
) -> Scores:
    context, x = reader.context, reader.representation.values
    n = len(task.actions)
    probe = PROBES[reader.probe](context.options)
    data = labelled(x[fit], task.y[fit], n, groups=context.recording[fit])
    words = (reader.representation.key, reader.probe, *task.split.words)
    probe.fit(data, context.generator(*words))
    predicted, confidence = predict(probe, x[task.test])
    if is_all and task.split.control == "none":
        context.table.predictions.append(
            _predictions(reader, task, predicted, confidence)
        )
    fitted = _counts(task.y[task.fit], n)
    return _measures(task.y[task.test], predicted, fitted, shared, task.actions)


def _measures(
    truth: Codes,
    predicted: Codes,
    fitted: Floats,
    shared: _Draws,
    actions: tuple[str, ...],
) -> Scores:
    n, n_units = len(actions), shared.boots.shape[1]
    counts = metrics.confusion(truth, predicted, n, units=shared.units, n_units=n_units)
    whole = counts.sum(axis=0)
    found = metrics.scores(whole)
    chance = metrics.chance_levels(fitted, whole.sum(axis=1))
    drawn = (shared.boots @ counts.reshape(n_units, -1)).reshape(-1, n, n)
    boots = metrics.scores(drawn)
    null = metrics.scores(shifted_confusions(truth, predicted, shared.rows, n))
    out: Scores = {}
    for metric in metrics.METRICS:
        out[metric, TARGET] = Measure(
            float(found[metric]), float(chance[metric]), boots[metric], null[metric]
        )
    for metric in metrics.CLASS_METRICS:
        for i, action in enumerate(actions):
            out[metric, action] = Measure(
                float(found[metric][i]),
                float(chance[metric][i]),
                boots[metric][:, i],
                null[metric][:, i],
            )
    return out


def _add_rows(
    reader: _Reader,
    task: ActionTask,
    found: Scores,
    *,
    fraction: float,
    draw: int,
    fit: NDArray[np.int64],
) -> None:
    """Add the rows of one animal; single actions only where all labels were used."""
    context = reader.context
    columns = {**reader.columns(), **task.split.columns()}
    for (metric, target), measure in found.items():
        if target != TARGET and fraction < 1.0:
            continue
        context.table.add(
            columns,
            metric,
            measure,
            target=target,
            fraction=fraction,
            draw=draw,
            n_fit=fit.size,
            n_test=int(np.count_nonzero(task.y[task.test] >= 0)),
            n_classes=len(task.actions),
            note=task.note,
        )


def _add_mean(
    reader: _Reader,
    done: Sequence[tuple[ActionTask, Scores, int]],
    fraction: float,
    draw: int,
) -> None:
    """Add the mean over animals; an action counts where the animal has it."""
    context, split = reader.context, done[0][0].split
    generator = context.generator("mean", reader.representation.key, split.task)
    keys = dict.fromkeys(key for _, found, _ in done for key in found)
    tested = [int(np.count_nonzero(t.y[t.test] >= 0)) for t, _, _ in done]
    for metric, target in keys:
        if target != TARGET and fraction < 1.0:
            continue
        parts = [f[metric, target] for _, f, _ in done if (metric, target) in f]
        context.table.add(
            {**reader.columns(), **split.columns(MEAN)},
            metric,
            mean_measure(parts, generator),
            target=target,
            fraction=fraction,
            draw=draw,
            n_fit=sum(n for _, _, n in done),
            n_test=sum(tested),
            n_classes=max(len(task.actions) for task, _, _ in done),
            note=f"mean of {len(parts)} of {len(context.sample.animals())} animals",
        )


def _predictions(
    reader: _Reader, task: ActionTask, predicted: Codes, confidence: Floats
) -> pd.DataFrame:
    known = task.y[task.test] >= 0
    rows = task.test[known]
    names = np.array(task.actions, dtype=object)
    columns = {**reader.columns(), "task": task.split.task, "target": TARGET}
    return pd.DataFrame(
        {
            "window_id": reader.context.sample.windows["window_id"].to_numpy()[rows],
            **columns,
            "mode": task.split.mode,
            "animal": task.split.animal,
            "true": names[task.y[rows]],
            "predicted": names[predicted[known]],
            "confidence": confidence[known].astype(np.float32),
            "weight": np.float32(1.0),
        }
    )


def _counts(codes: Codes, n: int) -> Floats:
    return np.bincount(codes[codes >= 0], minlength=n).astype(np.float64)
