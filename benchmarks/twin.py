"""What each method reaches on fresh synthetic twins: mean and sd over seeds.

    python -m benchmarks.twin twins --seeds 0 1 2 --gaps 1 0

Makes one project per seed and gap under the given folder, trains and judges every
method (what is there already is kept), prints a table and writes ``twin.csv``.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import pandas as pd
import torch

import napari_neuroembed as ne
from napari_neuroembed.options.synthetic import SyntheticOptions

METHODS = ("simclr", "guenel2022")
OWN = "own"
"""The normalisation that a method brings with it."""
COLUMNS = {
    "single acc": ("action_single", "accuracy", "linear"),
    "single bal": ("action_single", "balanced_accuracy", "linear"),
    "across acc": ("action_multi", "accuracy", "linear"),
    "across bal": ("action_multi", "balanced_accuracy", "linear"),
    "identity linear": ("identity", "balanced_accuracy", "linear"),
    "identity kNN": ("identity", "balanced_accuracy", "knn"),
    "identity MLP": ("identity", "balanced_accuracy", "mlp"),
}


def project_of(folder: Path, seed: int, gap: float) -> ne.Project:
    """Make, or open, the pre-processed twin of one seed and gap."""
    path = folder / f"gap{gap:g}_seed{seed}"
    if not (path / "project.yaml").exists():
        options = SyntheticOptions(seed=seed, gap=gap, video=0)
        ne.make_synthetic_project(path, options=options)
    project = ne.Project.open(path)
    project.preprocess()
    return project


def scores_of(
    project: ne.Project, method: str, normalise: str, seed: int
) -> pd.DataFrame:
    """Train and judge one run, or read the scores of the one there is."""
    name = f"{method}_{normalise}"
    known = project.runs()
    if not (known["name"] == name).any():
        settings = [f"seed={seed}", "training.threads=1"]
        settings += [f"normalise={normalise}"] if normalise != OWN else []
        run = project.train(method=method, run=name, settings=settings)
        options = dataclasses.replace(
            run.config.evaluation,
            profile="quick",
            decode=False,
            leaks=0,
            controls=False,
        )
        run.evaluate(options)
    return project.run(name).scores()


def summary(scores: pd.DataFrame, method: str, label: str) -> list[dict[str, object]]:
    """Return one row per method and baseline with the columns of the table."""
    rows = []
    sources = {label: method, "raw": "raw", "random encoder": "random_encoder"}
    mean = scores[
        scores["animal"].isin(["", "mean"])
        & scores["held_out_animal"].isin(["", "mean"])
        & (scores["stream"] == "neural")
    ]
    for name, source in sources.items():
        own = mean[mean["method"] == source]
        row: dict[str, object] = {"method": name}
        for column, (task, metric, probe) in COLUMNS.items():
            hit = own[
                (own["task"] == task)
                & (own["metric"] == metric)
                & (own["probe"] == probe)
            ]
            row[column] = float(hit["value"].iloc[0]) if len(hit) else float("nan")
        rows.append(row)
    majority = mean[(mean["task"] == "action_multi") & (mean["metric"] == "accuracy")]
    rows.append({"method": "majority", "across acc": majority["chance"].iloc[0]})
    return rows


def main() -> None:
    """Run the benchmark and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--gaps", type=float, nargs="+", default=[1.0, 0.0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--normalise", nargs="+", default=[OWN])
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for gap in args.gaps:
        for seed in args.seeds:
            project = project_of(args.folder, seed, gap)
            for method in args.methods:
                for normalise in args.normalise:
                    started = time.perf_counter()
                    scores = scores_of(project, method, normalise, seed)
                    label = method if normalise == OWN else f"{method}, {normalise}"
                    seconds = time.perf_counter() - started
                    print(
                        f"gap {gap:g} seed {seed} {label}: {seconds:.0f} s", flush=True
                    )
                    rows += [
                        {"gap": gap, "seed": seed, "normalise": normalise, **row}
                        for row in summary(scores, method, label)
                    ]
    table = pd.DataFrame(rows).drop_duplicates(["gap", "seed", "normalise", "method"])
    table.to_csv(args.folder / "twin.csv", index=False)
    grouped = table.drop(columns=["seed"]).groupby(
        ["gap", "normalise", "method"], sort=False
    )
    text = grouped.agg(lambda x: f"{x.mean():.3f} ± {x.std():.3f}")
    print(text.to_string())


if __name__ == "__main__":
    main()
