"""Decoding of every scalar and pose stream: an answer without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.intervals import (
    Measure,
    bootstrap_counts,
    mean_measure,
)
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.nulls import shifted_errors
from napari_neuroembed.evaluation.ridge import DECODERS
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.splits import Split, resampling_units, splits
from napari_neuroembed.evaluation.table import sentence, who
from napari_neuroembed.options.evaluation import MEAN

MIN_FIT, MIN_TEST = 20, 10
Scores = dict[tuple[str, str], Measure]
"""Measures by (metric, target)."""


@dataclass(frozen=True)
class DecodingTask:
    """One stream, one fit and one test set.

    Parameters
    ----------
    split
        Whose windows, and which ones.
    stream
        Name of the stream decoded.
    columns
        Names of the signals that vary in both sets.
    y
        Those signals at every window of the sample, shape (n, k).
    fit, test
        Windows whose signals are all known; all test windows.
    note, problem
        What was left out; why there is no score.
    """

    split: Split
    stream: str
    columns: tuple[str, ...]
    y: Floats
    fit: NDArray[np.int64]
    test: NDArray[np.int64]
    note: str = ""
    problem: str = ""


def decoding_tasks(context: Context) -> list[DecodingTask]:
    """Return one task per stream and split, within and across animals."""
    found = splits(context, "decode")
    return [
        _task(context, stream, split)
        for stream in context.sample.targets
        for split in found
    ]


def score_decoding(
    context: Context, tasks: Sequence[DecodingTask], representation: Representation
) -> None:
    """Add the decoding rows of one embedding or baseline.

    Each animal has rows for the stream (the mean over its signals); single signals
    have rows for the mean over animals. `chance` is the score of always saying the
    mean of the fit windows.
    """
    groups = dict.fromkeys((task.stream, task.split.task) for task in tasks)
    for stream, kind in groups:
        chosen = [t for t in tasks if (t.stream, t.split.task) == (stream, kind)]
        for name in DECODERS:
            columns = {**who(representation), "probe": name}
            _score_group(context, chosen, representation, columns)


def score_constant(context: Context, tasks: Sequence[DecodingTask]) -> None:
    """Add the baseline that always says the mean of the fit windows."""
    for task in tasks:
        if task.problem:
            continue
        guess = np.broadcast_to(task.y[task.fit].mean(axis=0), task.y[task.test].shape)
        truth = task.y[task.test]
        r2, error = _r2(truth, guess), _median_error(truth, guess)
        columns = {"method": "mean", "is_baseline": True, **task.split.columns()}
        for metric, values in (("r2", r2), ("median_error", error)):
            value = float(np.nanmean(values))
            context.table.add(
                columns,
                metric,
                Measure(value, value),
                target=task.stream,
                n_fit=task.fit.size,
                n_test=task.test.size,
            )


def _task(context: Context, stream: str, split: Split) -> DecodingTask:
    values = np.asarray(context.sample.targets[stream], dtype=np.float64)
    names = context.sample.columns_of(stream)
    y = np.where(np.isfinite(values), values, np.nan)
    if split.problem:
        return DecodingTask(
            split, stream, names, y, split.fit, split.test, problem=split.problem
        )
    varies = np.array(
        [
            _varies(y[split.fit, i]) and _varies(y[split.test, i])
            for i in range(len(names))
        ]
    )
    kept = tuple(name for name, v in zip(names, varies, strict=True) if v)
    left_out = [name for name, v in zip(names, varies, strict=True) if not v]
    note = f"{_listed(left_out)} constant or unknown, left out" if left_out else ""
    y = y[:, varies]
    fit = split.fit[np.isfinite(y[split.fit]).all(axis=1)]
    n_test = int(np.isfinite(y[split.test]).all(axis=1).sum())
    problem = ""
    if not kept:
        problem = f"no signal of '{stream}' varies in fit and fresh windows"
    elif fit.size < MIN_FIT or n_test < MIN_TEST:
        problem = (
            f"needs {MIN_FIT} fit and {MIN_TEST} fresh windows with known '{stream}', "
            f"found {fit.size} and {n_test}"
        )
    return DecodingTask(
        split,
        stream,
        kept,
        y,
        fit,
        split.test,
        sentence([split.note, note]),
        problem,
    )


def _score_group(
    context: Context,
    tasks: Sequence[DecodingTask],
    representation: Representation,
    columns: dict[str, Any],
) -> None:
    done: list[tuple[DecodingTask, Scores]] = []
    for task in tasks:
        fields = {**columns, **task.split.columns(), "target": task.stream}
        if task.problem:
            context.table.add_missing(fields, "r2", task.problem)
            continue
        found = _decode(context, task, representation, columns["probe"])
        done.append((task, found))
        for metric in ("r2", "median_error"):
            context.table.add(
                fields,
                metric,
                found[metric, task.stream],
                n_fit=task.fit.size,
                n_test=_n_test(task),
                note=task.note,
            )
    if done and (done[0][0].split.has_mean or len(tasks) == 1):
        _add_means(context, done, columns, len(tasks))


def _add_means(
    context: Context,
    done: Sequence[tuple[DecodingTask, Scores]],
    columns: dict[str, Any],
    n_tasks: int,
) -> None:
    """Add each signal and their mean; of one held-out animal only the signals."""
    split, stream = done[0][0].split, done[0][0].stream
    generator = context.generator("decoding mean", split.task, stream)
    animal = MEAN if split.has_mean else split.animal
    for metric, target in dict.fromkeys(key for _, found in done for key in found):
        if target == stream and not split.has_mean:
            continue
        parts = [
            found[metric, target] for _, found in done if (metric, target) in found
        ]
        context.table.add(
            {**columns, **split.columns(animal)},
            metric,
            mean_measure(parts, generator),
            target=target,
            n_fit=sum(task.fit.size for task, _ in done),
            n_test=sum(_n_test(task) for task, _ in done),
            note=f"mean of {len(parts)} of {n_tasks} animals" * split.has_mean,
        )


def _decode(
    context: Context, task: DecodingTask, representation: Representation, name: str
) -> Scores:
    x, options = representation.values, context.options
    guess = DECODERS[name](
        x[task.fit],
        task.y[task.fit],
        context.recording[task.fit],
        x[task.test],
        k=options.knn.k,
    )
    truth = task.y[task.test]
    generator = context.generator("decode", task.stream, *task.split.words)
    value = _r2(truth, guess)
    mean = np.broadcast_to(task.y[task.fit].mean(axis=0), truth.shape)
    chance = _r2(truth, mean)
    boots = _boots(context, task, truth, guess, generator)
    null = _null(context, task, truth, guess, generator)
    errors, plain = _median_error(truth, guess), _median_error(truth, mean)
    out: Scores = {}
    for i, column in enumerate(task.columns):
        out["r2", column] = Measure(
            float(value[i]), float(chance[i]), boots[:, i], null[:, i]
        )
        out["median_error", column] = Measure(float(errors[i]), float(plain[i]))
    out["r2", task.stream] = Measure(
        float(value.mean()), float(chance.mean()), boots.mean(axis=1), null.mean(axis=1)
    )
    out["median_error", task.stream] = Measure(
        float(errors.mean()), float(plain.mean())
    )
    return out


def _boots(
    context: Context,
    task: DecodingTask,
    truth: Floats,
    guess: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Return R2 of every signal under bootstrap draws, shape (draws, k)."""
    unit = resampling_units(context, task.test)
    n_units = int(unit.max()) + 1
    known = np.isfinite(truth)
    y = np.where(known, truth, 0.0)
    error = np.where(known, (truth - guess) ** 2, 0.0)
    count, total, square, missed = (
        _sum_by(unit, n_units, part)
        for part in (known.astype(np.float64), y, y**2, error)
    )
    drawn = bootstrap_counts(
        np.zeros(n_units, dtype=np.int64), context.options.bootstraps, generator
    )
    n = np.maximum(drawn @ count, 1.0)
    spread = drawn @ square - (drawn @ total) ** 2 / n
    return _explained(drawn @ missed, spread)


