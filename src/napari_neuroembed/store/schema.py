"""The names of columns and files of a run folder."""

from __future__ import annotations

SCORE_COLUMNS = (
    "run",
    "group",
    "method",
    "is_baseline",
    "control",
    "stream",
    "transform",
    "task",
    "target",
    "probe",
    "mode",
    "held_out_animal",
    "animal",
    "normalise",
    "fraction",
    "draw",
    "fold",
    "metric",
    "value",
    "low",
    "high",
    "chance",
    "p",
    "detectable",
    "balanced",
    "n_fit",
    "n_test",
    "n_classes",
    "seed",
    "note",
)
"""Columns of ``scores.csv``, in order; one row per score."""

TASKS = (
    "action_single",
    "action_multi",
    "decode_single",
    "decode_multi",
    "identity",
    "recording",
    "covariate",
)
"""Values of the column ``task``."""
