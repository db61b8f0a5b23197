"""What is asked: which animal, which recording, which value of a covariate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed.evaluation.audit import Audit, build_audit
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.table import sentence

MAX_VALUES = 20
"""Covariates with more values than that are no categories."""


def identity_audit(context: Context) -> Audit:
    """Plan the identity audit: whose fresh window is it."""
    rows = None
    sample, wanted = context.sample, context.options.identity_windows
    if wanted is not None:
        rows = _drawn_equally(context, wanted)
    return build_audit(context, sample.column("animal"), name="animal", rows=rows)


def within_action_audits(context: Context) -> dict[str, Audit]:
    """Plan one identity audit per action, from its fresh windows alone.

    A difference in how often animals do what cannot help there.
    """
    sample = context.sample
    action, animal = sample.column("action"), sample.column("animal")
    found = {}
    for name in sorted(set(action[sample.is_fresh]) - {""}):
        counts = pd.Series(animal[sample.is_fresh & (action == name)]).value_counts()
        often = counts.index[counts >= context.options.min_cell]
        rows = np.flatnonzero(
            sample.is_fresh & (action == name) & np.isin(animal, list(often))
        )
        audit = build_audit(context, animal, name="animal", rows=rows)
        left = sorted(set(sample.animals()) - set(often))
        note = f"animals that hardly do it: {', '.join(left)}" if left else ""
        problem = sentence([audit.problem, note]) if audit.problem else ""
        note = sentence([audit.note, note])
        found[name] = replace(audit, note=note, problem=problem)
    return found


def covariate_audits(context: Context) -> dict[str, Audit]:
    """Plan one audit per covariate; what cannot be told from the animal is refused."""
    return {
        name: _covariate(context, name) for name in context.sample.covariate_names()
    }


def recording_audits(context: Context) -> dict[str, Audit]:
    """Plan one audit per animal: which of its fresh recordings is it.

    A fold by recording would never see its own class, so folds are contiguous blocks
    of every recording with a gap. Recordings weigh the same; actions cannot be
    balanced over in blocks this short.
    """
    sample = context.sample
    animal, recording = sample.column("animal"), sample.column("recording")
    found = {}
    for name in sample.animals():
        rows = np.flatnonzero(sample.is_fresh & (animal == name))
        unbalanced = replace(
            context.options, balance="none", folds="grouped", n_folds=4
        )
        own = replace(context, options=unbalanced)
        audit = build_audit(own, recording, name="recording", rows=rows)
        found[name] = replace(audit, note="") if not audit.problem else audit
    return found


def control_representation(audit: Audit, n_windows: int) -> Representation:
    """Return the one-hot of the balance cell, which must read exactly chance."""
    code = np.zeros((n_windows, max(1, len(audit.cells.names))), dtype=np.float32)
    known = audit.cells.code >= 0
    code[audit.rows[known], audit.cells.code[known]] = 1.0
    kind = audit.cells.kind
    return Representation(
        f"{kind}_onehot", code, f"{kind}_onehot", "none", "none", True
    )


def _drawn_equally(context: Context, wanted: int) -> NDArray[np.int64]:
    sample = context.sample
    animal = sample.column("animal")
    generator = context.generator("identity windows")
    share = max(1, wanted // max(1, len(sample.animals())))
    parts = [
        generator.permutation(np.flatnonzero(sample.is_fresh & (animal == name)))[
            :share
        ]
        for name in sample.animals()
    ]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def _covariate(context: Context, name: str) -> Audit:
    sample = context.sample
    value = sample.column(name)
    audit = build_audit(context, value, name=name, within_animal=True)
    if audit.problem:
        return audit
    animal = sample.column("animal")[audit.rows]
    values = pd.Series(value[audit.rows])
    per_animal = values.groupby(animal).nunique()
    if len(audit.names) > MAX_VALUES:
        why = f"'{name}' has {len(audit.names)} values; at most {MAX_VALUES} are read"
        return replace(audit, problem=why)
    if (per_animal <= 1).all():
        why = (
            f"every animal has only one value of '{name}', so it cannot be told from "
            f"the animal"
        )
        return replace(audit, problem=why)
    if (per_animal < len(audit.names)).any():
        note = f"partly confounded with animal: not every animal has every '{name}'"
        return replace(audit, note=sentence([audit.note, note]))
    return audit
