"""How often the audit finds leaks that are there, and leaks that are not.

    python -m benchmarks.leaks leaks --seeds 0 1 2 3 4 5

Makes one project per seed under the given folder: four identical animals with twenty
recordings, each registered on its own, so that nothing tells the animals apart. What
is there already is kept. Recordings that nothing was fitted on are dealt out to
animals at random; into these data sets leaks of known size are planted. The smallest
leak is stated on one half of the recordings and tested on the other half.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

import napari_neuroembed as ne
from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.collect import build_sample
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.crossfit import balanced_accuracy, cross_predict
from napari_neuroembed.evaluation.detectable import leak_plan, read_smallest
from napari_neuroembed.evaluation.identity import identity_audit
from napari_neuroembed.evaluation.intervals import ALPHA, p_value
from napari_neuroembed.evaluation.leaks import planted
from napari_neuroembed.evaluation.power import smallest_leak
from napari_neuroembed.evaluation.sample import Sample
from napari_neuroembed.evaluation.scaling import Scaler
from napari_neuroembed.evaluation.significance import null_of
from napari_neuroembed.evaluation.table import RunFacts, Table
from napari_neuroembed.options.evaluation import EvaluationOptions, resolved
from napari_neuroembed.options.synthetic import SyntheticOptions

METHOD = "guenel2022"
PROBES = ("linear", "knn")
DESIGNS = ((4, 8), (4, 4), (3, 6), (2, 8), (4, 2))
"""Animals and fresh recordings of each."""
FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
"""Sizes of the leaks planted, in units of the smallest one stated."""
FACTS = RunFacts("leaks", METHOD)


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A data set with or without a leak, and how it is audited."""

    context: Context
    audit: Audit
    x: NDArray[np.float32]

    def p(self, probe: str) -> float:
        """Return the audit's p."""
        null = null_of(self.context, self.audit, self.x, probe, "animal")
        assert null.observed is not None
        return p_value(null.observed, null.draws)

    def read(self, probe: str) -> float:
        """Return what the probe reads."""
        called, _ = cross_predict(self.context, self.audit, self.x, probe, "leak")
        return balanced_accuracy(self.audit, called)


Shape = Callable[[DataSet, float, np.random.Generator], NDArray[np.float32]]


def pool_of(folder: Path, seed: int) -> Sample:
    """Make, or open, the windows of four animals that do not differ."""
    path = folder / f"identical_seed{seed}"
    if not (path / "project.yaml").exists():
        options = SyntheticOptions(
            seed=seed, gap=0.0, video=0, image_size=64, n_recordings=20
        )
        ne.make_synthetic_project(path, options=options)
    project = ne.Project.open(path)
    project.set_preprocessing({"registration.reference": "recording"})
    project.preprocess()
    if not (project.runs()["name"] == METHOD).any():
        settings = [f"seed={seed}", "split.fit_fraction=0.2", "training.threads=1"]
        project.train(method=METHOD, run=METHOD, settings=settings)
    run = project.run(METHOD)
    used = list(dict.fromkeys(run.embedding()[0]["recording"]))
    recordings = project.prepared_recordings(used)
    return build_sample(run.folder, recordings, project.covariates())


