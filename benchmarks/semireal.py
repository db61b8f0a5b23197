"""What each method reaches where all but the planted activity is real.

    python -m benchmarks.semireal DIR --data DATA --seeds 3 --page semi_real.md

Makes one project per seed under DIR, trains and judges every method (what is there
already is kept), prints where each wins and loses, and writes the same as a page. It
was built before any method was tuned, and is no place to tune one: change a method and
this is run once more, whatever comes out.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from benchmarks import semireal_page
from benchmarks.semireal_bodies import Size
from benchmarks.semireal_data import DATA, check_data
from benchmarks.semireal_project import make_project
from napari_neuroembed.api import Project
from napari_neuroembed.errors import ConfigError, NeuroembedError
from napari_neuroembed.files import write_text
from napari_neuroembed.methods import METHODS

RAW = ("raw", "random_encoder")
"""Baselines that every run is scored with; those of the first trained method count."""

DEFAULT = "raw,simclr,guenel2022,neuroembed2026"
TRANSFORM = "subspace"
"""Every method gets the same step afterwards, and is scored with and without it."""

CSV = "semireal.csv"
UNIT_COLUMNS = ("seed", "method", "measure", "unit", "value", "chance")
_MEASURES = {
    "across": ("action_multi", "held_out_animal", "balanced_accuracy", "linear"),
    "across accuracy": ("action_multi", "held_out_animal", "accuracy", "linear"),
    "within": ("action_single", "animal", "balanced_accuracy", "linear"),
    "identity linear": ("identity", "", "balanced_accuracy", "linear"),
    "identity kNN": ("identity", "", "balanced_accuracy", "knn"),
    "identity MLP": ("identity", "", "balanced_accuracy", "mlp"),
}


def scores_of(project: Project, method: str, seed: int) -> pd.DataFrame:
    """Train and judge one run, or read the scores of the one there is."""
    known = project.runs()
    row = known[known["name"] == method]
    if row.empty:
        settings = (f"seed={seed}", "training.threads=1", f"transforms=[{TRANSFORM}]")
        run = project.train(method=method, run=method, settings=settings)
    else:
        run = project.resume(method)
    if not (run.folder.path / "evaluation" / "latest.json").exists():
        options = dataclasses.replace(
            run.config.evaluation,
            profile="quick",
            decode=False,
            leaks=0,
            controls=False,
        )
        run.evaluate(options)
    return run.scores()


def units_of(scores: pd.DataFrame, seed: int, wanted: Sequence[str]) -> pd.DataFrame:
    """Return one row per method, measure and unit (an animal, or all of a seed)."""
    found = []
    for measure, (task, unit, metric, probe) in _MEASURES.items():
        rows = scores[
            (scores["task"] == task)
            & (scores["metric"] == metric)
            & (scores["probe"] == probe)
            & (scores["stream"] == "neural")
            & (scores["control"] == "none")
            & scores["method"].isin(wanted)
        ]
        if unit:
            rows = rows[~rows[unit].isin(["", "mean"])]
        name = rows["method"].where(
            rows["transform"] == "none", rows["method"] + " + " + rows["transform"]
        )
        found.append(
            pd.DataFrame(
                {
                    "seed": seed,
                    "method": name,
                    "measure": measure,
                    "unit": rows[unit] if unit else "all",
                    "value": rows["value"],
                    "chance": rows["chance"],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def run_seed(
    folder: Path, data: Path, seed: int, methods: Sequence[str], size: Size
) -> pd.DataFrame:
    """Make the animals of one seed, train and judge every method."""
    started = time.perf_counter()
    project = make_project(folder / f"seed{seed}", data, seed, size)
    failed = project.preprocess().query("status == 'failed'")
    if len(failed):
        raise NeuroembedError(failed[["recording", "detail"]].to_string(index=False))
    print(f"seed {seed}: animals, {time.perf_counter() - started:.0f} s", flush=True)
    baselines = [name for name in methods if name in RAW]
    units = []
    for number, method in enumerate(m for m in methods if m not in RAW):
        started = time.perf_counter()
        scores = scores_of(project, method, seed)
        wanted = [method, *(baselines if number == 0 else [])]
        units.append(units_of(scores, seed, wanted))
        seconds = time.perf_counter() - started
        print(f"seed {seed}: {method}, {seconds:.0f} s", flush=True)
    return pd.concat(units, ignore_index=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its page and write it where asked."""
    args = _parser().parse_args(argv)
    try:
        methods = _methods(args.methods)
        check_data(args.data)
        torch.set_num_threads(1)
        size = Size(n_recordings=args.recordings, duration_s=args.seconds)
        seeds = range(args.seeds)
        units = pd.concat(
            [run_seed(args.folder, args.data, s, methods, size) for s in seeds],
            ignore_index=True,
        )
        write_text(args.folder / CSV, units.to_csv(index=False))
        page = semireal_page.page(units, args.data, size, _command(args))
    except NeuroembedError as error:
        print(error, file=sys.stderr)
        return 2
    print(page)
    write_text(args.page or args.folder / "semi_real.md", page)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.semireal", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where projects go")
    parser.add_argument(
        "--data", type=Path, default=DATA, help="real data; NEUROEMBED_TEST_DATA"
    )
    parser.add_argument("--methods", default=DEFAULT, help=f"default {DEFAULT}")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="0 to N-1")
    parser.add_argument("--page", type=Path, help="default DIR/semi_real.md")
    parser.add_argument("--recordings", type=int, default=Size().n_recordings)
    parser.add_argument("--seconds", type=float, default=Size().duration_s)
    return parser


def _methods(text: str) -> list[str]:
    """Return the methods asked for.

    Raises
    ------
    ConfigError
        For an unknown one, or where there is nothing to train.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - set(METHODS) - set(RAW))
    if unknown:
        known = ", ".join((*RAW, *METHODS))
        raise ConfigError(f"--methods {', '.join(unknown)}: unknown. Known: {known}.")
    if not set(names) - set(RAW):
        raise ConfigError(
            "--methods: baselines are scored beside a trained method; name one."
        )
    return list(dict.fromkeys(names))


def _command(args: argparse.Namespace) -> str:
    """Return the command without the paths of this machine."""
    words = ["python -m benchmarks.semireal DIR --data DATA"]
    words += [f"--methods {args.methods} --seeds {args.seeds}"]
    if args.recordings != Size().n_recordings or args.seconds != Size().duration_s:
        words.append(f"--recordings {args.recordings} --seconds {args.seconds:g}")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
