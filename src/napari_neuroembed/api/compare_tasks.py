"""One run of a comparison: train it, judge it, and find its scores again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from napari_neuroembed.api.project import Project
from napari_neuroembed.api.run import Run
from napari_neuroembed.config import PRESETS, RunConfig
from napari_neuroembed.errors import ConfigError, DataError, NeuroembedError
from napari_neuroembed.methods import find_method
from napari_neuroembed.options.base import changed, to_dict
from napari_neuroembed.options.evaluation import EvaluationOptions, Profile
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.rows import Row
from napari_neuroembed.reports.summary import GUESSES
from napari_neuroembed.store.run_folder import RUN
from napari_neuroembed.store.schema import SCORE_COLUMNS

_WHAT = [
    *("row", "mode", "stream", "transform", "task", "target", "control", "probe"),
    *("metric", "fraction", "draw", "fold", "held_out_animal", "animal"),
]
"""Columns that say what was asked of whom."""

FAILURES = (NeuroembedError, RuntimeError, ArithmeticError, ValueError, MemoryError)
"""What ends a row and not the comparison: out of memory, an error inside torch ..."""

EVALUATION = "compare"
"""Name of the evaluation of every run of a comparison."""


@dataclass(frozen=True)
class Plan:
    """What a comparison consists of.

    Parameters
    ----------
    name
        Of the comparison, the group of its runs and the beginning of their names.
    rows
        In the order of the table.
    settings
        ``section.name=value`` of every row.
    profile
        Of the evaluation.
    budget
        A preset or a time, of every run; default the project's.
    """

    name: str
    rows: tuple[Row, ...]
    settings: tuple[str, ...] = ()
    profile: Profile = "quick"
    budget: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``plan.json`` says."""
        rows = {
            row.name: {
                "method": row.method,
                "settings": list(row.settings),
                "inductive": row.inductive,
            }
            for row in self.rows
        }
        return {
            "rows": rows,
            "settings": list(self.settings),
            "profile": self.profile,
            "budget": self.budget,
        }

    def config(self, project: Project, row: Row) -> RunConfig:
        """Return the configuration of a row."""
        words = [*self.settings, *row.settings]
        return project.config(method=row.method, budget=self.budget, settings=words)

    def options(self, base: EvaluationOptions, *, baselines: bool) -> EvaluationOptions:
        """Return how runs are judged.

        Nothing is decoded. Profile ``quick`` takes half and all of the labels, as the
        paper does, and plants no leaks.
        """
        is_quick = self.profile == "quick"
        return dataclasses.replace(
            base,
            profile=self.profile,
            fractions=(0.5, 1.0) if is_quick else None,
            leaks=0 if is_quick else base.leaks,
            decode=False,
            baselines=baselines,
        )


@dataclass(frozen=True)
class Task:
    """One run of a comparison.

    Parameters
    ----------
    row
        Line of the table it belongs to.
    run
        Name of the run.
    held_out
        Animal that the encoder never sees, or nothing.
    baselines
        Whether raw signals are judged with it; once per kind of input is enough.
    """

    row: Row
    run: str
    held_out: str = ""
    baselines: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.row.name}{f' without {self.held_out}' * bool(self.held_out)}"


