"""One folder per comparison: tidy scores, tables, and a page that opens offline."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.reports.page import page
from napari_neuroembed.reports.summary import (
    ACTIONS,
    IDENTITY,
    differences,
    markdown,
    over_seeds,
    table_of,
)
from napari_neuroembed.store.run_folder import CONFIG

FILES = {
    "plan.json": "What was asked for: rows, settings, profile.",
    "tables/scores.csv": "The scores of all runs, with the row of the table and the "
    "seed of the data.",
    "tables/table.csv": "A line per row, stream, transform and seed.",
    "tables/over_seeds.csv": "Mean and sd over seeds.",
    "tables/differences.csv": "What each row has above guenel2022, animal by animal.",
    "tables/table.md": "The two tables of the paper in Markdown.",
    "tables/report.html": "The tables with pictures; opens offline, sends nothing.",
    "tables/comparison.json": "Versions, rows that failed and why, and where runs are.",
    "tables/configs/*.yaml": "The whole configuration of every run.",
    "tables/manifest.json": "Sizes and sha256 of the files beside it.",
}
"""Files of ``compare/<name>/``."""


def write_comparison(
    folder: Path,
    projects: Sequence[Path],
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
        Projects whose runs are in the table.
    scores
        Of all runs, with `row` and `seed_of_data`.
    failed
        Row -> why it has no scores.
    plan
        What ``plan.json`` says, and the seeds.
    """
    table = table_of(scores)
    joint, gained = over_seeds(table), differences(scores)
    configs = _configs(projects, folder.name)
    text = "\n\n".join(
        [
            f"# {folder.name}",
            _facts_line(joint),
            "## Action recognition",
            markdown(joint, ACTIONS),
            "## Identity recognition",
            markdown(joint, IDENTITY),
            *_failed_lines(failed),
        ]
    )
    runs = {
        run: os.path.relpath(path, folder / "tables")
        for run, path in _run_paths(projects, folder.name).items()
    }
    with files.write_folder(folder / "tables") as build:
        scores.to_csv(build / "scores.csv", index=False)
        table.to_csv(build / "table.csv", index=False)
        joint.to_csv(build / "over_seeds.csv", index=False)
        gained.to_csv(build / "differences.csv", index=False)
        (build / "table.md").write_text(text + "\n", encoding="utf-8")
        html = page(folder.name, table, joint, gained, scores, failed, runs)
        (build / "report.html").write_text(html, encoding="utf-8")
        (build / "configs").mkdir()
        for name, config in configs.items():
            (build / "configs" / f"{name}.yaml").write_text(config, encoding="utf-8")
        about = {
            "plan": dict(plan),
            "failed": dict(failed),
            "runs": runs,
            "made_utc": files.utc_now(),
            "command": sys.argv[1:],
            "versions": {
                name: version(name) for name in ("napari-neuroembed", "torch", "numpy")
            },
        }
        files.write_json(build / "comparison.json", about)


def _facts_line(joint: pd.DataFrame) -> str:
    n = int(joint["n_seeds"].max()) if len(joint) else 0
    mean = f"Mean ± sd over {n} seeds. " if n > 1 else ""
    return (
        f"{mean}Accuracy of a linear probe unless said otherwise, with 50 % and 100 % of "
        "the labels, within an animal (single) and on a held-out animal (multi); identity: "
        "balanced accuracy of three probes on fresh recordings, balanced over actions. "
        "Encoders saw the held-out animal without labels (transductive)."
    )


def _failed_lines(failed: Mapping[str, str]) -> list[str]:
    if not failed:
        return []
    return ["## Not done", "\n".join(f"- {row}: {why}" for row, why in failed.items())]


def _run_paths(projects: Sequence[Path], name: str) -> dict[str, Path]:
    several = len(projects) > 1
    return {
        f"{project.name}/{path.name}" if several else path.name: path
        for project in projects
        for path in sorted((project / "runs").glob(f"{name}-*"))
        if (path / CONFIG).is_file()
    }


def _configs(projects: Sequence[Path], name: str) -> dict[str, str]:
    return {
        run.replace("/", "_"): (path / CONFIG).read_text("utf-8")
        for run, path in _run_paths(projects, name).items()
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
