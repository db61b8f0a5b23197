"""The files, columns and words of a run folder; the reference page is made of it."""

from __future__ import annotations

SCHEMA_VERSION = 1
"""Version of everything in a run folder; older programs refuse newer ones."""

RUNS = "runs"
"""Folder of all runs in a project; every run is a folder in it."""

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
    "report/<name>/": "one report: a page, tables, figures, and the sha256 of all it "
    "was made of",
    "bundles/<run>.zip": "one run for a colleague, where `bundle` puts it by default",
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
    "<stream>_footprints.npz": "pixels of the region behind each trace, where the "
    "source has them: `y`, `x`, `weights` (and `overlap`) of all regions in a row, "
    "region i from `starts[i]` to `starts[i + 1]`",
    "<stream>.json": "kind, clock, names, units and invalid stretches of a stream; "
    "size of the image of its footprints",
    "mask.npy": "pixels that every frame shows, at the size of the cache",
    "mean.npy": "mean image, for people",
    "anatomical.npy": "the anatomical channel, moved the same way and averaged to at "
    "most 16 x 16 pixels, float32, where the source has one: what a score must not "
    "rest on",
    "template.npy": "image that all frames were moved onto",
    "quality.parquet": "per frame: validity, shift, correlation, brightness",
    "provenance.json": "options, sources, steps with counts, versions",
    "manifest.json": "size and content of the other files",
}
"""Files of ``derived/<recording>/``."""

RUN, CONFIG, SPLITS, HISTORY = "run.json", "config.yaml", "splits.json", "history.csv"

RUN_FILES = {
    RUN: "What was trained: method, seed, group, status, versions, animals, steps, "
    "hashes of configuration and data; `warnings`, when embeddings became constant or "
    "a discriminator decided; `not_finite`, the windows and ranges of a step "
    "whose loss was not finite. Of an imported embedding: `origin: imported`, "
    "its files with their sha256, and whether one fit made them all; such a run has no "
    "checkpoints and no history.",
    CONFIG: "The whole configuration, every option spelled out.",
    SPLITS: "Which recordings are fit, fresh or held out, and why.",
    HISTORY: "A row per logged step: loss, its terms, learning rate, windows per "
    "second.",
    "checkpoints/last.json": "Step and checksums of the newest checkpoint.",
    "checkpoints/best.json": "Step and loss of the best checkpoint.",
    "checkpoints/step_*/model.safetensors": "Weights, and what was fitted with them: "
    "normaliser and pose range.",
    "checkpoints/step_*/model.json": "What is needed to build the same model again: "
    "options, shapes, animals, streams, table of tensors.",
    "checkpoints/step_*/resume.pt": "State of the optimiser, opened by --resume alone; "
    "leave it out when you share a model.",
    "checkpoints/step_*/manifest.json": "Sizes and sha256 of the files beside it.",
    "embeddings/<set>/windows.parquet": "A row per window; row i of every array of the "
    "set belongs to it.",
    "embeddings/<set>/neural.npy": "Embedding h of the neural windows, float32.",
    "embeddings/<set>/neural_<transform>.npy": "The same after a transform, float32.",
    "transforms/<name>/*.npy": "What a transform was fitted to: mean, matrix and "
    "offset of x -> (x - mean) matrix + offset.",
    "transforms/<name>/transform.json": "Animals it is about (none: the same for all), "
    "number of windows, directions kept and share of the behaviour explained.",
    "transforms/<name>/manifest.json": "Sizes and sha256 of the files beside it.",
    "embeddings/<set>/pose.npy": "Embedding h of the second stream, if there is one.",
    "embeddings/<set>/embedding.json": "Streams, stride, step of the model, how many "
    "windows were left out, by reason, `transforms_absent`: why a transform is "
    "missing; `new_animals`: whether each animal that the training never saw can be "
    "trusted, and why not; `calibrated`: whose readout was corrected, on what; of an "
    "imported embedding also the frame of its row 0, and how many frames each row saw.",
    "embeddings/<set>/distances.parquet": "Of animals that the training never saw: "
    "distance of every window to the training's, in units of their own.",
    "embeddings/<set>/manifest.json": "Sizes and sha256 of the files beside it.",
    "maps/<set>_occlusion/maps.npy": "A map per animal and action, float32: log odds "
    "of the action lost when the place is hidden.",
    "maps/<set>_occlusion/maps.parquet": "What each map is of, and its check.",
    "maps/<set>_occlusion/manifest.json": "Sizes and sha256 of the files beside it.",
    "evaluation/latest.json": "Name of the newest evaluation.",
    "evaluation/<name>/config.yaml": "How it was judged.",
    "evaluation/<name>/bouts.parquet": "The bouts that counted, as they were then.",
    "evaluation/<name>/scores.csv": "A row per score, see below.",
    "evaluation/<name>/predictions.parquet": "A row per tested window, task and probe, "
    "see below.",
    "evaluation/<name>/distances.parquet": "A row per pair of animals, see below; "
    "empty unless `evaluation.distances`.",
    "evaluation/<name>/manifest.json": "Sizes and sha256 of the files beside it.",
}
"""Every file of a run folder; sets are `eval`, `dense` and those you name."""