def halves(sample: Sample, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Cut the fresh recordings into two halves at random."""
    names = sorted(set(sample.windows.loc[sample.is_fresh, "recording"]))
    mixed = [str(name) for name in rng.permutation(names)]
    return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]


def dealt(
    sample: Sample,
    stream: str,
    names: list[str],
    design: tuple[int, int],
    rng: np.random.Generator,
) -> DataSet:
    """Hand recordings out to animals at random: a data set without a leak."""
    n_animals, n = design
    chosen = rng.permutation(names)[: n_animals * n]
    owner = {name: f"animal{i // n}" for i, name in enumerate(chosen)}
    rows = np.flatnonzero(sample.windows["recording"].isin(chosen))
    windows = sample.windows.iloc[rows].reset_index(drop=True)
    windows["animal"] = windows["recording"].map(owner)
    x = sample.features[stream][rows]
    given = Sample(windows, {stream: x}, window_s=sample.window_s)
    options = resolved(EvaluationOptions())
    seed = int(rng.integers(2**62))
    context = Context(given, options, FACTS, Table(FACTS), seed)
    audit = identity_audit(context)
    return DataSet(context, audit, x[audit.rows])


def with_leak(
    data: DataSet, size: float, rng: np.random.Generator, shape: Shape
) -> DataSet:
    """Plant a leak of some shape."""
    return dataclasses.replace(data, x=shape(data, size, rng))


def as_embedding(
    data: DataSet, size: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Offset the animals where the embedding varies, as the audit does."""
    return planted(_standard(data), data.audit.label, size, rng)


def evenly(data: DataSet, size: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Offset the animals in directions that no feature is preferred in."""
    x = _standard(data)
    offset = rng.standard_normal((len(data.audit.names), x.shape[1]))
    return np.asarray(x + size * offset[data.audit.label], dtype=np.float32)


def one_axis(
    data: DataSet, size: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Offset the animals along the first principal axis of the embedding alone."""
    x = _standard(data)
    axis = np.linalg.svd(x, full_matrices=False)[2][0]
    offset = size * np.sqrt(x.shape[1]) * rng.permutation(len(data.audit.names))
    return np.asarray(x + offset[data.audit.label][:, None] * axis, dtype=np.float32)


def gain(data: DataSet, size: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Scale every feature of every animal: no mean differs, only the spread."""
    x = _standard(data)
    factor = np.exp(size * rng.standard_normal((len(data.audit.names), x.shape[1])))
    return np.asarray(x * factor[data.audit.label], dtype=np.float32)


SHAPES: dict[str, Shape] = {"evenly": evenly, "one axis": one_axis, "gain": gain}


def _standard(data: DataSet) -> NDArray[np.float32]:
    return Scaler.fit(data.x).apply(data.x)


def false_alarms(sample: Sample, seed: int, n: int) -> Iterator[dict[str, object]]:
    """Audit data sets without a leak."""
    names = sorted(set(sample.windows.loc[sample.is_fresh, "recording"]))
    for stream in sample.features:
        for design in DESIGNS:
            for number in range(n):
                rng = np.random.default_rng([1, seed, *design, number])
                data = dealt(sample, stream, names, design, rng)
                for probe in PROBES:
                    yield {
                        "stream": stream,
                        "design": f"{design[0]} x {design[1]}",
                        "probe": probe,
                        "alarm": data.p(probe) <= ALPHA,
                    }


def detections(sample: Sample, seed: int, n: int) -> Iterator[dict[str, object]]:
    """State the smallest leak on one half, plant leaks into the other."""
    for design in DESIGNS:
        for probe in PROBES:
            rng = np.random.default_rng([2, seed, *design, PROBES.index(probe)])
            here, there = halves(sample, rng)
            stated = dealt(sample, "neural", here, design, rng)
            plan = leak_plan(stated.context, stated.audit, stated.x, probe, "neural")
            size = smallest_leak(plan)
            column = {"design": f"{design[0]} x {design[1]}", "probe": probe}
            if not np.isfinite(size):
                yield {**column, "shape": "none stated"}
                continue
            low = read_smallest(stated.context, stated.audit, plan, size, probe)
            for factor in FACTORS:
                for _ in range(n):
                    data = dealt(sample, "neural", there, design, rng)
                    data = with_leak(data, factor * size, rng, as_embedding)
                    yield {
                        **column,
                        "shape": "as embedding",
                        "factor": factor,
                        "stated": low,
                        "read": data.read(probe),
                        "found": data.p(probe) <= ALPHA,
                    }
            for name, shape in SHAPES.items():
                for data in _as_large(
                    sample, (here, there), design, (probe, low), shape, rng
                ):
                    yield {
                        **column,
                        "shape": name,
                        "factor": 1.0,
                        "stated": low,
                        "read": data.read(probe),
                        "found": data.p(probe) <= ALPHA,
                    }


def _as_large(
    sample: Sample,
    names: tuple[list[str], list[str]],
    design: tuple[int, int],
    wanted: tuple[str, float],
    shape: Shape,
    rng: np.random.Generator,
) -> Iterator[DataSet]:
    """Yield leaks of another shape that the probe reads as well as the stated one."""
    probe, low = wanted
    for size in 0.02 * 2.0 ** (np.arange(14) / 2):
        read = [
            with_leak(
                dealt(sample, "neural", names[0], design, rng), size, rng, shape
            ).read(probe)
            for _ in range(4)
        ]
        if np.mean(read) >= low:
            break
    else:
        return
    for _ in range(2):
        data = dealt(sample, "neural", names[1], design, rng)
        yield with_leak(data, size, rng, shape)


def by_recordings(sample: Sample, seed: int) -> Iterator[dict[str, object]]:
    """State the smallest leak with few and with many recordings."""
    names = sorted(set(sample.windows.loc[sample.is_fresh, "recording"]))
    for n_animals in (4, 2):
        for n in (3, 4, 6, 8, 12, 16):
            for probe in PROBES:
                rng = np.random.default_rng([3, seed, n_animals, n])
                data = dealt(sample, "neural", names, (n_animals, n), rng)
                plan = leak_plan(data.context, data.audit, data.x, probe, "neural")
                size = smallest_leak(plan)
                low = np.nan
                if np.isfinite(size):
                    low = read_smallest(data.context, data.audit, plan, size, probe)
                excess = low - 1.0 / n_animals
                yield {
                    "animals": n_animals,
                    "probe": probe,
                    "recordings": n,
                    "excess": excess,
                    "excess * sqrt(n)": excess * np.sqrt(n),
                }


def share(found: pd.Series[bool]) -> str:
    """Return a share with its 95 % binomial interval (Clopper and Pearson)."""
    k, n = int(found.sum()), len(found)
    low, high = binomtest(k, n).proportion_ci(method="exact")
    return f"{k / n:.3f} ({low:.3f}-{high:.3f}) of {n}"


def main() -> None:
    """Run the calibration and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--deals", type=int, default=25, help="data sets without leak")
    parser.add_argument("--leaks", type=int, default=2, help="leaks of every size")
    args = parser.parse_args()
    torch.set_num_threads(1)
    alarms, leaks, counts = [], [], []
    for seed in args.seeds:
        sample = pool_of(args.folder, seed)
        with threadpool_limits(limits=1):
            alarms += list(false_alarms(sample, seed, args.deals))
            leaks += list(detections(sample, seed, args.leaks))
            counts += list(by_recordings(sample, seed))
        print(f"seed {seed} done", flush=True)
    tables = {"alarms": alarms, "leaks": leaks, "recordings": counts}
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    for name, frame in frames.items():
        frame.to_csv(args.folder / f"{name}.csv", index=False)
    report(frames["alarms"], frames["leaks"], frames["recordings"])


def report(alarms: pd.DataFrame, leaks: pd.DataFrame, counts: pd.DataFrame) -> None:
    """Print false alarms, detections, and what more recordings bring."""
    print("\nfalse alarms (p <= 0.05 without a leak):", share(alarms["alarm"]))
    by = ["stream", "probe", "design"]
    print(alarms.groupby(by, sort=False)["alarm"].agg(share).to_string())
    none = leaks[leaks["shape"] == "none stated"]
    print(f"\nno smallest leak stated: {len(none)}")
    print(none.groupby(["design", "probe"]).size().to_string())
    known = leaks[leaks["shape"] != "none stated"].astype({"found": bool})
    own = known[known["shape"] == "as embedding"]
    above = own[own["factor"] >= 1.0]
    print("\nfound at or above the smallest leak stated:", share(above["found"]))
    print(
        above.groupby(["probe", "design"], sort=False)["found"].agg(share).to_string()
    )
    print("\nby size, in units of the smallest leak stated:")
    print(own.groupby("factor")["found"].agg(share).to_string())
    print("\nleaks of other shapes, read as well as the smallest one stated:")
    rest = known[known["shape"] != "as embedding"]
    print(rest.groupby(["shape", "probe"])["found"].agg(share).to_string())
    print("\nexcess of the smallest leak over chance, by recordings per animal:")
    by = ["animals", "probe", "recordings"]
    mean = counts.groupby(by)[["excess", "excess * sqrt(n)"]].agg(["mean", "count"])
    print(mean.round(3).to_string())


if __name__ == "__main__":
    main()