def said(error: BaseException) -> str:
    """Return why a row could not be done, in one line."""
    if isinstance(error, NeuroembedError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def tasks_of(project: Project, plan: Plan) -> list[Task]:
    """Return the runs of a comparison, those that saw all animals first.

    Raises
    ------
    ConfigError, DataError
        When a setting is wrong, a row cannot be had with this project, or a recording
        is not pre-processed: nothing is trained before all was looked at.
    """
    animals = project.animals()
    _check_streams(project, plan)
    project.prepared_recordings()  # before hours of work, not after
    tasks, seen = [], set()
    for row in sorted(plan.rows, key=lambda one: one.inductive):
        if row.inductive and len(animals) < 3:
            raise ConfigError(
                f"{row.name} leaves one animal out and needs two others at least; this "
                f"project has {len(animals)}. Leave that row out."
            )
        config = plan.config(project, row)
        for animal in animals if row.inductive else [""]:
            run = f"{plan.name}-{row.name}{f'-{animal}' * bool(animal)}"
            kind = (config.normalise, animal)
            tasks.append(Task(row, run, animal, kind not in seen))
            seen.add(kind)
    return tasks


def _check_streams(project: Project, plan: Plan) -> None:
    """Refuse rows that no recording of the project has the streams for."""
    needy = [row.name for row in plan.rows if find_method(row.method).needs.pose]
    second = any(
        name.partition("_")[0] in ("pose", "scalar")
        for recording in project.recording_ids()
        for name in project.recording(recording).streams
    )
    if needy and not second:
        raise ConfigError(
            f"{', '.join(needy)}: these rows need poses or scalars beside the neural "
            "data, and this project has neither. Import them, or use "
            "--methods one_stream."
        )


def run_task(project: Project, plan: Plan, task: Task, report: Report = silent) -> None:
    """Train and judge one run, as far as that is not done.

    Raises
    ------
    NeuroembedError
        Why it cannot be done.
    """
    config = plan.config(project, task.row)
    if task.held_out:
        training = dataclasses.replace(config.training, held_out=(task.held_out,))
        config = dataclasses.replace(config, training=training)
    if (project.runs_folder / task.run / RUN).exists():
        _check_same(project.run(task.run), config)
        run = project.resume(task.run, report)
    else:
        run = project.train(config, run=task.run, group=plan.name, report=report)
    if _is_judged(run):
        return
    options = plan.options(run.config.evaluation, baselines=task.baselines)
    set_name = _calibrated_set(run, task, report) if task.held_out else "eval"
    run.evaluate(options, name=EVALUATION, set_name=set_name, report=report)


def _check_same(run: Run, config: RunConfig) -> None:
    """Refuse a run of that name that is another one than the plan's."""
    if config.preset not in PRESETS:  # the steps were calibrated to a time
        training = dataclasses.replace(config.training, steps=run.config.training.steps)
        config = dataclasses.replace(config, training=training)
    config = dataclasses.replace(config, evaluation=run.config.evaluation)
    texts = changed(to_dict(run.config), to_dict(config))
    if texts:
        raise ConfigError(
            f"Run {run.name!r} is there with another configuration "
            f"({', '.join(texts[:5])}). Delete it, or give the comparison "
            "another --name."
        )


def _calibrated_set(run: Run, task: Task, report: Report) -> str:
    """Return the set with the readout corrected for the held-out animal, if any."""
    name = f"calibrated-{task.held_out}"
    if name not in run.folder.embedding_sets():
        try:
            run.calibrate(task.held_out, set_name=name, report=report)
        except DataError:  # no poses, say; the set as it is says which step is missing
            return "eval"
    return name


def _is_judged(run: Run) -> bool:
    return (run.folder.path / "evaluation" / EVALUATION).exists()


def joined_scores(
    project: Project, tasks: Sequence[Task]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the scores of all runs that were judged, with the column `row`.

    Also returns the runs whose scores cannot be read, and why.
    """
    parts: list[pd.DataFrame] = []
    failed: dict[str, str] = {}
    for task in tasks:
        if not (project.runs_folder / task.run / RUN).exists():
            continue
        try:
            run = project.run(task.run)
            if not _is_judged(run):
                continue
            scores = run.scores(EVALUATION)
        except NeuroembedError as error:
            failed[task.label] = str(error)
            continue
        whose = zip(
            scores["method"],
            scores["normalise"],
            scores["stream"],
            scores["is_baseline"],
            strict=True,
        )
        names = [
            _baseline(method, normalise, stream) if is_baseline else task.row.name
            for method, normalise, stream, is_baseline in whose
        ]
        parts.append(scores.assign(row=names))
    if not parts:
        return pd.DataFrame(columns=[*SCORE_COLUMNS, "row"]), failed
    joined = pd.concat(parts, ignore_index=True)
    # Guesses and poses are the same with every kind of input.
    again = joined["is_baseline"] & joined.duplicated(_WHAT)
    return joined[~again].reset_index(drop=True), failed


def _baseline(method: str, normalise: str, stream: str) -> str:
    """Return the row of a baseline: what it is, and how its images were normalised."""
    is_one = method in GUESSES or stream != "neural" or normalise in ("", "none")
    return method if is_one else f"{method}, {normalise}"
