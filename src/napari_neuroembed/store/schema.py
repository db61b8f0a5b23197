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

PROJECT_FILES = {
    "project.yaml": "recordings, sources, rates, clocks, covariates, preprocessing, "
    "preset, what was accepted; made to be read and edited by hand",
    "roots.local.yaml": "where this machine keeps the data; not to be shared",
    "annotations.sqlite": "bouts, actions and raters, and every edit of them "
    "(with `-wal` and `-shm` beside it while it is open)",
    "backups/annotations-<utc>.sqlite": "copies of it, the last 10",
    "derived/<recording>/": "what `preprocess` made of one recording; can always be "
    "made again",
    "runs/<run>/": "one training",
    "jobs/<id>/": "one job: `job.json`, `progress.jsonl`, `log.txt`, and `cancel` when "
    "it was asked to stop",
    ".neuroembed/sources.json": "size and content of every source when it was imported",
}
"""Files and folders of a project folder."""

DERIVED_FILES = {
    "neural.tif": "training cache: dF/F in per cent, time × y × x, float32, "
    "uncompressed; opens in Fiji",
    "native.tif": "registered stack at native size, with `preprocessing.keep_native`",
    "<stream>.npy": "poses, traces or scalars, one row per frame, float32",
    "<stream>_times.npy": "times of the frames in seconds, where they are not regular",
    "<stream>.json": "kind, clock, names, units and invalid stretches of a stream",
    "mask.npy": "pixels that every frame shows, at the size of the cache",
    "mean.npy": "mean image, for people",
    "template.npy": "image that all frames were moved onto",
    "quality.parquet": "per frame: validity, shift, correlation, brightness",
    "provenance.json": "options, sources, steps with counts, versions",
    "manifest.json": "size and content of the other files",
}
"""Files of ``derived/<recording>/``."""

RUN_FILES = {
    "run.json": "name, method, status, seed, animals, streams, versions, time taken",
    "config.yaml": "every option of the training, spelled out",
    "splits.json": "which recordings are fit, fresh or held out",
    "history.csv": "loss, its terms, learning rate and throughput by step",
    "checkpoints/last.json": "the newest checkpoint",
    "checkpoints/step_<n>/model.safetensors": "weights, normaliser included",
    "checkpoints/step_<n>/model.json": "what is needed to build the same model",
    "checkpoints/step_<n>/resume.pt": "optimiser state; read by `--resume` only",
    "checkpoints/step_<n>/manifest.json": "size and content of the other files",
    "embeddings/<set>/windows.parquet": "one row per window: recording, animal, "
    "center_s, frames, action",
    "embeddings/<set>/<stream>.npy": "embeddings, row i is window i, float32",
    "embeddings/<set>/embedding.json": "how the set was made and what was left out",
    "embeddings/<set>/manifest.json": "size and content of the other files",
    "evaluation/latest.json": "the newest evaluation",
    "evaluation/<name>/scores.csv": "the table of scores",
    "evaluation/<name>/predictions.parquet": "what each probe said of each window",
    "evaluation/<name>/bouts.parquet": "the bouts used, as they were then",
    "evaluation/<name>/config.yaml": "how it was judged",
    "evaluation/<name>/manifest.json": "size and content of the other files",
}
"""Files of ``runs/<run>/``."""
