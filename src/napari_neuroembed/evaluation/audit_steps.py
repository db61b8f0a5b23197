"""The questions about leakage, in the order of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.context import Context, Step
from napari_neuroembed.evaluation.identity import (
    control_representation,
    covariate_audits,
    recording_audits,
    within_action_audits,
)
from napari_neuroembed.evaluation.readout import score_audit, score_recordings
from napari_neuroembed.evaluation.sample import Representation


def audit_steps(
    context: Context, audit: Audit, read: Sequence[Representation]
) -> list[Step]:
    """Return what asks for the animal, the recording and the covariates.

    Parameters
    ----------
    context
        The evaluation.
    audit
        Of the animal.
    read
        Embeddings and baselines.
    """
    within = within_action_audits(context) if context.options.within_actions else {}
    recordings, covariates = recording_audits(context), covariate_audits(context)
    steps: list[Step] = []
    for one in read:
        steps.append(
            (f"identity from {one.key}", partial(_identity, context, audit, one))
        )
        if within:
            name = f"identity within actions from {one.key}"
            steps.append((name, partial(_within_actions, context, within, one)))
        others = partial(_others, context, recordings, covariates, one)
        steps.append((f"recording from {one.key}", others))
    if audit.cells.kind != "none" and not audit.problem:
        name = f"identity from {audit.cells.kind} alone"
        steps.append((name, partial(_control, context, audit)))
    return steps


def _leaky(context: Context) -> dict[str, str]:
    is_leaky = context.options.folds == "random_leaky"
    return {"control": "random_leaky"} if is_leaky else {}


def _identity(context: Context, audit: Audit, one: Representation) -> None:
    leaky = _leaky(context)
    for probe in context.options.probes:
        columns = {"task": "identity", "target": "animal", **leaky}
        score_audit(context, audit, one, probe, columns, is_tested=not leaky)


def _within_actions(
    context: Context, audits: Mapping[str, Audit], one: Representation
) -> None:
    leaky = _leaky(context)
    for probe in context.options.side_probes or ():
        for action, audit in audits.items():
            columns = {"task": "identity", "target": f"animal within {action}", **leaky}
            score_audit(context, audit, one, probe, columns, is_tested=not leaky)


def _others(
    context: Context,
    recordings: dict[str, Audit],
    covariates: Mapping[str, Audit],
    one: Representation,
) -> None:
    leaky = _leaky(context)
    for probe in context.options.side_probes or ():
        score_recordings(context, recordings, one, probe)
        for name, plan in covariates.items():
            columns = {"task": "covariate", "target": name, **leaky}
            score_audit(context, plan, one, probe, columns, is_tested=not leaky)


def _control(context: Context, audit: Audit) -> None:
    one = control_representation(audit, len(context.sample.windows))
    columns = {"task": "identity", "target": "animal", "control": one.key}
    score_audit(context, audit, one, "linear", columns, is_tested=False)