WINDOW_COLUMNS = {
    "window_id": "Number of the window, from 0.",
    "recording": "Recording it is from.",
    "animal": "Its animal.",
    "center_s": "Centre, seconds on the recording's clock.",
    "neural_first": "First frame of the neural stream.",
    "neural_step": "Frames from one to the next.",
    "neural_count": "Number of frames.",
    "pose_first": "First frame of the second stream.",
    "pose_step": "Frames from one to the next.",
    "pose_count": "Number of frames.",
    "action": "Action by the bouts at that time; empty when unlabelled.",
}
"""Columns of `windows.parquet`; those of `pose` only with a second stream."""

SCORES = {
    "run": "Name of the run.",
    "group": "Id shared by runs that belong together.",
    "method": "Method, or what stands for it in a baseline, e.g. raw or random.",
    "is_baseline": "Whether the row is something to compare with.",
    "control": "What was changed to see whether the score can be trusted, else none.",
    "stream": "Stream whose embedding was read.",
    "transform": "What was fitted on the embedding first; none is h itself.",
    "task": "What was asked, see the tasks below.",
    "target": "What was to be told, e.g. a scalar, a covariate or the animal.",
    "probe": "What read the embedding: linear, knn, mlp ...",
    "mode": "transductive or inductive, of the encoder.",
    "held_out_animal": "Animal that was left out of fitting, or mean over animals.",
    "animal": "Animal of a within-animal row, or mean over animals.",
    "normalise": "How each animal's frames were normalised.",
    "fraction": "Share of the labels used, 0 to 1.",
    "draw": "Number of the draw of that share.",
    "fold": "Number of the fold; pooled over all of them.",
    "metric": "What the value is, e.g. balanced_accuracy, f1 or r2.",
    "value": "The score; empty when it cannot be computed, see the note.",
    "low": "Lower end of the 95 % interval.",
    "high": "Upper end of the 95 % interval.",
    "chance": "What guessing gives, from the data.",
    "p": "Share of permutations or shifts that were as good.",
    "critical": "What the statistic had to exceed for p <= 0.05.",
    "detectable": "What the probe reads from the smallest planted leak that is found "
    "95 times in 100; empty where none was planted or found.",
    "verdict": "What follows, see the verdicts below.",
    "balanced": "Whether classes and covariates were balanced as the audit asks.",
    "n_fit": "Windows the probe was fitted on.",
    "n_test": "Windows it was tested on.",
    "n_classes": "Classes that were told apart; 0 for numbers.",
    "seed": "Seed of the run.",
    "note": "What a reader must know, or why there is no value.",
}
"""Columns of `scores.csv`, in order; one row per score."""

SCORE_COLUMNS = tuple(SCORES)

