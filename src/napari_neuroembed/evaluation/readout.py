"""Read one label of recordings from fresh windows, with interval and null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.crossfit import cross_predict, fold_weights, pieces
from napari_neuroembed.evaluation.detectable import Power, power_of
from napari_neuroembed.evaluation.intervals import (
    Measure,
    bootstrap_counts,
    mean_measure,
)
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.significance import Null, null_of
from napari_neuroembed.evaluation.table import sentence, who
from napari_neuroembed.options.evaluation import MEAN


def score_audit(
    context: Context,
    audit: Audit,
    representation: Representation,
    probe: str,
    columns: Mapping[str, Any],
    *,
    is_tested: bool = True,
) -> dict[str, Measure]:
    """Read one label with one probe, add its rows and return the measures.

    Parameters
    ----------
    context, audit
        The evaluation and the plan.
    representation, probe
        What is read and what reads it.
    columns
        Columns `task`, `target`, `animal`, `control` of the rows.
    is_tested
        Whether labels are permuted for p.
    """
    fields = {**who(representation), "probe": probe, **_facts(context), **columns}
    if audit.problem:
        context.table.add_missing(fields, "accuracy", audit.problem)
        return {}
    x = representation.values[audit.rows]
    predicted, confidence = cross_predict(context, audit, x, probe, representation.key)
    null = Null()
    if is_tested:
        null = null_of(context, audit, x, probe, str(columns["target"]))
    power = Power()
    is_identity = (columns["task"], columns["target"]) == ("identity", "animal")
    if is_identity and "control" not in columns:
        power = power_of(context, audit, representation, probe, null)
    counts, found = _measured(context, audit, predicted, null, columns)
    row = {
        "balanced": audit.cells.kind != "none",
        "n_fit": audit.n_fitted,
        "n_test": audit.n_scored,
        "n_classes": len(audit.names),
        "note": sentence([audit.note, null.note, power.note]),
    }
    for metric in metrics.METRICS:
        told = {} if metric == "macro_f1" else {"verdict": power.verdict}
        measure = found[metric]
        if told:
            measure = replace(measure, detectable=power.detectable)
        context.table.add(fields, metric, measure, **row, **told)
    if is_identity:
        _add_per_animal(context, audit, counts, fields, row)
    if is_identity and "control" not in columns:
        context.table.predictions.append(
            _predictions(context, audit, fields, predicted, confidence)
        )
    return found


def score_recordings(
    context: Context,
    audits: dict[str, Audit],
    representation: Representation,
    probe: str,
) -> None:
    """Add the rows of the recording probe: each animal and their mean."""
    done: list[dict[str, Measure]] = []
    for animal, audit in audits.items():
        columns = {"task": "recording", "target": "recording", "animal": animal}
        found = score_audit(
            context, audit, representation, probe, columns, is_tested=False
        )
        if found:
            done.append(found)
    if not done:
        return
    generator = context.generator("recordings", representation.key, probe)
    scored = [audit for audit in audits.values() if not audit.problem]
    for metric in metrics.METRICS:
        context.table.add(
            {**who(representation), "probe": probe, **_facts(context)},
            metric,
            mean_measure([found[metric] for found in done], generator),
            task="recording",
            target="recording",
            animal=MEAN,
            n_fit=sum(audit.n_fitted for audit in scored),
            n_test=sum(audit.n_scored for audit in scored),
            n_classes=max(len(audit.names) for audit in scored),
            note=f"mean of {len(done)} of {len(audits)} animals",
        )


def _facts(context: Context) -> dict[str, str]:
    return {"held_out_animal": context.facts.held_out_animal}


def _units(audit: Audit) -> tuple[Codes, Codes]:
    """Return what the bootstrap resamples, and the label of each unit.

    Recordings; blocks of them where a label has only one recording.
    """
    if np.bincount(audit.of_recording).min() >= 2:
        return audit.recording, audit.of_recording
    _, first, unit = np.unique(pieces(audit), return_index=True, return_inverse=True)
    return unit.astype(np.int64), audit.label[first]


def _measured(
    context: Context,
    audit: Audit,
    predicted: Codes,
    null: Null,
    columns: Mapping[str, Any],
) -> tuple[Floats, dict[str, Measure]]:
    """Return confusion counts per unit and the measures made of them."""
    n = len(audit.names)
    units, strata = _units(audit)
    weights = fold_weights(audit)
    counts = metrics.confusion(
        audit.label, predicted, n, weights=weights, units=units, n_units=strata.size
    )
    words = (columns["task"], columns["target"], columns.get("animal", ""))
    generator = context.generator("audit boots", *words)
    drawn = bootstrap_counts(strata, context.options.bootstraps, generator)
    n_units = strata.size
    boots = metrics.scores((drawn @ counts.reshape(n_units, -1)).reshape(-1, n, n))
    whole = metrics.scores(counts.sum(axis=0))
    found = {}
    for metric in metrics.METRICS:
        draws = np.empty(0) if metric == "macro_f1" else null.draws
        value = float(whole[metric])
        found[metric] = Measure(value, 1.0 / n, boots[metric], draws, null.observed)
    return counts, found


def _add_per_animal(
    context: Context,
    audit: Audit,
    counts: Floats,
    fields: dict[str, Any],
    row: dict[str, Any],
) -> None:
    """Add each animal's recall: whose windows give it away."""
    recall = metrics.scores(counts.sum(axis=0))["recall"]
    chance = 1.0 / len(audit.names)
    for i, name in enumerate(audit.names):
        context.table.add(
            {**fields, **row, "target": name},
            "recall",
            Measure(float(recall[i]), chance),
        )


def _predictions(
    context: Context,
    audit: Audit,
    fields: dict[str, Any],
    predicted: Codes,
    confidence: Floats,
) -> pd.DataFrame:
    weights = fold_weights(audit)
    used = weights > 0
    names = np.array(audit.names, dtype=object)
    rows = audit.rows[used]
    sample = context.sample
    columns = ("method", "is_baseline", "stream", "transform", "probe")
    return pd.DataFrame(
        {
            "window_id": sample.windows["window_id"].to_numpy()[rows],
            **{column: fields[column] for column in columns},
            "task": fields["task"],
            "target": fields["target"],
            "mode": context.facts.mode,
            "animal": sample.column("animal")[rows],
            "true": names[audit.label[used]],
            "predicted": names[predicted[used]],
            "confidence": confidence[used].astype(np.float32),
            "weight": weights[used].astype(np.float32),
        }
    )
