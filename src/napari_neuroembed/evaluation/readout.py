"""Read one label of recordings from fresh windows, with interval and null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.audit import Audit, reweighed
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.intervals import (
    Measure,
    bootstrap_counts,
    mean_measure,
)
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.permutation import (
    Layout,
    permuted_labels,
    ridge_statistics,
    vote_statistics,
)
from napari_neuroembed.evaluation.probes import PROBES, labelled, predict
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.table import sentence, who
from napari_neuroembed.options.evaluation import MEAN

_EMPTY = np.empty(0)


def score_audit(
    context: Context,
    audit: Audit,
    representation: Representation,
    probe: str,
    columns: Mapping[str, Any],
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
    """
    fields = {**who(representation), "probe": probe, **_facts(context), **columns}
    if audit.problem:
        context.table.add_missing(fields, "accuracy", audit.problem)
        return {}
    predicted, confidence = cross_predict(context, audit, representation, probe)
    n = len(audit.names)
    weights = fold_weights(audit)
    units, strata = _units(audit)
    counts = metrics.confusion(
        audit.label, predicted, n, weights=weights, units=units, n_units=strata.size
    )
    null, observed, null_note = _null(context, audit, representation, probe, columns)
    words = (columns["task"], columns["target"], columns.get("animal", ""))
    generator = context.generator("audit boots", *words)
    drawn = bootstrap_counts(strata, context.options.bootstraps, generator)
    found = _measures(counts, drawn, null, observed)
    row = {
        "balanced": audit.cells.kind != "none",
        "n_fit": audit.n_fitted,
        "n_test": audit.n_scored,
        "n_classes": n,
        "note": sentence([audit.note, null_note]),
    }
    for metric in metrics.METRICS:
        context.table.add(fields, metric, found[metric], **row)
    if columns["task"] == "identity":
        _add_per_animal(context, audit, counts, fields, row)
    if columns["task"] == "identity" and "control" not in columns:
        context.table.predictions.append(
            _predictions(context, audit, fields, predicted, confidence)
        )
    return found


def cross_predict(
    context: Context,
    audit: Audit,
    representation: Representation,
    probe: str,
    label: Codes | None = None,
) -> tuple[Codes, Floats]:
    """Predict the label of every window by the fold that did not see it.

    Parameters
    ----------
    label
        Labels to fit on instead of the audit's own (for the null).

    Returns
    -------
    predicted, confidence
        Shapes (n,); windows that do not count are predicted as 0 with confidence 0.
    """
    truth = audit.label if label is None else label
    x = representation.values[audit.rows]
    predicted = np.zeros(truth.size, dtype=np.int64)
    confidence = np.zeros(truth.size)
    words = (representation.key, probe, *audit.names)
    generator = context.generator("audit", *words)
    for f in range(len(audit.folds)):
        fit, test = audit.train[f] > 0, audit.test[f] > 0
        if not (fit.any() and test.any()):
            continue
        model = PROBES[probe](context.options)
        groups = audit.recording if audit.kind == "recordings" else _blocks(audit)
        model.fit(
            labelled(
                x[fit],
                truth[fit],
                len(audit.names),
                weights=audit.train[f, fit],
                groups=groups[fit],
            ),
            generator,
        )
        predicted[test], confidence[test] = predict(model, x[test])
    return predicted, confidence


def fold_weights(audit: Audit) -> Floats:
    """Return the weight of each window in the pooled score, shape (n,)."""
    return np.asarray(audit.test.sum(axis=0))


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
        found = score_audit(context, audit, representation, probe, columns)
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


def _blocks(audit: Audit) -> Codes:
    """Return recording and fold as groups, where folds cut through recordings."""
    fold = np.zeros(audit.rows.size, dtype=np.int64)
    for f, part in enumerate(audit.folds):
        fold[part.test] = f
    return audit.recording * len(audit.folds) + fold


def _units(audit: Audit) -> tuple[Codes, Codes]:
    """Return what the bootstrap resamples, and the label of each unit.

    Recordings; blocks of them where a label has only one recording.
    """
    if np.bincount(audit.of_recording).min() >= 2:
        return audit.recording, audit.of_recording
    _, first, unit = np.unique(_blocks(audit), return_index=True, return_inverse=True)
    return unit.astype(np.int64), audit.label[first]


def _measures(
    counts: Floats, drawn: Floats, null: Floats, observed: float | None
) -> dict[str, Measure]:
    n_units, n, _ = counts.shape
    boots = metrics.scores((drawn @ counts.reshape(n_units, -1)).reshape(-1, n, n))
    found = metrics.scores(counts.sum(axis=0))
    return {
        metric: Measure(
            float(found[metric]),
            1.0 / n,
            boots[metric],
            _EMPTY if metric == "macro_f1" else null,
            observed,
        )
        for metric in metrics.METRICS
    }


def _null(
    context: Context,
    audit: Audit,
    representation: Representation,
    probe: str,
    columns: Mapping[str, Any],
) -> tuple[Floats, float | None, str]:
    """Return null draws, the statistic on the data, and how both were made."""
    options = context.options
    n_draws = getattr(options, f"permutations_{probe}") or 0
    if columns["task"] == "recording" or "control" in columns:
        return _EMPTY, None, ""
    if not audit.can_permute:
        return _EMPTY, None, "no null: one recording each, nothing to permute"
    if n_draws == 0:
        return _EMPTY, None, f"no null for {probe} in profile {options.profile}"
    generator = context.generator("permutations", str(columns["target"]))
    labels = permuted_labels(audit.of_recording, audit.group, n_draws, generator)
    if probe == "mlp":
        found = _refitted(context, audit, representation, labels)
    else:
        found = _stand_in(context, audit, representation, probe, labels)
    how = {"linear": "ridge classifier", "knn": "votes", "mlp": "refitted network"}
    note = f"p by {how[probe]}, {n_draws} permutations of recordings"
    return found[1:], float(found[0]), note


def _layout(context: Context, audit: Audit) -> tuple[Layout, NDArray[np.bool_]]:
    known = audit.cells.code >= 0
    blocks = None
    if audit.kind == "blocks":
        blocks = [
            replace(fold, train=fold.train[known], test=fold.test[known])
            for fold in audit.folds
        ]
    layout = Layout(
        audit.recording[known],
        audit.cells.code[known],
        len(audit.cells.names),
        context.options.min_cell if audit.cells.kind != "none" else 1,
        len(audit.folds),
        audit.of_recording.size,
        blocks,
    )
    return layout, known


def _stand_in(
    context: Context,
    audit: Audit,
    representation: Representation,
    probe: str,
    labels: NDArray[np.int64],
) -> Floats:
    layout, known = _layout(context, audit)
    x = representation.values[audit.rows[known]]
    if probe == "linear":
        return ridge_statistics(x, layout, labels)
    return vote_statistics(x, layout, labels, context.options.knn.k)


def _refitted(
    context: Context,
    audit: Audit,
    representation: Representation,
    labels: NDArray[np.int64],
) -> Floats:
    """Repeat the whole audit under every labelling."""
    out = np.full(labels.shape[0], np.nan)
    for i, of_recording in enumerate(labels):
        again = reweighed(context, audit, of_recording)
        if again is None:
            continue
        predicted, _ = cross_predict(context, again, representation, "mlp")
        weights = fold_weights(again)
        out[i] = (weights * (predicted == again.label)).sum() / weights.sum()
    return out


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