def _null(
    context: Context,
    task: DecodingTask,
    truth: Floats,
    guess: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Return R2 with the truth of each recording shifted, shape (shifts, k)."""
    recording, n_draws = context.recording[task.test], context.options.shifts or 0
    missed = np.zeros((n_draws, truth.shape[1]))
    for r in np.unique(recording):
        own = recording == r
        lags = generator.integers(np.count_nonzero(own), size=n_draws)
        missed += shifted_errors(truth[own], guess[own])[lags]
    return _explained(missed, _spread(truth))


def _r2(truth: Floats, guess: Floats) -> Floats:
    missed = np.nansum((truth - guess) ** 2, axis=0)
    return _explained(missed, _spread(truth))


def _spread(truth: Floats) -> Floats:
    mean = np.nanmean(truth, axis=0)
    return np.asarray(np.nansum((truth - mean) ** 2, axis=0))


def _explained(missed: Floats, spread: Floats) -> Floats:
    out = np.full(np.broadcast_shapes(missed.shape, spread.shape), np.nan)
    ratio = np.divide(missed, spread, out=out, where=spread > 0)
    return np.asarray(1.0 - ratio)


def _median_error(truth: Floats, guess: Floats) -> Floats:
    return np.asarray(np.nanmedian(np.abs(truth - guess), axis=0))


def _sum_by(unit: Codes, n_units: int, values: Floats) -> Floats:
    out = np.zeros((n_units, values.shape[1]))
    np.add.at(out, unit, values)
    return out


def _varies(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    return known.size > 1 and float(np.ptp(known)) > 1e-12 * float(np.abs(known).max())


def _n_test(task: DecodingTask) -> int:
    return int(np.isfinite(task.y[task.test]).any(axis=1).sum())


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
