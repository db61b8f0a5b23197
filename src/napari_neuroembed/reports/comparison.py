"""One folder per comparison: tidy scores, tables, and a page that opens offline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.data.problems import counted
from napari_neuroembed.evaluation.paired import FEWEST_FOR_P
from napari_neuroembed.reports.page import Contents, page
from napari_neuroembed.reports.summary import differences, over_seeds, table_of
from napari_neuroembed.reports.tables import LAYOUTS, lines_of, markdown, reasons
from napari_neuroembed.store.run_folder import CONFIG

FILES = {
    "plan.json": "What was asked for: rows, settings, profile.",
    "tables/scores.csv": "The scores of all runs, with the row of the table and the "
    "seed of the data.",
    "tables/table.csv": "A line per row, stream, transform and seed.",
    "tables/over_seeds.csv": "Mean and sd over seeds.",
    "tables/differences.csv": "What each row has above guenel2022, by animal or seed.",
    "tables/table.md": "The two tables of the paper in Markdown.",
    "tables/report.html": "The tables with pictures; opens offline, sends nothing.",
    "tables/comparison.json": "Versions, rows that failed and why, and where runs are.",
    "tables/configs/*.yaml": "The whole configuration of every run.",
    "tables/manifest.json": "Sizes and sha256 of the files beside it.",
}
"""Files of ``compare/<name>/``."""


def write_comparison(
    folder: Path,
    projects: Mapping[int, Path],
    scores: pd.DataFrame,
    failed: Mapping[str, str],
    plan: Mapping[str, Any],
) -> None:
    """Write or replace the tables of a comparison.

    Parameters
    ----------
    folder
        ``compare/<name>`` of a project, or of a folder of projects.
    projects
        Seed of the data -> project whose runs are in the table.
    scores
        Of all runs, with `row` and `seed_of_data`.
    failed
        Run -> why it has no scores.
    plan
        What ``plan.json`` says, and the seeds.
    """
    table = table_of(scores)
    joint = over_seeds(table)
    paths = _run_paths(projects, folder.name)
    tables = folder / "tables"
    contents = Contents(
        folder.name,
        table,
        joint,
        differences(scores),
        about=_about(projects, joint, plan) + _few(projects, scores),
        chance=chance_of(scores),
        problems={**reasons(scores), **failed},
        runs={key: os.path.relpath(path, tables) for key, path in paths.items()},
    )
    with files.write_folder(tables) as build:
        scores.to_csv(build / "scores.csv", index=False)
        table.to_csv(build / "table.csv", index=False)
        joint.to_csv(build / "over_seeds.csv", index=False)
        contents.gained.to_csv(build / "differences.csv", index=False)
        (build / "table.md").write_text(_text(contents), encoding="utf-8")
        (build / "report.html").write_text(page(contents), encoding="utf-8")
        (build / "configs").mkdir()
        for (seed, run), path in paths.items():
            copy = f"{run}.yaml" if len(projects) == 1 else f"seed{seed}_{run}.yaml"
            (build / "configs" / copy).write_bytes((path / CONFIG).read_bytes())
        files.write_json(
            build / "comparison.json",
            {
                "plan": dict(plan),
                "failed": dict(failed),
                "runs": [
                    {"seed": seed, "run": run, "folder": where}
                    for (seed, run), where in contents.runs.items()
                ],
                "made_utc": files.utc_now(),
                "versions": {name: version(name) for name in _VERSIONS},
            },
        )


_VERSIONS = ("napari-neuroembed", "torch", "numpy")


def _text(contents: Contents) -> str:
    parts = [f"# {contents.name}", contents.about]
    for layout in LAYOUTS:
        lines = lines_of(contents.joint, layout)
        if len(lines):
            shown = markdown(lines, layout.columns)
            parts += [f"## {layout.title}", layout.note, shown]
    if contents.problems:
        parts.append("## Without scores")
        parts += [
            "\n".join(f"- {row}: {why}" for row, why in contents.problems.items())
        ]
    return "\n\n".join(parts) + "\n"


def _about(
    projects: Mapping[int, Path], joint: pd.DataFrame, plan: Mapping[str, Any]
) -> str:
    n = len(projects)
    own = joint[~joint["is_baseline"].astype(bool)]
    rows = counted(own["row"].nunique(), "row") + " beside baselines"
    profile = f"evaluation profile {plan['profile']}"
    if n == 1:
        return f"Project {next(iter(projects.values())).name}, {rows}, {profile}."
    names = ", ".join(str(seed) for seed in projects)
    return (
        f"{n} synthetic projects, seeds {names} of data and training, {rows}, "
        f"{profile}. Mean ± sd over seeds."
    )


def _few(projects: Mapping[int, Path], scores: pd.DataFrame) -> str:
    """Say what the number of animals does not allow."""
    animals = set(scores["held_out_animal"]) - {"", "mean"}
    if len(projects) > 1 or not animals or len(animals) >= FEWEST_FOR_P:
        return ""
    n = len(animals)
    return (
        f" {n} animals allow no statistics over animals: a score on held-out animals "
        f"is the mean of {n} numbers, and no difference between rows has a p-value."
    )


def _run_paths(projects: Mapping[int, Path], name: str) -> dict[tuple[str, str], Path]:
    return {
        (str(seed), path.name): path
        for seed, project in projects.items()
        for path in sorted((project / "runs").glob(f"{name}-*"))
        if (path / CONFIG).is_file()
    }


def chance_of(scores: pd.DataFrame) -> tuple[float, float] | None:
    """Return chance of actions (balanced) and of identity, if they are there."""
    found = []
    for task in ("action_multi", "identity"):
        own = scores[
            (scores["task"] == task)
            & (scores["metric"] == "balanced_accuracy")
            & scores["chance"].notna()
        ]
        if own.empty:
            return None
        found.append(float(np.median(own["chance"].astype(float))))
    return found[0], found[1]
