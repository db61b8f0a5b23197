"""Whose window is this? One label of whole recordings, read from fresh windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.balance import (
    BalanceKind,
    Cells,
    action_cells,
    balanced_weights,
    one_cell,
    pose_cells,
)
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.folds import (
    Fold,
    FoldKind,
    block_folds,
    random_folds,
    recording_folds,
)
from napari_neuroembed.evaluation.metrics import Codes, Floats
from napari_neuroembed.evaluation.splits import LEAKY_NOTE
from napari_neuroembed.evaluation.table import sentence


@dataclass(frozen=True)
class Audit:
    """The windows and rules of one question, the same for every embedding and probe.

    Parameters
    ----------
    rows
        Windows of the sample that are read, shape (n,).
    names
        What can be answered (animals, values of a covariate), K of them.
    label, recording
        Codes of each window read, shape (n,).
    of_recording
        Label code of each recording, shape (R,).
    group
        Group of each recording within which labels may be permuted, shape (R,).
    cells
        What windows are balanced over.
    folds, kind
        Fit and test masks over the windows read, and how they were made.
    train, test
        Weight of each window in each fold, shape (n_folds, n).
    note, problem
        What to know; why there is no score.
    """

    rows: NDArray[np.int64]
    names: tuple[str, ...]
    label: Codes
    recording: Codes
    of_recording: Codes
    group: Codes
    cells: Cells
    folds: tuple[Fold, ...] = ()
    kind: FoldKind = "recordings"
    train: Floats = field(default_factory=lambda: np.empty((0, 0)))
    test: Floats = field(default_factory=lambda: np.empty((0, 0)))
    note: str = ""
    problem: str = ""

    @property
    def n_scored(self) -> int:
        """Number of windows that count in the score."""
        return int(np.count_nonzero(self.test.sum(axis=0) > 0))

    @property
    def n_fitted(self) -> int:
        """Number of windows that some fold was fitted on."""
        return int(np.count_nonzero(self.train.sum(axis=0) > 0))

    @property
    def can_permute(self) -> bool:
        """Whether permuting labels over recordings can change who has which."""
        return any(
            np.unique(self.of_recording[self.group == g]).size > 1
            and np.bincount(self.of_recording[self.group == g]).max() > 1
            for g in np.unique(self.group)
        )


def build_audit(
    context: Context,
    label: NDArray[Any],
    *,
    name: str,
    within_animal: bool = False,
    rows: NDArray[np.int64] | None = None,
) -> Audit:
    """Plan how a label of whole recordings is read from the fresh windows.

    Four folds by recording (fewer where a label has fewer recordings), weights
    balanced over label x action within each fold. With a single recording of a label
    folds are contiguous blocks with a gap instead. Where actions cannot be balanced
    over, poses are, else nothing.

    Parameters
    ----------
    context
        The evaluation.
    label
        Label of every window of the sample, '' where unknown.
    name
        What the label is, for messages: ``animal`` or the covariate.
    within_animal
        Whether the null permutes labels within animals only.
    rows
        Windows to read; all fresh ones with a label when not given.
    """
    sample = context.sample
    if rows is None:
        rows = np.flatnonzero(sample.is_fresh & (label != ""))
    names, code = np.unique(label[rows].astype(str), return_inverse=True)
    _, first, recording = np.unique(
        context.recording[rows], return_index=True, return_inverse=True
    )
    animal = np.unique(sample.column("animal")[rows].astype(str), return_inverse=True)
    group = animal[1][first] if within_animal else np.zeros(first.size)
    audit = Audit(
        rows=rows,
        names=tuple(str(n) for n in names),
        label=code.astype(np.int64),
        recording=recording.astype(np.int64),
        of_recording=code[first].astype(np.int64),
        group=group.astype(np.int64),
        cells=one_cell(rows.size),
    )
    if len(audit.names) < 2:
        found = ", ".join(audit.names) or "none"
        why = f"needs at least 2 values of {name} among fresh windows; found {found}"
        return replace(audit, problem=why)
    return _balanced(context, _with_folds(context, audit, name), name)


def reweighed(
    context: Context, audit: Audit, of_recording: NDArray[np.int64]
) -> Audit | None:
    """Plan the same audit for other labels of the recordings, by the same rules.

    None when no fold of it can be balanced.
    """
    folds = audit.folds
    if audit.kind == "recordings":
        dealt = recording_folds(audit.recording, of_recording, len(folds))
        folds = tuple(dealt)
    again = replace(
        audit,
        label=of_recording[audit.recording],
        of_recording=of_recording,
        folds=folds,
    )
    return _weighed(again, _least(context, audit.cells.kind))


def _least(context: Context, kind: BalanceKind) -> int:
    return 1 if kind == "none" else context.options.min_cell


def _with_folds(context: Context, audit: Audit, name: str) -> Audit:
    options, n = context.options, context.options.n_folds
    if options.folds == "random_leaky":
        folds = random_folds(audit.rows.size, n, context.generator("leaky", name))
        return replace(audit, folds=tuple(folds), kind="random_leaky", note=LEAKY_NOTE)
    fewest = int(np.bincount(audit.of_recording).min())
    if fewest > 1:
        n_dealt = min(n, fewest)
        folds = recording_folds(audit.recording, audit.of_recording, n_dealt)
        note = f"{n_dealt} folds: {fewest} fresh recordings of some {name}"
        return replace(audit, folds=tuple(folds), note=note * (n_dealt < n))
    folds = block_folds(
        audit.recording,
        context.sample.times[audit.rows],
        context.sample.window_s,
        n,
    )
    note = (
        f"recording and {name} are confounded: a single fresh recording of some "
        f"{name}, so folds are blocks within recordings"
    )
    return replace(audit, folds=tuple(folds), kind="blocks", note=note)


def _balanced(context: Context, audit: Audit, name: str) -> Audit:
    """Take the first way of balancing that leaves something in every fold."""
    wanted = context.options.balance
    order: Sequence[BalanceKind] = (
        ("action", "pose", "none") if wanted == "auto" else (wanted,)
    )
    tried = []
    for kind in order:
        cells = _cells(context, audit, kind)
        if cells is None:
            tried.append("no poses to balance over" if kind == "pose" else "no labels")
            continue
        done = _weighed(replace(audit, cells=cells), _least(context, kind))
        if done is None:
            tried.append(f"no {kind} occurs in every {name} of a fold")
            continue
        note = sentence([done.note, f"balanced over {kind}s" * (kind == "pose")])
        if kind == "none":
            reasons = tried if wanted == "auto" else ["as asked"]
            note = sentence([done.note, f"not balanced ({', '.join(reasons)})"])
        return replace(done, note=note)
    problem = f"cannot be balanced: {', '.join(tried)}"
    return replace(audit, problem=problem)


def _cells(context: Context, audit: Audit, kind: BalanceKind) -> Cells | None:
    sample, rows = context.sample, audit.rows
    if kind == "none":
        return one_cell(rows.size)
    if kind == "action":
        action = sample.column("action")[rows]
        return action_cells(action) if (action != "").any() else None
    if sample.pose_features is None:
        return None
    animal = np.unique(sample.column("animal")[rows].astype(str), return_inverse=True)
    poses = np.asarray(sample.pose_features[rows], dtype=np.float64)
    cells = pose_cells(
        poses, animal[1].astype(np.int64), context.generator("pose cells")
    )
    return cells if cells.names else None


def _weighed(audit: Audit, least: int) -> Audit | None:
    """Compute the weights of every fold, or None when no fold can be scored."""
    cells, n_labels = audit.cells, len(audit.names)
    train = np.zeros((len(audit.folds), audit.rows.size))
    test = np.zeros_like(train)
    dropped: dict[str, int] = {}
    skipped = 0
    for f, fold in enumerate(audit.folds):
        both = []
        for side, out in ((fold.train, train), (fold.test, test)):
            weights, kept = balanced_weights(
                audit.label[side], cells.code[side], n_labels, len(cells.names), least
            )
            out[f, side] = weights
            both.append(kept)
        if not all(kept.any() for kept in both):
            train[f] = test[f] = 0.0
            skipped += 1
            continue
        for i in np.flatnonzero(~both[1]):
            dropped[cells.names[i]] = dropped.get(cells.names[i], 0) + 1
    if skipped == len(audit.folds):
        return None
    notes = [audit.note]
    if dropped:
        places = ", ".join(f"'{cell}' in {n}" for cell, n in dropped.items())
        notes.append(
            f"left out, missing in one of them: {places} of {len(audit.folds)} folds"
        )
    unlabelled = int(np.count_nonzero(cells.code < 0))
    if unlabelled:
        notes.append(f"{unlabelled} unlabelled windows left out")
    if skipped:
        notes.append(f"{skipped} of {len(audit.folds)} folds could not be balanced")
    return replace(audit, train=train, test=test, note=sentence(notes))