PREDICTIONS = {
    "window_id": "Number of the window in the set.",
    "method": "As in scores.csv.",
    "is_baseline": "As in scores.csv.",
    "stream": "As in scores.csv.",
    "transform": "As in scores.csv.",
    "task": "As in scores.csv.",
    "target": "As in scores.csv.",
    "probe": "As in scores.csv.",
    "mode": "As in scores.csv.",
    "animal": "Animal of the window.",
    "true": "What it was.",
    "predicted": "What the probe said.",
    "confidence": "Probability the probe gave to it.",
    "weight": "Weight of the window in the balanced score.",
}
"""Columns of `predictions.parquet`, in order."""

PREDICTION_COLUMNS = tuple(PREDICTIONS)

DISTANCES = {
    "animal_a": "One animal of the pair.",
    "animal_b": "The other one.",
    "method": "As in scores.csv.",
    "is_baseline": "As in scores.csv.",
    "stream": "As in scores.csv.",
    "transform": "As in scores.csv.",
    "n_a": "Fresh windows of the first animal.",
    "n_b": "Fresh windows of the second.",
    "mmd2": "Squared maximum mean discrepancy, unbiased: 0 on average where embeddings "
    "are alike. Five Gaussian kernels around the median distance; balanced over "
    "actions. h itself is compared by its directions.",
    "p": "Share of permutations of recordings between the two that lie as far apart.",
    "gap": "Balanced accuracy of a linear probe that tells the two apart; chance 0.5.",
    "transfer_ab": "Balanced accuracy of actions of the second animal, by a linear "
    "probe of the first.",
    "transfer_ba": "The other way round.",
    "note": "What a reader must know, or why there is no value.",
}
"""Columns of `distances.parquet`, in order; one row per pair of animals."""

DISTANCE_COLUMNS = tuple(DISTANCES)

MAPS = {
    "animal": "Whose recordings were looked at.",
    "action": "What the probe of this animal was to read.",
    "n_windows": "Fresh windows the map was made of.",
    "n_checked": "Other fresh windows that checked it.",
    "n_pixels": "Pixels hidden in the check: 5 % of the map.",
    "drop_top": "Loss of the probability of the action without the pixels that matter "
    "most in the map.",
    "drop_random": "The same without as many random pixels, mean over choices.",
    "drop_low": "2.5 % quantile over the random choices.",
    "drop_high": "97.5 % quantile over the random choices.",
    "note": "Why there is no map.",
}
"""Columns of `maps.parquet`, in order; row i belongs to map i of `maps.npy`."""

MAP_COLUMNS = tuple(MAPS)

TASKS = {
    "action_single": "Actions, probe fitted and tested within one animal.",
    "action_multi": "Actions, probe fitted on other animals than it is tested on.",
    "decode_single": "Scalars and poses, within one animal.",
    "decode_multi": "Scalars and poses, across animals.",
    "identity": "Which animal it is: identity leakage.",
    "recording": "Which recording of one animal it is.",
    "covariate": "Which sex, date, drug ... it is.",
    "clock": "When in its recording it is.",
}
"""Values of the column `task`."""

VERDICTS = {
    "leak": "The animal can be told: p is at most 0.05.",
    "none found": "No leak was found, and one of the size in `detectable` would have "
    "been.",
    "not testable": "No leak was found, but a large one could have stayed hidden; the "
    "note says what to record.",
    "as it should": "A control that failed, as it must.",
    "warning": "A control that did not fail; the note says what follows.",
}
"""Values of the column `verdict`; empty where nothing was tested."""

CONTROLS = {
    "action_onehot": "The true action alone, which must tell the animal exactly at "
    "chance (`pose_onehot` where groups of poses are balanced over).",
    "random_leaky": "Folds that mix neighbouring windows (`evaluation.folds`).",
    "labels_shuffled": "Actions of another recording, moved along its time.",
    "noise": "Noise with the covariance and spectrum of the embedding.",
    "clock_target": "Whether the embedding knows the time within the recording.",
    "clock": "The time within the recording, in place of the embedding.",
    "borders": "Pixels the encoder sees although registration left them black.",
    "motion": "Shifts and correlation found by registration.",
    "brightness": "Mean brightness of the raw image.",
    "anatomical": "The anatomical channel, moved and averaged, in place of the "
    "functional one.",
}
"""Values of the column `control`."""
