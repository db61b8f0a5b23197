"""How many labelled minutes are enough, when stretches are chosen well.

    python -m benchmarks.label_choice PROJECT RUN [PROJECT RUN ...] --page PAGE.md

A simulated rater labels stretches of 4 s of the fit recordings, eight at a time, chosen
by each strategy. It is noisy: it takes an action for another in one bout of twenty, and
sets every label by the clock of a shaky hand (sd 0.25 s). After every round a linear
probe on the frozen embedding is fitted and judged on all fresh windows by the true
labels. Prints the share of the labelled minutes after which the balanced accuracy stays
at 95 % of what all the labels of that rater give.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import napari_neuroembed as ne
from napari_neuroembed.data.splits import Split, window_roles
from napari_neuroembed.evaluation import metrics
from napari_neuroembed.evaluation.folds import runs_of_one_action
from napari_neuroembed.evaluation.next_labels import (
    STRATEGIES,
    next_stretches,
    stretches,
)
from napari_neuroembed.evaluation.probes import LinearProbe, labelled

LENGTH_S, ROUND, DRAWS = 4.0, 8, 5
WRONG, SHAKY_S, ENOUGH = 0.05, 0.25, 0.95


def rated(
    action: NDArray[np.int64],
    recording: NDArray[np.int64],
    times: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the labels of a rater who errs."""
    n_actions = int(action.max()) + 1
    bout = runs_of_one_action(recording, times, action)
    given = action.copy()
    for b in np.unique(bout[bout >= 0]):
        if generator.random() < WRONG:
            true = int(action[bout == b][0])
            others = [a for a in range(n_actions) if a != true]
            given[bout == b] = generator.choice(others)
    shaken = given.copy()
    for r in np.unique(recording):
        own = np.flatnonzero(recording == r)
        own = own[np.argsort(times[own])]
        moved = times[own] + SHAKY_S * generator.standard_normal(own.size)
        nearest = np.abs(times[own][None] - moved[:, None]).argmin(axis=1)
        shaken[own] = given[own[nearest]]
    return shaken


class Data:
    """Windows of one run, with their true actions."""

    def __init__(self, project: ne.Project, name: str, transform: str) -> None:
        run = project.run(name)
        windows, h = run.embedding(f"neural{transform}")
        actions = sorted(set(windows["action"]) - {""})
        code = windows["action"].map({a: i for i, a in enumerate(actions)})
        split = Split.from_dict(run.folder.splits())
        role = window_roles(windows, split, 2.0)
        known = code.notna().to_numpy()
        self.n_actions = len(actions)
        self.fit = np.flatnonzero(known & np.asarray(role == "fit"))
        self.fresh = np.flatnonzero(known & np.asarray(role == "fresh"))
        self.h = np.asarray(h, dtype=np.float32)
        self.action = code.fillna(-1).to_numpy(dtype=np.int64)
        self.recording = windows["recording"].factorize()[0].astype(np.int64)
        self.times = windows["center_s"].to_numpy(dtype=np.float64)

    def score(self, labels: NDArray[np.int64], used: NDArray[np.bool_]) -> float:
        """Return the balanced accuracy of a probe of these labels."""
        probe = self.probe(labels, used)
        predicted = probe.probabilities(self.h[self.fresh]).argmax(axis=1)
        counts = metrics.confusion(self.action[self.fresh], predicted, self.n_actions)
        return float(metrics.scores(counts)["balanced_accuracy"].item())

    def probe(self, labels: NDArray[np.int64], used: NDArray[np.bool_]) -> LinearProbe:
        """Return a linear probe of the labels in use."""
        probe = LinearProbe()
        rows = self.fit[used]
        data = labelled(self.h[rows], labels[used], self.n_actions)
        probe.fit(data, np.random.default_rng(0))
        return probe


def curve(
    data: Data, strategy: str, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return shares of labelled windows, scores, and the score of all labels."""
    generator = np.random.default_rng([seed, sum(map(ord, strategy))])
    rater = np.random.default_rng(seed)  # the same for every strategy
    action, recording = data.action[data.fit], data.recording[data.fit]
    times = data.times[data.fit]
    labels = rated(action, recording, times, rater)
    stretch = stretches(recording, times, LENGTH_S)
    full = data.score(labels, np.ones(data.fit.size, dtype=bool))
    used = np.isin(stretch, rater.permutation(np.unique(stretch))[:ROUND])
    shares, scores = [], []
    while True:
        shares.append(used.mean())
        scores.append(data.score(labels, used))
        if used.all():
            return np.array(shares), np.array(scores), full
        p = data.probe(labels, used).probabilities(data.h[data.fit])
        chosen = next_stretches(
            data.h[data.fit],
            stretch,
            used,
            p,
            ROUND,
            strategy=strategy,  # type: ignore[arg-type]
            generator=generator,
        )
        used |= np.isin(stretch, chosen)


def enough(
    shares: NDArray[np.float64], scores: NDArray[np.float64], full: float
) -> float:
    """Return the share from which on the score stays at 95 % of the full one."""
    below = np.flatnonzero(scores < ENOUGH * full)
    return float(
        shares[min(below[-1] + 1, len(shares) - 1)] if below.size else shares[0]
    )


def main() -> None:
    """Print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="+", metavar="PROJECT RUN")
    parser.add_argument("--transform", default="_subspace")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args()
    rows = []
    for path, name in zip(args.pairs[::2], args.pairs[1::2], strict=True):
        data = Data(ne.Project.open(path), name, args.transform)
        for draw in range(DRAWS):
            for strategy in STRATEGIES:
                shares, scores, full = curve(data, strategy, draw)
                tenth = float(np.interp(0.1, shares, scores))
                rows.append(
                    {
                        "project": Path(path).name,
                        "draw": draw,
                        "strategy": strategy,
                        "share_for_95": enough(shares, scores, full),
                        "at_tenth": tenth,
                        "full": full,
                    }
                )
    table = pd.DataFrame(rows)
    if args.csv:
        table.to_csv(args.csv, index=False)
    columns = ["share_for_95", "at_tenth", "full"]
    by = table.groupby("strategy", sort=False)[columns]
    print(by.agg(["mean", "std"]).round(3).to_string())
    wide = table.pivot_table(
        index=["project", "draw"], columns="strategy", values="share_for_95"
    )
    for strategy in [s for s in STRATEGIES if s != "random"]:
        gain = wide["random"] - wide[strategy]
        print(
            f"{strategy} against random: {gain.mean():+.3f} ± {gain.std():.3f} of the "
            f"minutes saved, in {(gain > 0).sum()} of {len(gain)} draws"
        )


if __name__ == "__main__":
    main()
