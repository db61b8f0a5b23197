"""How far apart the embeddings of two animals lie, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.audit import Audit, build_audit
from napari_neuroembed.evaluation.balance import balanced_weights
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.crossfit import balanced_accuracy, cross_predict
from napari_neuroembed.evaluation.kernel import kernel_of, weighted_mmd
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.probes import PROBES, labelled, predict
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.table import sentence
from napari_neuroembed.store.schema import DISTANCE_COLUMNS

PROBE = "linear"
MOST_WINDOWS = 3000
"""Of a pair; more are drawn from, because kernels grow with their square."""
PERMUTATIONS = 200


def animal_distances(context: Context, one: Representation) -> list[dict[str, Any]]:
    """Return one row per pair of animals, the columns of ``distances.parquet``.

    Fresh windows, balanced over the actions that both animals show, by the rules of the
    identity audit.

    Parameters
    ----------
    context
        The evaluation.
    one
        What is read.
    """
    rows = []
    for a, b in combinations(context.sample.animals(), 2):
        about = {
            "animal_a": a,
            "animal_b": b,
            "method": one.method,
            "is_baseline": one.is_baseline,
            "stream": one.stream,
            "transform": one.transform,
        }
        rows.append({**about, **_between(context, one, (a, b))})
    return rows


def as_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return rows of pairs with the columns in order."""
    return pd.DataFrame(list(rows), columns=list(DISTANCE_COLUMNS))


def _between(
    context: Context, one: Representation, pair: tuple[str, str]
) -> dict[str, Any]:
    audit = build_audit(
        context,
        context.sample.column("animal"),
        name="animal",
        rows=_rows(context, pair),
    )
    there, there_why = _transfer(context, one, pair)
    back, back_why = _transfer(context, one, pair[::-1])
    n_a, n_b = (int(n) for n in np.bincount(audit.label, minlength=2)[:2])
    found: dict[str, Any] = {
        "n_a": n_a,
        "n_b": n_b,
        "transfer_ab": there,
        "transfer_ba": back,
    }
    reasons = list(dict.fromkeys([there_why, back_why]))
    if audit.problem:
        nothing = dict.fromkeys(("mmd2", "p", "gap"), np.nan)
        return found | nothing | {"note": sentence([audit.problem, *reasons])}
    x = one.values[audit.rows]
    predicted, _ = cross_predict(context, audit, x, PROBE, one.key)
    # Contrastive embeddings are compared by their directions alone.
    on_sphere = not one.is_baseline and one.transform == "none"
    value, p, note = _mmd(context, audit, _unit(x) if on_sphere else x, pair)
    found |= {"mmd2": value, "p": p, "gap": balanced_accuracy(audit, predicted)}
    return found | {"note": sentence([audit.note, note, *reasons])}


def _rows(context: Context, pair: tuple[str, str]) -> NDArray[np.int64]:
    """Return fresh windows of two animals, drawn where there are very many."""
    sample = context.sample
    rows = np.flatnonzero(sample.is_fresh & np.isin(sample.column("animal"), pair))
    if rows.size <= MOST_WINDOWS:
        return rows
    drawn = context.generator("distances", *pair).permutation(rows)[:MOST_WINDOWS]
    return np.sort(drawn)


def _unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1.0))


def _mmd(
    context: Context, audit: Audit, x: NDArray[np.float32], pair: tuple[str, str]
) -> tuple[float, float, str]:
    """Return the discrepancy, its p by permuting recordings, and what to know."""
    kernel = kernel_of(x)
    value = _discrepancy(context, audit, kernel, audit.label)
    if np.isnan(value):
        return value, np.nan, "no action that both animals show often enough"
    if np.bincount(audit.of_recording).min() < 2:
        return value, np.nan, "no p: an animal has a single fresh recording"
    generator = context.generator("distances p", *pair)
    drawn = [
        _discrepancy(
            context,
            audit,
            kernel,
            generator.permutation(audit.of_recording)[audit.recording],
        )
        for _ in range(PERMUTATIONS)
    ]
    known = [d for d in drawn if not np.isnan(d)]
    p = (1 + sum(d >= value for d in known)) / (1 + len(known))
    return value, float(p), ""


def _discrepancy(context: Context, audit: Audit, kernel: Floats, label: Codes) -> float:
    cells, least = audit.cells, context.options.min_cell
    least = 1 if cells.kind == "none" else least
    weights, kept = balanced_weights(label, cells.code, 2, len(cells.names), least)
    if not kept.any():
        return float("nan")
    return weighted_mmd(kernel, weights * (label == 0), weights * (label == 1))


def _transfer(
    context: Context, one: Representation, pair: tuple[str, str]
) -> tuple[float, str]:
    """Return how well a probe of the first animal reads the actions of the second."""
    sample, least = context.sample, context.options.min_windows
    animal, action = sample.column("animal"), sample.column("action")
    fit = ~sample.is_fresh & (animal == pair[0]) & (action != "")
    test = sample.is_fresh & (animal == pair[1]) & (action != "")
    shared = [
        name
        for name in sorted(set(action[fit]) & set(action[test]))
        if min((action[fit] == name).sum(), (action[test] == name).sum()) >= least
    ]
    if len(shared) < 2:
        return float("nan"), f"{pair[0]} to {pair[1]}: fewer than 2 shared actions"
    place = {name: i for i, name in enumerate(shared)}
    code = np.array([place.get(a, -1) for a in action], dtype=np.int64)
    fit, test = fit & (code >= 0), test & (code >= 0)
    model = PROBES[PROBE](context.options)
    generator = context.generator("transfer", one.key, *pair)
    data = labelled(
        one.values[fit], code[fit], len(shared), groups=context.recording[fit]
    )
    model.fit(data, generator)
    predicted, _ = predict(model, one.values[test])
    counts = metrics.confusion(code[test], predicted, len(shared))
    return float(metrics.scores(counts)["balanced_accuracy"].item()), ""
